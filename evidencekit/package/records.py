"""The rows of a package: what they have to be told apart by and proved with, one line each, and what is counted.

Three passes over a manifest, each a batch at a time: what there is (`survey`), its leaves (`gather`), the lines.
Source: specs/package.md sections 2 and 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from evidencekit.core import encoding
from evidencekit.core.merkle import leaf_hash
from evidencekit.core.package_records import SHOWN, SHOWN_TYPE, encode_record
from evidencekit.core.reduced import GROUPS, ReducedRow
from evidencekit.core.values import encode_base64, parse_count, read_name
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.package.choice import Choice, Tally
from evidencekit.package.leaves import Leaves
from evidencekit.package.payload import Payload
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.reduced import known_rows, rows_by_index

_MOST_LEAVES = 2
"""All leaves go with it where more than one in so many rows is shown: proofs would be larger."""


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
    for row in known_rows(manifest, wanted=choice.shows):
        withheld = choice.withheld(row)
        if tally.take(names, withheld) and not choice.is_derived:
            yield _said(row, withheld, has_payload=has_payload)
    tally.hidden.update(choice.hidden(_indexes(choice, manifest)))
    if sum(tally.hidden.values()) + tally.shown != choice.rows:
        raise FormatError("index", expected=f"{choice.rows} rows, as sealed", found="another number")


def _indexes(choice: Choice, manifest: ManifestFile) -> Iterator[int]:
    """Yield the index of each row, or of each row that an opinion is about."""
    name = "base_index" if choice.is_derived else "index"
    for _, batch in manifest.batches([name]):
        yield from batch[name]


def _said(row: ReducedRow, withheld: dict[str, str], *, has_payload: bool) -> Said:
    path = stream = sha256 = b""
    size = None
    if not row.groups["name"].is_erased:
        name = _record(row, "name")
        path = read_name(name, "path")
        stream = read_name(name, "stream") if "stream" in name or "stream_hex" in name else b""
    if has_payload and row.kind == b"file" and "content" not in withheld:
        content = _record(row, "content")
        if content["state"] == "complete":
            size, sha256 = parse_count(content["size"]), bytes.fromhex(content["sha256"])
    return Said(row.index, path, stream, "name" not in withheld, size, sha256)


def _record(row: ReducedRow, group: str) -> dict[str, Any]:
    return encoding.decode(row.groups[group].data or b"", encoding.GROUP)


def gather(choice: Choice, manifest: ManifestFile, path: Path) -> Leaves:
    """Return all leaf hashes of a manifest, which lead to the root that was sealed.

    Raises:
        CannotFinish: X443, they do not; X403, X421, X422, X423. FormatError: damaged.
    """
    leaves = Leaves(path)
    for row in rows_by_index(manifest, is_shuffled=choice.is_shuffled):
        leaves.append(leaf_hash(row.leaf(choice.base_root)))
    root = leaves.settle().hex()
    if (root, leaves.size) != (choice.root, choice.rows):
        raise CannotFinish(
            f"Manifest {choice.manifest} gives {root} over {leaves.size} rows, not the {choice.root} that was sealed.",
            code="X443",
            hint="Nothing was written. `evidencekit verify CASE` says what is wrong.",
        )
    return leaves


def has_all_leaves(choice: Choice, tally: Tally) -> bool:
    """Tell whether all leaf hashes go with the package instead of proofs."""
    return tally.shown * _MOST_LEAVES > choice.rows


def write_lines(
    choice: Choice,
    manifest: ManifestFile,
    leaves: Leaves,
    payload: Payload,
    write: Callable[[bytes], object],
    *,
    with_proofs: bool,
) -> None:
    """Write the lines of the rows that are shown, in the order of their index.

    Raises:
        FormatError: damaged; a line is over its limit (code F102).
        CannotFinish: X403.
    """
    pieces = payload.of_manifest(choice.manifest)
    piece = next(pieces, None)
    for row in rows_by_index(manifest, is_shuffled=choice.is_shuffled, wanted=choice.shows):
        withheld = choice.withheld(row)
        if len(withheld) == len(row.groups):
            continue
        said = None
        if piece is not None and piece.index == row.index:
            said = {"bytes": str(piece.size), "path": piece.place}
            piece = next(pieces, None)
        proof = [encode_base64(node) for node in leaves.prove(row.index)] if with_proofs else None
        write(encode_record(SHOWN, _line(choice, row, withheld, said, proof)) + b"\n")
    if piece is not None:
        raise FormatError("payload", expected="rows by index", found=f"row {piece.index} twice or nowhere")


def _line(
    choice: Choice, row: ReducedRow, withheld: dict[str, str], payload: dict[str, str] | None, proof: list[str] | None
) -> dict[str, Any]:
    return {
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
