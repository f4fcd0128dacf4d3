"""One row's proof: from the row's groups to the signed tree head, in one C2SP tlog-proof.

The record is read and believed, not verified: what comes out is checked by `evidencekit verify FILE`. Source:
specs/messages.md section 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidencekit.core import encoding, layout
from evidencekit.core.digest import group_commitment, group_salts
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.merkle import CompactRange, Tree, leaf_hash, prove_inclusion
from evidencekit.core.proofs import TlogProof, format_tlog_proof
from evidencekit.core.records import CASE, leaf_bytes
from evidencekit.core.row_proof import ROW_PROOF_TYPE, encode_row_proof
from evidencekit.core.values import display, encode_base64, parse_count
from evidencekit.core.versions import refuse_newer
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.parquet import ManifestFile, Row
from evidencekit.read.store import Store

HASH = 32


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

    Memory: 32 bytes a row of the manifest.

    Raises:
        BadArgument: U234 no such item or row.
        FormatError: a record that is not in its form.
        CannotFinish: X401 not a case, X402 a file is missing, X404 a newer version, X440 nothing is sealed under a
            checkpoint, X443 the record does not add up.
    """
    store = Store(case)
    size = max(store.numbers(layout.CHECKPOINTS), default=0)
    item, wanted = _parse(name)
    data = store.read(layout.CASE_FILE, layout.MAX_RECORD_FILE)
    refuse_newer(data, CASE.type, layout.CASE_FILE)
    record = encoding.decode(data)
    CASE.check(record)
    entry, event = _seal_of(store, item, size)
    row, leaves = _find_row(store, event["body"], wanted, name)
    index = row.index
    salts = group_salts(row.row_salt)._asdict()
    stored = {"content": row.content, "metadata": row.metadata, "name": row.name}
    commitments = {key: group_commitment(key, salts[key], data) for key, data in stored.items()}
    leaf = leaf_bytes(row.kind, commitments["name"], commitments["content"], commitments["metadata"])
    extra = {
        "_t": ROW_PROOF_TYPE,
        "entry": _text(store, layout.entry_file(entry), layout.MAX_RECORD_FILE),
        "event": _text(store, layout.event_file(entry), layout.MAX_RECORD_FILE),
        "groups": {key: {"bytes": stored[key].decode(), "salt": encode_base64(salts[key])} for key in groups},
        "index": str(index),
        "leaf": leaf.decode(),
        "log_keys": record["log_keys"],
        "proof": [encode_base64(node) for node in prove_inclusion(index, len(leaves) // HASH, _packed(leaves))],
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
        index=index,
        rows=len(leaves) // HASH,
        entry=entry,
        size=size,
    )


def _text(store: Store, place: str, limit: int) -> str:
    try:
        return store.read(place, limit).decode()
    except UnicodeDecodeError as error:
        raise CannotFinish(f"{place} is not text.", code="X443", hint="Verify the case.") from error


def _parse(name: str) -> tuple[str, bytes | int]:
    """Return item, and path or index."""
    item, hash_sign, index = name.partition("#")
    if hash_sign and ":" not in item:
        try:
            return item, parse_count(index)
        except FormatError as error:
            raise BadArgument(f"{display(name)}: {display(index)} is not a row number.", code="U234") from error
    item, colon, path = name.partition(":")
    if not colon:
        raise BadArgument(f"{display(name)} names no row.", code="U234", hint="As in EX-001:docs/a.txt or EX-001#17.")
    return item, path.encode(errors="surrogateescape")


def _seal_of(store: Store, item: str, size: int) -> tuple[int, dict[str, Any]]:
    """Return the entry that sealed an item, below the newest checkpoint, and its event."""
    known = []
    for index in range(size):
        event = decode_event(store.read(layout.event_file(index), layout.MAX_RECORD_FILE))
        if event["type"] == "seal" and knows_type(event):
            if event["items"] == [item]:
                return index, event
            known += event["items"]
    if not known:
        raise CannotFinish("No exhibit of this case is sealed.", code="X440", hint="`evidencekit acquire` seals one.")
    raise BadArgument(f"No sealed exhibit {display(item)}.", code="U234", hint=f"Sealed: {', '.join(known[:20])}.")


def _find_row(store: Store, seal: dict[str, Any], wanted: bytes | int, name: str) -> tuple[Row, bytearray]:
    """Return the row, and all leaf hashes in index order, packed."""
    found: Row | None = None
    rows, place = parse_count(seal["rows"]), layout.manifest_file(parse_count(seal["manifest"]))
    leaves = bytearray()
    with store.open(place) as file:
        for row in ManifestFile(file, place).rows():
            if wanted in {row.index, row.path}:
                found = row
            if not 0 <= row.index < rows:
                raise CannotFinish(f"{place} has a row {row.index} of {rows}.", code="X443", hint="Verify the case.")
            end = (row.index + 1) * HASH
            if end > len(leaves):  # in shuffled order the rows of a file do not come by index
                leaves.extend(bytes(end - len(leaves)))
            leaves[end - HASH : end] = leaf_hash(_leaf(row))
    if len(leaves) != rows * HASH:
        raise CannotFinish(f"{place} has other than its {rows} rows.", code="X443", hint="Verify the case.")
    if found is None:
        raise BadArgument(f"No row {display(name)}.", code="U234", hint="`evidencekit find CASE --name GLOB` finds it.")
    return found, leaves


def _leaf(row: Row) -> bytes:
    salts = group_salts(row.row_salt)
    return leaf_bytes(
        row.kind,
        group_commitment("name", salts.name, row.name),
        group_commitment("content", salts.content, row.content),
        group_commitment("metadata", salts.metadata, row.metadata),
    )


def _packed(leaves: bytearray) -> Callable[[int, int], bytes]:
    """Return a reader of perfect subtrees over packed leaf hashes; each is computed when asked for."""

    def hashes(start: int, end: int) -> Iterator[bytes]:
        for place in range(start * HASH, end * HASH, HASH):
            yield bytes(leaves[place : place + HASH])

    def node(level: int, index: int) -> bytes:
        subtree = CompactRange()
        subtree.extend(hashes(index << level, (index + 1) << level))
        return subtree.root()

    return node
