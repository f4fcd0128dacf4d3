"""Several processes: the rows are those of one; whoever dies, fails or is stopped, nothing is lost and nobody is left."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import signal
import time
from collections import Counter
from multiprocessing import resource_tracker
from pathlib import Path

import pyarrow.parquet  # noqa: F401 - before a fork gives up its rights
import pytest

from evidencekit.acquire import dispatch, hand, jobs, teller
from evidencekit.acquire.dispatch import Dispatch
from evidencekit.acquire.journal import EarlierRun
from evidencekit.acquire.row import sort_key
from evidencekit.errors import CannotFinish
from evidencekit.read import evidence, workers
from evidencekit.read.evidence import Reader
from evidencekit.write import objects
from evidencekit.write.appended import Appended

LARGE = 1 << 20
PARENT = os.getpid()


@pytest.fixture(autouse=True)
def forked(monkeypatch, common):
    """Workers are copies of this process, so that they have what a test changed; their salts are really random."""
    monkeypatch.setattr(workers, "_may_fork", lambda: True)
    common["random"] = os.urandom


@pytest.fixture(autouse=True)
def nobody_is_left():
    """Neither a process nor a handle stays behind, whatever happened."""
    before, others = handles(), children()  # of fixtures of the whole session
    yield lambda: children() - others
    assert children() - others == set()
    assert handles() - before == set()


def handles():
    """What is open, but what `multiprocessing` keeps once it has started a process that is no copy."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # that of this listing
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    found.pop(resource_tracker._resource_tracker._fd, None)
    return set(found.items())


def children():
    """Processes that this one started, zombies, too."""
    lists = [Path(f"/proc/self/task/{task}/children").read_text() for task in os.listdir("/proc/self/task")]
    return {int(pid) for pid in " ".join(lists).split()} - {resource_tracker._resource_tracker._pid}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Some of everything: many folders, many names, links, names of one file, holes, attributes, odd names."""
    folder = tmp_path_factory.mktemp("dispatch") / "source"
    for name in ("a", "b/deep/deeper", "c"):
        (folder / name).mkdir(parents=True)
    for number in range(150):
        (folder / f"a/{number:03d}").write_bytes(b"x" * number)
        (folder / f"folder {number % 30:02d}").mkdir(exist_ok=True)
        (folder / f"folder {number % 30:02d}/{number}.txt").write_text(f"letter {number}")
    for number in range(20):
        (folder / f"b/deep/{number}").write_bytes(bytes([number]) * 40_000)
        os.link(folder / f"a/{number:03d}", folder / f"c/again {number}")
        os.symlink(f"../a/{number:03d}", folder / f"c/link {number}")
    os.mkfifo(folder / "c/pipe")
    (folder / "c/closed.tmp").write_bytes(b"excluded")
    (folder / "private").mkdir()
    (folder / "private/diary").write_bytes(b"excluded")
    for name in (b"\xff\xfe", b"new\nline", b"a", b"a-b", b"a.b"):
        with open(os.fsencode(folder) + b"/b/deep/deeper/" + name, "wb") as file:
            file.write(name)
    with (folder / "c/sparse").open("wb") as file:
        file.truncate(900_000)
        file.seek(1 << 19)
        file.write(b"island")
    for number in range(3):
        (folder / f"large {number}").write_bytes(bytes([number]) * (LARGE + number))
        (folder / f"b/large {number}").write_bytes(bytes([number + 5]) * (LARGE + number))
    for name, value in (("a/007", 20), ("b/deep/3", 3500)):
        try:
            os.setxattr(folder / name, b"user.note", b"x" * value)
        except OSError:
            break
    return folder


@pytest.fixture
def hand_back(monkeypatch):
    """Return a function that lets jobs be small, handed back soon, and files be large from 1 MiB on."""

    def let(*, rows=64, seconds=0.1, size=16 << 20):
        monkeypatch.setattr(jobs, "ROWS", rows)
        monkeypatch.setattr(hand, "SECONDS", seconds)
        monkeypatch.setattr(hand, "BYTES", size)
        monkeypatch.setattr(hand, "LARGE_FILE", LARGE)
        monkeypatch.setattr(evidence, "LARGE_FILE", LARGE)

    return let


@pytest.fixture
def pieces(monkeypatch):
    """What came of each piece: `(worker or not, piece, done, told)`."""
    seen = []
    real = Dispatch._take_back

    def take_back(self, piece, done, told):
        seen.append((self._workers is not None, piece, done, told))
        return real(self, piece, done, told)

    monkeypatch.setattr(Dispatch, "_take_back", take_back)
    return seen


LIMITS = {
    "usual": {},
    "row by row": {"rows": 9, "seconds": 0},
    "by size": {"rows": 50, "size": 50_000},
    "small jobs": {"rows": 3},
}


@pytest.fixture(scope="module")
def expected():
    """What one process gave, by options."""
    return {}


@pytest.mark.parametrize("count", [1, 3, pytest.param(2, marks=pytest.mark.long)])
@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize(
    "options",
    [{"exclude": ("*.tmp", "private")}, {"digests": ("md5",)}, {"copies": True}],
    ids=["plain", "md5", "copies"],
)
def test_the_same_rows_whoever_takes_them(source, taking, facts, hand_back, pieces, expected, count, limits, options):
    if str(options) not in expected:
        expected[str(options)] = taking(source, **options)
        assert not any(by_worker for by_worker, *_ in pieces)
        pieces.clear()
    one = expected[str(options)]
    hand_back(**LIMITS[limits])
    judged = taking(source, jobs=count, **options)
    assert facts(judged) == facts(one)
    assert judged.header["totals"] == one.header["totals"]
    assert judged.objects == one.objects
    assert any(by_worker for by_worker, *_ in pieces) == (count > 1)
    handed_back = sum(done.taken < len(piece) for _, piece, done, _ in pieces)
    assert handed_back > (0 if limits != "row by row" else 40), "large files at least"
    assert all(len(piece) == 1 for _, piece, _, _ in pieces if piece.job.is_large)
    assert sum(piece.job.is_large for _, piece, _, _ in pieces) == 6
    assert sum(done.taken for _, _, done, _ in pieces) == sum(done.rows for _, _, done, _ in pieces) == len(judged.rows)


@pytest.mark.parametrize("count", [1, 3])
def test_progress_adds_up(source, taking, hand_back, count):
    """Bytes of large files are told while they are read, and once."""
    hand_back(rows=20)
    told = []
    judged = taking(source, jobs=count, progress=told.append)
    taken = [one for one in told if one.phase == "take"]
    assert [one.files for one in taken] == sorted(one.files for one in taken)
    assert [one.bytes for one in taken] == sorted(one.bytes for one in taken)
    totals = judged.header["totals"]
    assert (taken[-1].files, taken[-1].bytes) == (int(totals["kinds"]["file"]), int(totals["bytes"]))
    assert {one.path for one in taken} >= {b"large 0", b"large 2", b"b/large 1"}, "who waits is told for what"


def test_omissions_are_counted_and_looked_at_again(source, taking, facts, hand_back):
    """What failed in a worker is tried once more at the end."""
    hand_back(rows=10)
    inode = (source / "folder 03/33.txt").stat().st_ino
    fails = source.parent / "fails"
    fails.touch()

    def preadv(handle, buffers, offset):
        if os.fstat(handle).st_ino == inode and fails.exists() and os.getpid() != PARENT:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return os.preadv(handle, buffers, offset)

    told = []
    judged = taking(source, jobs=2, reader=Reader(preadv=preadv), progress=told.append)
    assert max(one.omissions for one in told) == 1
    assert {one.phase for one in told} >= {"take", "retry"}
    assert facts(judged) == facts(taking(source))


@pytest.mark.parametrize("count", [1, 2])
def test_what_may_have_moved_an_access_time_is_known(taking, tmp_path, as_nobody, count):
    """O_NOATIME is for the owner: here of the folder, but not of the files. Who opened them without says so."""
    (tmp_path / "evidence").mkdir()
    for number in range(600):
        (tmp_path / "evidence" / f"{number}").write_bytes(b"x")
    assert taking(tmp_path / "evidence", jobs=count).header["source"]["atime"] == "untouched"
    out = tmp_path / "out"
    out.mkdir()
    for folder in (out, tmp_path / "evidence"):
        os.chown(folder, 65_534, 65_534)

    def run():
        return taking(tmp_path / "evidence", case=out / "case", jobs=count).header["source"]["atime"]

    assert as_nobody(run) == "may_change"


def test_names_that_may_be_listed_but_not_looked_at(taking, tmp_path, as_nobody, facts):
    """Their kinds are those of the listing, whoever takes them: workers share the folder's handle, so its place, too."""
    listed = tmp_path / "evidence/listed"
    listed.mkdir(parents=True)
    for number in range(800):
        (listed / f"{number}").touch()
        if not number % 3:
            (listed / f"link {number}").symlink_to("x")
        if not number % 50:
            os.mkfifo(listed / f"pipe {number}")
            (listed / f"folder {number}").mkdir()
    taking(tmp_path / "evidence", jobs=2)  # all that it imports is imported now
    listed.chmod(0o444)
    (tmp_path / "evidence").chmod(0o755)
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    one, *others = as_nobody(
        lambda: [
            taking(tmp_path / "evidence", case=out / f"{number}", jobs=count).states()
            for number, count in enumerate([1, 3, 3, 3])
        ]
    )
    assert Counter(state for state in one.values() if state[1] != "complete") == {
        ("file", "not_read", "permission_denied"): 800,
        ("symlink", "not_read", "permission_denied"): 267,
        ("unknown", "not_read", "permission_denied"): 16,
        ("directory", "not_listed", "permission_denied"): 16,
    }
    assert others == [one] * 3


# --- what goes wrong ----------------------------------------------------------------------------------------------------


def rows_in(case):
    """Paths of the rows that an unfinished acquisition has kept."""
    return [
        row.path for run in sorted((case / "work/EX-001").glob("run-*")) for row in EarlierRun(run, bytes(32)).rows()
    ]


@pytest.mark.parametrize("count", [2, 3])
def test_worker_that_is_killed(source, taking, acquiring, facts, hand_back, tmp_path, count, nobody_is_left):
    hand_back(rows=5)
    inode = (source / "folder 15/45.txt").stat().st_ino

    def preadv(handle, buffers, offset):
        if os.fstat(handle).st_ino == inode:
            assert os.getpid() != PARENT
            os.kill(os.getpid(), signal.SIGKILL)
        return os.preadv(handle, buffers, offset)

    case = tmp_path / "case"
    with pytest.raises(CannotFinish) as caught:
        acquiring(source, case, jobs=count, reader=Reader(preadv=preadv))
    assert (caught.value.code, caught.value.exit_code) == ("X450", 4)
    assert f"exit status {-signal.SIGKILL}" in caught.value.message
    assert nobody_is_left() == set()
    kept = rows_in(case)
    assert kept == sorted(kept, key=sort_key)
    assert len(kept) > 100
    judged = taking(source, case=case, jobs=count, resume=True)
    assert facts(judged) == facts(taking(source))
    assert judged.acquirer.resumed.kept >= len(kept) - 1, "but for the source itself, whose row a worker may have had"


def test_worker_that_cannot_write_a_copy(source, acquiring, taking, facts, hand_back, tmp_path, monkeypatch):
    """The very refusal arrives, with its facts."""
    hand_back(rows=8)
    written = itertools.count()
    real = os.replace

    def replace(path, place):
        if os.getpid() != PARENT and next(written) >= 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, place)

    case = tmp_path / "case"
    with monkeypatch.context() as patch:
        patch.setattr(objects.os, "replace", replace)
        with pytest.raises(CannotFinish) as caught:
            acquiring(source, case, jobs=2, copies=True)
    error = caught.value
    assert (error.code, error.exit_code) == ("X421", 4)
    assert str(case) in str(error.facts["path"])
    assert str(case) in error.message
    assert error.hint
    kept = [path.name for path in (case / "work/EX-001/objects/sha256").rglob("*") if path.is_file()]
    assert len(kept) > 10
    judged = taking(source, case=case, jobs=2, copies=True, resume=True)
    assert facts(judged) == facts(taking(source, copies=True))
    assert not list((case / "work/EX-001/objects").glob("*.tmp*"))


def test_run_that_cannot_be_written(source, acquiring, taking, facts, hand_back, tmp_path, monkeypatch, nobody_is_left):
    """The disk of the case is full, in the parent: workers are sent home, and what stands stands."""
    hand_back(rows=5)
    case = tmp_path / "case"
    real = Appended.append
    frames = itertools.count()

    def append(file, data):
        if file.path.name.startswith("run-") and next(frames) == 20:
            raise CannotFinish("No space left.", code="X421")
        return real(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(Appended, "append", append)
        with pytest.raises(CannotFinish) as caught:
            acquiring(source, case, jobs=3)
    assert caught.value.code == "X421"
    assert nobody_is_left() == set()
    kept = rows_in(case)
    assert len(kept) > 50
    judged = taking(source, case=case, jobs=3, resume=True)
    assert facts(judged) == facts(taking(source))
    assert judged.acquirer.resumed.kept == len(kept)


def test_error_of_ours_in_a_worker(source, acquiring, hand_back, tmp_path):
    """A defect is told as such, and not taken for an omission."""
    hand_back(rows=8)

    def preadv(handle, buffers, offset):
        raise ZeroDivisionError("of ours")

    with pytest.raises(ZeroDivisionError, match="of ours"):
        acquiring(source, tmp_path / "case", jobs=2, reader=Reader(preadv=preadv))


@pytest.mark.parametrize("when", ["first", "large", "last"])
def test_stopped_by_the_person(source, acquiring, taking, facts, hand_back, tmp_path, when, nobody_is_left):
    hand_back(rows=5)
    case = tmp_path / "case"

    def stop(progress):
        reached = {
            "first": progress.files > 0, "large": progress.path.startswith(b"b/large"), "last": progress.path == b"large 2",
        }  # fmt: skip
        if progress.phase == "take" and reached[when]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        acquiring(source, case, jobs=3, progress=stop)
    assert nobody_is_left() == set()
    judged = taking(source, case=case, jobs=3, resume=True)
    assert facts(judged) == facts(taking(source))
    assert judged.acquirer.resumed.kept > 0


def test_interrupted_again_and_again(source, acquiring, taking, facts, hand_back, tmp_path, monkeypatch):
    """With other numbers of processes each time: nothing is lost, and what a run has is not opened again."""
    hand_back(rows=5, seconds=0)
    monkeypatch.setattr(teller, "TELL_EVERY", 1)
    case, log = tmp_path / "case", tmp_path / "opened"
    inodes = {os.lstat(path).st_ino: path for path in source.rglob("*.txt")}

    def preadv(handle, buffers, offset):
        noted = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(noted, b"%d\n" % os.fstat(handle).st_ino)
        os.close(noted)
        return os.preadv(handle, buffers, offset)

    kept = []
    for count, at in ((3, 60), (1, 130), (2, 260)):

        def stop(progress, at=at):
            if progress.files >= at:
                raise KeyboardInterrupt

        log.write_bytes(b"")
        with pytest.raises(KeyboardInterrupt):
            acquiring(source, case, jobs=count, progress=stop, reader=Reader(preadv=preadv), resume=count != 3)
        opened = {inodes[int(line)] for line in log.read_text().split() if int(line) in inodes}
        assert not opened & {source / os.fsdecode(path) for path in kept}
        kept = rows_in(case)
    log.write_bytes(b"")
    judged = taking(source, case=case, jobs=2, reader=Reader(preadv=preadv), resume=True)
    opened = {inodes[int(line)] for line in log.read_text().split() if int(line) in inodes}
    assert opened
    assert not opened & {source / os.fsdecode(path) for path in kept}
    assert facts(judged) == facts(taking(source))
    assert judged.acquirer.resumed.kept == len(kept)


@pytest.mark.parametrize("count", [1, 2])
def test_copies_that_workers_kept_are_brought_to_the_medium(source, acquiring, tmp_path, monkeypatch, count):
    """By the parent, before rows that speak of them are, and before they are published."""
    monkeypatch.setattr("evidencekit.write.space.Room.syncs_at_once", False)
    synced, before_rows = set(), []
    sync_each, sync_run = objects.Objects._sync_each, Appended.sync

    def each(self, paths):
        paths = list(paths)
        synced.update(paths)
        return sync_each(self, paths)

    def run(file):
        if file.path.name.startswith("run-"):
            before_rows.append(len(synced))
        return sync_run(file)

    monkeypatch.setattr(objects.Objects, "_sync_each", each)
    monkeypatch.setattr(Appended, "sync", run)
    done = acquiring(source, tmp_path / "case", jobs=count, copies=True)
    kept = {os.path.basename(path) for path in synced}
    assert set(done.objects) <= kept
    assert before_rows[-1] == len(synced) >= len(done.objects) > 100


# --- processes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"copies": True}, {"digests": ("sha1",)}], ids=["plain", "copies", "sha1"])
def test_processes_that_are_no_copies(source, taking, facts, monkeypatch, options):
    """Where a fork would not be sound, and on other systems: everything is pickled."""
    one = taking(source, **options)
    monkeypatch.setattr(workers, "_may_fork", lambda: False)
    judged = taking(source, jobs=2, **options)
    assert facts(judged) == facts(one)
    assert judged.objects == one.objects


def test_no_process_for_what_one_can_do(tmp_path, taking, pieces):
    """A few files are taken sooner than a process starts."""
    (tmp_path / "source").mkdir()
    for number in range(100):
        (tmp_path / f"source/{number}").touch()
    assert len(taking(tmp_path / "source", jobs=4).rows) == 101
    assert [by_worker for by_worker, *_ in pieces] == [False]
    assert len(taking(tmp_path / "source/7", jobs=4).rows) == 1


def test_salts_of_workers_are_not_the_same(source, acquiring, tmp_path, hand_back):
    """Copies of a process have its pseudo-random numbers, too; what the command lends comes from the system."""
    hand_back(rows=10)
    work = acquiring(source, tmp_path / "case", jobs=3).work
    (run,) = work.earlier()
    salts = [bytes(batch.salt[at : at + 16]) for batch in run.batches() for at in range(0, len(batch.salt), 16)]
    assert len(salts) == len(set(salts)) > 400


def test_jobs_begun_ahead_are_bounded(source, taking, hand_back, monkeypatch):
    """While one process is at a file for long, others do not go on without end: what they do waits for its place."""
    hand_back(rows=4)
    monkeypatch.setattr(dispatch, "AHEAD", 5)
    inode = (source / "a/003").stat().st_ino

    def preadv(handle, buffers, offset):
        if os.fstat(handle).st_ino == inode and not offset:
            time.sleep(0.5)  # the slow file itself
        return os.preadv(handle, buffers, offset)

    aheads = []
    real = Dispatch._ahead

    def ahead(self):
        aheads.append(real(self))
        return aheads[-1]

    monkeypatch.setattr(Dispatch, "_ahead", ahead)
    taking(source, jobs=2, reader=Reader(preadv=preadv))
    assert max(aheads) == 5


def test_handles_of_workers_are_given_back(source, taking, hand_back, tmp_path):
    hand_back(rows=4)
    log = tmp_path / "log"

    def preadv(handle, buffers, offset):
        noted = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(noted, json.dumps([os.getpid(), len(os.listdir("/proc/self/fd"))]).encode() + b"\n")
        os.close(noted)
        return os.preadv(handle, buffers, offset)

    taking(source, jobs=2, reader=Reader(preadv=preadv))
    counts = {}
    for line in log.read_text().splitlines():
        pid, count = json.loads(line)
        counts.setdefault(pid, []).append(count)
    counts.pop(PARENT, None)
    assert len(counts) == 2
    for each in counts.values():
        assert len(each) > 50
        assert max(each) <= 5 + 1 + 4 + 1 + 2, (
            "stdin to stderr, the connection; folders of a job, the file; the log, the list"
        )


def test_workers_do_not_hold_what_the_parent_holds(source, taking, hand_back, tmp_path):
    """Its lock would outlive it."""
    hand_back(rows=4)
    log = tmp_path / "log"

    def preadv(handle, buffers, offset):
        if os.getpid() != PARENT:
            noted = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for name in os.listdir("/proc/self/fd"):
                if os.path.exists(f"/proc/self/fd/{name}"):
                    os.write(noted, os.readlink(b"/proc/self/fd/%d" % int(name)) + b"\n")
            os.close(noted)
        return os.preadv(handle, buffers, offset)

    case = tmp_path / "case"
    taking(source, case=case, jobs=2, reader=Reader(preadv=preadv))
    places = set(log.read_bytes().split(b"\n"))
    assert any(b"/source" in place for place in places)
    assert not {place for place in places if place.startswith(bytes(case))}
