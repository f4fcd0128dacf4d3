"""What people are told of a verification in another language than English: what `verify_words` says, in the same order.

The verdict's English name stands beside its word, since people quote it. What the program composed for this very case
(reasons, places, what was expected and found) stays in English, below the words for its code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from evidencekit.cli.render import Screen, human_size
from evidencekit.cli.sheet import Sheet
from evidencekit.cli.verify_words import ALIKE, LISTED, RANKS
from evidencekit.core.registry import ENTRIES
from evidencekit.core.values import display, encode_base64, grouped

if TYPE_CHECKING:
    from evidencekit.read.texts import Texts


def tell_report(screen: Screen, record: Mapping[str, Any], words: Texts, extra: Mapping[str, str]) -> None:
    """Print a report; `extra` are texts of section `cli` with facts that `checked` has as English texts only."""
    sheet, verdict = Sheet(screen, words), record["verdict"]
    screen.result(f"{words.word('verdicts', verdict, 'title')} [{record['line']}]", verdict)
    for member in ("means", "means_not"):
        screen.say(f"  {words.word('verdicts', verdict, member)}")
    screen.say(f"  {sheet.label('scope')}{sheet.label('colon')}{words.word('scopes', record['scope'])}")
    sheet.fact(words("in_english"), record["reason"])
    if "package" in record:
        _tell_package(sheet, record["package"])
    _tell_subject(sheet, record, extra)
    _tell_findings(sheet, record)
    sheet.heading(sheet.label("aspects"))
    for name, aspect in record["aspects"].items():
        status = words.word("aspect_status", aspect["status"])
        screen.say(f"  {words.word('aspects', name, 'title')}{sheet.label('colon')}{status}")
        if aspect.get("reason"):
            screen.say(f"    {aspect['reason']}")
    _tell_not_checked(sheet, record)


def _tell_package(sheet: Sheet, package: Mapping[str, Any]) -> None:
    """Say what a package says of itself."""
    words, label = sheet.words, sheet.label
    sheet.facts((label("package_digest"), package["digest"]))
    if package["items"] is None:
        return
    manifests = [one for log in (package, *package.get("branches", ())) for one in log["manifests"]]
    shown, sealed = (sum(int(one[name]) for one in manifests) for name in ("shown", "rows"))
    sheet.facts(
        (label("items"), ", ".join(package["items"])),
        (words("rows_shown"), f"{grouped(shown)} / {grouped(sealed)}" if manifests else None),
        *((words("passed_on"), f"{one['package']} {display(one['origin'])}") for one in package["previous"] or []),
        (label("created"), package["created_at"]["time"]),
        (label("exporter"), display(package["exporter"]["id"])),
        *(
            (label(name), display(package[name]))
            for name in ("request", "confidentiality", "use_limits", "onward_transfer")
            if package.get(name) is not None
        ),
    )


def _tell_subject(sheet: Sheet, record: Mapping[str, Any], extra: Mapping[str, str]) -> None:
    """Say what was looked at, and what was done with it."""
    words, label, counts, newest = sheet.words, sheet.label, record["counts"], record.get("checkpoint")
    if newest:
        root = encode_base64(bytes.fromhex(newest["root"]))  # as `checkpoint show` prints it
        witnessed = f"{counts['witnessed']} / {newest['size']}" if "witnessed" in counts else None
        sheet.facts((label("origin"), newest["origin"]), (label("tree_size"), str(newest["size"])),
                    (label("root"), root), (words("witnessed"), witnessed))  # fmt: skip
    if counts.get("rows"):
        sheet.fact(label("count_rows"), grouped(counts["rows"]))
        states = counts.get("states") or {}
        sheet.facts(
            *((words.word("states", name), grouped(count)) for name, count in states.items() if count), indent=4
        )
        sheet.fact(label("count_bytes"), human_size(counts.get("bytes", 0)))
    _tell_times(sheet, record.get("times") or {"bounds": []})
    sheet.heading(label("done_checks"))
    sheet.facts(*((words.word("checked", name), grouped(count)) for name, count in counts["checked"].items()))
    sheet.facts(*((words(key), value) for key, value in extra.items()))


def _tell_times(sheet: Sheet, times: Mapping[str, Any]) -> None:
    """Say between which times the entries lie, as far as somebody outside proves it."""
    for span in times["bounds"][:LISTED]:
        sheet.fact(sheet.label("entries"), f"{span['first']} - {span['last']}")
        for name in ("not_before", "not_after"):
            if span[name] is not None:
                shown = f"{span[name][:-1].rstrip('0').rstrip('.')}Z ({span[name + '_by']})"
                sheet.fact(sheet.label(name), shown, indent=4)
    _tell_more(sheet, times.get("bounds_total", 0) - LISTED)


def _tell_findings(sheet: Sheet, record: Mapping[str, Any]) -> None:
    """Say what was found, errors first."""
    screen, words, findings = sheet.screen, sheet.words, record["findings"]
    if not findings:
        return
    by_code = record["counts"]["findings"].get("by_code", {})
    sheet.heading(sheet.label("findings"))
    screen.say("  " + ", ".join(f"{grouped(count)} x {code}" for code, count in sorted(by_code.items())))
    shown: Counter[str] = Counter()
    for finding in sorted(findings, key=lambda finding: RANKS[finding["severity"]]):
        code, severity = finding["code"], finding["severity"]
        shown[code] += 1
        if shown[code] <= (LISTED if severity == "error" else ALIKE):
            screen.say(f"  {code} {finding['where']}", severity)
            screen.say(f"    {words.word('severities', severity)}{sheet.label('colon')}{words.finding(code)}", severity)
            _tell_found(sheet, finding)
    for code, count in sorted(by_code.items()):
        _tell_more(sheet, count - (LISTED if ENTRIES[code].severity == "error" else ALIKE), code)
    screen.say(f"  {words('explain_hint')}")


def _tell_found(sheet: Sheet, finding: Mapping[str, Any]) -> None:
    """Say what was expected and found; where nothing was expected, what the finding is about, under no label."""
    if finding["expected"]:
        sheet.facts(*((sheet.label(name), finding[name] or None) for name in ("expected", "found")), indent=4)
    elif finding["found"]:
        sheet.screen.say(f"    {finding['found']}")


def _tell_not_checked(sheet: Sheet, record: Mapping[str, Any]) -> None:
    """Say what was not checked, one by one."""
    objects = [item for item in record["not_checked"] if item["what"] not in record["aspects"]]
    if not objects:
        return
    sheet.heading(sheet.label("not_checked"))
    _tell_each(sheet, objects[:LISTED])
    _tell_more(sheet, len(objects) - LISTED)


def _tell_each(sheet: Sheet, objects: Iterable[Mapping[str, Any]]) -> None:
    for item in objects:
        code = item["code"] if sheet.words.has_word("not_checked", item["code"]) else "other"
        sheet.fact(sheet.words.word("not_checked", code), f"{item['what']}: {item['reason']}")


def _tell_more(sheet: Sheet, count: int, code: str = "") -> None:
    """Say how many were left out."""
    if count > 0:
        sheet.fact(sheet.words("more"), f"{grouped(count)} {code}".rstrip())
