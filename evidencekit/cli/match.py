"""`evidencekit match`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.render import Screen, counted
from evidencekit.cli.signing import Signing, signing
from evidencekit.cli.speech import tell
from evidencekit.core.values import display, read_name

if TYPE_CHECKING:
    from evidencekit.acquire.comparison import Answer
    from evidencekit.journeys.match import ListMatched

DONE_WITH_OMISSIONS = 6
SHOWN = 100
"""Names of each result that a person is shown; --json gives all of them."""
FORMATS = ("auto", "hashdeep", "md5sum", "sha1sum", "sha256sum", "sha512sum", "b3sum", "bsd", "csv")
_RESULTS = {
    "same": "listed under this path, all digests equal",
    "differs": "listed under this path, something differs",
    "moved": "listed under another path only",
    "not_listed": "neither path nor content is listed",
    "not_comparable": "not wholly read, or listed without a digest that both have",
}


@click.command("match")
@case_argument
@click.argument("listed", metavar="LIST", type=PATH)
@click.option("--exhibit", metavar="EX-001", help="What to compare it with, where several are sealed.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="auto", show_default=True, help="Form of LIST.")
@click.option("--strip", default="", metavar="PREFIX", help="What the names in LIST begin with, to be taken away.")
@click.option("--under", default="", metavar="PATH", help="LIST speaks of this folder of the exhibit only.")
@signing
@output
def match(case: Path, listed: Path, signs: Signing, screen: Screen, **options: Any) -> int:
    """Compare LIST, which another tool made, with a sealed exhibit; the results are sealed, too.

    LIST is of hashdeep, of sha256sum and its like (--tag, too), or a table with a header row, as programs export it.
    Digests are compared with those of their own kind only. Names are tried as they are, without the source's path or
    name, and with / for \\; the way by which most are paths of the exhibit is taken, shown and recorded.

    \b
    Examples:
      evidencekit match CASE old.hashdeep --signer examiner
      evidencekit match CASE export.csv --strip 'C:\\Users' --under Users --signer examiner
      evidencekit match CASE md5.txt --exhibit EX-002 --format md5sum --signer examiner --json

    A row has one result: same, differs, moved (listed under another path only), not_listed, not_comparable. Entries of
    LIST to which no row answers are missing. `find --match differs` finds the rows again.

    Exit codes: 0 done, whatever came out · 2 usage, or nothing to compare · 4 could not finish · 5 refused
    · 6 done, but lines of LIST were not understood, or rows could not be compared.
    """
    from evidencekit.acquire.match import Asked
    from evidencekit.journeys.match import ListMatch, match_list

    person = signs.person()
    ledger = signs.ledger(case)
    asked = Asked(listed, options["form"], os.fsencode(options["under"]), os.fsencode(options["strip"]))
    with screen.progress("match") as meter:
        journey = match_list(
            ledger,
            ListMatch(asked, surroundings.program(), options["exhibit"]),
            signer=person,
            actor=signs.actor(person),
            clock=surroundings.clock,
            random=surroundings.random,
            utc_offset_min=surroundings.utc_offset_min(),
            progress=lambda what, count: meter.tell(f"{count:,} {what}"),
        )
        with journey as done:
            meter.end()
            return _conclude(screen, listed, done)


def _conclude(screen: Screen, listed: Path, done: ListMatched) -> int:
    """Say what came of it; return the exit code."""
    header = done.matched.taken.header_record
    results = {name: int(header["totals"][name]) for name in _RESULTS}
    match = header["match"]
    if screen.as_json:
        screen.rows(_document(done, header, results), "rows", map(_row, done.matched.answers()))
    else:
        _say_list(screen, listed, done, header)
        _say_results(screen, results, match)
        _say_names(screen, done)
        screen.result(
            f"sealed {done.exhibit}: {counted(sum(results.values()), 'row')} compared, checkpoint {done.newest.size}, "
            f"manifest root {done.matched.taken.root.hex()}"
        )
    in_part = match["unreadable_lines"] != "0" or results["not_comparable"] > 0
    tell(screen, "list_compared")
    if in_part:
        tell(screen, "list_in_part")
    return DONE_WITH_OMISSIONS if in_part else 0


def _document(done: ListMatched, header: dict[str, Any], results: dict[str, int]) -> dict[str, Any]:
    """Return the JSON document without the rows that follow it."""
    match, matched = header["match"], done.matched
    return {
        "checkpoint": {"origin": done.newest.origin, "root": done.newest.root.hex(), "size": done.newest.size},
        "compared": match["digests"],
        "exhibit": done.exhibit,
        "list": {
            "assumed": matched.assumed or None,
            "columns": matched.titles or None,
            "digests": list(matched.digests),
            "entries": int(match["entries"]),
            "fits": matched.fits,
            "format": matched.format,
            "mapping": match["mapping"],
            "sha256": header["engine"]["data_sha256"],
        },
        "missing": int(match["missing"]),
        "results": results,
        "root": matched.taken.root.hex(),
        **{name: match[name] for name in ("under", "under_hex") if name in match},
        "unreadable": [unreadable._asdict() for unreadable in matched.unreadable],
        "unreadable_lines": int(match["unreadable_lines"]),
    }


def _row(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON has it."""
    record = json.loads(answer.opinion) if answer.opinion else {"line": answer.line, "result": "missing"}
    record.pop("_t", None)
    try:
        path = {"path": answer.path.decode()}
    except UnicodeDecodeError:
        path = {"path": display(answer.path), "path_hex": answer.path.hex()}
    return {**({} if answer.index is None else {"index": answer.index}), **path, **record}


def _say_list(screen: Screen, listed: Path, done: ListMatched, header: dict[str, Any]) -> None:
    """Say what was compared with what, and how its names were read."""
    match, engine, matched = header["match"], header["engine"], done.matched
    entries = int(match["entries"])
    form = f"{engine['name']} {engine['version']}".rstrip()
    under = read_name(match, "under")
    screen.say(f"{done.exhibit} and {display(str(listed))}")
    number = "1 entry" if entries == 1 else f"{entries:,} entries"
    screen.say(f"  list        {form}, {number}, SHA-256 {engine['data_sha256']}")
    if matched.titles:
        screen.say(f"  columns     {', '.join(f'{name}: {display(title)}' for name, title in matched.titles.items())}")
    if matched.assumed:
        screen.say(f"  assumed     {matched.assumed}; say --format where they are not", "warning")
    screen.say(f"  compared    {', '.join(match['digests'])}")
    screen.say(f"  names       {matched.fits:,} of {entries:,} are paths of rows, {_mapping(match['mapping'])}")
    if under:
        screen.say(f"  under       {display(under)}")
    screen.say()


def _say_results(screen: Screen, results: dict[str, int], match: dict[str, Any]) -> None:
    """Say counts: those of rows add up."""
    lines = [(name, results[name], meaning) for name, meaning in _RESULTS.items()]
    lines.append(("rows", sum(results.values()), "in all"))
    lines.append(("missing", int(match["missing"]), "entries of the list to which no row answers"))
    if match["unreadable_lines"] != "0":
        lines.append(("not understood", int(match["unreadable_lines"]), "lines of the list"))
    for name, count, meaning in lines:
        screen.say(f"  {name:<14}  {count:>9,}  {meaning}", "warning" if name == "not understood" else None)


def _mapping(mapping: dict[str, Any]) -> str:
    """Return in words how names became paths."""
    remove, add = read_name(mapping, "remove"), read_name(mapping, "add")
    parts = (
        f"without {display(remove)}" if remove else "",
        f"with {display(add)} before them" if add else "",
        "with / for \\" if mapping["backslashes"] else "",
    )
    return ", ".join(part for part in parts if part) or "as they are"


def _say_names(screen: Screen, done: ListMatched) -> None:
    """Say the first names of each result that somebody may want to look at, and the first lines that say nothing."""
    shown: dict[str, list[str]] = {"differs": [], "moved": [], "missing": []}
    counts = dict.fromkeys(shown, 0)
    for answer in done.matched.answers():
        row = _row(answer)
        if row["result"] in shown:
            counts[row["result"]] += 1
            if counts[row["result"]] <= SHOWN:
                shown[row["result"]].append(_named(answer, row))
    for result, lines in shown.items():
        _say_some(screen, result, lines, counts[result])
    lines = [f"line {unreadable.line}: {display(unreadable.reason)}" for unreadable in done.matched.unreadable]
    total = int(done.matched.taken.header_record["match"]["unreadable_lines"])
    _say_some(screen, "not understood", lines, total, rest="")
    screen.say()


def _say_some(screen: Screen, title: str, lines: list[str], total: int, rest: str = ": --json has all") -> None:
    if lines:
        screen.say()
        screen.say(title if total <= len(lines) else f"{title}, the first {len(lines)} of {total:,}{rest}")
    for line in lines:
        screen.say(f"  {line}")


def _named(answer: Answer, row: dict[str, Any]) -> str:
    path = display(answer.path) or "."
    match row["result"]:
        case "differs":
            return f"{path}: {', '.join(row['listed'])}"
        case "moved":
            return f"{path}, listed as {display(read_name(row, 'listed_as'))}"
        case _:
            return f"{path} (line {answer.line})"
