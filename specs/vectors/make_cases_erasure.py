"""Cases of rows that were erased and of items that were divided by rows: one good, one for each way of being wrong.

`make_cases.py` takes them in. Source: specs/manifest.md sections 10 and 11.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from evidencekit.catalogue.record import read_record
from evidencekit.core import layout
from evidencekit.core.digest import sha256, sha256_hex
from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.core.reduced import GROUPS, ReducedRow
from evidencekit.core.selection import SelectedRow, decode_selected, encode_selected
from evidencekit.journeys.erase import Order, erase, finish_erasures
from evidencekit.journeys.reducing import reduce_manifest
from evidencekit.journeys.selection import select_rows

if TYPE_CHECKING:
    from make_cases import Bench

Spoil = Callable[["Bench"], object]
SPOILT: dict[str, tuple[str, str, Spoil]] = {}
"""Folder to code, reason and maker, as in make_cases.py."""
_ORDER = {"authority": "order 7", "purpose": "a right to be forgotten"}
_LETTER = 2
"""Index of docs/a.txt."""


def spoilt(code: str, why: str, name: str) -> Callable[[Spoil], Spoil]:
    """Register a fixture of a code."""

    def register(function: Spoil) -> Spoil:
        SPOILT[f"{code}_{name}"] = (code, why, function)
        return function

    return register


def erase_and_divide(b: Bench) -> None:
    """A letter erased, the folder that it lay in a part, of that a part again; and the minutes lose their content."""
    carry_out(b, Order("EX-001", ("EX-001:docs/a.txt",), body=_ORDER))
    for parent, part, rows in (("EX-001", "EX-001-1", "EX-001:docs"), ("EX-001-1", "EX-001-1-1", "*b.txt")):
        divide(b, parent, part, select_rows(b.case, parent, [rows]))
    carry_out(b, Order("EX-001-1", ("EX-001-1#4",), groups=("content",), body=_ORDER))


def carry_out(b: Bench, order: Order) -> None:
    """Erase, a while after what came before."""
    b.begins += 10**12
    erase(
        b.ledger(), order, actor=b.actor, signers=[b.signer], random=os.urandom, cache_folder=b.folder / "none",
        confirm=lambda _: True,
    )  # fmt: skip


def divide(b: Bench, parent: str, part: str, selection: dict[str, Any]) -> None:
    """Record a `split` of one part, a while after what came before."""
    b.begins += 10**12
    ledger = b.ledger()
    body = {"parts": [{"item": part, "selection": selection}]}
    ledger.append("split", [parent, part], body, actor=b.actor, signers=[b.signer])
    ledger.checkpoint()


def reduce(
    b: Bench,
    *,
    numbers: tuple[int, ...] = (1, 2),
    form: int = 1,
    more: int = 0,
    item: str = "EX-001",
    alter: Callable[[list[dict[str, Any]]], object] | None = None,
) -> None:
    """Erase the letter by hand: some of its catalogues, under another form's number, of so many rows more or less."""
    record = read_record(b.case)
    named = []
    for sealed in (*record.sealed, *record.derived):
        if sealed.manifest not in numbers:
            continue
        path = b.folder / str(sealed.manifest)
        groups = GROUPS if sealed.kind == "rows" else ("opinion",)
        made = reduce_manifest(record, sealed, path, lambda row, groups=groups: _lost(row, groups), lambda _: True)
        if alter is not None and sealed.kind == "rows":
            rewrite(path, alter)
        named.append({
            "file_sha256": sha256_hex(path.read_bytes()), "manifest": str(sealed.manifest), "reduced": str(form),
            "rows": str(made.rows + (more if sealed.kind == "rows" else 0)),
        })  # fmt: skip
        path.rename(b.case / layout.manifest_file(sealed.manifest, form))
    enter(b, [item], {**_ORDER, "manifests": named, "objects": "0", "whole": False})
    finish_erasures(b.case, cache_folder=b.folder / "none")


def _lost(row: ReducedRow, groups: tuple[str, ...]) -> tuple[str, ...]:
    return groups if _LETTER in {row.index if row.kind else -1, row.base_index} else ()


def enter(b: Bench, items: list[str], body: dict[str, Any]) -> None:
    """Record an `erase` event whose reduced manifests lie there already: the ledger does not open above them."""
    waiting = [path for path in (b.case / layout.MANIFESTS).iterdir() if layout.parse_reduced_name(path.name)]
    for path in waiting:
        path.rename(b.folder / path.name)
    ledger = b.ledger()
    for path in waiting:
        (b.folder / path.name).rename(path)
    ledger.append("erase", items, body, actor=b.actor, signers=[b.signer])
    ledger.checkpoint()


def rewrite(path: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Write a reduced manifest anew with rows changed."""
    with pq.ParquetFile(path) as file:
        rows = file.read().to_pylist()
        schema = file.schema_arrow.remove_metadata()
        kept = {key: text for key, text in file.metadata.metadata.items() if key.startswith(b"evidencekit.")}
    change(rows)
    columns = {name: [row[name] for row in rows] for name in schema.names}
    with pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, write_page_checksum=True, write_page_index=True,
        write_statistics=["index"], store_schema=False, use_dictionary=False,
    ) as writer:  # fmt: skip
        writer.write_table(pa.table(columns, schema=schema))
        writer.add_key_value_metadata(kept)


def relist(b: Bench, change: Callable[[list[SelectedRow]], list[SelectedRow]]) -> dict[str, Any]:
    """Keep another list than that of the folder docs, with its own root and number of rows; return what says so."""
    said = select_rows(b.case, "EX-001", ["EX-001:docs"])
    path = b.case / layout.object_file(said["list"]["sha256"])
    rows = change([decode_selected(line, "it") for line in path.read_bytes().splitlines()])
    path.unlink()
    lines = [encode_selected(row) for row in rows]
    data = b"".join(line + b"\n" for line in lines)
    tree = CompactRange()
    tree.extend([leaf_hash(line) for line in lines])
    place = b.case / layout.object_file(sha256(data).hex())
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(data)
    named = {"bytes": str(len(data)), "sha256": sha256(data).hex()}
    return said | {"list": named, "root": tree.root().hex(), "rows": str(len(lines))}


@spoilt("E113", "beside a name that stands lies the commitment of another", "bad_reduced_row")
def _(b: Bench) -> None:
    reduce(b, alter=lambda rows: rows[1].update(name_commitment=rows[0]["name_commitment"]))


@spoilt("E113", "an erased group left its salt behind", "salt_left")
def _(b: Bench) -> None:
    reduce(b, alter=lambda rows: rows[_LETTER].update(content_salt=bytes(16)))


@spoilt("E114", "the event says that two rows were erased; it was one", "erased_count_differs")
def _(b: Bench) -> None:
    reduce(b, more=1)


@spoilt("E115", "the letter was erased, and what was concluded about it was not", "opinion_not_followed")
def _(b: Bench) -> None:
    reduce(b, numbers=(1,))


@spoilt("E115", "an opinion was erased whose row stands", "opinion_gone")
def _(b: Bench) -> None:
    reduce(b, numbers=(2,))


@spoilt("E116", "the first reduced form is numbered as the second", "bad_erasure")
def _(b: Bench) -> None:
    reduce(b, form=2)


@spoilt("E116", "the event is about another item than the catalogue", "other_item")
def _(b: Bench) -> None:
    ledger = b.ledger()
    ledger.append("collect", ["EX-002"], {}, actor=b.actor, signers=[b.signer])
    ledger.checkpoint()
    reduce(b, item="EX-002")


@spoilt("E202", "a kept row of a reduced catalogue has another kind than was sealed", "reduced_row_altered")
def _(b: Bench) -> None:
    reduce(b, alter=lambda rows: rows[1].update(kind="socket"))


@spoilt("W902", "an erasure that was recorded and not carried out: the full catalogue is still there", "not_erased")
def _(b: Bench) -> None:
    full = (b.case / layout.manifest_file(1)).read_bytes()
    reduce(b)
    (b.case / layout.manifest_file(1)).write_bytes(full)


@spoilt("E117", "two lines of a part's list stand in the wrong order", "bad_selection")
def _(b: Bench) -> None:
    divide(b, "EX-001", "EX-001-1", relist(b, lambda rows: [rows[1], rows[0], *rows[2:]]))


@spoilt("E117", "the event says another number of rows than the list has", "selection_cut")
def _(b: Bench) -> None:
    divide(b, "EX-001", "EX-001-1", relist(b, lambda rows: rows) | {"rows": "9"})


@spoilt("E118", "a part lists a row under the leaf of another", "selection_differs")
def _(b: Bench) -> None:
    divide(b, "EX-001", "EX-001-1", relist(b, lambda rows: [rows[0]._replace(leaf=rows[1].leaf), *rows[1:]]))


@spoilt("E118", "a part of a part lists a row that the part does not have", "not_of_the_part")
def _(b: Bench) -> None:
    letter = select_rows(b.case, "EX-001", ["EX-001:docs/a.txt"])
    divide(b, "EX-001", "EX-001-1", select_rows(b.case, "EX-001", ["EX-001:docs/b.txt"]))
    divide(b, "EX-001-1", "EX-001-1-1", letter)


@spoilt("E118", "a part lists rows of a catalogue that nobody sealed", "other_base")
def _(b: Bench) -> None:
    divide(b, "EX-001", "EX-001-1", relist(b, lambda rows: rows) | {"base_root": "0" * 64})


@spoilt("E119", "two parts have the same letter", "selection_overlap")
def _(b: Bench) -> None:
    letter = select_rows(b.case, "EX-001", ["EX-001:docs/a.txt"])
    divide(b, "EX-001", "EX-001-1", select_rows(b.case, "EX-001", ["EX-001:docs"]))
    divide(b, "EX-001", "EX-001-2", letter)


def make_erased(bench: Bench, small: Path) -> None:
    """The small case goes on, lawfully."""
    shutil.copytree(small, bench.case, symlinks=True)
    erase_and_divide(bench)
