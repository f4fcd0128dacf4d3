"""Step 12: what is known from outside: a checkpoint on paper or in a file, a package's digest, the policy's `min_size`.

A tail that was cut cleanly leaves a shorter valid log; only this step can find it.
Source: specs/verification.md section 1 step 12, specs/policy.md point 7.
"""

from __future__ import annotations

from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.digest import sha256_hex
from evidencekit.core.note import MAX_NOTE, parse_note
from evidencekit.core.paper import KnownHead, parse_typed
from evidencekit.core.values import short
from evidencekit.errors import BadArgument, FormatError
from evidencekit.verify.log_facts import Log
from evidencekit.verify.run import Run

_DASH = "\u2014".encode()
"""Begins the signature lines of a note."""
STEP = 12


def parse_known_head(data: bytes) -> KnownHead:
    """Return the tree head that a note gives, or text that somebody typed (`core.paper`).

    Raises:
        BadArgument: U223, neither; the message names what was mistyped.
    """
    try:
        if len(data) <= MAX_NOTE and _DASH in data:
            tree = parse_checkpoint(parse_note(data).text)
            return KnownHead(tree.origin, tree.size, tree.root)
        return parse_typed(data[: MAX_NOTE + 1].decode())
    except FormatError as error:
        raise _bad(f"This is not a checkpoint: {error.message}") from error
    except UnicodeDecodeError as error:
        raise _bad("This is not a checkpoint, but other bytes.") from error


def _bad(message: str) -> BadArgument:
    hint = "Give the file of a checkpoint, or type what `evidencekit checkpoint show` printed."
    return BadArgument(message, code="U223", hint=hint)


def check_outside(run: Run, log: Log, newest: Checkpoint | None, known: KnownHead | None) -> bool:
    """Compare with what is known; tell whether there was anything to compare with."""
    compared = False
    size = 0 if newest is None else newest.size
    if known is not None:
        compared = _compare(run, log, newest, known)
    if run.policy is not None and newest is not None:
        least = run.policy.rule(newest.origin).min_size
        if least:  # 0 demands nothing
            run.did("outside")
            compared = True
            if size < least:
                run.find("E503", "policy min_size", f"at least {least} entries", f"{size} entries", step=STEP)
    return compared


def check_package_digest(run: Run, where: str, data: bytes, digest: str) -> bool:
    """Compare the bytes of package.json with the digest of the covering letter (E201); tell whether that could be done.

    It names the package's checkpoint, so the letter is something from outside that the log is compared with.
    """
    if not data:
        run.skip("completeness", "unreadable", where, "the digest that was stated could not be compared")
        return False
    found = sha256_hex(data)
    if found != digest:
        run.find("E201", where, f"SHA-256 {digest}, as the letter says", f"SHA-256 {found}", step=STEP)
    run.did("outside")
    return True


def _compare(run: Run, log: Log, newest: Checkpoint | None, known: KnownHead) -> bool:
    size = 0 if newest is None else newest.size
    where = "--since"
    if known.origin is not None and newest is not None and known.origin != newest.origin:
        # whoever gave it believes that this is that log, and it is not
        run.find("E104", where, f"the log {short(known.origin)}", f"the log {short(newest.origin)}", step=STEP)
        return False
    if known.size > size:
        run.find("E503", where, f"at least {known.size} entries", f"{size} entries", step=STEP)
        run.did("outside")
        return True
    root = log.root(known.size)
    if root is None:
        reason = f"the root of size {known.size} needs entries that cannot be read"
        run.skip("completeness", "gap", where, reason)
        return False
    if root != known.root:
        expected = f"root {known.root.hex()} at size {known.size}"
        run.find("E206", where, expected, f"root {root.hex()}", step=STEP)
    run.did("outside")
    return True
