"""The report for a court: what a verification came to, and what a case recorded, gathered for one page.

Promises: nothing is recorded in the case; what cannot be read of the record is said on the page, and does not keep it
from being written. Of rows three narrow columns are read, a batch at a time. Source: specs/reporting.md.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evidencekit.catalogue.history import History, history_of_case, item_status
from evidencekit.catalogue.manifest import open_manifest, read_columns
from evidencekit.catalogue.record import Record, Sealed, read_record
from evidencekit.catalogue.shared_history import read_shared
from evidencekit.catalogue.summary import summary_of
from evidencekit.cooperation.holds_register import register_of
from evidencekit.core import layout
from evidencekit.core.checkpoint import parse_checkpoint
from evidencekit.core.digest import sha256_hex
from evidencekit.core.encoding import PROOF
from evidencekit.core.note import parse_note
from evidencekit.core.values import format_instant
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, FormatError
from evidencekit.read.package import RECORD, Package
from evidencekit.report.report_catalogue import EXAMPLES, size_class

_SECOND = 1_000_000_000
_MONTH = "%Y-%m"


def recorded_of(case: Path, now: int) -> dict[str, Any]:
    """Return what `report.facts.facts_of` takes as `recorded`.

    Members: `history` and `custody_error`, of which one is None; `summary`, `profile` and `catalogue_error`, of which
    the first two or the last are None. `now` is in nanoseconds since 1970, for holds that have lapsed by then.
    """
    found: dict[str, Any] = dict.fromkeys(("history", "custody_error", "summary", "profile", "catalogue_error"))
    try:
        record = read_record(case)
    except (CannotFinish, FormatError) as error:
        return found | {"custody_error": error.message, "catalogue_error": error.message}
    try:
        found["history"] = _told(history_of_case(record), now)
    except (CannotFinish, FormatError) as error:
        found["custody_error"] = error.message
    try:
        found["profile"] = _profile(record)
        found["summary"] = summary_of(record, examples=EXAMPLES)
    except (CannotFinish, FormatError) as error:
        found |= {"catalogue_error": error.message, "profile": None}
    return found


def shown_by(package: Package, now: int) -> dict[str, Any]:
    """Return what `report.facts.facts_of` takes as `shared`: what a package shows of its case's log.

    Members: `events`, `withheld`, `branches` and `size`, and `history` as `recorded_of` has it where nothing is
    withheld; or `custody_error` alone.
    """
    try:
        shared = read_shared(package)
    except CannotFinish as error:
        return {"custody_error": error.message}
    return {
        "branches": shared.branches,
        "events": [one.as_record() for one in shared.told],
        "history": None if shared.whole is None else _told(shared.whole, now),
        "size": shared.size,
        "withheld": [dataclasses.asdict(one) for one in shared.withheld],
    }


def policy_files(folder: Path) -> list[dict[str, str]]:
    """Return the files of a policy that was read, by name, each with its SHA-256 (hex)."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [{"name": path.relative_to(folder).as_posix(), "sha256": _sha256(path)} for path in files]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_saved_case(verification: Mapping[str, Any], case: Path, name: str) -> None:
    """Raise BadArgument (U612) unless a saved verification is of this case, as it is or as it was before.

    Where the case cannot be read, nothing can be compared, and the page says so by itself.
    """
    try:
        record = read_record(case)
    except (CannotFinish, FormatError):
        return
    tree, newest = verification["checkpoint"], record.checkpoint
    if verification["subject"] != "case" or (tree is not None and tree["origin"] != record.case["origin"]):
        raise _of_another(name)
    if tree is None or newest is None:
        return
    if tree["size"] > newest.size or tree["root"] != _root_at(record, tree["size"]):
        raise _of_another(name)


def check_saved_package(verification: Mapping[str, Any], package: Package, name: str) -> None:
    """Raise BadArgument (U612) unless a saved verification is of this package: by its digest."""
    digest = sha256_hex(package.read(RECORD, PROOF.size))
    if verification["subject"] != "package" or verification["package"]["digest"] != digest:
        raise _of_another(name)


def _of_another(name: str) -> BadArgument:
    hint = "Leave --verification out: the report then verifies by itself."
    return BadArgument(f"{name} is the verification of something else than what was named.", code="U612", hint=hint)


def _root_at(record: Record, size: int) -> str | None:
    """Return the root that the case's own checkpoint of a size states; None where there is none."""
    try:
        note = parse_note(record.store.read(layout.checkpoint_file(size), layout.MAX_RECORD_FILE))
        return parse_checkpoint(note.text).root.hex()
    except EvidenceError:
        return None


def _told(history: History, now: int) -> dict[str, Any]:
    ends = {one.entry: one.event["occurred_at"]["time"] for one in history.told}
    items = []
    for item in history.custody.items.values():
        over = item.ended.entry if item.ended is not None else (item.last.entry if item.away is not None else None)
        items.append(
            item_status(history, item, now)
            | {
                "ended_at": None if over is None else ends[over],
                "tenures": [(tenure.since, tenure.person) for tenure in sorted(item.tenures)],
            }
        )
    return {
        "size": history.size,
        "unfinished": history.unfinished,
        "events": [one.as_record() for one in history.told],
        "items": items,
        "names": _names(history),
        "lapses": [
            {
                "hold": hold.name,
                "items": list(hold.items),
                "start": format_instant(lapse.start),
                "end": None if lapse.end is None else format_instant(lapse.end),
            }
            for hold in register_of(history.told).holds
            for lapse in hold.lapses(now)
        ],
    }


def _names(history: History) -> dict[str, str]:
    """Return under which name the log last knew each person, by his first key."""
    names: dict[str, str] = {}
    for one in history.told:
        actor, to = one.event["actor"], one.body.get("to")
        for person in (actor, to if isinstance(to, Mapping) else {}):
            if isinstance(person.get("key"), str) and isinstance(person.get("id"), str):
                names[history.custody.person(person["key"])] = person["id"]
    for item in history.custody.items.values():
        if item.holder is not None and item.holder.id:
            names.setdefault(history.custody.person(item.holder.key), item.holder.id)
    return names


def _profile(record: Record) -> dict[str, dict[Any, int]]:
    """Return files by class of size and by month of their last change, from the columns of the sealed manifests."""
    sizes, months = Counter[int](), Counter[str]()
    for sealed in record.sealed:
        for size, month, count in _of_manifest(record, sealed):
            sizes[size] += count
            months[month] += count
    return {"months": dict(months), "sizes": dict(sizes)}


def _of_manifest(record: Record, sealed: Sealed) -> list[tuple[int, str, int]]:
    """Return how many files of a manifest are of a size class and a month; of a reduced one it is not known."""
    names = ("kind",) if sealed.reduced else ("kind", "size", "mtime_ns")
    counts: Counter[tuple[int, str]] = Counter()
    with open_manifest(record.store, sealed, whole=False) as manifest:
        for kinds, *values in read_columns(manifest, sealed, names):
            sizes, times = values or ([None] * len(kinds), [None] * len(kinds))
            for kind, size, time in zip(kinds, sizes, times, strict=True):
                if kind == b"file":
                    counts[size_class(size), _month(time)] += 1
    return [(size, month, count) for (size, month), count in counts.items()]


def _month(ns: int | None) -> str:
    """Return a month, as in 2026-11 (UTC), or nothing."""
    if ns is None:
        return ""
    try:
        return datetime.fromtimestamp(ns // _SECOND, UTC).strftime(_MONTH)
    except (OSError, OverflowError, ValueError):
        return ""
