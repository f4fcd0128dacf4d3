"""README.txt of a package: what it is, and how to check it without believing whoever made it."""

README = b"""\
This folder is a package of digital evidence, made by evidencekit. It is a BagIt 1.0 bag (RFC 8493).

  data/       files, under names that every system can hold; evidence/records.jsonl has their names as they were
  evidence/   what proves that they are those that were sealed: records, proofs, custody, signatures

Nothing in here needs to be believed. To check it:

  evidencekit verify PACKAGE --policy DIR      signatures, custody, proofs, and every byte
  sha256sum -c manifest-sha256.txt             that no file of data/ was damaged on the way; nothing more

Two other verifiers, written apart from evidencekit, need nothing of it installed:

  verify.html             a browser opens it from the disk, without a network: drop this package on it
  verify_evidence.py      python3 verify_evidence.py PACKAGE --policy DIR (Python 3.8 or newer, and nothing else)

No verifier is in this package, since a forged package would bring a forged verifier. Get one from where your office
gets its programs, never from whoever sent you the package, and compare its SHA-256 with SHA256SUMS, which is published
with the releases of evidencekit; ask somebody else who has it what theirs is. Any other program that follows the
published specification will do. A policy says whom you believe: `evidencekit policy new`.

The package digest is the SHA-256 of evidence/package.json. It should be the one in the letter that came with this:

  sha256sum evidence/package.json

What was withheld is counted in evidence/withheld.json, with the grounds. Nothing of it is in this package.
"""
