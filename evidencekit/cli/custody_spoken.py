"""Custody in another language than English: what `custody_view` says, and what `show` says of a case and its items.

Types of events stay as they are recorded, since options take them so; their names stand below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evidencekit.cli.hold_words import stage
from evidencekit.cli.sheet import Sheet
from evidencekit.cli.speech import spoken
from evidencekit.cli.words import header_lines, item_lines
from evidencekit.core.values import display, encode_base64, grouped

if TYPE_CHECKING:
    from evidencekit.cli.render import Screen

HEADS = ("entry", "when", "what", "items", "who", "key", "with", "where", "event")
"""Columns of `custody log`."""


def tell_status(
    sheet: Sheet, item: Mapping[str, Any], *, person: Callable[[Any], str], short: Callable[[Any], str]
) -> None:
    """Print who holds an item, and what stands open about it; `item` is as `catalogue.history.item_status` has it.

    `person` and `short` return a person and an instant as facts.
    """
    words, screen, ended, out = sheet.words, sheet.screen, item["ended"], item["out"]
    screen.say(item["item"], "bold")
    if item["unknown"] or item["holder"] is None:
        screen.say(f"  {words('holder_unknown' if item['unknown'] else 'nobody')}", "warning")
    else:
        sheet.fact(words("last_held" if ended else "held"), person(item["holder"]))
        sheet.fact(words("since"), short(item["since"]))
    if ended:
        _tell_event(sheet, "ended", ended["kind"], ended["entry"])
    sheet.facts((words("away"), display(item["away"]) if item["away"] else None))
    if out:
        sheet.fact(words("out"), person(out["to"]))
        _tell_event(sheet, "h_event", out["kind"], out["entry"], indent=4)
        if out["due"]:
            sheet.fact(words("overdue" if out["overdue"] else "due"), short(out["due"]),
                       "warning" if out["overdue"] else None, indent=4)  # fmt: skip
        else:
            screen.say(f"    {words('no_due')}")
    for offer in item["open_offers"]:
        sheet.fact(words("offered"), f"{person(offer['to'])}, {short(offer['since'])}", "warning")
    for hold in item["hold_clocks"]:
        until = f", {short(hold['until'])} ({stage(hold['stage'])})" if hold["until"] else ""
        sheet.fact(words("on_hold"), f"{display(hold['hold'])}{until}", "warning")
        if hold["stage"] == "lapsed" or hold["lapses"]:
            screen.say(f"    {words('lapsed')}", "warning")
    if item["seals"] is not None:
        sheet.fact(words("seals"), ", ".join(map(display, item["seals"])) or words("none"))
    sheet.facts((words("condition"), display(item["condition"]) if item["condition"] else None))
    for finding in item["findings"]:
        screen.say(f"  {finding['code']}  {finding['entry']}", "warning")
        screen.say(f"    {words.finding(finding['code'])}", "warning")
        sheet.facts(*((sheet.label(name), display(finding[name]) or None) for name in ("expected", "found")), indent=4)


def _tell_event(sheet: Sheet, label: str, kind: str, entry: object, *, indent: int = 2) -> None:
    sheet.fact(sheet.words(label), f"{kind} ({entry})", indent=indent)
    sheet.screen.say(f"{' ' * indent}  {event_name(sheet, kind)}")


def event_name(sheet: Sheet, kind: str) -> str:
    """Return what a type of event is called."""
    return sheet.words.word("events", kind) if sheet.words.has_word("events", kind) else sheet.label("event_unknown")


def tell_done(screen: Screen, kind: str, findings: Iterable[str] = ()) -> None:
    """Say in another language than English what was recorded, and what the rules have to say of it; in English nothing.

    `findings` are codes. The facts stand in the English lines around it.
    """
    words = spoken(screen)
    if words is None:
        return
    sheet = Sheet(screen, words)
    screen.say(f"  {event_name(sheet, kind)}")
    for code in dict.fromkeys(findings):
        screen.say(f"  {code}", "warning")
        screen.say(f"    {words.finding(code)}", "warning")


def heads_in(sheet: Sheet) -> Sequence[str]:
    """Return the heads of the columns of `custody log`; where a line of words would turn them, say them above."""
    own = [sheet.words(f"h_{name}") for name in HEADS]
    if not sheet.words.is_rtl:
        return own
    sheet.screen.say(f"{sheet.words('columns')}{sheet.label('colon')}{'، '.join(own)}")
    return HEADS


def tell_case(sheet: Sheet, facts: Mapping[str, Any]) -> None:
    """Print what `catalogue.summary.summarise` says of a case, and of each item."""
    words, label, newest = sheet.words, sheet.label, facts["checkpoint"]
    root = encode_base64(bytes.fromhex(newest["root"])) if newest else None
    sheet.facts(
        (words("case"), display(facts["reference"])),
        (words("agency"), display(facts["agency"])),
        (label("origin"), facts["origin"]),
        (words("identity"), facts["case"]),
        (label("tree_size"), f"{newest['size'] if newest else 0} / {facts['entries']}"),
        (label("root"), root),
        indent=0,
    )
    if facts["unfinished"]:
        sheet.screen.say(words("unfinished"), "warning")
    for folder in facts["acquiring"]:
        sheet.screen.say(words("acquiring"), "warning")
        sheet.screen.say(f"  work/{folder}", "warning")
    for item in facts["items"]:
        _tell_item(sheet, item)


def _tell_item(sheet: Sheet, item: Mapping[str, Any]) -> None:
    """Print an item; what the program composes about its acquisition stays in English."""
    words, screen, holder = sheet.words, sheet.screen, item["holder"]
    sheet.heading(item["item"])
    sheet.facts((words("held"), f"{display(holder['name'])} {holder['key']}" if holder else None))
    if not item["sealed"]:
        screen.say(f"  {words('not_sealed')}", "warning")
        return
    totals = item["totals"]
    _tell_totals(sheet, totals)
    screen.say(f"  {words('in_english')}{sheet.label('colon')}".rstrip())
    said = header_lines(totals, None)
    for text, style in item_lines(item):
        if (text, style) not in said:
            screen.say(f"  {text}", style)


def tell_sealed(screen: Screen, totals: Mapping[str, Any]) -> None:
    """Say in another language than English what was sealed, in numbers; `totals` as the header has them."""
    words = spoken(screen)
    if words is not None:
        _tell_totals(Sheet(screen, words), totals)


def _tell_totals(sheet: Sheet, totals: Mapping[str, Any]) -> None:
    sheet.fact(sheet.label("count_rows"), grouped(int(totals["rows"])))
    _tell_counts(sheet, "states", totals["states"].items())
    sheet.fact(sheet.label("kind"), grouped(int(totals["rows"])))
    _tell_counts(sheet, "kinds", totals["kinds"].items())


def _tell_counts(sheet: Sheet, section: str, counts: Iterable[tuple[str, str]]) -> None:
    sheet.facts(*((sheet.words.word(section, name), grouped(int(count))) for name, count in counts if int(count)),
                indent=4)  # fmt: skip
