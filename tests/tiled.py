"""Manifests of any rows in any row groups, with the tiles beside them: for proofs of single rows.

A test gets this one by the fixture `tiled`, since tests are no package.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import casebuilder

from evidencekit.core import layout
from evidencekit.core.merkle import CompactRange
from evidencekit.package import row_place
from evidencekit.package.row_place import RowPlace, find_row
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.store import Store
from evidencekit.write.parquet import ManifestRows, ManifestWriter
from evidencekit.write.tiles import TileWriter

Name = tuple[bytes, bytes]
"""Path and stream; nothing for what is no stream."""


def sort_key(name: Name) -> tuple[list[bytes], bytes]:
    """specs/manifest.md section 6, a second time."""
    path, stream = name
    return (path.split(b"/") if path else []), stream


def columns_of(name: Name, number: int) -> dict[str, Any]:
    """The columns of a row but its index."""
    path, stream = name
    group = {"_t": "evidencekit/name/1", "path_hex": path.hex()} | ({"stream": stream.decode()} if stream else {})
    row = casebuilder.file_row("", b"%d" % number)
    return casebuilder.stored(row | {"name": group}, number)


@dataclass
class Tiled:
    """A manifest without a case around it."""

    store: Store
    seal: dict[str, str]
    names: list[Name]
    """In the order of the file."""
    indexes: list[int]
    """Of the rows, in the order of the file."""
    leaves: list[bytes]
    """In the order of the index."""

    @property
    def tiles(self) -> Path:
        return self.store.path / layout.tiles_file(1)

    @property
    def manifest(self) -> Path:
        return self.store.path / layout.manifest_file(1)

    def find(self, wanted: bytes | int) -> RowPlace:
        """What `prove` finds."""
        return find_row(self.store, self.seal, wanted, "it")

    def by_tiles(self, wanted: bytes | int) -> RowPlace | None:
        """What the tiles lead to."""
        return row_place._by_tiles(self.store, self.seal, wanted)

    def by_all_rows(self, wanted: bytes | int) -> RowPlace:
        """What all rows lead to."""
        return row_place._by_all_rows(self.store, self.seal, wanted, "it")


def make(folder: Path, names: list[Name], groups: list[int], *, shuffled: bool = False) -> Tiled:
    """Write a manifest of these rows, sorted, in row groups of these sizes, and its tiles."""
    names = sorted(names, key=sort_key)
    rows = [columns_of(name, number) for number, name in enumerate(names)]
    leaves = [casebuilder.row_leaf(row) for row in rows]
    order = sorted(range(len(rows)), key=leaves.__getitem__) if shuffled else list(range(len(rows)))
    for index, position in enumerate(order):
        rows[position]["index"] = index
    (folder / layout.MANIFESTS).mkdir(parents=True)
    bounds = list(pairwise(accumulate(groups, initial=0)))
    assert bounds[-1][1] == len(rows)
    with (
        ManifestWriter(folder / layout.manifest_file(1)) as writer,
        TileWriter(folder / layout.tiles_file(1), shuffled=shuffled) as tiles,
    ):
        for start, stop in bounds:
            batch = ManifestRows()
            for row in rows[start:stop]:
                for name in ManifestRows.__slots__:
                    getattr(batch, name).append(row[name])
            writer.write(batch)
            tiles.group(*names[start])
            if not shuffled:
                tiles.extend(leaves[start:stop])
        for at in range(0, len(order) if shuffled else 0, 100):
            part = order[at : at + 100]
            tiles.extend([leaves[position] for position in part], part)
        tiles.finish()
        writer.finish(b"header", os.urandom(16))
    tree = CompactRange()
    tree.extend(leaves[position] for position in order)
    assert tiles.root() == tree.root()
    seal = {"manifest": "1", "root": tree.root().hex(), "rows": str(len(rows))}
    indexes = [row["index"] for row in rows]
    return Tiled(Store(folder), seal, names, indexes, [leaves[position] for position in order])


def write_tiles(manifest: Path) -> None:
    """Write the tiles of a manifest that is there, beside it."""
    with manifest.open("rb") as file:
        opened = ManifestFile(file, manifest.name)
        rows = list(opened.rows())
        starts = set(accumulate(opened.row_groups, initial=0))
        shuffled = json.loads(opened.header)["order"] == "shuffled"
    leaves = [casebuilder.row_leaf(row._asdict()) for row in rows]
    position_of = {row.index: position for position, row in enumerate(rows)}
    with TileWriter(manifest.with_suffix(".tiles"), shuffled=shuffled) as tiles:
        for position, row in enumerate(rows):
            if position in starts:
                tiles.group(row.path, json.loads(row.name).get("stream", "").encode())
            if not shuffled:
                tiles.extend([leaves[position]])
        for index in range(len(rows) if shuffled else 0):
            tiles.extend([leaves[position_of[index]]], [position_of[index]])
        tiles.finish()
