"""The rows of a package: what they have to be told apart by and proved with, one line each, and what is counted.

Three passes over a manifest, each a batch at a time: what there is (`survey`), its leaves (`gather`), the lines. Where
few rows are shown, only the row groups in which they lie are read for the first and the last, and tiles stand in for
the second. Source: specs/package.md sections 2 and 4.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import orjson

from evidencekit.core.merkle import leaf_hash
from evidencekit.core.package_records import MAX_LINE, SHOWN_TYPE
from evidencekit.core.records import DERIVED_TYPE, MANIFEST_TYPE
from evidencekit.core.reduced import GROUPS, ReducedRow
from evidencekit.core.row_leaves import leaf_hashes, opinion_leaves
from evidencekit.core.values import encode_base64, parse_count, read_name
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.package.choice import Choice, Tally
from evidencekit.package.leaves import Leaves
from evidencekit.package.payload import Payload
from evidencekit.package.row_place import prove_by_tiles
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.reduced import known_rows, rows_by_index
from evidencekit.read.store import Store

_MOST_LEAVES = 2
"""All leaves go with it where more than one in so many rows is shown: proofs would be larger."""
_FEW = 16_384
"""Of so many rows one is shown, or fewer: then it is less work to read a row group for each than every row."""

Prove: TypeAlias = Callable[[int], list[bytes]]
"""The inclusion proof of the row with an index."""


_READ = (b"file", b"block_device")
"""Kinds that can have a content: a device only where it is the source itself; within a source it is not read."""


class Said(NamedTuple):
    """What a row of facts says: for a plan, and for the payload."""

    index: int  # type: ignore[assignment]  # the format's word; nobody searches a row as a sequence
    path: bytes
    """Where it lies in the source; empty where that was erased."""
    stream: bytes
    is_named: bool
    """Its name is opened; otherwise nobody but this computer hears of `path`."""
    size: int | None
    """Bytes of the content that goes with it; None where there is none."""
    sha256: bytes


def survey(choice: Choice, manifest: ManifestFile, tally: Tally, *, has_payload: bool) -> Iterator[Said]:
    """Count the rows of a manifest, and yield those of facts that are shown, in the order of the file.

    Raises:
        FormatError: damaged; over a limit. CannotFinish: X403.
    """
    names = ("opinion",) if choice.is_derived else GROUPS
    for row in _shown_rows(choice, manifest):
        withheld = choice.withheld(row)
        if tally.take(names, withheld) and not choice.is_derived:
            yield _said(row, withheld, has_payload=has_payload)
    tally.hidden.update(choice.hidden(_bases(manifest) if choice.is_derived else range(choice.rows)))
    found = sum(tally.hidden.values()) + tally.shown
    if not choice.rows == found == manifest.rows_count:
        raise FormatError("index", expected=f"{choice.rows} rows, as sealed", found="another number")


def _shown_rows(choice: Choice, manifest: ManifestFile) -> Iterator[ReducedRow]:
    """Yield the rows that are shown, in the order of the file, without their commitments."""
    first = 0
    for rows in manifest.row_groups:
        stop = first + rows
        if choice.is_derived or choice.is_shuffled or choice.shows_some(first, stop):
            yield from known_rows(manifest, first, stop, wanted=choice.shows, committed=False)
        first = stop


def _bases(manifest: ManifestFile) -> Iterator[int]:
    """Yield the index of each row that an opinion is about."""
    for _, batch in manifest.batches(["base_index"]):
        yield from batch["base_index"]


def _said(row: ReducedRow, withheld: dict[str, str], *, has_payload: bool) -> Said:
    path = stream = sha256 = b""
    size = None
    try:
        if not row.groups["name"].is_erased:
            name = orjson.loads(row.groups["name"].data or b"")
            path = read_name(name, "path")
            stream = read_name(name, "stream") if "stream" in name or "stream_hex" in name else b""
        if has_payload and row.kind in _READ and "content" not in withheld:
            content = orjson.loads(row.groups["content"].data or b"")
            if content["state"] == "complete" and content["sha256"] is not None:
                size, sha256 = parse_count(content["size"]), bytes.fromhex(content["sha256"])
    except (KeyError, TypeError, ValueError) as error:  # the verifier, which reads what is made, says more
        raise FormatError(f"row {row.index}", expected="groups in their only form", found=str(error)[:100]) from error
    return Said(row.index, path, stream, "name" not in withheld, size, sha256)


def write_rows(
    store: Store,
    choice: Choice,
    tally: Tally,
    manifest: ManifestFile,
    payload: Payload,
    *,
    leaves: Path,
    write: Callable[[bytes], object],
) -> Path | None:
    """Write the lines of what is shown of a manifest; return the file of all leaf hashes, where that goes with them.

    That file is made at `leaves`. Memory: a batch, and a hash for each 256 rows.

    Raises:
        FormatError: damaged; a line is over its limit (code F102).
        CannotFinish: X443, the leaves do not lead to the sealed root; X403, X421, X422, X423.
    """
    has_all = tally.shown * _MOST_LEAVES > choice.rows
    few = None if has_all else _few_proofs(store, choice, tally)
    if few is not None:
        _write_lines(choice, manifest, payload, write, few.__getitem__)
        return None
    with closing(gather(choice, manifest, leaves)) as found:
        _write_lines(choice, manifest, payload, write, None if has_all else found.prove)
    if has_all:
        return leaves
    leaves.unlink()
    return None


def _few_proofs(store: Store, choice: Choice, tally: Tally) -> dict[int, list[bytes]] | None:
    """Return the proofs of all rows that are shown, by index, from the tiles; None where these are not the way."""
    if choice.is_derived or tally.shown * _FEW > choice.rows:
        return None
    seal = {"manifest": str(choice.manifest), "root": choice.root, "rows": str(choice.rows)}
    proofs = {}
    for index in choice.opened():
        proof = prove_by_tiles(store, seal, index)
        if proof is None:
            return None
        proofs[index] = proof
    return proofs


def gather(choice: Choice, manifest: ManifestFile, path: Path) -> Leaves:
    """Return all leaf hashes of a manifest, which lead to the root that was sealed.

    Raises:
        CannotFinish: X443, they do not; X403, X421, X422, X423. FormatError: damaged.
    """
    leaves = Leaves(path)
    with contextlib.ExitStack() as held:
        held.callback(leaves.close)
        for some in _leaf_hashes(choice, manifest):
            leaves.extend(some)
        root = leaves.settle().hex()
        if (root, leaves.size) != (choice.root, choice.rows):
            found = f"{root} over {leaves.size} rows"
            raise CannotFinish(
                f"Manifest {choice.manifest} gives {found}, not the {choice.root} that was sealed.",
                code="X443",
                hint="Nothing was written. `evidencekit verify CASE` says what is wrong.",
            )
        held.pop_all()
    return leaves


def _leaf_hashes(choice: Choice, manifest: ManifestFile) -> Iterator[Iterable[bytes]]:
    """Yield all leaf hashes in the order of the index, some at a time."""
    if manifest.format == MANIFEST_TYPE and not choice.is_shuffled:
        for _, batch in manifest.batches(["row_salt", "name", "content", "metadata", "kind"]):
            yield leaf_hashes(batch)
    elif manifest.format == DERIVED_TYPE:
        for _, batch in manifest.batches(["row_salt", "base_index", "opinion"]):
            yield opinion_leaves(batch, choice.base_root)
    else:
        for row in rows_by_index(manifest, is_shuffled=choice.is_shuffled):
            yield [leaf_hash(row.leaf(choice.base_root))]


def _write_lines(
    choice: Choice,
    manifest: ManifestFile,
    payload: Payload,
    write: Callable[[bytes], object],
    prove: Prove | None,
) -> None:
    """Write the lines of the rows that are shown, in the order of their index."""
    pieces = payload.of_manifest(choice.number)
    piece = next(pieces, None)
    for row in _rows_to_write(choice, manifest):
        withheld = choice.withheld(row)
        if len(withheld) == len(row.groups):
            continue
        said = None
        if piece is not None and piece.index == row.index:
            said = {"bytes": str(piece.size), "path": piece.place}
            piece = next(pieces, None)
        proof = None if prove is None else [encode_base64(node) for node in prove(row.index)]
        write(_line(choice, row, withheld, said, proof))
    if piece is not None:
        raise FormatError("payload", expected="rows by index", found=f"row {piece.index} twice or nowhere")


def _rows_to_write(choice: Choice, manifest: ManifestFile) -> Iterator[ReducedRow]:
    """Yield the rows that are shown, in the order of their index."""
    if choice.is_derived or choice.is_shuffled:
        yield from rows_by_index(manifest, is_shuffled=choice.is_shuffled, wanted=choice.shows)
        return
    first = 0
    for rows in manifest.row_groups:
        stop = first + rows
        if choice.shows_some(first, stop):
            yield from known_rows(manifest, first, stop, wanted=choice.shows)
        first = stop


def _line(
    choice: Choice, row: ReducedRow, withheld: dict[str, str], payload: dict[str, str] | None, proof: list[str] | None
) -> bytes:
    """Return a line: what `encode_record` gives of the schema SHOWN, by a quicker library that spells the same."""
    try:
        record: dict[str, Any] = {
            "_t": SHOWN_TYPE,
            "grounds": withheld,
            "groups": {
                name: {"bytes": (group.data or b"").decode(), "salt": encode_base64(group.salt or b"")}
                for name, group in row.groups.items()
                if name not in withheld
            },
            "index": str(row.index),
            "leaf": row.leaf(choice.base_root).decode(),
            "manifest": str(choice.manifest),
            "payload": payload,
            "proof": proof,
        }
        line = orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    except ValueError as error:
        raise FormatError(f"row {row.index}", expected="groups in UTF-8", found=str(error)[:100]) from error
    if len(line) > MAX_LINE + 1:
        raise FormatError(
            f"row {row.index}", expected=f"a line of at most {MAX_LINE} bytes", found=f"{len(line) - 1}", code="F102"
        )
    return line
