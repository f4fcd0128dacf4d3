"""What `package.json` and `withheld.json` say, held against the log and the lines: it all has to add up.

Source: specs/package.md section 8 steps 4, 6 and 8.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from evidencekit.core.values import display, parse_count
from evidencekit.read.package import RECORD, Package
from evidencekit.read.package_names import PAYLOAD
from evidencekit.verify.log_facts import Log, Sealing
from evidencekit.verify.package_bag import CLAIMED, LISTED, Bag
from evidencekit.verify.package_log import LogFound
from evidencekit.verify.package_record import WITHHELD
from evidencekit.verify.package_rows import Rows
from evidencekit.verify.run import Run

STEP = 11


def check_checkpoint(run: Run, record: dict[str, Any], found: LogFound) -> None:
    """The checkpoint that `package.json` names is the newest one that holds (E166)."""
    newest = found.notes.newest
    if newest is None:
        return
    stated = record["checkpoint"]
    expected = {"origin": newest.origin, "root": newest.root.hex(), "size": str(newest.size)}
    for name, value in expected.items():
        if stated[name] != value:
            run.find("E166", RECORD, f"checkpoint.{name} {value}", f"checkpoint.{name} {stated[name]}", step=STEP)


def sealings_of(run: Run, record: dict[str, Any], log: Log, where: str = RECORD) -> dict[int, Sealing]:
    """Return the seal (or derive) event of each manifest that `package.json` names; E166 where it says otherwise."""
    by_entry = {sealing.entry: sealing for sealing in log.sealings}
    found: dict[int, Sealing] = {}
    for one in record["manifests"]:
        number = parse_count(one["manifest"])
        sealing = by_entry.get(parse_count(one["entry"]))
        if sealing is None:
            expected = f"catalogue {number}: its seal event, shown, at entry {one['entry']}"
            run.find("E166", where, expected, "none", step=STEP)
            continue
        stated = {"item": one["item"], "manifest": number, "root": one["root"], "rows": parse_count(one["rows"])}
        sealed = {"item": sealing.exhibit, "manifest": sealing.manifest, "root": sealing.root, "rows": sealing.rows}
        for name, value in sealed.items():
            if stated[name] != value:
                expected = f"catalogue {number}: {name} {value}, as entry {sealing.entry} says"
                run.find("E166", where, expected, f"{name} {stated[name]}", step=STEP)
        if one["item"] not in record["items"]:
            run.find("E166", where, f"{one['item']} among items", ", ".join(record["items"])[:200], step=STEP)
        found[number] = sealing
    return found


def check_withheld_events(run: Run, package: Package, withheld: dict[str, Any], log: Log) -> None:
    """An event that is said to be withheld is one of the log, not event 0, and not here (E167)."""
    for one in withheld["events"]:
        entry = parse_count(one["entry"])
        folder = f"evidence/custody/{entry:08d}/"
        if not 0 < entry < log.size:
            run.find("E167", WITHHELD, f"entries from 1 to {log.size - 1}", f"entry {entry}", step=STEP)
        for name in package.record_names:
            if name.startswith(folder) and name != folder + "entry":
                run.find("E167", display(name), "nothing: its event is said to be withheld", "the event", step=STEP)
                break


def check_sums(run: Run, record: dict[str, Any], withheld: dict[str, Any], rows: Rows) -> None:
    """Rows and groups that are shown and withheld add up, in both records and in the lines (E174)."""
    hidden = {
        (parse_count(one["manifest"]), ground["ground"]): parse_count(ground["count"])
        for one in record["manifests"]
        for ground in one["hidden"]
    }
    for one in record["manifests"]:
        number = parse_count(one["manifest"])
        shown = rows.manifests.get(number)
        if shown is not None and str(shown.rows) != one["shown"]:
            expected = f"catalogue {number}: {one['shown']} rows shown"
            run.find("E174", RECORD, expected, f"{shown.rows} lines", step=STEP)
    stated = {(parse_count(one["manifest"]), one["ground"]): parse_count(one["count"]) for one in withheld["rows"]}
    _compare(run, hidden, stated, "rows withheld")
    groups = {
        (parse_count(one["manifest"]), one["group"], one["ground"]): parse_count(one["count"])
        for one in withheld["groups"]
    }
    _compare(run, dict(rows.withheld), groups, "groups withheld")
    used = {ground for _, ground in (*stated, *hidden)} | {ground for *_, ground in groups}
    used |= {one["ground"] for one in withheld["events"]}
    labelled = {one["ground"] for one in withheld["grounds"]}
    for ground in sorted(used ^ labelled):
        is_labelled = ground in labelled
        expected = "labels of grounds that are given" if is_labelled else f"a label of {ground}"
        run.find("E174", WITHHELD, expected, ground if is_labelled else "none", step=STEP)


def _compare(run: Run, expected: dict[Any, int], stated: dict[Any, int], what: str) -> None:
    for key in sorted(expected.keys() | stated.keys()):
        if expected.get(key, 0) != stated.get(key, 0) or (key in stated) != (key in expected):
            about = " ".join(map(str, key[1:]))
            text = f"catalogue {key[0]}: {expected.get(key, 0)} {what} ({about})"
            run.find("E174", WITHHELD, text, str(stated.get(key, 0)), step=STEP)


def check_payload_claimed(run: Run, package: Package, bag: Bag) -> None:
    """Every payload is of a row that is shown (E173)."""
    if all(mark & CLAIMED for mark in bag.marks):
        return
    for number, name in enumerate(package.names()):
        if name.startswith(PAYLOAD) and bag.marks[number] & (CLAIMED | LISTED) == LISTED:
            run.find("E173", display(name), "the payload of a row that is shown", "a file of no row", step=STEP)


def tell_withheld(run: Run, record: dict[str, Any], withheld: dict[str, Any], found: LogFound) -> None:
    """List what nobody shows, and on what grounds; say of which items the history has gaps."""
    labels = {one["ground"]: one["label"] for one in withheld["grounds"]}

    def because(ground: str) -> str:
        return f"{display(labels.get(ground, ground))} ({ground})"

    items = {one["manifest"]: one["item"] for one in record["manifests"]}
    for one in withheld["rows"]:
        where = f"catalogue {one['manifest']} of {items.get(one['manifest'], '?')}"
        run.skip("record", "withheld", where, f"{one['count']} rows: {because(one['ground'])}", counts=False)
    for one in withheld["groups"]:
        where = f"catalogue {one['manifest']} of {items.get(one['manifest'], '?')}"
        reason = f"{one['group']} of {one['count']} rows that are shown: {because(one['ground'])}"
        run.skip("record", "withheld", where, reason, counts=False)
    for ground, count in sorted(Counter(one["ground"] for one in withheld["events"]).items()):
        run.skip("record", "withheld", "evidence/custody", f"{count} events: {because(ground)}", counts=False)
    touched = Counter() if found.hidden is None else found.hidden.touched
    for item in record["items"]:
        if touched[item]:
            count = touched[item]
            reason = f"{count} hidden {'event touches' if count == 1 else 'events touch'} {item}"
            run.skip("custody", "withheld", item, reason)
