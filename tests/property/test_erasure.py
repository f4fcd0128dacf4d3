"""Whatever rows and groups are erased, in however many steps: the root stays, what is kept is provable, no more is left.

And lists of rows: any bytes come back, or are refused.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.acquire.options import Options
from evidencekit.catalogue.record import read_record
from evidencekit.core.merkle import leaf_hash
from evidencekit.core.proofs import verify_inclusion
from evidencekit.core.reduced import GROUPS, Reduction
from evidencekit.core.selection import SelectedRow, decode_selected, encode_selected
from evidencekit.errors import FormatError
from evidencekit.journeys.erase import Order, erase
from evidencekit.journeys.reducing import reduce_manifest
from evidencekit.package.reduced_place import find_reduced_row
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.reduced import known_rows, rows_by_index
from evidencekit.verify.verifier import verify_case

SUBSETS = st.dictionaries(st.integers(0, 34), st.sets(st.sampled_from(GROUPS), min_size=1), max_size=35)
HEX = st.binary(min_size=32, max_size=32)


@pytest.fixture(scope="module", params=[False, True], ids=["path", "shuffled"])
def made(rc, tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("made")
    office = rc.Office(folder / "office")
    office.open(folder / "case")
    office.acquire(
        folder / "case", rc.make_source(folder / "source"), options=Options(sensitive=request.param, copies=True)
    )
    return folder / "case", office


@settings(max_examples=25)
@given(gone=SUBSETS)
def test_any_groups_of_any_rows(made, gone):
    record = read_record(made[0])
    (sealed,) = record.sealed
    with tempfile.TemporaryDirectory(dir=made[0] / "manifests", prefix=".tmp-") as folder:
        path = Path(folder) / "r1"
        done = reduce_manifest(record, sealed, path, lambda row: gone.get(row.index, ()), lambda _: True)
        assert done.rows == done.new == sum(index < sealed.rows for index in gone)
        with (record.store.path / sealed.place).open("rb") as one, path.open("rb") as other:
            full = list(rows_by_index(ManifestFile(one, "full"), is_shuffled=True))
            left = list(known_rows(ManifestFile(other, "reduced")))
        for before, after in zip(full, left, strict=True):
            assert after == before.without(gone.get(before.index, ()))
            assert after.leaf() == before.leaf()
        held = path.read_bytes()
        assert not any(
            row.groups[name].salt in held for row in full for name in gone.get(row.index, ())
        )  # a salt of 16 bytes does not stand there by chance; bytes of groups are compressed
        _prove(record, sealed, path, left)


def _prove(record, sealed, path, left):
    """Each row has its place under the sealed root."""

    class Here(Reduction):
        @property
        def place(self):
            return str(path.relative_to(record.store.path))

    here = Here(9, ("EX-001",), sealed.manifest, 1, "", 0)
    for row in left[::7]:
        found, proof = find_reduced_row(record.store, {"rows": str(sealed.rows)}, here, row.index, "it")
        assert found == row
        assert verify_inclusion(
            index=row.index, size=sealed.rows, leaf_hash=leaf_hash(row.leaf()), proof=proof,
            root=bytes.fromhex(sealed.root),
        )  # fmt: skip


@settings(max_examples=4)
@given(steps=st.lists(SUBSETS.filter(bool), min_size=1, max_size=3))
def test_in_steps_the_case_stays_verified(made, rc, tmp_path_factory, steps):
    case = tmp_path_factory.mktemp("steps") / "case"
    shutil.copytree(made[0], case)
    office, lost = made[1], {}
    rows = read_record(case).sealed[0].rows
    for step in steps:
        for index, groups in step.items():
            gone = lost.get(index, set())
            if index >= rows or groups <= gone:
                continue
            lost[index] = gone | groups
            order = Order("EX-001", (f"EX-001#{index}",), groups=tuple(sorted(groups)), body={"authority": "order"})
            erase(
                office.ledger(case), order, actor=rc.actor(office.signer), signers=[office.signer], random=os.urandom,
                cache_folder=case.parent / "cache", confirm=lambda _: True,
            )  # fmt: skip
            if len(lost) > 3:  # each is a signature and a checkpoint
                break
    report = verify_case(case, policy=office.policy())
    assert report.verdict == "VERIFIED"
    assert report.counts["states"].get("erased", 0) == sum("content" in groups for groups in lost.values())


@given(root=HEX, index=st.integers(0, 2**63 - 1), leaf=HEX)
def test_a_line_comes_back(root, index, leaf):
    row = SelectedRow(root.hex(), index, leaf)
    assert decode_selected(encode_selected(row), "it") == row


@given(root=HEX, index=st.integers(0, 2**63 - 1), leaf=HEX, at=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_another_byte_is_another_row_or_none(root, index, leaf, at, byte):
    line = bytearray(encode_selected(SelectedRow(root.hex(), index, leaf)))
    line[at % len(line)] = byte
    try:
        row = decode_selected(bytes(line), "it")
    except FormatError:
        return
    assert encode_selected(row) == line


@given(st.binary(max_size=300))
def test_any_bytes(data):
    with contextlib.suppress(FormatError):
        assert encode_selected(decode_selected(data, "it")) == data
