"""Selections: the rows that a part of an item consists of, one line a row. Pure.

Source: specs/manifest.md section 11.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from evidencekit.core.values import parse_count, short
from evidencekit.errors import FormatError

SELECTED_TYPE = "evidencekit/selected/1"
MAX_LINE = 512
"""Bytes of a line with its end; a line in its only form has fewer."""
_HEX = "[0-9a-f]{64}"
_LINE = re.compile(
    rf'\{{"_t":"{SELECTED_TYPE}","base_root":"({_HEX})","index":"(0|[1-9][0-9]{{0,18}})","leaf":"({_HEX})"\}}'.encode()
)


class SelectedRow(NamedTuple):
    """One line."""

    base_root: str
    index: int  # type: ignore[assignment]  # the format's word; nobody searches a line as a sequence
    leaf: bytes
    """Leaf hash, 32 bytes."""


class Selected(NamedTuple):
    """The rows of an item that a part is made of, as an event says it."""

    part: str
    base_root: str
    root: str
    rows: int
    list_sha256: str
    list_bytes: int


class Split(NamedTuple):
    """A `split` or `copy` event whose parts are selections."""

    entry: int
    is_copy: bool
    """The rows stay with the item."""
    parent: str
    parts: tuple[Selected, ...]


def encode_selected(row: SelectedRow) -> bytes:
    """Return a line without its end: the canonical record, built by hand."""
    return (
        f'{{"_t":"{SELECTED_TYPE}","base_root":"{row.base_root}","index":"{row.index}","leaf":"{row.leaf.hex()}"}}'
    ).encode()


def decode_selected(line: bytes, place: str) -> SelectedRow:
    """Return what a line without its end says.

    Raises:
        FormatError: it is not in its only form.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        raise FormatError(place, expected=f"a record {SELECTED_TYPE} in its only form", found=short(line))
    return SelectedRow(found[1].decode(), int(found[2]), bytes.fromhex(found[3].decode()))


def split_of(index: int, event: dict[str, Any]) -> Split:
    """Return what a `split` or `copy` event of a known form, entry `index`, says of selections."""
    named = ((part["item"], part["selection"]) for part in event["body"]["parts"] if "selection" in part)
    parts = tuple(
        Selected(
            item,
            one["base_root"],
            one["root"],
            parse_count(one["rows"]),
            one["list"]["sha256"],
            parse_count(one["list"]["bytes"]),
        )
        for item, one in named
    )
    return Split(index, event["type"] == "copy", event["items"][0] if event["items"] else "", parts)
