"""Opinions about sealed rows, written as a derived manifest.

Promises: one leaf an opinion, in ascending order of the base rows; memory holds one row group.
Source: specs/manifest.md sections 8 and 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from evidencekit.acquire.compose import Taken
from evidencekit.acquire.rows import Salts, derived_leaf_hash
from evidencekit.core.digest import SALT_SIZE, header_commitment
from evidencekit.core.encoding import encode
from evidencekit.core.merkle import CompactRange
from evidencekit.core.opinions import DERIVED
from evidencekit.core.records import DERIVED_TYPE
from evidencekit.core.values import encode_base64, moment
from evidencekit.errors import BadArgument, FormatError
from evidencekit.write.parquet import GROUP_BYTES, ROW_GROUP, DerivedRows, DerivedWriter


class Concluded(NamedTuple):
    """One opinion, ready to be written."""

    base_index: int
    """The row that it is about."""
    group: bytes
    view: str | None
    """The view column of its kind."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The sealed manifest that opinions are about, and the program that has them."""

    case: bytes
    """The 16-byte identity."""
    exhibit: str
    base_manifest: int
    base_root: bytes
    program: dict[str, Any]
    """Name, version and parts, as manifest headers carry it."""
    utc_offset_min: int | None


def write_derived(
    out: Path,
    kind: str,
    subject: Subject,
    opinions: Iterable[Concluded],
    conclude: Callable[[], dict[str, Any]],
    *,
    started: int,
    clock: Callable[[], int],
    random: Callable[[int], bytes],
) -> Taken:
    """Write a derived manifest to the new file `out`.

    `opinions` come in ascending order of their base rows; `conclude` is asked after the last one for what the header
    has of its kind: `engine`, `totals` and the like. `started` and `clock` are in nanoseconds since 1970.

    Raises:
        BadArgument: U231, the header cannot say this.
        Refused: R501, the name `out` is taken.
        CannotFinish: X421 to X424.
    """
    tree, salts, count = CompactRange(), Salts(random), 0
    with DerivedWriter(out, kind) as writer:
        for batch in _row_groups(opinions):
            rows, leaves = DerivedRows(), []
            for base_index, group, view in batch:
                salt = salts.next()
                leaves.append(derived_leaf_hash(base_index, subject.base_root, salt, group))
                rows.index.append(count)
                rows.row_salt.append(salt)
                rows.base_index.append(base_index)
                rows.opinion.append(group)
                rows.view.append(view)
                count += 1
            writer.write(rows)
            tree.extend(leaves)
        header = {
            "_t": DERIVED_TYPE,
            "base_manifest": str(subject.base_manifest),
            "base_root": subject.base_root.hex(),
            "case": encode_base64(subject.case),
            "exhibit": subject.exhibit,
            "finished_at": moment(clock(), utc_offset_min=subject.utc_offset_min),
            "kind": kind,
            "program": subject.program,
            "started_at": moment(started, utc_offset_min=subject.utc_offset_min),
            **conclude(),
        }
        salt, data = random(SALT_SIZE), _encode(header)
        digest = writer.finish(data, salt)
    return Taken(out, tree.root(), count, digest, data, salt, header_commitment(salt, data), header)


def _row_groups(opinions: Iterable[Concluded]) -> Iterator[list[Concluded]]:
    """Yield opinions as many at a time as a row group takes: a listed name may be long, and stands in its group."""
    batch: list[Concluded] = []
    size = 0
    for opinion in opinions:
        batch.append(opinion)
        size += len(opinion.group)
        if len(batch) == ROW_GROUP or size >= GROUP_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _encode(header: dict[str, Any]) -> bytes:
    try:
        DERIVED.check(header)
        return encode(header)
    except FormatError as error:
        raise BadArgument(
            f"The manifest's header cannot say this: {error.message}", code="U231", place=error.place
        ) from error
