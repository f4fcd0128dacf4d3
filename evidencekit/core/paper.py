"""A checkpoint on paper: printed so that people can copy it, and read back as people type it.

    origin    unit7.example/24-117
    size      1,204
    root      e97b5d31 2c07f8aa 19bb40f2 7d6c9e05
              5b8f2290 c1d3aa17 0f4e6b82 93a57cd8
    check     7f3a9c

Promise: whatever `format_paper` writes comes back, with any breaks, upper or lower case, without the labels, with the
root in base64. What was mistyped is never repaired: it is named, down to the group, and the check code (the first six
hex digits of SHA-256 over the note's three lines) tells that something was, even where every digit is one.
Source: specs/checkpoint.md section 13.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evidencekit.core.checkpoint import Checkpoint, check_origin, format_checkpoint, parse_decimal
from evidencekit.core.digest import sha256
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.core.values import decode_base64, encode_base64, short
from evidencekit.errors import FormatError

MAX_TYPED: Final = 1 << 14
GROUP: Final = 8
ROW: Final = 4
"""Groups on a line."""
DIGITS: Final = 2 * HASH_SIZE
CHECK_DIGITS: Final = 6
LABELS: Final = ("origin", "size", "root", "check", "keys", "recorded")
"""What a line may begin with; what stands under the last two is for people only."""
_INDENT: Final = 10
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_LOOKS_LIKE: Final = {"o": "0", "l": "1", "i": "1", "s": "5", "z": "2", "g": "9"}
_GROUPED: Final = re.compile("[0-9]{1,3}([,.'\u2019_ \u00a0\u2009\u202f])[0-9]{3}(?:\\1[0-9]{3})*")
_QR: Final = str.maketrans("\u2588\u2580\u2584", "   ")
"""The characters that a QR code is drawn with in a terminal: full, upper and lower blocks."""


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A tree head from outside. Raises FormatError for size 0."""

    origin: str | None
    """None where only size and root were typed."""
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if self.size == 0:  # every log begins with the empty tree: to compare with it would say nothing
            raise FormatError("size", expected="1 or more", found="0")


def check_code(tree: Checkpoint) -> str:
    """Return the code that shows a slip of the pen."""
    return sha256(format_checkpoint(tree).encode()).hex()[:CHECK_DIGITS]


def root_groups(root: bytes) -> list[str]:
    """Return a root as eight groups of eight hex digits."""
    return [root.hex()[at : at + GROUP] for at in range(0, DIGITS, GROUP)]


def format_paper(tree: Checkpoint, *notes: tuple[str, str]) -> list[str]:
    """Return the lines for the paper record; `notes` are further labels (of LABELS) and texts, for people only."""
    groups = root_groups(tree.root)
    rows = [" ".join(groups[at : at + ROW]) for at in range(0, len(groups), ROW)]
    fields = (("origin", tree.origin), ("size", f"{tree.size:,}"), ("root", rows[0]), *(("", row) for row in rows[1:]))
    return [f"{label:<{_INDENT}}{text}" for label, text in (*fields, ("check", check_code(tree)), *notes)]


def parse_typed(text: str) -> KnownHead:
    """Read a checkpoint as people type it: `[ORIGIN] SIZE ROOT`, or with the labels of `format_paper`, or both.

    Raises:
        FormatError: something is missing, stands there twice in two ways, or was mistyped; the size is 0.
    """
    if len(text) > MAX_TYPED:
        raise FormatError("checkpoint", expected=f"at most {MAX_TYPED} characters", found=str(len(text)))
    fields = _fields(text.translate(_QR))
    plain = _parse_plain(fields[""]) if fields.get("", "").strip() else None
    if "size" not in fields and "root" not in fields:
        head = plain
        if head is None:
            raise FormatError("checkpoint", expected="a size and a root", found="nothing")
    else:
        head = KnownHead(_origin(fields.get("origin")), _size(fields.get("size", "")), _root(fields.get("root", "")))
        if plain is not None:
            origin = head.origin or plain.origin
            if plain not in {KnownHead(one, head.size, head.root) for one in (origin, None)}:
                raise FormatError("checkpoint", expected="the same origin, size and root in both forms", found="others")
            head = KnownHead(origin, head.size, head.root)
    if "check" in fields:
        _check(head, "".join(fields["check"].split()).lower())
    return head


def _fields(text: str) -> dict[str, str]:
    """Split at the labels; what stands before the first is under the empty one."""
    fields = {"": ""}
    label = ""
    for line in text.splitlines():
        words = line.split(None, 1)
        name = words[0].rstrip(":").lower() if words else ""
        if name in LABELS:
            if name in fields:
                raise FormatError(f"checkpoint {name}", expected="it once", found="it twice")
            label, line = name, "".join(words[1:])  # noqa: PLW2901 (the rest of it)
            fields[label] = ""
        fields[label] += line + "\n"
    return fields


def _parse_plain(text: str) -> KnownHead:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first, *rest = lines[0].split(None, 1)
    origin = first if "/" in first and "." in first.partition("/")[0] else None
    if origin is not None:
        check_origin(origin)
        lines[:1] = rest
    if not lines:
        raise FormatError("checkpoint", expected="a size and a root", found="an origin only")
    if len(lines) == 1 or not _GROUPED.fullmatch(lines[0]):  # a size with blanks in it fills its line
        lines[:1] = lines[0].split(None, 1)
    if len(lines) < 2:
        raise FormatError("checkpoint", expected="a size and a root", found=short(lines[0]))
    return KnownHead(origin, _size(lines[0]), _root(" ".join(lines[1:])))


def _origin(text: str | None) -> str | None:
    if text is None:
        return None
    check_origin(text.strip())
    return text.strip()


def _size(text: str) -> int:
    text = text.strip()
    grouped = _GROUPED.fullmatch(text)
    return parse_decimal(text.replace(grouped[1], "") if grouped else text, "size")


def _root(text: str) -> bytes:
    words = text.replace("-", " ").split()
    joined = "".join(words)
    if not joined:
        raise FormatError("root", expected=f"{DIGITS} hex digits, or base64", found="nothing")
    if "=" in joined or 4 * sum(char in _HEX for char in joined) < 3 * len(joined):
        return _base64_root(joined)
    groups = words if len(words) > 1 else [joined[at : at + GROUP] for at in range(0, len(joined), GROUP)]
    for number, group in enumerate(groups, 1):
        for char in group:
            if char not in _HEX:
                like = _LOOKS_LIKE.get(char.lower())
                found = f"{short(char)} in {short(group)}" + (f" (is it {like}?)" if like else "")
                raise FormatError(f"root, group {number}", expected="digits from 0 to 9 and a to f", found=found)
    if len(joined) != DIGITS:
        odd = [number for number, group in enumerate(groups, 1) if len(group) != GROUP]
        where = f", group {odd[0]} has {len(groups[odd[0] - 1])}" if len(groups) == DIGITS // GROUP and odd else ""
        raise FormatError("root", expected=f"{DIGITS} digits", found=f"{len(joined)} in {len(groups)} groups{where}")
    return bytes.fromhex(joined)


def _base64_root(text: str) -> bytes:
    length = len(encode_base64(bytes(HASH_SIZE)))
    if len(text) != length:
        raise FormatError("root", expected=f"{length} characters of base64", found=f"{len(text)}")
    root = decode_base64(text, "root")
    if len(root) != HASH_SIZE:
        raise FormatError("root", expected=f"{HASH_SIZE} bytes", found=f"{len(root)} bytes")
    return root


def _check(head: KnownHead, code: str) -> None:
    if len(code) != CHECK_DIGITS or not set(code) <= _HEX:
        raise FormatError("check", expected=f"{CHECK_DIGITS} digits from 0 to 9 and a to f", found=short(code))
    if head.origin is None:
        raise FormatError("origin", expected="the origin, too: the check code covers it", found="none")
    tree = Checkpoint(head.origin, head.size, head.root)
    if check_code(tree) != code:
        groups = {group for group, slip in _slips(tree) if check_code(slip) == code}
        where = f"; group {groups.pop()} of the root would explain it" if len(groups) == 1 else ""
        expected = "the code of this origin, size and root"
        raise FormatError("check", expected=expected, found=f"{code}: something was mistyped{where}")


def _slips(tree: Checkpoint) -> Iterator[tuple[int, Checkpoint]]:
    """Give each root that differs by one digit or by two neighbours in the wrong order, and the group."""
    digits = tree.root.hex()
    for at in range(DIGITS):
        changed = [digits[:at] + digit + digits[at + 1 :] for digit in "0123456789abcdef"]
        changed.append(digits[:at] + digits[at : at + 2][::-1] + digits[at + 2 :])
        for root in changed:
            yield at // GROUP + 1, Checkpoint(tree.origin, tree.size, bytes.fromhex(root))
