"""One row's proof: from the row's groups to the signed tree head, in one C2SP tlog-proof.

The record is read and believed, not verified: what comes out is checked by `evidencekit verify FILE`. Source:
specs/messages.md section 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidencekit.core import encoding, layout
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.merkle import Tree, leaf_hash, prove_inclusion
from evidencekit.core.proofs import TlogProof, format_tlog_proof
from evidencekit.core.records import CASE
from evidencekit.core.reduced import Opened, ReducedRow, Reduction, open_groups, reductions_of
from evidencekit.core.row_name import parse_row_name
from evidencekit.core.row_proof import ROW_PROOF_TYPE, encode_row_proof
from evidencekit.core.values import display, encode_base64, parse_count
from evidencekit.core.versions import refuse_newer
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.package.reduced_place import find_reduced_row, refuse_erased
from evidencekit.package.row_place import find_row
from evidencekit.read.store import Store


@dataclass(frozen=True, slots=True)
class RowProof:
    """A proof, and where it stands."""

    whole: bytes
    """tlog-proof whose `extra` carries the row."""
    bare: bytes
    """The same without `extra`: of the seal entry alone."""
    index: int
    rows: int
    entry: int
    size: int


def prove_row(case: Path, name: str, *, groups: tuple[str, ...]) -> RowProof:
    """Return the proof of the row `EX-001:PATH` or `EX-001#INDEX`, with these groups opened.

    Where the manifest has tiles, one row group of it is read; else all rows, and memory holds 32 bytes a row.

    Raises:
        BadArgument: U234 no such item or row.
        Refused: R553, a group that is to be opened was erased.
        FormatError: a record that is not in its form.
        CannotFinish: X401 not a case, X402 a file is missing, X404 a newer version, X440 nothing is sealed under a
            checkpoint, X443 the record does not add up.
    """
    store = Store(case)
    size = max(store.numbers(layout.CHECKPOINTS), default=0)
    item, wanted = parse_row_name(name)
    data = store.read(layout.CASE_FILE, layout.MAX_RECORD_FILE)
    refuse_newer(data, CASE.type, layout.CASE_FILE)
    record = encoding.decode(data)
    CASE.check(record)
    entry, event, reduction = _seal_of(store, item, size)
    if reduction is None:
        full, proof = find_row(store, event["body"], wanted, display(name))
        stored = {"name": full.name, "content": full.content, "metadata": full.metadata}
        row = ReducedRow(full.index, full.kind, -1, open_groups(full.row_salt, stored))
    else:
        row, proof = find_reduced_row(store, event["body"], reduction, wanted, display(name))
        refuse_erased(row, groups, reduction, name)
    extra = {
        "_t": ROW_PROOF_TYPE,
        "entry": _text(store, layout.entry_file(entry), layout.MAX_RECORD_FILE),
        "event": _text(store, layout.event_file(entry), layout.MAX_RECORD_FILE),
        "groups": {key: _opened(row.groups[key]) for key in groups},
        "index": str(row.index),
        "leaf": row.leaf().decode(),
        "log_keys": record["log_keys"],
        "proof": [encode_base64(node) for node in proof],
        "signatures": [
            _text(store, layout.signature_file(entry, place), layout.MAX_SIGNATURE_FILE)
            for place in range(len(event["signers"]))
        ],
    }
    log = Tree(leaf_hash(store.read(layout.entry_file(n), layout.MAX_RECORD_FILE)) for n in range(size))
    note = store.read(layout.checkpoint_file(size), layout.MAX_NOTE_FILE)
    path = tuple(prove_inclusion(entry, size, log.node))
    return RowProof(
        whole=format_tlog_proof(TlogProof(entry, path, note, encode_row_proof(extra))),
        bare=format_tlog_proof(TlogProof(entry, path, note, None)),
        index=row.index,
        rows=parse_count(event["body"]["rows"]),
        entry=entry,
        size=size,
    )


def _opened(group: Opened) -> dict[str, str]:
    return {"bytes": (group.data or b"").decode(), "salt": encode_base64(group.salt or b"")}


def _text(store: Store, place: str, limit: int) -> str:
    try:
        return store.read(place, limit).decode()
    except UnicodeDecodeError as error:
        raise CannotFinish(f"{place} is not text.", code="X443", hint="Verify the case.") from error


def _seal_of(store: Store, item: str, size: int) -> tuple[int, dict[str, Any], Reduction | None]:
    """Return the entry that sealed an item, below the newest checkpoint, its event, and what was erased since."""
    known = []
    found: tuple[int, dict[str, Any]] | None = None
    reductions: dict[int, Reduction] = {}
    for index in range(size):
        event = decode_event(store.read(layout.event_file(index), layout.MAX_RECORD_FILE))
        if not knows_type(event):
            continue
        if event["type"] == "erase":
            reductions |= {one.manifest: one for one in reductions_of(index, event)}
        if event["type"] == "seal":
            known += event["items"]
            if event["items"] == [item] and found is None:
                found = index, event
    if found is not None:
        return *found, reductions.get(parse_count(found[1]["body"]["manifest"]))
    if not known:
        raise CannotFinish("No exhibit of this case is sealed.", code="X440", hint="`evidencekit acquire` seals one.")
    raise BadArgument(f"No sealed exhibit {display(item)}.", code="U234", hint=f"Sealed: {', '.join(known[:20])}.")
