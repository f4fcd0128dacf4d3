"""Several processes: when they are started, what a catalogue that changes meanwhile means, what is said of progress."""

from __future__ import annotations

import os
import shutil
from itertools import pairwise

import casebuilder as cb
import pytest

from evidencekit.core import layout
from evidencekit.read import workers as workers_module
from evidencekit.verify import examine, manifests, source, verifier
from evidencekit.verify.apart import _places
from evidencekit.verify.crew import Bench, Crew, Undone
from evidencekit.verify.rows_job import Header, RowsJob
from evidencekit.verify.run import Run
from evidencekit.verify.source import _costs, _parts
from evidencekit.verify.stretch import Mark
from evidencekit.verify.verifier import verify_case


@pytest.fixture
def started(monkeypatch):
    """How many workers were started; none really is."""
    counts = []

    class Workers:
        def __init__(self, count, _):
            counts.append(count)
            self.each = []

        def close(self, *, patience):
            pass

    monkeypatch.setattr(workers_module, "Workers", Workers)
    return counts


def test_a_small_case_starts_nobody(sealed, tmp_path, started):
    verify_case(sealed.case, sources={"EX-001": tmp_path}, jobs=8)
    assert started == []


def test_a_large_case_starts_as_many_as_were_asked_for(sealed, monkeypatch, started):
    monkeypatch.setattr(examine, "LEAST_ROWS", 1)
    monkeypatch.setattr(verifier, "fit_jobs", lambda _: 5)
    for jobs in (1, 3, None):
        assert verify_case(sealed.case, jobs=jobs).verdict == "INTEGRITY ONLY"
    assert started == [3, 5]


def test_a_system_that_starts_no_process(sealed, monkeypatch):
    monkeypatch.setattr(examine, "LEAST_ROWS", 1)
    monkeypatch.setattr(
        "multiprocessing.process.BaseProcess.start", lambda _: (_ for _ in ()).throw(OSError(11, "again"))
    )
    assert verify_case(sealed.case, jobs=2).verdict == "INTEGRITY ONLY"


@pytest.mark.parametrize("how", ["another file", "in its place", "and put back"])
def test_a_catalogue_that_changes_before_the_source_is_compared(sealed, tmp_path, monkeypatch, how):
    """What step 9 found holds for the bytes that it saw, and for no others."""
    path = sealed.case / layout.manifest_file(1)
    real = examine.check_strays

    def change(*arguments):
        data = path.read_bytes()
        if how == "another file":
            shutil.copy(path, tmp_path / "copy")
            (tmp_path / "copy").replace(path)
        else:
            path.write_bytes(data[:100] + b"x" + data[101:])
        if how == "and put back":
            path.write_bytes(data)
        return real(*arguments)

    monkeypatch.setattr(examine, "check_strays", change)
    (tmp_path / "empty").mkdir()
    report = verify_case(sealed.case, sources={"EX-001": tmp_path / "empty"})
    assert report.verdict == "NOT CHECKED"
    assert ("EX-001", "was changed while it was verified") in {
        (item.where, item.reason.partition("parquet ")[2].rstrip(".")) for item in report.not_checked
    }
    assert "source_rows" not in report.checked


def test_a_catalogue_that_changes_while_the_source_is_compared(sealed, tmp_path, monkeypatch):
    path = sealed.case / layout.manifest_file(1)
    real = source._check

    def check(*arguments, **more):
        whole = real(*arguments, **more)
        os.utime(path)
        return whole

    monkeypatch.setattr(source, "_check", check)
    report = verify_case(sealed.case, sources={"EX-001": tmp_path})
    assert report.aspects["evidence"].status != "ok"
    assert "was changed while it was verified" in " ".join(item.reason for item in report.not_checked)


def marks(*sizes):
    return [Mark(number * 10, b"%d" % number, size) for number, size in enumerate(sizes)]


class Catalogue:
    def __init__(self, sizes):
        self.marks = marks(*sizes)
        self.rows = 10 * len(sizes)


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(source, "LEAST_COST", 0)
    monkeypatch.setattr(source, "START_COST", 1 << 60)
    found = Run(crew=Crew(2))
    found.crew._workers = object()
    yield found
    found.crew._workers = None


def test_parts_are_even_and_meet(run, tmp_path):
    parts = _parts(run, Catalogue([1 << 30] * 40), tmp_path)
    assert len(parts) == source.PARTS * 2
    assert (parts[0].start, parts[0].low, parts[-1].stop, parts[-1].high) == (0, b"", None, None)
    for one, other in pairwise(parts):
        assert (one.stop, one.high) == (other.start, other.low)
    sizes = [(part.stop or 400) - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 10


def test_one_large_file_is_a_part(run, tmp_path):
    parts = _parts(run, Catalogue([0, 0, 1 << 40, 0, 0, 0]), tmp_path)
    assert (30, b"3") in {(part.start, part.low) for part in parts}
    assert _parts(run, Catalogue([]), tmp_path) == [source.Part()]


def test_many_rows_are_many_parts(run, tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MOST_ROWS", 20)
    assert len(_parts(run, Catalogue([0] * 100), tmp_path)) == 50


def test_little_is_not_cut(run, tmp_path, monkeypatch):
    monkeypatch.setattr(source, "LEAST_COST", 1 << 30)
    assert _parts(run, Catalogue([1] * 9), tmp_path) == [source.Part()]
    run.crew._workers = None
    monkeypatch.setattr(source, "LEAST_COST", 0)
    assert _parts(run, Catalogue([1] * 9), tmp_path) == [source.Part()]


def test_much_starts_those_that_were_not_there(run, tmp_path, monkeypatch, started):
    run.crew._workers = None
    monkeypatch.setattr(source, "START_COST", 1 << 20)
    assert len(_parts(run, Catalogue([1 << 30] * 9), tmp_path)) > 1
    assert started == [2]
    run.crew._workers = None


@pytest.mark.parametrize(
    ("turns", "is_asked", "is_cut"), [(True, False, False), (True, True, True), (None, False, True)]
)
def test_a_disk_that_turns_has_one_reader_unless_more_are_asked_for(
    run, tmp_path, monkeypatch, turns, is_asked, is_cut
):
    monkeypatch.setattr(source, "is_rotating", lambda number: turns if number == tmp_path.stat().st_dev else None)
    run.crew.is_asked = is_asked
    assert (len(_parts(run, Catalogue([1 << 30] * 9), tmp_path)) > 1) is is_cut
    assert len(_parts(run, Catalogue([1 << 30] * 9), tmp_path / "gone")) > 1


def test_costs_are_rows_and_content():
    assert list(_costs(marks(5, 0), 25)) == [5 + 10 * source.ROW_COST, 15 * source.ROW_COST]


def test_pieces_are_whole_row_groups():
    assert list(_places((5000, 5000, 0, 10))) == [(0, 10000), (10000, 10010)]
    assert list(_places(())) == []
    many = list(_places((1,) * 1000))
    assert (many[0], many[-1]) == ((0, 256), (768, 1000))


def test_a_bench_answers_for_everything(sealed):
    """Whatever is wrong with a job: the parent does it."""
    bench = Bench(lambda _: None)
    job = RowsJob("m", 0, 9, Header(), with_copies=False)
    path = sealed.case / layout.manifest_file(1)
    handle = os.open(path, os.O_RDONLY)
    assert [stretch.rows for stretch in bench(job, [handle])] == [4]
    empty = os.open(os.devnull, os.O_RDONLY)
    for wrong, handles in ((job, []), (job, [-1]), (job, [empty]), (None, [handle])):
        assert isinstance(bench(wrong, handles), Undone)
    os.close(handle)
    os.close(empty)


def test_a_row_group_that_is_too_large_for_many_is_read_by_one(sealed, monkeypatch):
    monkeypatch.setattr("evidencekit.verify.apart.MOST_GROUP", 100)
    handle = os.open(sealed.case / layout.manifest_file(1), os.O_RDONLY)
    assert isinstance(Bench(lambda _: None)(RowsJob("m", 0, 9, Header(), with_copies=False), [handle]), Undone)
    os.close(handle)


def test_progress_is_told_from_inside_a_large_file(build, tmp_path):
    place = tmp_path / "s"
    place.mkdir()
    data = bytes(40 << 20)
    (place / "large").write_bytes(data)
    build.seal([cb.folder_row(), cb.file_row("large", data)])
    lines = []
    verify_case(build.case, sources={"EX-001": place}, progress=lines.append)
    assert any("MiB of large files" in line for line in lines)


def test_the_manifest_step_notes_the_file_that_it_saw(sealed, monkeypatch):
    seen = []
    real = manifests._check_rows
    monkeypatch.setattr(manifests, "_check_rows", lambda *arguments: (real(*arguments), seen.append(arguments[6]))[0])
    verify_case(sealed.case)
    (catalogues,) = seen
    status = (sealed.case / layout.manifest_file(1)).stat()
    assert catalogues.facts[1].status.st_ino == status.st_ino
    assert [mark.position for mark in catalogues.facts[1].marks] == [0]
