"""The catalogue and the digests in a report: what the record says was taken, how much, and by which program. Pure.

Promise: kinds, states, sizes and months each add up to the number that they are of. Source: specs/reporting.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evidencekit.core.records import KINDS, STATES
from evidencekit.report.receipt import shown_moment
from evidencekit.report.report_bounds import bounded, named, said, shown_instant

ITEMS = 200
MONTHS = 60
OMISSIONS = 100
EXAMPLES = 3
MANIFESTS = 200
SIZES = (0, 1 << 10, 1 << 20, 100 << 20, 1 << 30)
"""Upper bounds of the size classes, in bytes; one more is without a bound."""


def size_class(size: int | None) -> int:
    """Return the number of a size class: an index into SIZES, len(SIZES) above all, -1 where the size is not known."""
    if size is None:
        return -1
    return next((number for number, most in enumerate(SIZES) if size <= most), len(SIZES))


def catalogue_facts(
    summary: Mapping[str, Any], profile: Mapping[str, Mapping[Any, int]], verified_rows: int
) -> dict[str, Any]:
    """Return the numbers of the catalogue: of the headers by kind and state, of the columns by size and month.

    Args:
        summary: as `catalogue.summary.summarise` returns it.
        profile: `sizes` by class and `months` (`2026-11`, empty where not known), of files.
        verified_rows: rows of the verification, adopted cases and received packages among them.
    """
    sealed = [item for item in summary["items"] if item["sealed"]]
    kinds, states = _sum(sealed, "kinds", KINDS), _sum(sealed, "states", STATES)
    rows = sum(int(item["totals"]["rows"]) for item in sealed)
    omissions = [{**one, "item": item["item"]} for item in sealed for one in item["omissions"]]
    months = sorted(profile["months"].items(), reverse=True)
    known = [one for one in months if one[0]]
    left = known[MONTHS:]
    groups = [*known[:MONTHS], *([("older", sum(count for _, count in left))] if left else [])]
    return {
        "rows": rows,
        "elsewhere": verified_rows - rows,
        "files": kinds["file"],
        "bytes": sum(int(item["totals"]["bytes"]) for item in sealed),
        "items": bounded([_item(item) for item in sealed], ITEMS),
        "unsealed": len(summary["items"]) - len(sealed),
        "kinds": shares(kinds.items()),
        "states": shares(states.items()),
        "sizes": shares((number, profile["sizes"].get(number, 0)) for number in (*range(len(SIZES) + 1), -1)),
        "months": shares([*groups, *((name or "unknown", count) for name, count in months if not name)]),
        "omitted": rows - states["complete"],
        "unexplained": rows - states["complete"] - sum(one["count"] for one in omissions),
        "omissions": bounded([_omission(one) for one in omissions], OMISSIONS),
        "unfinished": summary["unfinished"] is not None or bool(summary["acquiring"]),
    }


def hash_facts(summary: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return by item how its digests were made, and every catalogue with its root and the digest of its file."""
    tools = {item: event["body"].get("tool") for event in events if event["type"] == "acquire"
             for item in event["items"]}  # fmt: skip
    sealed = [item for item in summary["items"] if item["sealed"]]
    manifests = [
        {
            "entry": event["entry"],
            "item": ", ".join(event["items"]),
            "kind": event["body"].get("kind", "rows"),
            "manifest": int(event["body"]["manifest"]),
            "rows": int(event["body"]["rows"]),
            "root": event["body"]["root"],
            "file_sha256": event["body"]["file_sha256"],
        }
        for event in events
        if event["type"] in {"seal", "derive"} and "manifest" in event["body"]
    ]
    return {
        "items": bounded([_hashed(item, tools.get(item["item"])) for item in sealed], ITEMS),
        "manifests": bounded(manifests, MANIFESTS),
    }


def chosen_facts(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return rows that somebody chose, with their digests.

    Args:
        rows: as `catalogue.digests.rows_named` returns them.
    """
    return bounded([row_facts(row) for row in rows], ITEMS)


def row_facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row with its digests; `row` as `catalogue.digests` has it, with names as bytes."""
    return {
        "item": row["item"],
        "index": row["index"],
        "path": named(row["path"]),
        "stream": None if row["stream"] is None else named(row["stream"]),
        "kind": row["kind"],
        "state": row["state"],
        "size": row["size"],
        "digests": dict(row["digests"]),
    }


def withheld_facts(package: Mapping[str, Any]) -> dict[str, Any]:
    """Return how many rows a package shows and withholds, by ground, and whose package it is."""
    manifests = [one for log in (package, *(package.get("branches") or ())) for one in log.get("manifests") or ()]
    grounds: Counter[str] = Counter()
    for one in manifests:
        for hidden in one["hidden"]:
            grounds[said(hidden["ground"])] += int(hidden["count"])
    shown, rows = (sum(int(one[name]) for one in manifests) for name in ("shown", "rows"))
    exporter, created = package.get("exporter"), package.get("created_at")
    return {
        "rows": rows,
        "shown": shown,
        "hidden": rows - shown,
        "grounds": shares(sorted(grounds.items())),
        "items": bounded([said(item) for item in package.get("items") or ()], ITEMS),
        "created_at": None if created is None else shown_moment(created),
        "exporter": None if exporter is None else {"key": said(exporter["key"]), "name": named(exporter["id"])},
    }


def shares(counts: Iterable[tuple[Any, int]]) -> list[dict[str, Any]]:
    """Return names and counts that are not 0, each with its share of the greatest in percent, for a bar."""
    found = [(name, count) for name, count in counts if count]
    most = max((count for _, count in found), default=1)
    return [{"name": name, "count": count, "bar": max(1, 100 * count // most)} for name, count in found]


def _sum(sealed: Sequence[Mapping[str, Any]], group: str, names: Sequence[str]) -> dict[str, int]:
    return {name: sum(int(item["totals"][group].get(name, "0")) for item in sealed) for name in names}


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    totals = item["totals"]
    complete = int(totals["states"]["complete"])
    return {
        "item": item["item"],
        "rows": int(totals["rows"]),
        "files": int(totals["kinds"]["file"]),
        "bytes": int(totals["bytes"]),
        "omitted": int(totals["rows"]) - complete,
        "erased": item["erased"],
    }


def _omission(one: Mapping[str, Any]) -> dict[str, Any]:
    examples = [said(path) for path in one["examples"][:EXAMPLES]]
    return {
        "item": one["item"],
        "state": one["state"],
        "reason": one["reason"],
        "count": one["count"],
        "examples": examples,
        "left": one["count"] - len(examples),
    }


def _hashed(item: Mapping[str, Any], tool: Mapping[str, Any] | None) -> dict[str, Any]:
    program, mount = item["program"], item["mount"]
    return {
        "item": item["item"],
        "source": said(item["source"]) if item["source_hex"] is not None else named(item["source"]),
        "host": None if item["host"] is None else named(item["host"]),
        "mount": None if mount is None else named(f"{mount['device']}, {mount['fs_type']}"),
        "read_only": item["read_only"],
        "digests": list(item["digests"]),
        "program": said(f"{program['name']} {program['version']}"),
        "tool": None if tool is None else said(f"{tool['name']} {tool['version']}"),
        "started_at": shown_instant(item["started_at"]),
        "finished_at": shown_instant(item["finished_at"]),
        "sealed_at": shown_instant(item["sealed_at"]),
        "resumed": item["resumed"] is not None,
        "copies": item["copies"],
        "rows": int(item["totals"]["rows"]),
        "files": int(item["totals"]["kinds"]["file"]),
        "bytes": int(item["totals"]["bytes"]),
        "root": item["root"],
        "file_sha256": item["file_sha256"],
        "manifest": item["manifest"],
    }
