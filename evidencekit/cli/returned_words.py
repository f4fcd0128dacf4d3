"""A provider's return beside its request, in words. Promises: pure; names are escaped; no line is wider than need be.

What is said is what the program recognised, and is called that. Source: specs/cooperation.md section 8.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evidencekit.cli.render import counted
from evidencekit.cli.words import Line
from evidencekit.core.values import display
from evidencekit.read.returned_values import Reason

_WIDTH = 79
_SHOWN_FILES = 3
_SHOWN_OTHERS = 10
_SHOWN_UNREAD = 20
_SHOWN_STRETCHES = 5
REASONS: dict[Reason, str] = {
    "altered": "not what was sealed: another size or digest",
    "changed": "changed while it was read: what was recognised may not be sealed",
    "damaged": "damaged, or of no form that its name says",
    "encoding": "not of UTF-8: what has other letters than A to Z may not be recognised",
    "encrypted": "encrypted",
    "enough": "so much was read before that this was not",
    "entries": "a zip of too many entries, or of ZIP64",
    "erased": "erased by an order",
    "form": "of a form that is not read",
    "gone": "neither in the case nor where it was taken",
    "method": "packed in a way that is not read",
    "nested": "an archive in an archive",
    "not_taken": "not taken as a whole when it was acquired",
    "pdf": "PDF: its text is not read",
    "stream": "a named stream",
    "swells": "grows beyond bounds when it is unpacked",
    "too_large": "too large, or a line, a row, or headers in it are",
    "unreadable": "the system cannot read it",
}


def return_lines(document: Mapping[str, Any]) -> Iterator[Line]:
    """Yield what `Returned.document` says."""
    yield from _head(document)
    yield from _identifiers(document["identifiers"])
    yield from _categories(document["categories"])
    yield from _period(document["period"])
    yield from _others(document["not_asked"])
    yield from _certificate(document["certificate"])
    yield from _unread(document["not_read"], document["values_cut"])


def _head(document: Mapping[str, Any]) -> Iterator[Line]:
    about = f"{document['exhibit']} beside request {display(document['reference'])}"
    yield f"{about}: what the program recognised, and no more", None
    yield f"  request   {document['sha256']}", None
    files = document["files"]
    part = f", {files['in_part']:,} in part" if files["in_part"] else ""
    unread = f"; NOT READ: {files['not_read']:,}" if files["not_read"] else ""
    yield f"  read      {counted(files['read'], 'file')}{part}{unread}", "warning" if part or unread else None
    if not document["named_by_acquisition"]:
        yield "  beware: the acquisition does not say that it answers a request", "warning"


def _identifiers(identifiers: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    yield "asked identifiers", None
    for one in identifiers:
        name = f"{one['type']:<8}{display(one['value'])}"
        other = f"with other capitals in {_places(one['other_capitals'])}" if one["other_capitals"]["count"] else ""
        if one["found"]:
            yield from _wrapped(f"  {name}: found in {_places(one)}" + (f"; {other}" if other else ""))
        else:
            what = f"so, but {other}" if other else "in what was read"
            yield from _wrapped(f"  {name}: NOT FOUND {what}", "warning")
    if not identifiers:
        yield "  none: the request names no identifier", None


def _categories(categories: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    if not categories:
        return
    yield "asked categories", None
    for one in categories:
        if one["told"] == "named":
            yield from _wrapped(f"  {one['name']}: named by {_places(one)}")
        else:
            yield f"  {one['name']}: not told: nothing in the return names it", "warning"


def _period(period: Mapping[str, Any]) -> Iterator[Line]:
    yield ("asked period" if period["asked"] else "times (the request names no period)"), None
    if not period["times"]:
        yield "  no time was recognised, so nothing can be told of it", "warning"
    else:
        yield from _wrapped(f"  earliest {display(period['earliest']['text'])}")
        yield from _wrapped(f"  latest   {display(period['latest']['text'])}")
    if period["times"] and period["asked"]:
        sums = f"{period['inside']:,} inside, {period['outside']:,} outside"
        unsure = f", {period['unsure']:,} cannot be told (no UTC offset)" if period["unsure"] else ""
        yield f"  {counted(period['times'], 'time')}: {sums}{unsure}", "warning" if period["outside"] else None
    if period["times_not_read"]:
        yield f"  {counted(period['times_not_read'], 'value')} called a time, of no form that is read", "warning"
    yield from _stretches(period["without"])


def _stretches(without: Mapping[str, Any]) -> Iterator[Line]:
    if not without["looked_for"]:
        return
    if not without["days"]:
        yield "  each day of the period has a time", None
        return
    runs = [one["first"] + (f" to {one['last']}" if one["last"] != one["first"] else "") for one in without["listed"]]
    rest = without["stretches"] - min(len(runs), _SHOWN_STRETCHES)
    more = f", and {counted(rest, 'more stretch')}" if rest == 1 else f", and {rest:,} more stretches" if rest else ""
    said = f"{counted(without['days'], 'day')} of the period (UTC) without a time: "
    yield from _wrapped(f"  {said}{', '.join(runs[:_SHOWN_STRETCHES])}{more}", "warning")


def _others(others: Mapping[str, Any]) -> Iterator[Line]:
    if not others["counts"]:
        return
    yield "not asked for, but there (those who are written to are among them)", None
    sums = ", ".join(f"{count:,} {kind}" for kind, count in others["counts"].items())
    yield from _wrapped(f"  {sums}" + (", and more that were not counted" if others["has_more"] else ""))
    for one in others["listed"][:_SHOWN_OTHERS]:
        yield from _wrapped(f"    {one['type']:<8}{display(one['value'])}  {counted(one['times'], 'time')}")
    if sum(others["counts"].values()) > _SHOWN_OTHERS:
        yield f"    the {_SHOWN_OTHERS} that are there most often; --json has up to 50", None


def _certificate(certificate: Mapping[str, Any]) -> Iterator[Line]:
    yield "certificate", None
    if certificate["count"]:
        yield from _wrapped(f"  {_places(certificate)}: by name or text; whether it is one, read it")
    else:
        said = "no file whose name or text says that it is a certificate was recognised: ask for one"
        yield from _wrapped(f"  {said}", "warning")
    yield "  which members an instrument asks of it was not checked: no table says", None


def _unread(unread: Mapping[str, Any], cut: int) -> Iterator[Line]:
    if unread["reasons"] or cut:
        yield "not read", None
    shown = unread["listed"][:_SHOWN_UNREAD]
    for reason, count in unread["reasons"].items():
        names = [one["file"] for one in shown if one["reason"] == reason]
        yield from _wrapped(f"  {count:,} {REASONS[reason]}: {', '.join(names) or '…'}", "warning")
    if sum(unread["reasons"].values()) > len(shown):
        yield "  not all of them are named here; --json names up to 100", "warning"
    if cut:
        yield f"  {counted(cut, 'value')} too long: the beginning was looked at", "warning"


def _places(place: Mapping[str, Any]) -> str:
    """Return files by their names, the first few; these are escaped already."""
    names = list(place["files"][:_SHOWN_FILES])
    rest = place["count"] - len(names)
    return ", ".join(names) + (f" and {counted(rest, 'more file')}" if rest else "")


def _wrapped(text: str, style: str | None = None) -> Iterator[Line]:
    """Yield a line in lines that a terminal holds; what follows stands further in."""
    indent = len(text) - len(text.lstrip()) + 4
    lines = textwrap.wrap(
        text, _WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False,
        drop_whitespace=True, replace_whitespace=False,
    )  # fmt: skip
    yield from ((line, style) for line in lines)
