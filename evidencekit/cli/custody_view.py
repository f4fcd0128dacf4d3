"""`evidencekit custody status` and `log`: who holds what now, and how that came about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.custody_spoken import HEADS, event_name, heads_in, tell_status
from evidencekit.cli.hold_words import source, status_line
from evidencekit.cli.options import case_argument, output
from evidencekit.cli.render import Screen
from evidencekit.cli.sheet import Sheet
from evidencekit.cli.speech import spoken
from evidencekit.core.finding import Finding
from evidencekit.core.values import display

if TYPE_CHECKING:
    from evidencekit.catalogue.history import Told
    from evidencekit.read.texts import Texts

_UNFINISHED = "UNFINISHED: entries above the newest checkpoint are not shown: evidencekit checkpoint finish"
_PAD = " " * 9
_BELIEVED = "Recorded, not verified: run `evidencekit verify` for that."


@click.command()
@case_argument
@click.option("--item", metavar="EX-001", help="Only this item.")
@output
def status(case: Path, item: str | None, screen: Screen) -> int:
    """Show who holds each item now, who has it in his hands, what is offered, out, overdue, under hold.

    Keys are those of the events about the item; where such a key was replaced since, the key in use stands beside it
    (--json: key_in_use).

    \b
    Examples:
      evidencekit custody status CASE
      evidencekit custody status CASE --item EX-001 --json

    Exit codes: 0 shown · 2 no such item · 4 not a case, or it cannot be read.
    """
    from evidencekit.catalogue.history import item_status, read_history
    from evidencekit.journeys.holds_told import clocks_of

    history = read_history(case, item)
    now = surroundings.clock()
    clocks = clocks_of(history, now)
    names = [name for name in sorted(history.custody.items) if item in {None, name}]
    items = [
        item_status(history, history.custody.items[name], now) | {"hold_clocks": clocks.get(name, [])} for name in names
    ]
    words = spoken(screen)
    for one in items:
        if words is None:
            for line in _status_lines(one):
                screen.say(*line)
        else:
            tell_status(Sheet(screen, words), one, person=_person, short=_short)
    _say_end(screen, history.unfinished, words)
    screen.document({"items": items, "origin": history.origin, "size": history.size, "unfinished": history.unfinished})
    return 0


def _status_lines(item: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    ended, out = item["ended"], item["out"]
    yield f"{item['item']}  {_held(item)}", None
    if ended:
        yield f"  ended     by {ended['kind']} (entry {ended['entry']})", None
    if item["away"]:
        yield f"  custody goes on in the log {display(item['away'])}", None
    if out:
        due = f", due {_short(out['due'])}" if out["due"] else ", no date agreed"
        late = "  OVERDUE" if out["overdue"] else ""
        yield (
            f"  out       with {_person(out['to'])} by {out['kind']} (entry {out['entry']}){due}{late}",
            ("warning" if late else None),
        )
    for offer in item["open_offers"]:
        yield f"  offered   to {_person(offer['to'])} on {_short(offer['since'])} (entry {offer['entry']})", "warning"
    yield from map(status_line, item["hold_clocks"])
    if item["seals"] is not None:
        yield f"  seals     {', '.join(map(display, item['seals'])) or 'none'}", None
    if item["condition"]:
        yield f"  condition {display(item['condition'])}", None
    for finding in item["findings"]:
        title = Finding(finding["code"], "").title
        said = f"expected {display(finding['expected'])}, found {display(finding['found'])}"
        yield f"  {finding['code']}      entry {finding['entry']}: {title}: {said}", "warning"


def _held(item: dict[str, Any]) -> str:
    if item["unknown"]:
        return "nobody can say who holds it: an event of an unknown type is about it"
    if item["holder"] is None:
        return "held by nobody"
    held = f"held by {_person(item['holder'])} since {_short(item['since'])}"
    return held if item["ended"] is None else f"is no more; it was last {held}"


@click.command()
@case_argument
@click.option("--item", metavar="EX-001", help="Only this item's story.")
@output
def log(case: Path, item: str | None, screen: Screen) -> int:
    """Tell the story of the items, or of one: when, who, what, where, with whom, in what state.

    Times are UTC. Late entries are marked; a correction stands beside what it corrects. KEY begins the fingerprint of
    the key that signed, EVENT the SHA-256 of what was signed.

    \b
    Examples:
      evidencekit custody log CASE
      evidencekit custody log CASE --item EX-001

    Exit codes: 0 shown · 2 no such item · 4 not a case, or it cannot be read.
    """
    from evidencekit.catalogue.history import read_history
    from evidencekit.read.bidi import width_of

    history = read_history(case, item)
    words = spoken(screen)
    sheet = None if words is None else Sheet(screen, words)
    heads = HEADS if sheet is None else heads_in(sheet)
    rows = [_row(one) for one in history.told]
    widths = [max(map(width_of, column)) for column in zip(heads, *rows, strict=True)]
    screen.say(_line(heads, widths))
    for one, row in zip(history.told, rows, strict=True):
        screen.say(_line(row, widths))
        if sheet is not None:
            screen.say(_PAD + event_name(sheet, one.event["type"]))
        for line in _details(one):
            screen.say(*line)
    _say_end(screen, history.unfinished, words)
    screen.document(
        {"events": [one.as_record() for one in history.told], "item": item, "origin": history.origin,
         "size": history.size, "unfinished": history.unfinished}
    )  # fmt: skip
    return 0


def _line(cells: Sequence[str], widths: list[int]) -> str:
    from evidencekit.read.bidi import width_of

    return "  ".join(cell + " " * (width - width_of(cell)) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _row(one: Told) -> tuple[str, ...]:
    event, body = one.event, one.body
    other = body.get("to") or body.get("offered_by") or body.get("answered_by") or ""
    items = event["items"]
    return (
        str(one.entry),
        _short(event["occurred_at"]["time"]) + ("*" if one.is_late else ""),
        event["type"],
        display(", ".join(items[:3])) + (f" and {len(items) - 3} more" if len(items) > 3 else ""),
        display(event["actor"]["id"]),
        event["actor"]["key"].removeprefix("SHA256:")[:8],
        display(other["id"] if isinstance(other, dict) else other),
        display(_text(body.get("place") or body.get("destination"))),
        one.digest[:8],
    )


_SHOWN = {
    "purpose": "purpose", "authority": "authority", "reason": "reason", "text": "says", "what": "what",
    "description": "description", "location": "location", "carrier": "carrier", "tracking": "tracking", "bag": "bag",
    "method": "method", "result": "result", "tool": "tool", "hold": "hold", "instrument": "instrument",
    "digests_checked": "digests checked", "legal_channel": "legal channel", "use_limits": "use limits",
    "notes": "notes",
}  # fmt: skip
"""Fields of texts that are shown, and their words."""


def _details(one: Told) -> Iterator[tuple[str, str | None]]:
    """Yield what does not fit into the row: state, purpose, what was refused; then marks and corrections."""
    event, body = one.event, one.event["body"]
    said = [
        *_changes(body),
        *(f"{word} {display(_text(body[name]))}" for name, word in _SHOWN.items() if _text(body.get(name))),
    ]
    said += [f"{name} {_short(body[name]['time'])}" for name in ("due", "until") if isinstance(body.get(name), dict)]
    said += [f"rests on {source(body['basis'])}"] if isinstance(body.get("basis"), dict) else []
    said += [f"request {body['request']}"] if isinstance(body.get("request"), str) else []
    said += [f"witness {display(who['id'])}" for who in body.get("witness", []) if isinstance(who, dict)]
    said += [f"refused {display(each['item'])}: {display(each['reason'])}" for each in body.get("refused", [])]
    if said:
        yield _PAD + "; ".join(said), None
    if one.is_late:
        yield f"{_PAD}* LATE: {event['time_class']} time; recorded {_short(one.recorded_at)}", "warning"
    if "corrects" in body:
        yield f"{_PAD}corrects entry {body['corrects']['entry']}", None
    for later in one.corrections:
        text = display(_text(later.event["body"].get("text")))
        yield f"{_PAD}CORRECTED by entry {later.entry}, {display(later.event['actor']['id'])}: {text}", "warning"
    for later in one.countersigned:
        yield f"{_PAD}countersigned by {display(later.event['actor']['id'])}, entry {later.entry}", None
    for remark in one.remarks:
        title = Finding(remark.code, "").title
        found = f"expected {display(remark.expected)}, found {display(remark.found)}"
        yield f"{_PAD}{remark.code} {remark.item or 'the log'}: {title}: {found}", "warning"


def _changes(body: dict[str, Any]) -> Iterator[str]:
    """Yield condition and physical seals, before and after."""
    for name, word in (("condition", "condition"), ("seals", "seals")):
        before, after = (_state(body.get(f"{name}_{when}")) for when in ("before", "after"))
        if before is not None or after is not None:
            yield f"{word} {before or '?'}" + (f" → {after}" if after is not None else "")
    if isinstance(body.get("seals"), list):
        yield f"seals {_state(body['seals'])}"


def _state(value: Any) -> str | None:
    if isinstance(value, list):
        return ", ".join(display(str(one)) for one in value) or "none"
    return None if value is None else display(str(value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _person(person: dict[str, str]) -> str:
    now = f" (key now {person['key_in_use']})" if "key_in_use" in person else ""
    return f"{display(person['name'])} {person['key']}{now}"


def _short(instant: str | None) -> str:
    """Return an instant to the second, as people read it."""
    return "?" if instant is None else instant[:19].replace("T", " ")


def _say_end(screen: Screen, unfinished: bool, words: Texts | None) -> None:
    if unfinished:
        screen.say(_UNFINISHED if words is None else words("unfinished"), "warning")
    screen.say()
    screen.say(_BELIEVED if words is None else words("recorded_only"))
