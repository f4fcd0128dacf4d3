"""README.txt of a package: what it is, and how to check it without believing whoever made it."""

README = b"""\
This folder is a package of digital evidence, made by evidencekit. It is a BagIt 1.0 bag (RFC 8493).

  data/       files, under names that every system can hold; evidence/records.jsonl has their names as they were
  evidence/   what proves that they are those that were sealed: records, proofs, custody, signatures

Nothing in here needs to be believed. To check it:

  evidencekit verify PACKAGE --policy DIR      signatures, custody, proofs, and every byte
  sha256sum -c manifest-sha256.txt             that no file of data/ was damaged on the way; nothing more

The verifier is not in this package, since a forged package would bring a forged verifier. Get evidencekit from where
your office gets its programs, and compare its SHA-256 with the one that is published with its releases; or use any
other program that follows its published specification. A policy says whom you believe: `evidencekit policy new`.

The package digest is the SHA-256 of evidence/package.json. It should be the one in the letter that came with this:

  sha256sum evidence/package.json

What was withheld is counted in evidence/withheld.json, with the grounds. Nothing of it is in this package.
"""
