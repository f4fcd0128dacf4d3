"""Forms of certificates, read from TOML: wording with slots. Pure, over bytes.

Promises: a name or member that is not known is refused, never left out; a slot is a name of `slots.SLOTS` in braces
and nothing else, so that no form can run anything, and no value of a case is ever read as a form.
Source: specs/reporting.md section 5.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from evidencekit.core.schema import TEXT, Form, Record, array, matching, one_of
from evidencekit.core.values import display, harmless
from evidencekit.errors import BadArgument, FormatError
from evidencekit.report.slots import SLOTS

MAX_FORM = 1 << 18
"""Bytes of a form's file."""
MARKS = ("confirmed", "unconfirmed", "none")
_SLOT = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[a-z0-9]{1,20}(-[a-z0-9]{1,20}){0,5}\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?\Z")

BlockKind = Literal["text", "field", "blank", "recorded", "choose", "table"]


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of wording: `text`, or the name of a slot."""

    text: str = ""
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a labelled value, a blank, boxes or a table."""

    kind: BlockKind
    label: str = ""
    runs: tuple[Run, ...] = ()
    slot: str | None = None
    boxes: tuple[tuple[str, str], ...] = ()
    """Value of the record, and label; the value is empty where a person ticks."""
    other: str = ""
    """Label of the box for recorded values that have none of their own."""


@dataclass(frozen=True, slots=True)
class Part:
    """Blocks under a heading."""

    heading: str
    each_item: bool
    """Whether it is repeated for each item."""
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class CertificateForm:
    """A form, and where its wording comes from."""

    id: str
    title: str
    language: str
    """Of the wording, as `lang` of HTML has it (BCP 47)."""
    instrument: str
    citation: str
    version: str
    mark: Literal["confirmed", "unconfirmed", "none"]
    """Whether somebody compared the wording with the official text; `none`: there is no official text."""
    note: str
    parts: tuple[Part, ...]
    own: bool
    """It came from a user, not with the program."""


def _check_words(value: Any, place: str) -> None:
    TEXT.check(value, place)
    if not value.strip():
        raise FormatError(place, expected="text that is not empty", found="nothing")
    if harmless(value) != value:
        raise FormatError(place, expected="no controls, and nothing that moves or hides text", found=display(value))


_WORDS = Form("text that is not empty", _check_words)
_BLOCKS: dict[BlockKind, Record] = {
    "text": Record(None, required={"text": _WORDS}),
    "field": Record(None, required={"field": _WORDS, "value": _WORDS}),
    "blank": Record(None, required={"blank": _WORDS, "label": _WORDS}),
    "recorded": Record(
        None, required={"recorded": _WORDS, "boxes": array(array(_WORDS, least=2, most=2), least=1), "other": _WORDS}
    ),
    "choose": Record(None, required={"choose": array(_WORDS, least=1)}),
    "table": Record(None, required={"table": _WORDS}),
}


def _check_block(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise FormatError(place, expected="a table", found="something else")
    _BLOCKS[_kind(value, place)].check(value, place)


def _kind(block: dict[str, Any], place: str) -> BlockKind:
    """Return which kind of block it is: each has a member of that name, and just one."""
    kinds = [kind for kind in _BLOCKS if kind in block]
    if len(kinds) != 1:
        found = ", ".join(kinds) or ", ".join(map(display, sorted(block))) or "nothing"
        raise FormatError(place, expected=f"one of {', '.join(_BLOCKS)}", found=found)
    return kinds[0]


_PART = Record(
    None,
    required={"block": array(Form("a block", _check_block), least=1)},
    optional={"heading": _WORDS, "each": one_of("item")},
)
_FORM = Record(
    None,
    required={
        "id": matching("a name as fre-902-14", _NAME),
        "title": _WORDS,
        "language": matching("a language as en", _LANGUAGE),
        "instrument": _WORDS,
        "citation": _WORDS,
        "version": _WORDS,
        "mark": one_of(*MARKS),
        "part": array(_PART.form("a part"), least=1),
    },
    optional={"note": _WORDS},
)


def read_form(data: bytes, name: str, *, own: bool = False) -> CertificateForm:
    """Return the form that a file holds; `name` is the file's, for messages.

    Raises:
        BadArgument: U621, it is not a form; the message names the place.
    """
    try:
        found = _parsed(data)
        _FORM.check(found)
        return CertificateForm(
            **{key: found[key] for key in ("id", "title", "language", "instrument", "citation", "version", "mark")},
            note=found.get("note", ""),
            parts=tuple(_part(part, f"part[{number}]") for number, part in enumerate(found["part"])),
            own=own,
        )
    except FormatError as error:
        hint = "`evidencekit certificate --list --json` names every slot."
        raise BadArgument(f"{display(name)}: {error.message}", code="U621", hint=hint) from error


def known_forms() -> dict[str, CertificateForm]:
    """Return the forms that come with the program, by their id."""
    folder = resources.files(__package__) / "forms"
    files = [path for path in folder.iterdir() if path.name.endswith(".toml")]
    forms = [read_form(path.read_bytes(), path.name) for path in files]
    return {form.id: form for form in sorted(forms, key=lambda form: form.id)}


def _parsed(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_FORM:
        raise FormatError("file", expected=f"at most {MAX_FORM} bytes", found="more")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))  # some editors begin a file with a byte order mark
    except (ValueError, RecursionError) as error:  # UTF-8, TOML, a number of thousands of digits, a deep nest
        raise FormatError("file", expected="TOML in UTF-8", found=display(str(error))) from error


def _part(found: dict[str, Any], place: str) -> Part:
    each = "each" in found
    blocks = [_block(block, f"{place}.block[{number}]", each) for number, block in enumerate(found["block"])]
    return Part(found.get("heading", ""), each, tuple(blocks))


def _block(found: dict[str, Any], place: str, each: bool) -> Block:
    match kind := _kind(found, place):
        case "text":
            return Block(kind, runs=_runs(found["text"], f"{place}.text", each))
        case "field":
            return Block(kind, found["field"], _runs(found["value"], f"{place}.value", each))
        case "blank":
            return Block(kind, found["label"], slot=_slot(found["blank"], f"{place}.blank", each, "person"))
        case "recorded":
            slot = _slot(found["recorded"], f"{place}.recorded", each, "boxes")
            boxes = tuple((value, label) for value, label in found["boxes"])
            return Block(kind, slot=slot, boxes=boxes, other=found["other"])
        case "choose":
            return Block(kind, boxes=tuple(("", label) for label in found["choose"]))
        case "table":
            return Block(kind, slot=_slot(found["table"], f"{place}.table", each, "table"))


def _runs(text: str, place: str, each: bool) -> tuple[Run, ...]:
    """Return wording in pieces; a brace that is no slot's is a slip, and would stand on paper as one."""
    runs = []
    for number, piece in enumerate(_SLOT.split(text)):
        if number % 2:
            runs.append(Run(slot=_slot(piece, place, each, "text", "person")))
        elif "{" in piece or "}" in piece:
            raise FormatError(place, expected="a slot as {item.make}", found="a single brace")
        elif piece:
            runs.append(Run(piece))
    return tuple(runs)


def _slot(name: str, place: str, each: bool, *kinds: str) -> str:
    slot = SLOTS.get(name)
    if slot is None or slot.kind not in kinds:
        fits = ", ".join(one.name for one in SLOTS.values() if one.kind in kinds)
        raise FormatError(place, expected=f"one of {fits}", found=display(name) or "nothing")
    if slot.of_item and not each:
        raise FormatError(place, expected='each = "item" in the part', found=name)
    return name
