"""What is recorded of a case, for `evidencekit show`: nothing here is verified, and nothing says so.

Facts come from events below the newest checkpoint and from the headers of manifests; omissions are read from the rows.
Names stand as sealed where they are UTF-8, else escaped with the bytes beside (`…_hex`); examples are safe to show.
Source: specs/store.md section 5, specs/manifest.md sections 5 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from evidencekit.catalogue.manifest import open_manifest, read_columns, read_header, unreadable
from evidencekit.catalogue.record import VERIFY, Record, Sealed, read_record
from evidencekit.catalogue.tables import read_text
from evidencekit.core import layout
from evidencekit.core.event import decode_entry
from evidencekit.core.opinions import RESULTS
from evidencekit.core.values import display, read_name
from evidencekit.errors import CannotFinish, FormatError

_STATED_ELSEWHERE = frozenset({"_t", "digests", "finished_at", "started_at", "tool"})


def summarise(case: Path, *, examples: int = 100) -> dict[str, Any]:
    """Return what is recorded of a case, as JSON takes it.

    Members: `case` (identity, hex), `reference`, `agency`, `origin`, `created_at`, `entries`, `checkpoint` (`size`,
    `root`) or None, `unfinished` (`entries`, `manifests` above the newest checkpoint) or None, `acquiring` (folders of
    unfinished acquisitions), `items`: for each `item`, `holder` (`name`, `key`) or None, `sealed`, `not_stated`,
    `particulars`; and of a sealed one `manifest`, `root`, `file_sha256`, `source`, `source_hex`, `host`, `mount`,
    `read_only` (None where the header does not say), `atime`, `started_at`, `finished_at`, `sealed_at` (`recorded_at`
    of the entry), `resumed` (the header's `interruptions`, or None), `order`, `digests`, `options`, `copies`,
    `program`, `totals`, `erased` (rows of which something was erased), `media_types`,
    `matches` (comparisons with lists: `manifest`, `entry`, `format`, `list_sha256`,
    `results`, and the header's `match`), `omissions`: `state`, `reason`, `count`, up to `examples` paths in `examples`,
    `list_all`.

    Raises:
        CannotFinish: X401 to X403, X446 the case cannot be read; X441, X443 a manifest is not what was sealed.
    """
    return summary_of(read_record(case), examples=examples)


def summary_of(record: Record, *, examples: int) -> dict[str, Any]:
    """Return the same of a record that was read already.

    Raises:
        CannotFinish: X402, X403 a file cannot be read; X441, X443 a manifest is not what was sealed.
    """
    checkpoint = record.checkpoint
    return {
        "acquiring": [
            display(name) for name in record.store.names(layout.WORK) if not name.startswith(layout.TEMPORARY)
        ],
        "agency": record.case["agency"],
        "case": record.identity.hex(),
        "checkpoint": {"root": checkpoint.root.hex(), "size": checkpoint.size} if checkpoint else None,
        "created_at": record.case["created_at"]["time"],
        "entries": record.entries,
        "items": [_item(record, exhibit, examples) for exhibit in sorted(record.custody.items)],
        "origin": record.case["origin"],
        "reference": record.case["reference"],
        "unfinished": _unfinished(record),
    }


def _unfinished(record: Record) -> dict[str, Any] | None:
    size = record.checkpoint.size if record.checkpoint else 0
    newest = max((sealed.manifest for sealed in (*record.sealed, *record.derived)), default=0)
    names = record.store.names(layout.MANIFESTS)
    numbers = map(layout.parse_manifest_name, names)
    strays = [layout.manifest_file(number) for number in numbers if number is not None and number > newest]
    strays += [f"{layout.MANIFESTS}/{name}" for name in names if _waits(record, layout.parse_reduced_name(name))]
    if record.entries <= size and not strays:
        return None
    return {"entries": list(range(size, record.entries)), "manifests": strays}


def _waits(record: Record, reduced: tuple[int, int] | None) -> bool:
    """Tell whether a reduced manifest waits for its event."""
    forms = {sealed.manifest: sealed.reduced for sealed in (*record.sealed, *record.derived)}
    return reduced is not None and reduced[1] > forms.get(reduced[0], reduced[1])


def _item(record: Record, exhibit: str, examples: int) -> dict[str, Any]:
    item = record.custody.items[exhibit]
    acquired = record.acquisitions.get(exhibit)
    body = acquired["body"] if acquired else {}
    facts: dict[str, Any] = {
        "holder": {"key": item.holder_key, "name": item.holder_id} if item.holder_id is not None else None,
        "item": exhibit,
        "not_stated": acquired["not_stated"] if acquired else [],
        "particulars": {name: value for name, value in body.items() if name not in _STATED_ELSEWHERE},
        "sealed": False,
    }
    for sealed in record.sealed:
        if sealed.item == exhibit:
            facts.update(_sealed(record, sealed, examples))
    return facts


def _sealed(record: Record, sealed: Sealed, examples: int) -> dict[str, Any]:
    with open_manifest(record.store, sealed, whole=False) as manifest:
        header = read_header(manifest, sealed)
    source, raw = read_text(header["source"], "path")
    omitted = {state for state, count in header["totals"]["states"].items() if state != "complete" and count != "0"}
    return {
        "atime": header["source"]["atime"],
        "copies": header["options"].get("copies", False),
        "digests": header["digests"],
        "erased": sealed.erased,
        "file_sha256": sealed.file_sha256,
        "finished_at": header["finished_at"]["time"],
        "host": header["source"]["host"],
        "manifest": sealed.manifest,
        "matches": [_match(record, one) for one in record.opinions("match", sealed)],
        "media_types": _media_types(record, sealed),
        "mount": header["source"]["mount"],
        "omissions": _omissions(record, sealed, examples) if omitted else [],
        "options": header["options"],
        "order": header["order"],
        "program": header["program"],
        "read_only": header["source"].get("read_only"),
        "resumed": header.get("interruptions"),
        "root": sealed.root,
        "sealed": True,
        "sealed_at": _recorded_at(record, sealed),
        "source": source,
        "source_hex": raw.hex() if raw is not None else None,
        "started_at": header["started_at"]["time"],
        "totals": header["totals"],
    }


def _recorded_at(record: Record, sealed: Sealed) -> str:
    place = layout.entry_file(sealed.entry)
    try:
        return decode_entry(record.store.read(place, layout.MAX_RECORD_FILE)).recorded_at
    except FormatError as error:
        raise CannotFinish(f"{place}: {error.message}", code="X446", hint=VERIFY, path=place) from error


def _media_types(record: Record, sealed: Sealed) -> str:
    typed = record.media_types(sealed)
    if typed is None:
        return "not yet: `evidencekit acquire --resume` makes them"
    erased = f", {typed.erased:,} of them erased" if typed.erased else ""
    return f"recorded for {typed.rows:,} files by {display(typed.engine)}{erased}"


def _match(record: Record, sealed: Sealed) -> dict[str, Any]:
    """Return what a comparison with a list came to."""
    with open_manifest(record.store, sealed, whole=False) as manifest:
        header = read_header(manifest, sealed)
    return {
        "entry": sealed.entry,
        "format": header["engine"]["name"],
        "list_sha256": sealed.data_sha256,
        "manifest": sealed.manifest,
        "match": header["match"],
        "results": {name: int(header["totals"][name]) for name in RESULTS},
    }


def _omissions(record: Record, sealed: Sealed, examples: int) -> list[dict[str, Any]]:
    """Return what was not wholly taken, by state and reason, the most frequent first."""
    found: dict[tuple[str, str | None], dict[str, Any]] = {}
    with open_manifest(record.store, sealed) as manifest:
        for columns in read_columns(manifest, sealed, ("name", "content")):
            for path, content in _omitted_rows(sealed, columns):
                key = (content["state"], content.get("reason"))
                entry = found.setdefault(key, _omission(sealed.item, *key))
                entry["count"] += 1
                if len(entry["examples"]) < examples:
                    entry["examples"].append(display(path) or "(the source itself)")
    return sorted(found.values(), key=lambda entry: (-entry["count"], entry["state"], entry["reason"] or ""))


def _omission(item: str, state: str, reason: str | None) -> dict[str, Any]:
    return {
        "count": 0,
        "examples": [],
        "list_all": f"evidencekit find CASE --item {item} --state {state}",
        "reason": reason,
        "state": state,
    }


def _omitted_rows(sealed: Sealed, columns: list[list[bytes | None]]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield path and content of the rows of a batch whose state is not complete."""
    try:
        for name, content_record in zip(*columns, strict=True):
            if content_record is None:
                continue
            content = orjson.loads(content_record)
            if content["state"] != "complete":
                yield b"(erased)" if name is None else read_name(orjson.loads(name), "path"), content
    except (orjson.JSONDecodeError, FormatError, KeyError, TypeError) as error:
        raise unreadable(sealed, f"a row: {error}") from error
