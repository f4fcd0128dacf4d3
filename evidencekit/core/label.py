"""The code on an item's label: which exhibit of which log it is, and what was sealed of it.

    evidencekit-label/1
    unit7.example/24-117
    EX-001
    e97b5d312c07f8aa19bb40f27d6c9e055b8f2290c1d3aa170f4e6b8293a57cd8
    7f3a9c

Root of the sealed manifest, `-` where nothing is sealed, `?` where the item came from another log, in which something
may be; last the check code: the first six hex digits of SHA-256 over
the lines before it. Promise: what was mistyped is never repaired; the check code tells that something was. A label
proves nothing: whoever has a printer can make one. Source: specs/reporting.md section 6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from evidencekit.core.checkpoint import check_origin
from evidencekit.core.digest import sha256
from evidencekit.core.schema import EXHIBIT
from evidencekit.core.values import short
from evidencekit.errors import FormatError

MARK: Final = "evidencekit-label/1"
UNSEALED: Final = "-"
ELSEWHERE: Final = "?"
"""A root of another log, which was not read."""
MAX_TYPED: Final = 4096
"""Characters: a label has fewer than 600."""
_CHECK: Final = re.compile("[0-9a-f]{6}")
_ROOT: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says of an item. Well formed, not compared with any record."""

    origin: str
    """Of the log in which the item has this exhibit number."""
    item: str
    root: str | None
    """Root of the sealed manifest, hex; None where nothing is sealed; ELSEWHERE where another log may have one."""

    @property
    def check(self) -> str:
        """The code that shows a slip, and that stands for the whole label where it is typed."""
        return sha256(self._lines().encode()).hex()[:6]

    def _lines(self) -> str:
        return f"{MARK}\n{self.origin}\n{self.item}\n{self.root or UNSEALED}\n"

    def __str__(self) -> str:
        return f"{self._lines()}{self.check}\n"


@dataclass(frozen=True, slots=True)
class TypedLabel:
    """What somebody read off a label."""

    item: str
    check: str
    label: Label | None
    """None where only the exhibit and the check code were typed."""


def parse_label(text: str) -> TypedLabel:
    """Read what a QR code says, or `EX-001 7f3a9c` as it is printed; breaks, blanks in the root, capitals as you like.

    Raises:
        FormatError: it is neither, or the check code says that something was mistyped.
    """
    if len(text) > MAX_TYPED:
        raise FormatError("label", expected=f"at most {MAX_TYPED} characters", found=str(len(text)))
    match text.split():
        case [mark, origin, item, *root, check] if mark == MARK and root:
            label = Label(origin, _item(item), _root("".join(root).lower()))
            check_origin(origin)
            if _check(check) != label.check:
                expected = "the code of this origin, exhibit and root"
                raise FormatError("check", expected=expected, found=f"{short(check)}: something was mistyped")
            return TypedLabel(item, label.check, label)
        case [item, check] if item != MARK:
            return TypedLabel(_item(item), _check(check), None)
    expected = f"the lines of a QR code, the first {MARK}; or an exhibit and its check code, as in EX-001 7f3a9c"
    raise FormatError("label", expected=expected, found=short(text.strip()) if text.strip() else "nothing")


def _item(text: str) -> str:
    EXHIBIT.check(text, "exhibit")
    return text


def _root(text: str) -> str | None:
    if text == UNSEALED:
        return None
    if text == ELSEWHERE:
        return ELSEWHERE
    if not _ROOT.fullmatch(text):
        found = f"{short(text)} ({len(text)} characters)"
        raise FormatError("root", expected=f"64 hex digits, {UNSEALED} or {ELSEWHERE}", found=found)
    return text


def _check(text: str) -> str:
    if not _CHECK.fullmatch(text.lower()):
        raise FormatError("check", expected="6 digits from 0 to 9 and a to f", found=short(text))
    return text.lower()
