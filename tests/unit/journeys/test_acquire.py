"""acquire_and_seal: what is taken, sealed, typed, resumed, refused."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from evidencekit.acquire.options import Options
from evidencekit.acquire.pipeline import Acquirer
from evidencekit.acquire.work import work_folder
from evidencekit.core import layout
from evidencekit.core.event import decode_event
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, FormatError, Refused
from evidencekit.seal.ledger import Ledger
from evidencekit.verify.verifier import verify_case
from evidencekit.write.objects import Objects


def load(name):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


rc = load("realcase")


@pytest.fixture
def office(tmp_path):
    return rc.Office(tmp_path / "office")


@pytest.fixture
def case(office, tmp_path):
    office.open(tmp_path / "case")
    return tmp_path / "case"


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source/docs").mkdir(parents=True)
    (tmp_path / "source/docs/a.txt").write_text("letter\n")
    (tmp_path / "source/docs/b.pdf").write_bytes(b"%PDF-1.4\n")
    (tmp_path / "source/link").symlink_to("docs/a.txt")
    return tmp_path / "source"


def events(case):
    size = len(list((case / "custody").iterdir()))
    return [decode_event((case / layout.event_file(index)).read_bytes()) for index in range(size)]


def kinds(case):
    return [event["type"] for event in events(case)]


def sound(case, office, verdict="VERIFIED", **more):
    report = verify_case(case, policy=office.policy(), **more)
    assert report.verdict == verdict, [finding.as_record() for finding in report.findings]
    return report


class Stop(BaseException):
    """A crash: no cleanup that only catches Exception runs."""


# --- what is taken ------------------------------------------------------------------------------------------------


def test_a_folder_with_everything_odd_in_it(office, case, tmp_path):
    source = rc.make_source(tmp_path / "source")
    done = office.acquire(case, source)
    assert kinds(case) == ["open", "acquire", "seal", "derive"]
    assert (done.sealed.size, done.newest.size) == (3, 4)
    assert done.taken.rows == len(rc.rows(case))
    assert done.typed.rows == sum(row.kind == "file" for row in rc.rows(case))
    paths = [row.path for row in rc.rows(case)]
    assert paths[0] == b""
    assert paths == sorted(paths, key=lambda path: path.split(b"/") if path else [])
    assert set(rc.ODD_NAMES) <= set(paths)
    report = sound(case, office, sources={"EX-001": source})
    assert report.counts["rows"] == done.taken.rows
    assert not (case / layout.WORK / "EX-001").exists()


def test_one_file(office, case, source):
    done = office.acquire(case, source / "docs/a.txt")
    (row,) = rc.rows(case)
    assert (done.taken.rows, row.path, row.kind, row.size) == (1, b"", "file", 7)
    sound(case, office, sources={"EX-001": source / "docs/a.txt"})


def test_an_empty_folder(office, case, tmp_path):
    (tmp_path / "empty").mkdir()
    done = office.acquire(case, tmp_path / "empty")
    assert (done.taken.rows, done.typed.rows) == (1, 0)
    assert kinds(case)[-1] == "derive"
    sound(case, office, sources={"EX-001": tmp_path / "empty"})


def test_an_empty_file(office, case, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    done = office.acquire(case, tmp_path / "empty")
    (row,) = rc.rows(case)
    assert (done.taken.rows, row.size, done.typed.rows) == (1, 0, 1)
    assert row.sha256.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    sound(case, office, sources={"EX-001": tmp_path / "empty"})


def test_the_source_is_only_read(office, case, source):
    before = {path: (path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in [source, *source.rglob("*")]}
    office.acquire(case, source)
    after = {path: (path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in [source, *source.rglob("*")]}
    assert before == after


def test_a_second_exhibit_in_one_case(office, case, source):
    office.acquire(case, source)
    before = rc.snapshot(case)
    done = office.acquire(case, source / "docs", "EX-002")
    assert done.newest.size == 7
    after = rc.snapshot(case)
    assert {place: after[place] for place in before} == before
    assert sound(case, office).counts["exhibits"] == 2
    assert [event["items"] for event in events(case)[4:]] == [["EX-002"]] * 3


def test_shuffled_order(office, case, tmp_path):
    source = rc.make_source(tmp_path / "source")
    office.acquire(case, source, options=Options(sensitive=True))
    rows = rc.rows(case)
    assert sorted(row.index for row in rows) == list(range(len(rows)))
    assert [row.index for row in rows] != list(range(len(rows)))
    sound(case, office, sources={"EX-001": source})


def test_include_and_exclude_are_counted_omissions(office, case, source):
    done = office.acquire(case, source, options=Options(include=("*.txt",)))
    states = done.taken.header_record["totals"]["states"]
    assert (states["complete"], states["not_read"]) == ("3", "2")
    done = office.acquire(case, source, "EX-002", options=Options(exclude=("docs",)))
    assert done.taken.header_record["totals"]["states"]["not_listed"] == "1"
    assert [row.path for row in rc.rows(case, 3)] == [b"", b"docs", b"link"]
    report = sound(case, office)
    assert (report.counts["states"]["not_read"], report.counts["states"]["not_listed"]) == (2, 1)


def test_more_digests(office, case, source):
    office.acquire(case, source, options=Options(digests=("md5", "blake3", "sha256", "sha3_256")))
    assert events(case)[1]["body"]["digests"] == ["blake3", "md5", "sha256", "sha3_256"]
    sound(case, office, sources={"EX-001": source})


def test_no_types(office, case, source):
    done = office.acquire(case, source, types=False)
    assert (done.typed, done.newest) == (None, done.sealed)
    assert kinds(case) == ["open", "acquire", "seal"]
    sound(case, office)


def test_particulars_that_were_stated_are_not_among_the_others(office, case, source):
    done = office.acquire(case, source, particulars={"place": "study", "owner_present": False, "make": "SanDisk"})
    event = events(case)[1]
    assert event["body"]["place"] == "study"
    assert event["body"]["acquisition_type"] == "logical"
    assert tuple(event["not_stated"]) == done.not_stated
    assert not {"place", "owner_present", "make"} & set(done.not_stated)
    assert {"authority", "witnesses"} <= set(done.not_stated)


def test_a_person_states_how_it_was_taken_and_the_program_when(office, case, source):
    office.acquire(case, source, particulars={"acquisition_type": "live", "digests": ["md5"], "tool": "a hammer"})
    body = events(case)[1]["body"]
    assert body["acquisition_type"] == "live"
    assert body["digests"] == ["blake3", "sha256"]
    assert body["tool"] == rc.PROGRAM


def test_the_seal_is_told_when_it_stands_and_before_the_types(office, case, source):
    seen = []
    office.acquire(
        case,
        source,
        on_sealed=lambda taken, tree: seen.append((taken.rows, tree.size, kinds(case), sound(case, office))),
    )
    ((rows, size, types, _),) = seen
    assert (rows, size, types) == (5, 3, ["open", "acquire", "seal"])


def test_large_values_lie_in_objects(office, case, source, set_xattr):
    set_xattr(source / "docs/a.txt", b"user.large", b"\x01" * 3500)
    set_xattr(source / "docs/b.pdf", b"user.large", b"\x01" * 3500)
    office.acquire(case, source)
    assert len([path for path in (case / "objects").rglob("*") if path.is_file()]) == 1
    office.acquire(case, source, "EX-002")
    sound(case, office, sources={"EX-001": source, "EX-002": source})


def test_large_values_of_an_acquisition_that_failed_are_no_strays(office, case, source, set_xattr, monkeypatch):
    set_xattr(source / "docs/a.txt", b"user.large", b"\x01" * 3500)
    monkeypatch.setattr(Objects, "publish", raising(Stop()))
    with pytest.raises(Stop):
        office.acquire(case, source)
    assert not (case / "objects").exists()
    assert verify_case(case).findings == verify_case(case).findings == []


# --- what is refused ----------------------------------------------------------------------------------------------


def refused(office, case, source, code, exhibit="EX-001", **more):
    before = rc.snapshot(case, whole=True)
    with pytest.raises(EvidenceError) as caught:
        office.acquire(case, source, exhibit, **more)
    assert caught.value.code == code
    assert rc.snapshot(case, whole=True) == before
    return caught.value


def test_nesting_is_refused(office, case, tmp_path):
    for source in (tmp_path, case, case / "custody", case / "case.json", tmp_path / "case/../case", Path("/")):
        refused(office, case, source, "R506")


def test_nesting_through_links_is_refused(office, case, tmp_path):
    (tmp_path / "to-case").symlink_to("case")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/up").symlink_to("..")
    for source in (tmp_path / "to-case", tmp_path / "to-case/custody", tmp_path / "deep/up", tmp_path / "deep/up/case"):
        refused(office, case, source, "R506")
    office.ledger(tmp_path / "to-case")
    with pytest.raises(Refused) as caught:
        office.acquire(tmp_path / "to-case", case.parent)
    assert caught.value.code == "R506"


def test_a_neighbour_whose_name_begins_alike_is_no_nesting(office, case, tmp_path):
    (tmp_path / "case-files").mkdir()
    assert office.acquire(case, tmp_path / "case-files").taken.rows == 1


def test_a_source_that_is_not_there(office, case, tmp_path):
    assert isinstance(refused(office, case, tmp_path / "nowhere", "U201"), BadArgument)


def test_a_source_that_is_a_link_or_special(office, case, source, tmp_path):
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    refused(office, case, tmp_path / "link", "X432")
    refused(office, case, tmp_path / "loop", "X432")
    refused(office, case, tmp_path / "fifo", "X433")
    office.acquire(case, source)  # and the exhibit number is not used up


def test_globs_that_cannot_match(office, case, source):
    refused(office, case, source, "U230", options=Options(exclude=("/x",)))
    office.acquire(case, source)


@pytest.mark.parametrize(
    "exhibit", ["", "..", ".", "../EX", "EX 1", "EX\n1", "-x", "x" * 70, "A/b", "ex/../y", "\udcff"]
)
def test_what_is_no_exhibit_number(office, case, source, exhibit):
    for resume in (False, True):
        before = rc.snapshot(case, whole=True)
        with pytest.raises(FormatError):
            office.acquire(case, source, exhibit, resume=resume)
        assert rc.snapshot(case, whole=True) == before


def test_exhibits_never_share_a_work_folder(office, case, source):
    (case / layout.WORK / "a_B").mkdir(parents=True)
    refused(office, case, source, "R505", "a_B")
    refused(office, case, source, "R511", "a/B")  # the name of an adopted item, and none was adopted
    names = ["a/B", "a_B", "a-B", "a.B"]
    assert len({work_folder(case, name) for name in names}) == len(names)


def test_particulars_that_no_event_can_hold_are_refused_before_the_work(office, case, source, monkeypatch):
    monkeypatch.setattr(Acquirer, "take", None)
    for particulars in ({"unknown": "x"}, {"place": "\udcff"}, {"seized_by": ["x" * 4000] * 20}):
        before = rc.snapshot(case, whole=True)
        with pytest.raises(FormatError):
            office.acquire(case, source, particulars=particulars)
        assert rc.snapshot(case, whole=True) == before


def test_sealed_is_sealed(office, case, source):
    office.acquire(case, source)
    for more in ({}, {"resume": True}, {"types": False}, {"types": False, "resume": True}):
        assert "entry 2" in refused(office, case, source, "R504", **more).message


def test_sealed_without_types_is_sealed(office, case, source):
    office.acquire(case, source, types=False)
    refused(office, case, source, "R504")
    refused(office, case, source, "R504", types=False)
    refused(office, case, source, "R504", types=False, resume=True)


# --- resume -------------------------------------------------------------------------------------------------------


def test_resume_with_nothing_unfinished_starts_anew(office, case, source):
    assert office.acquire(case, source, resume=True).taken.rows == 5
    sound(case, office)


def test_resume_makes_the_types_that_are_missing(office, case, source):
    office.acquire(case, source, types=False)
    told = []
    done = office.acquire(case, source, resume=True, on_sealed=lambda *_: told.append(1))
    assert (done.taken, done.sealed, told) == (None, None, [])
    assert done.typed.rows == 2
    assert done.newest.size == 4
    assert "authority" in done.not_stated
    sound(case, office)
    refused(office, case, source, "R504", resume=True)


def test_types_by_another_person(office, case, source):
    office.acquire(case, source, types=False)
    office.acquire(case, source, resume=True, signer=office.other)
    assert events(case)[3]["actor"]["key"] == office.other.fingerprint
    assert verify_case(case).verdict == "INTEGRITY ONLY"
    assert office.ledger(case).custody.items["EX-001"].holder_key == office.signer.fingerprint


def test_an_unfinished_acquisition_is_refused_until_resumed(office, case, source):
    (case / layout.WORK / "EX-001").mkdir(parents=True)
    (case / layout.WORK / "EX-001/manifest.parquet").write_bytes(b"half")
    assert "--resume" in refused(office, case, source, "R505").hint
    office.acquire(case, source, "EX-002")  # others are free
    done = office.acquire(case, source, resume=True)
    assert done.taken.rows == 5
    sound(case, office)
    assert not (case / layout.WORK / "EX-001").exists()


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Stop()], ids=["interrupted", "crashed"])
def test_an_interruption_while_reading_leaves_a_resumable_acquisition(office, case, source, monkeypatch, error):
    with monkeypatch.context() as patch:
        patch.setattr("evidencekit.acquire.pipeline.compose", raising(error))
        with pytest.raises(type(error)):
            office.acquire(case, source)
    report = verify_case(case)
    assert (report.verdict, list(report.findings)) == ("NOT CHECKED", [])
    refused(office, case, source, "R505")
    office.acquire(case, source, resume=True)
    sound(case, office)


def test_an_error_while_reading_leaves_the_case_as_it_was(office, case, source, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Acquirer, "take", raising(CannotFinish("no space", code="X421")))
        refused(office, case, source, "X421")
    office.acquire(case, source)


STEPS = ("add_manifest", "append", "checkpoint")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("which", range(7))
def test_resume_after_a_crash_around_each_step_of_the_ledger(office, case, source, monkeypatch, when, which):
    """add_manifest, acquire, seal, checkpoint, add_manifest, derive, checkpoint."""
    done = []
    with monkeypatch.context() as patch:
        for name in STEPS:
            real = getattr(Ledger, name)

            def call(self, *given, real=real, **more):
                done.append(real.__name__)
                if len(done) == which + 1 and when == "before":
                    raise Stop
                result = real(self, *given, **more)
                if len(done) == which + 1:
                    raise Stop
                return result

            patch.setattr(Ledger, name, call)
        with pytest.raises(Stop):
            office.acquire(case, source)
    whole = len(done) == 7 and when == "after"
    report = verify_case(case, policy=office.policy())
    unfinished = {finding.code for finding in report.findings} >= {"W901"}
    assert report.verdict == ("VERIFIED" if not unfinished and len(done) >= 4 + (when == "before") else "NOT CHECKED")
    assert whole <= (report.verdict == "VERIFIED")
    again = office.acquire(case, source, resume=True)
    assert again.newest.size == office.ledger(case).log.size
    sound(case, office, sources={"EX-001": source})
    item = office.ledger(case).custody.items["EX-001"]
    assert item.sealed
    assert item.derived
    assert not list((case / layout.WORK).glob("EX-*"))
    refused(office, case, source, "R504", resume=True)


def test_resume_after_a_stray_manifest_keeps_it_aside(office, case, source):
    (case / layout.MANIFESTS).mkdir(exist_ok=True)
    (case / layout.manifest_file(1)).write_bytes(b"stray")
    refused(office, case, source, "R502")
    office.acquire(case, source, resume=True)
    (aside,) = (case / layout.WORK).glob("stray-*")
    assert aside.read_bytes() == b"stray"
    sound(case, office)


def test_resume_after_an_acquire_entry_by_another_person(office, case, source, monkeypatch):
    """The item has a holder and no seal: who takes it anew is its holder."""
    ledger = office.ledger(case)
    body = {"acquisition_type": "logical", "digests": ["blake3", "sha256"], "tool": rc.PROGRAM}
    body |= {"started_at": ledger.moment(), "finished_at": ledger.moment()}
    ledger.append("acquire", ["EX-001"], body, actor=rc.actor(office.other), signers=[office.other])
    office.acquire(case, source, resume=True)
    assert kinds(case) == ["open", "acquire", "acquire", "seal", "derive"]
    assert office.ledger(case).custody.items["EX-001"].holder_key == office.signer.fingerprint
    assert verify_case(case).verdict == "INTEGRITY ONLY"


def test_an_acquisition_that_is_going_on_is_not_taken_over(office, case, source, monkeypatch):
    """--resume does not take the work of a program that is alive out of its hands."""
    real = Acquirer.take
    refusals = []

    def take(*given, **more):
        for resume in (True, False):
            with pytest.raises(Refused) as caught:
                office.acquire(case, source, resume=resume)
            refusals.append(caught.value.code)
        return real(*given, **more)

    monkeypatch.setattr(Acquirer, "take", take)
    office.acquire(case, source)
    assert refusals == ["R507", "R505"]
    assert kinds(case) == ["open", "acquire", "seal", "derive"]
    sound(case, office)


def test_a_work_folder_that_cannot_be_made(office, case, source):
    (case / layout.WORK).write_text("a file in its place")
    for resume in (False, True):
        with pytest.raises(EvidenceError) as caught:
            office.acquire(case, source, resume=resume)
        assert caught.value.exit_code in {4, 5}


def test_a_planted_link_for_a_work_folder_is_not_followed(office, case, source, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("mine")
    (case / layout.WORK).mkdir()
    (case / layout.WORK / "EX-001").symlink_to(tmp_path / "precious")
    for resume in (False, True):
        with pytest.raises(EvidenceError):
            office.acquire(case, source, resume=resume)
    assert (tmp_path / "precious/file").read_text() == "mine"
    assert os.listdir(tmp_path / "precious") == ["file"]
