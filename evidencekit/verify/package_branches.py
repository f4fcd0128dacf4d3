"""Adopted cases of which a package shows something: each the record of a log, in the folder of the one that adopted it.

Source: specs/package.md sections 5 and 8 step 6; specs/verification.md section 1 step 17.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from evidencekit.core.values import display
from evidencekit.verify.package_folder import RecordFolder
from evidencekit.verify.run import Run

_FOLDERS = re.compile(r"(?:branches/[^/]*/?)+")


def check_branches(run: Run, own: RecordFolder) -> Iterator[RecordFolder]:
    """Check the log of each adopted case that the record of `own` names, and whether it is what was adopted.

    Yield their folders, those that lie in another after that. E166: one that no shown event adopts, or that is here
    and not named; an item of one that does not show it. At most 100, 4 inside each other (core/package_records.py).
    """
    folders = {"": own}
    for one in own.said.get("branches", []) if own.said is not None else ():
        name = f"{one['name']}/"
        above = folders.get(_above(name))
        folder = _folder(run, own, above, name, one)
        folders[name] = folder
        yield folder
        run.did("branches")
        folder.check_log(run)
        if above is not None:
            folder.check_takeover(run, above)
    if own.said is not None:
        _check_named(run, own, folders)
    for folder in folders.values():
        _check_items(run, folder, folders)


def _above(name: str) -> str:
    return name[:-1].rpartition("/")[0] + "/" if "/" in name[:-1] else ""


def _folder(run: Run, own: RecordFolder, above: RecordFolder | None, name: str, said: dict[str, Any]) -> RecordFolder:
    """Return the folder of a branch, with the event by which it was adopted (E166 where none is shown)."""
    place = own.place + "".join(f"branches/{part}/" for part in name[:-1].split("/"))
    last = name[:-1].rpartition("/")[2]
    adoptions = [] if above is None else above.log.log.adoptions
    adoption = next((one for one in adoptions if one.branch == last), None)
    if adoption is None:
        own.contradicts(run, "E166", f"an event, shown, that adopts the branch {name[:-1]}", "none", step=17)
    return RecordFolder(own.package, own.bag, place, said, own.said_at, name, adoption)


def _check_named(run: Run, own: RecordFolder, folders: Mapping[str, RecordFolder]) -> None:
    """Nothing lies below `branches/` but the folders of those that are named (E166)."""
    known = {folder.place for folder in folders.values()}
    there = {
        own.place + found[0]
        for name in own.package.record_names
        if name.startswith(own.place) and (found := _FOLDERS.match(name, len(own.place)))
    }
    for place in sorted(there - known):
        own.contradicts(run, "E166", f"{display(place)} among branches", "not there", step=17)


def _check_items(run: Run, folder: RecordFolder, folders: Mapping[str, RecordFolder]) -> None:
    """An item of an adopted case comes with that case, by the event that adopted it; and no case without one (E166)."""
    if folder.said is None:
        return
    shown: set[str] = set()
    for item in folder.said["items"]:
        branch, slash, rest = item.partition("/")
        if not slash:
            continue
        shown.add(branch)
        below = folders.get(f"{folder.name}{branch}/")
        if below is None or below.said is None or rest not in below.said["items"]:
            folder.contradicts(run, "E166", f"{rest} among items of the branch {branch}", "not there", step=17)
        elif below.adoption is not None and rest not in below.adoption.items:
            expected = f"an item that entry {below.adoption.entry} adopts"
            folder.contradicts(run, "E166", expected, item, step=17)
    for name in folders:
        branch = name[:-1].rpartition("/")[2]
        if name and _above(name) == folder.name and branch not in shown:
            folder.contradicts(run, "E166", f"an item {branch}/… among items", "none", step=17)
