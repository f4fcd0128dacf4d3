"""What people are told of a verification: the verdict, counts that add up, findings, and what was not checked."""

from __future__ import annotations

from collections import Counter
from typing import Any

from evidencekit.cli.render import Screen, human_size
from evidencekit.core.registry import ENTRIES
from evidencekit.core.values import display, encode_base64

LISTED = 50
"""Errors of one code, and things not checked, that a person is shown; --json gives up to 10,000."""
ALIKE = 3
"""Warnings of one code that a person is shown."""
RANKS = {"error": 0, "warning": 1, "note": 2}
MEANING = {  # the others say their reason
    "VERIFIED": "intact, and signed by keys that your policy knows.",
    "INTEGRITY ONLY": "intact since it was sealed; without a policy, nobody's identity was checked.",
}


def say_report(screen: Screen, record: dict[str, Any]) -> None:
    """Print a report for people."""
    verdict = record["verdict"]
    again = "what was taken was hashed again and agrees; " if record["aspects"]["evidence"]["status"] == "ok" else ""
    if again and record["subject"] == "package":
        again = "every file in it is the one that was sealed; "
    screen.result(
        f"{record['line']}: {again if verdict in MEANING else ''}{MEANING.get(verdict) or record['reason']}", verdict
    )
    _show_subject(screen, record)
    _show_findings(screen, record)
    screen.say()
    for name, aspect in record["aspects"].items():
        reason = f"  {aspect['reason']}" if aspect.get("reason") else ""
        screen.say(f"  {name:<13}{aspect['status'].replace('_', ' '):<12}{reason}")
    objects = [item for item in record["not_checked"] if item["what"] not in record["aspects"]]
    if objects:
        screen.say()
        screen.say("Not checked, one by one:")
        for item in objects[:LISTED]:
            screen.say(f"  {item['what']}: {item['reason']}")
        if len(objects) > LISTED:
            screen.say(f"  … {len(objects) - LISTED:,} more: --json lists them")


def _show_package(screen: Screen, record: dict[str, Any]) -> None:
    """Say what a package says of itself; its digest is what stands in the covering letter."""
    facts = record["package"]
    if facts["digest"] is not None:
        screen.say(f"  package      {facts['digest']}")
    if facts["items"] is None:
        return
    manifests = [one for log in (facts, *facts.get("branches", ())) for one in log["manifests"]]
    shown, sealed = (sum(int(one[name]) for one in manifests) for name in ("shown", "rows"))
    rows = f"{shown:,} of {sealed:,} sealed rows are shown" if manifests else "passed on, as named below"
    screen.say(f"  items        {', '.join(facts['items'])}: {rows}")
    for one in facts["previous"] or []:
        screen.say(f"  passed on    {one['package']} of {display(one['origin'])}")
    screen.say(f"  exported     {facts['created_at']['time']} by {display(facts['exporter']['id'])}")
    for name in ("request", "confidentiality", "use_limits", "onward_transfer"):
        if facts.get(name) is not None:
            screen.say(f"  {name.replace('_', ' '):<13}{display(facts[name])}")


def _show_subject(screen: Screen, record: dict[str, Any]) -> None:
    counts = record["counts"]
    if "package" in record:
        _show_package(screen, record)
    newest = record.get("checkpoint")
    if newest:
        root = encode_base64(bytes.fromhex(newest["root"]))  # as `checkpoint show` prints it
        screen.say(f"  log          {newest['origin']}, newest checkpoint {newest['size']}, root {root}")
    if newest and "witnessed" in counts:
        size = counts["witnessed"]
        screen.say(f"  witnessed    size {size} of {newest['size']}, by enough of your policy's witnesses")
    states = counts.get("states") or {}
    if counts.get("rows"):
        each = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
        screen.say(f"  rows         {counts['rows']:,} = {each}; {human_size(counts.get('bytes', 0))}")
    _show_times(screen, record.get("times") or {"bounds": []})
    for line in record["checked"]:
        screen.say(f"  checked      {line}")


def _show_times(screen: Screen, times: dict[str, Any]) -> None:
    """Say between which times the entries lie, as far as somebody outside proves it."""
    for span in times["bounds"][:LISTED]:
        sides = [
            f"{side} {span[name][:-1].rstrip('0').rstrip('.')}Z ({span[name + '_by']})"
            for side, name in (("not before", "not_before"), ("not after", "not_after"))
            if span[name] is not None
        ]
        entries = (
            f"entry {span['first']}" if span["first"] == span["last"] else f"entries {span['first']} to {span['last']}"
        )
        screen.say(f"  proven time  {entries}: {', '.join(sides)}")
    if len(times["bounds"]) > LISTED:
        screen.say(f"  … {times['bounds_total'] - LISTED:,} more: --json lists them")


def _show_findings(screen: Screen, record: dict[str, Any]) -> None:
    findings = record["findings"]
    if not findings:
        return
    screen.say()
    total = record["counts"]["findings"]
    by_code = total.get("by_code", {}) if isinstance(total, dict) else {}
    screen.say("Findings: " + ", ".join(f"{count:,} x {code}" for code, count in sorted(by_code.items())))
    shown: Counter[str] = Counter()
    for finding in sorted(findings, key=lambda finding: RANKS[finding["severity"]]):
        shown[finding["code"]] += 1
        if shown[finding["code"]] <= (LISTED if finding["severity"] == "error" else ALIKE):
            screen.say(f"  {finding['code']} {finding['severity']:<8} {finding['where']}", finding["severity"])
            screen.say(f"       {ENTRIES[finding['code']].title}.")
            expected = f"expected {finding['expected']}; found " if finding["expected"] else ""
            if expected or finding["found"]:
                screen.say(f"       {expected}{finding['found'] or '-'}")
    for code, count in sorted(by_code.items()):
        most = LISTED if ENTRIES[code].severity == "error" else ALIKE
        if count > most:
            screen.say(f"  … {count - most:,} more {code}: --json lists them")
    screen.say("  `evidencekit explain CODE` says what each means, and what it does not.")
