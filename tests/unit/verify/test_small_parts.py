"""Salts and places by themselves, against the slow way of saying the same."""

from __future__ import annotations

import random
import resource
import time

import casebuilder as cb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core import layout
from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.verify import salts as salts_module
from evidencekit.verify.placing import InOrder, Shuffled
from evidencekit.verify.salts import Salts, equal_salts
from evidencekit.verify.verifier import verify_case


@given(st.lists(st.sampled_from([bytes([n]) * 8 + bytes([m]) * 8 for n in (0, 7, 255) for m in (0, 1)])))
def test_equal_salts_are_found_and_no_others(values):
    gathered = Salts()
    gathered.take(values)
    suspects = gathered.suspects()
    pairs = list(equal_salts(suspects, enumerate(values)))
    first = {value: values.index(value) for value in values}
    assert pairs == [(n, first[value]) for n, value in enumerate(values) if first[value] != n]


def test_too_many_suspects_are_said_to_be(monkeypatch):
    monkeypatch.setattr(salts_module, "MAX_SUSPECTS", 2)
    values = [bytes(8) + bytes([n]) * 8 for n in range(5)]
    assert list(equal_salts({0}, enumerate(values))) == [None]


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % n) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 33])
def test_shuffled_places_give_the_root_by_index(count):
    hashes = leaves(count)
    tree = CompactRange()
    tree.extend(sorted(hashes))
    indexes = [sorted(hashes).index(one) for one in hashes]
    placing = Shuffled(count)
    assert list(placing.take(0, indexes, hashes)) == []
    assert list(placing.finish()) == []
    assert placing.root() == tree.root()


def test_faulty_places_have_no_root():
    for indexes in ([0, 0], [0, 2], [-1, 0]):
        placing = Shuffled(2)
        assert len(list(placing.take(0, indexes, leaves(2)))) == 1
        assert placing.root() is None
        straight = InOrder()
        assert list(straight.take(0, indexes, leaves(2)))
        assert straight.root() is None


def test_shuffled_out_of_order_is_named_with_its_root():
    hashes = sorted(leaves(3), reverse=True)
    placing = Shuffled(3)
    assert list(placing.take(0, [0, 1, 2], hashes)) == []
    assert len(list(placing.finish())) == 2
    assert placing.root() is not None


def many(count: int) -> list[dict]:
    return [cb.folder_row(), *(cb.file_row(f"{n:07d}") for n in range(count - 1))]


@pytest.mark.long
def test_memory_and_time_do_not_grow_with_the_rows(tmp_path):
    """A hundred thousand rows: well under a minute a million, and about 8 bytes of memory each."""
    (tmp_path / "small").mkdir()
    (tmp_path / "large").mkdir()
    small, large = cb.Builder(tmp_path / "small"), cb.Builder(tmp_path / "large")
    small.seal(many(10_000))
    large.seal(many(100_000))
    verify_case(small.case)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    assert verify_case(large.case).counts["rows"] == 100_000
    assert (time.process_time() - began) / 100_000 < 150e-6
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # KiB; rows themselves are 60 MB


@pytest.mark.long
def test_a_folder_full_of_junk_is_walked_in_bounded_time(build):
    build.seal()
    for number in range(20_000):
        (build.case / "checkpoints" / layout.number(10_000 + number)).write_bytes(b"junk")
        (build.case / layout.entry_folder(50_000 + number)).mkdir()
    began = time.process_time()
    report = verify_case(build.case)
    assert report.counts["findings"]["by_code"]["E105"] == 20_000
    assert report.counts["findings"]["by_code"]["W901"] == 20_000
    assert time.process_time() - began < 60


def test_many_entries_are_checked(build):
    source = random.Random(3)
    for number in range(40):
        build.acquire(f"EX-{source.randrange(8):03d}")
        if number % 7 == 0:
            build.checkpoint()
    report = verify_case(build.case)
    assert {f.code for f in report.findings if f.severity == "error"} == set()
    assert report.checked["entries"] == 41
