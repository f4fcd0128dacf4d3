"""What `package.json` and `withheld.json` say, held against the log and the lines: it all has to add up.

Source: specs/package.md section 8 steps 4, 6 and 8.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from evidencekit.core import layout
from evidencekit.core.values import display, parse_count
from evidencekit.read.package import Package
from evidencekit.read.package_names import PAYLOAD
from evidencekit.verify.hidden import HiddenEvents
from evidencekit.verify.package_bag import CLAIMED, LISTED, Bag
from evidencekit.verify.package_folder import RecordFolder
from evidencekit.verify.run import Run

STEP = 11
_WITHHELD = "withheld.json"


def check_withheld(run: Run, folder: RecordFolder) -> None:
    """What is said to be withheld is so in both records, rows and labels (E174), and no event of it is here (E167)."""
    said, withheld = folder.said, folder.withheld
    if said is None or withheld is None:
        return
    _check_events(run, folder)
    hidden = {
        (parse_count(one["manifest"]), ground["ground"]): parse_count(ground["count"])
        for one in said["manifests"]
        for ground in one["hidden"]
    }
    where = folder.place + _WITHHELD
    stated = {(parse_count(one["manifest"]), one["ground"]): parse_count(one["count"]) for one in withheld["rows"]}
    _compare(run, where, hidden, stated, "rows withheld")
    used = {ground for _, ground in (*stated, *hidden)}
    used |= {one["ground"] for one in (*withheld["events"], *withheld["groups"])}
    labelled = {one["ground"] for one in withheld["grounds"]}
    for ground in sorted(used ^ labelled):
        is_labelled = ground in labelled
        expected = "labels of grounds that are given" if is_labelled else f"a label of {ground}"
        run.find("E174", where, expected, ground if is_labelled else "none", step=STEP)


def _check_events(run: Run, folder: RecordFolder) -> None:
    """An event that is said to be withheld is one of the log, not event 0, and not here (E167)."""
    size, where, is_short = folder.log.log.size, folder.place + _WITHHELD, folder.is_short
    beside: dict[str, str] = {}
    """The first file of each folder in `custody/` that is not its entry."""
    for name in folder.package.record_names:
        place, _, file = name.removeprefix(folder.place + layout.CUSTODY + "/").partition("/")
        if name.startswith(folder.place + layout.CUSTODY + "/") and file != "entry":
            beside.setdefault(place, name)
    for one in folder.withheld["events"] if folder.withheld is not None else ():
        entry = parse_count(one["entry"])
        if not 0 < entry < size and not is_short:
            run.find("E167", where, f"entries from 1 to {size - 1}", f"entry {entry}", step=STEP)
        if layout.number(entry) in beside:
            found = display(beside[layout.number(entry)])
            run.find("E167", found, "nothing: its event is said to be withheld", "the event", step=STEP)


def check_sums(run: Run, folder: RecordFolder) -> None:
    """Lines are as many as package.json says, groups that they do not open as many as withheld.json says (E174)."""
    said, withheld, rows = folder.said, folder.withheld, folder.rows
    if said is None or rows.are_cut:
        return
    for one in said["manifests"]:
        number = parse_count(one["manifest"])
        shown = rows.manifests.get(number)
        if shown is not None and str(shown.rows) != one["shown"]:
            expected = f"catalogue {number}: {one['shown']} rows shown"
            folder.contradicts(run, "E174", expected, f"{shown.rows} lines")
    if withheld is None:
        return
    groups = {
        (parse_count(one["manifest"]), one["group"], one["ground"]): parse_count(one["count"])
        for one in withheld["groups"]
    }
    _compare(run, folder.place + _WITHHELD, dict(rows.withheld), groups, "groups withheld")


def _compare(run: Run, where: str, expected: dict[Any, int], stated: dict[Any, int], what: str) -> None:
    for key in sorted(expected.keys() | stated.keys()):
        if expected.get(key, 0) != stated.get(key, 0) or (key in stated) != (key in expected):
            about = " ".join(map(str, key[1:]))
            text = f"catalogue {key[0]}: {expected.get(key, 0)} {what} ({about})"
            run.find("E174", where, text, str(stated.get(key, 0)), step=STEP)


def check_left(run: Run, folder: RecordFolder) -> None:
    """Of a package that is passed on lines may be left out, or groups closed, which is told; none is added (E174)."""
    for one in folder.said["manifests"] if folder.said is not None else ():
        shown = folder.rows.manifests.get(parse_count(one["manifest"]))
        lines = 0 if shown is None else shown.rows
        left = parse_count(one["shown"]) - lines
        if left < 0:
            folder.contradicts(run, "E174", f"at most {one['shown']} rows shown", f"{lines} lines")
        elif left:
            where = f"{folder.place}catalogue {one['manifest']} of {folder.whole(one['item'])}"
            run.skip("record", "withheld", where, f"{left} rows that were received are not passed on", counts=False)
    received: Counter[tuple[int, str, str]] = Counter()
    for one in folder.withheld["groups"] if folder.withheld is not None else ():
        received[parse_count(one["manifest"]), one["group"], one["ground"]] += parse_count(one["count"])
    for (manifest, group, ground), count in sorted((folder.rows.withheld - received).items()):
        reason = f"{group} of {count} rows was received open, and is not passed on: {ground}"
        run.skip("record", "withheld", f"{folder.place}catalogue {manifest}", reason, counts=False)


def check_payload_claimed(run: Run, package: Package, bag: Bag) -> None:
    """Every payload is of a row that is shown (E173)."""
    if sum(mark & CLAIMED > 0 for mark in bag.marks) == len(package) - len(package.record_names):
        return
    for number, name in enumerate(package.names()):
        if name.startswith(PAYLOAD) and bag.marks[number] & (CLAIMED | LISTED) == LISTED:
            run.find("E173", display(name), "the payload of a row that is shown", "a file of no row", step=STEP)


def tell_withheld(run: Run, folder: RecordFolder, place: str) -> None:
    """List what nobody shows, and on what grounds; say of which items the history has gaps.

    `place` is where the package lies whose log it is, or that of a case that it adopted: empty, or below `previous/`.
    """
    said, withheld = folder.said, folder.withheld
    if said is None or withheld is None:
        return
    labels = {one["ground"]: one["label"] for one in withheld["grounds"]}

    def because(ground: str) -> str:
        return f"{display(labels.get(ground, ground))} ({ground})"

    items = {one["manifest"]: folder.whole(one["item"]) for one in said["manifests"]}
    for one in withheld["rows"]:
        where = f"{place}catalogue {one['manifest']} of {items.get(one['manifest'], '?')}"
        run.skip("record", "withheld", where, f"{one['count']} rows: {because(one['ground'])}", counts=False)
    for one in withheld["groups"]:
        where = f"{place}catalogue {one['manifest']} of {items.get(one['manifest'], '?')}"
        reason = f"{one['group']} of {one['count']} rows that are shown: {because(one['ground'])}"
        run.skip("record", "withheld", where, reason, counts=False)
    for ground, count in sorted(Counter(one["ground"] for one in withheld["events"]).items()):
        where = folder.place + layout.CUSTODY
        run.skip("record", "withheld", where, f"{count} events: {because(ground)}", counts=False)
    if folder.log.hidden is not None:
        _tell_gaps(run, folder, folder.log.hidden, said["items"], place)


def _tell_gaps(run: Run, folder: RecordFolder, hidden: HiddenEvents, items: list[str], place: str) -> None:
    """Say of which items the history has gaps; an item that no event is about is none of the log (E166)."""
    if hidden.of_no_item:
        reason = f"hidden events that touch no item: {hidden.of_no_item}; one may say that a key is revoked"
        run.skip("custody", "withheld", folder.place + layout.CUSTODY, reason)
    for item in items:
        count, name = hidden.touched[item], folder.whole(item)
        if count:
            reason = f"{count} hidden {'event touches' if count == 1 else 'events touch'} {name}"
            run.skip("custody", "withheld", place + name, reason)
        elif not hidden.has_named(item):
            if hidden.has_hidden or hidden.has_lost or folder.rows.are_cut:
                run.skip("custody", "withheld", place + name, f"no event that is shown is about {name}")
            else:
                folder.contradicts(run, "E166", "items that events of the log name", name)
