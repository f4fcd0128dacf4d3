"""Step 12: the log against what is known from outside: a checkpoint on paper or in a file, the policy's `min_size`.

A tail that was cut cleanly leaves a shorter valid log; only this step can find it.
Source: specs/verification.md section 1 step 12, specs/policy.md point 7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evidencekit.core.checkpoint import Checkpoint, check_origin, parse_checkpoint, parse_decimal
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.core.note import MAX_NOTE, parse_note
from evidencekit.core.values import decode_base64, short
from evidencekit.errors import BadArgument, FormatError
from evidencekit.verify.log_facts import Log
from evidencekit.verify.run import Run

_HEX = re.compile(r"[0-9A-Fa-f]{64}\Z")
_DASH = "\u2014".encode()
"""Begins the signature lines of a note."""
STEP = 12


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A tree head from outside."""

    origin: str | None
    """None where only size and root were typed."""
    size: int
    root: bytes


def parse_known_head(data: bytes) -> KnownHead:
    """Return the tree head that a note gives, or typed text: `[ORIGIN] SIZE ROOT`, the root in hex or base64.

    Typed text may be broken by spaces and line ends wherever it likes; hex may be typed in groups.

    Raises:
        BadArgument: U223, neither.
    """
    if len(data) <= MAX_NOTE and _DASH in data:
        try:
            tree = parse_checkpoint(parse_note(data).text)
            return KnownHead(tree.origin, _not_empty(tree.size), tree.root)
        except FormatError as error:
            raise _bad(f"This is not a checkpoint: {error.message}") from error
    try:
        return _parse_typed(data[: MAX_NOTE + 1].decode().split())
    except FormatError as error:
        raise _bad(f"This is not a checkpoint: {error.message}") from error
    except UnicodeDecodeError as error:
        raise _bad("This is not a checkpoint, but other bytes.") from error


def _parse_typed(words: list[str]) -> KnownHead:
    origin = words.pop(0) if words and "/" in words[0] and "." in words[0].partition("/")[0] else None
    if origin is not None:
        check_origin(origin)
    if len(words) < 2:
        raise FormatError("checkpoint", expected="a size and a root", found=short(" ".join(words)))
    size, text = _not_empty(parse_decimal(words[0], "size")), "".join(words[1:])
    root = bytes.fromhex(text) if _HEX.match(text) else decode_base64(text, "root")
    if len(root) != HASH_SIZE:
        raise FormatError("root", expected=f"{HASH_SIZE} bytes", found=f"{len(root)} bytes")
    return KnownHead(origin, size, root)


def _not_empty(size: int) -> int:
    """Every log begins with the empty tree: to compare with it would say nothing, and look as if it did."""
    if size == 0:
        raise FormatError("size", expected="1 or more", found="0")
    return size


def _bad(message: str) -> BadArgument:
    hint = "Give the file of a checkpoint, or type its size and root as `evidencekit checkpoint show` prints them."
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
