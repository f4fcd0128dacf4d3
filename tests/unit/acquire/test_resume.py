"""Taken up again: nothing that was finished and is unchanged is opened; what changed is taken again; nothing is lost."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from types import SimpleNamespace

import pytest

from evidencekit.acquire import hand, journal, pipeline
from evidencekit.acquire.entry import Taker
from evidencekit.acquire.journal import EarlierRun
from evidencekit.acquire.plain import PlainFiles
from evidencekit.core.encoding import decode
from evidencekit.core.records import MANIFEST
from evidencekit.errors import CannotFinish, Refused
from evidencekit.read import tree
from evidencekit.read.evidence import Reader
from evidencekit.read.handles import Opener
from evidencekit.read.node import Node


@pytest.fixture
def source(tmp_path):
    """Three folders of ten files, a link, a pipe, two names of one file."""
    folder = tmp_path / "source"
    for name in "abc":
        (folder / name).mkdir(parents=True)
        for number in range(10):
            (folder / name / f"{number}").write_text(f"letter {name}{number}")
    (folder / "link").symlink_to("a/0")
    os.mkfifo(folder / "pipe")
    os.link(folder / "a/1", folder / "z")
    return folder


@pytest.fixture
def case(tmp_path):
    return tmp_path / "case"


@pytest.fixture
def opened(monkeypatch):
    """The names of the files that are opened."""
    names = []
    real = Opener.file

    def file(self, name, parent):
        names.append(os.readlink(f"/proc/self/fd/{parent}").rpartition("source/")[2] + "/" + os.fsdecode(name))
        return real(self, name, parent)

    monkeypatch.setattr(Opener, "file", file)
    return names


@pytest.fixture
def interrupted(source, case, acquiring, monkeypatch, row_by_row):
    """Return a function that takes the source up to some path, and is stopped there."""

    def run(at, **more):
        take, take_plain = Taker.take, PlainFiles.take

        def taking(taker, node, *rest):
            if node.path == at:
                raise KeyboardInterrupt
            return take(taker, node, *rest)

        def taking_plain(plain_files, parent, name, path, *rest):
            if path == at:
                raise KeyboardInterrupt
            return take_plain(plain_files, parent, name, path, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(Taker, "take", taking)
            patch.setattr(PlainFiles, "take", taking_plain)
            with pytest.raises(KeyboardInterrupt):
                acquiring(source, case, **more)

    return run


def rewrite(path, text):
    """Change a file in a way that its times show."""
    path.write_text(text)
    os.utime(path, ns=(1, 1))


# --- nothing is read twice --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [b"", b"a/0", b"a/5", b"b", b"c/9", b"link", b"z"])
def test_what_was_finished_is_not_opened(source, case, taking, interrupted, opened, at, facts):
    undisturbed = taking(source)
    opened.clear()
    interrupted(at)
    before = list(opened)
    opened.clear()
    judged = taking(source, case=case, resume=True)
    assert not {*before} & {*opened}
    assert len(before) + len(opened) == 31
    assert facts(judged) == facts(undisturbed)
    resumed = judged.acquirer.resumed
    assert resumed.taken_again == 0
    assert judged.header["interruptions"]["rows_gone"] == "0"
    assert judged.header["interruptions"]["rows_kept"] == str(resumed.kept)
    assert judged.header["source"]["atime"] == "may_change"


def test_interrupted_again_and_again(source, case, taking, interrupted, opened, facts):
    undisturbed = taking(source)
    opened.clear()
    interrupted(b"a/3")
    for at in (b"a/7", b"b/2", b"b/2", b"c/9", b"pipe"):
        interrupted(at, resume=True)
    judged = taking(source, case=case, resume=True)
    assert sorted(opened) == sorted(set(opened)), "no file twice"
    assert facts(judged) == facts(undisturbed)
    assert len(judged.header["interruptions"]["resumed_at"]) == 6
    MANIFEST.check(judged.header)
    assert judged.header["started_at"]["time"] < judged.header["interruptions"]["resumed_at"][0]["time"]


def test_stopped_while_composing(source, case, taking, acquiring, opened, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "compose", lambda *given, **more: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            acquiring(source, case)
    opened.clear()
    taking(source, case=case, resume=True)
    assert opened == []


def test_with_copies(source, case, taking, interrupted, opened):
    undisturbed = taking(source, copies=True)
    opened.clear()
    interrupted(b"b/5", copies=True)
    judged = taking(source, case=case, resume=True, copies=True)
    assert sorted(opened) == sorted(set(opened))
    assert judged.objects == undisturbed.objects
    assert len(judged.objects) == 30


def test_file_whose_copy_is_gone_is_taken_again(source, case, taking, interrupted, opened):
    interrupted(b"b", copies=True)
    for name in sorted((case / "work/EX-001/objects").rglob("*")):
        if name.is_file() and name.read_bytes() == b"letter a4":
            name.unlink()
    opened.clear()
    judged = taking(source, case=case, resume=True, copies=True)
    assert "a/4" in opened
    assert "a/3" not in opened
    assert b"letter a4" in judged.objects.values()


@pytest.mark.parametrize("spoil", [b"", b"letter", b"LETTER A4"])
def test_spoilt_copy_is_found_before_the_seal_and_taken_again(source, case, taking, interrupted, spoil):
    interrupted(b"b", copies=True)
    for name in (case / "work/EX-001/objects").rglob("*"):
        if name.is_file() and name.read_bytes() == b"letter a4":
            name.chmod(0o600)
            name.write_bytes(spoil)
    judged = taking(source, case=case, resume=True, copies=True)
    assert b"letter a4" in judged.objects.values()
    assert judged.rows[b"a/4"].state == "complete"


def test_medium_that_spoils_every_copy(source, case, acquiring, monkeypatch):
    from evidencekit.write.objects import Objects

    def check(self, digests, progress=None):
        yield next(iter(digests))

    monkeypatch.setattr(Objects, "check", check)
    with pytest.raises(CannotFinish) as caught:
        acquiring(source, case, copies=True)
    assert caught.value.code == "X425"


# --- the source changed meanwhile -------------------------------------------------------------------------------------


def test_what_changed_is_taken_again(source, case, taking, interrupted, opened):
    interrupted(b"b/5")
    rewrite(source / "a/2", "another letter")
    opened.clear()
    judged = taking(source, case=case, resume=True)
    assert [name for name in opened if name.startswith("a/")] == ["a/2"]
    assert judged.rows[b"a/2"].content["size"] == str(len("another letter"))
    assert judged.header["interruptions"]["rows_taken_again"] == "1"


def test_what_is_new_is_taken(source, case, taking, interrupted):
    interrupted(b"b/5")
    (source / "a/new").write_text("new")
    judged = taking(source, case=case, resume=True)
    assert judged.rows[b"a/new"].state == "complete"
    assert judged.acquirer.resumed.taken_again == 1, "the folder"


def test_what_is_gone_stays_in_the_record(source, case, taking, interrupted):
    interrupted(b"b/5")
    before = (source / "a/2").read_text()
    (source / "a/2").unlink()
    judged = taking(source, case=case, resume=True)
    assert judged.rows[b"a/2"].state == "complete"
    assert judged.rows[b"a/2"].content["size"] == str(len(before))
    assert judged.header["interruptions"]["rows_gone"] == "1"


def test_folder_that_is_gone_stays_with_its_content(source, case, taking, interrupted):
    """Not as complete: nobody knows whether all that was in it had been taken."""
    interrupted(b"a/5")
    shutil.rmtree(source / "a")
    judged = taking(source, case=case, resume=True)
    assert {path for path in judged.rows if path.startswith(b"a")} == {b"a", *(b"a/%d" % n for n in range(5))}
    assert judged.states()[b"a"] == ("directory", "vanished", "not_found")
    assert judged.rows[b"a/3"].state == "complete"
    assert judged.header["interruptions"]["rows_gone"] == "6"
    assert judged.header["totals"]["states"]["vanished"] == "1"


def test_what_is_gone_from_the_end_of_a_source(source, case, taking, acquiring, monkeypatch):
    """Nothing comes after it at which it could be missed."""
    (source / "zz").mkdir()
    (source / "zz/last").write_text("last")
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "compose", lambda *given, **more: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            acquiring(source, case)
    shutil.rmtree(source / "zz")
    judged = taking(source, case=case, resume=True)
    assert judged.states()[b"zz"] == ("directory", "vanished", "not_found")
    assert judged.rows[b"zz/last"].state == "complete"
    assert judged.header["interruptions"]["rows_gone"] == "2"


def test_folder_that_cannot_be_listed_any_more_is_not_complete(source, case, taking, interrupted, monkeypatch):
    interrupted(b"a/5")
    real = Opener.folder

    def folder(self, name, parent):
        if name == b"a":
            raise OSError(errno.EIO, "Input/output error")
        return real(self, name, parent)

    monkeypatch.setattr(Opener, "folder", folder)
    judged = taking(source, case=case, resume=True)
    assert judged.states()[b"a"] == ("directory", "not_listed", "io_error")
    assert {path for path in judged.rows if path.startswith(b"a/")} == {b"a/%d" % n for n in range(5)}


def test_names_of_files_before_and_after_an_interruption_are_not_put_together(source, case, taking, interrupted):
    """Inode numbers are used again; and a name that is gone may have been one of another state of the file."""
    (source / "a/00").write_text("old")
    os.link(source / "a/00", source / "a/01")
    interrupted(b"a/01")
    (source / "a/00").unlink()
    rewrite(source / "a/01", "new")
    os.link(source / "a/01", source / "b/01")
    judged = taking(source, case=case, resume=True)
    assert "link_group" not in judged.rows[b"a/00"].metadata
    assert judged.rows[b"a/01"].metadata["link_group"] == judged.rows[b"b/01"].metadata["link_group"]


def test_another_file_system_in_the_place_of_the_source_is_refused(source, case, taking, interrupted, monkeypatch):
    """A stick that is not mounted after a power failure: its empty folder is not what remains of it."""
    interrupted(b"b")
    source.rename(source.with_name("away"))
    source.mkdir()
    with pytest.raises(Refused) as caught:
        taking(source, case=case, resume=True)
    assert caught.value.code == "R509"
    source.rmdir()
    source.with_name("away").rename(source)
    assert len(taking(source, case=case, resume=True).rows) == 37


def test_folder_that_became_a_file(source, case, taking, interrupted):
    """Rows below it have no place any more."""
    interrupted(b"b/5")
    shutil.rmtree(source / "a")
    (source / "a").write_text("a file")
    judged = taking(source, case=case, resume=True)
    assert judged.rows[b"a"].kind == "file"
    assert not [path for path in judged.rows if path.startswith(b"a/")]
    assert judged.taken.misplaced == 10
    assert judged.header["interruptions"]["rows_gone"] == "0"


def test_file_that_changed_and_cannot_be_read_is_an_omission(source, case, taking, interrupted):
    """What was read before is not what is there now."""
    interrupted(b"b/5")
    rewrite(source / "a/2", "another letter")
    inode = (source / "a/2").stat().st_ino

    def preadv(handle, buffers, offset):
        if os.fstat(handle).st_ino == inode:
            raise OSError(errno.EIO, "Input/output error")
        return os.preadv(handle, buffers, offset)

    judged = taking(source, case=case, resume=True, reader=Reader(preadv=preadv))
    assert judged.states()[b"a/2"] == ("file", "not_read", "io_error")


def test_copy_that_is_spoilt_while_its_file_is_gone(source, case, taking, interrupted):
    """The acquisition comes to its end, and says what is lost."""
    interrupted(b"b/5", copies=True)
    for name in (case / "work/EX-001/objects").rglob("*"):
        if name.is_file() and name.read_bytes() == b"letter a4":
            name.chmod(0o600)
            name.write_bytes(b"LETTER A4")
    (source / "a/4").unlink()
    judged = taking(source, case=case, resume=True, copies=True)
    assert judged.states()[b"a/4"] == ("file", "vanished", "not_found")
    assert judged.rows[b"a/3"].state == "complete"


# --- what the work folder says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other", [{"exclude": ("x",)}, {"digests": ("md5",)}, {"copies": True}, {"sensitive": True}], ids=str
)
def test_other_options_are_refused(source, case, acquiring, interrupted, other):
    interrupted(b"b")
    with pytest.raises(Refused) as caught:
        acquiring(source, case, resume=True, **other)
    assert caught.value.code == "R509"


def test_another_source_is_refused(source, case, tmp_path, acquiring, interrupted):
    interrupted(b"b")
    (tmp_path / "other").mkdir()
    with pytest.raises(Refused) as caught:
        acquiring(tmp_path / "other", case, resume=True)
    assert caught.value.code == "R509"


def test_unfinished_without_resume_is_refused(source, case, acquiring, interrupted):
    interrupted(b"b")
    with pytest.raises(Refused) as caught:
        acquiring(source, case)
    assert caught.value.code == "R505"


def test_two_programs_at_once_are_refused(source, case, acquiring):
    refused = []

    def second(_):
        if not refused:
            with pytest.raises(Refused) as caught:
                acquiring(source, case, resume=True)
            refused.append(caught.value.code)

    acquiring(source, case, progress=second)
    assert refused == ["R507"]


def test_planted_rows_are_not_believed(source, case, tmp_path, taking, interrupted, opened):
    """Somebody without the keys of the log cannot make a digest stand in for a reading."""
    interrupted(b"b")
    (run,) = (case / "work/EX-001").glob("run-*")
    rows = list(EarlierRun(run, bytes(32)).rows())
    run.unlink()
    forged = journal.Run(run, b"\1" * 32, {"_t": "evidencekit/run/1"}, random=os.urandom)
    for row in rows:
        forged.add(row._replace(content=row.content.replace(b"complete", b"changed")))
    forged.close()
    opened.clear()
    judged = taking(source, case=case, resume=True)
    assert len(opened) == 31
    assert judged.work.unusable == ["run-00000001"]
    assert "interruptions" not in decode(judged.taken.header)


def test_options_of_an_acquisition_are_kept_in_its_runs(source, case, interrupted):
    interrupted(b"b", exclude=("nothing",))
    (run,) = (case / "work/EX-001").glob("run-*")
    head = EarlierRun(run, bytes(32)).head
    assert head["options"] == {"copies": False, "exclude": ["nothing"], "include": [], "sensitive": False}


# --- the second look --------------------------------------------------------------------------------------------------


class Moody(Reader):
    """A reader for which some inodes fail a number of times."""

    def __init__(self, moods, **options):
        super().__init__(preadv=self._preadv_of, **options)
        self.moods = moods
        self.looks = []

    def _preadv_of(self, handle, buffers, offset):
        inode = os.fstat(handle).st_ino
        if self.moods.get(inode, 0) > 0:
            raise OSError(errno.EIO, "Input/output error")
        return os.preadv(handle, buffers, offset)

    def read(self, handle, *more):
        inode = os.fstat(handle).st_ino
        self.looks.append(inode)
        try:
            return super().read(handle, *more)
        finally:
            self.moods[inode] = self.moods.get(inode, 0) - 1


def test_what_failed_is_tried_again_at_the_end(source, taking):
    once, always = (source / "a/3").stat().st_ino, (source / "b/3").stat().st_ino
    reader = Moody({once: 1, always: 99})
    judged = taking(source, reader=reader)
    assert judged.rows[b"a/3"].state == "complete"
    assert judged.states()[b"b/3"] == ("file", "not_read", "io_error")
    assert reader.looks.count(once) == reader.looks.count(always) == 2
    assert reader.looks[-2:] == [once, always]
    assert [tuple(one) for one in judged.taken.omitted] == [(b"b/3", "not_read", "io_error")]
    assert "interruptions" not in judged.header


def test_names_of_one_file_are_one_also_at_the_second_look(source, taking):
    inode = (source / "z").stat().st_ino
    judged = taking(source, reader=Moody({inode: 1}))  # the first of its two names fails, the second is read
    assert judged.rows[b"a/1"].state == judged.rows[b"z"].state == "complete"
    assert judged.rows[b"a/1"].metadata["link_group"] == judged.rows[b"z"].metadata["link_group"] == "1"


def test_damaged_file_is_not_read_again_unless_something_of_it_can_be(source, taking):
    (source / "large").write_bytes(os.urandom(100_000))
    inode = (source / "large").stat().st_ino
    calls = []
    mended = []

    def preadv(handle, buffers, offset):
        if os.fstat(handle).st_ino == inode:
            calls.append(offset)
            end = offset + len(buffers[0])
            if offset < 8192 and end > 4096 and not mended:
                raise OSError(errno.EIO, "Input/output error")
        return os.preadv(handle, buffers, offset)

    judged = taking(source, reader=Reader(preadv=preadv))
    assert judged.rows[b"large"].content["unreadable"] == [{"length": "4096", "offset": "4096"}]
    assert calls.count(0) < 5, "its good places were not read again in vain"

    class Healing(Reader):
        def probe(self, handle, ranges):
            assert list(ranges) == [(4096, 4096)]
            mended.append(True)
            return super().probe(handle, ranges)

    judged = taking(source, reader=Healing(preadv=preadv))
    assert judged.rows[b"large"].state == "complete"


@pytest.mark.parametrize("digests", [(), ("md5",)], ids=["plainly", "md5"])
@pytest.mark.parametrize("times", [1, 99])
def test_file_that_was_written_while_it_was_read_stays_changed(source, taking, opened, times, digests):
    """It was read, both stats are there; a quiet moment later on would hide that it was being written."""
    path = source / "a/3"
    listed = path.stat()
    written = []

    def preadv(handle, buffers, offset):
        size = os.preadv(handle, buffers, offset)
        if os.fstat(handle).st_ino == listed.st_ino and len(written) < times:
            path.write_text(f"it was being written {len(written)}")
            os.utime(path, ns=(1, len(written)))
            written.append(offset)
        return size

    judged = taking(source, reader=Reader(digests, preadv=preadv), digests=digests)
    row = judged.rows[b"a/3"]
    assert row.state == "changed"
    assert row.metadata["mtime_ns"] == str(listed.st_mtime_ns)
    assert row.metadata["after"]["mtime_ns"] == str(path.stat().st_mtime_ns)
    assert opened.count("a/3") == 1
    if times == 1 and not digests:
        assert row.content["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("becomes", ["nothing", "another", "folder", "large"])
def test_file_whose_name_is_taken_while_it_is_read_is_read_to_the_end(source, taking, opened, becomes):
    """It is open: what stands under its name now is another thing."""
    path = source / "a/3"
    listed = path.stat()
    done = []

    def preadv(handle, buffers, offset):
        size = os.preadv(handle, buffers, offset)
        if os.fstat(handle).st_ino == listed.st_ino and not done:
            done.append(offset)
            path.unlink()
            if becomes == "another":
                path.write_text("another")
            elif becomes == "folder":
                path.mkdir()
            elif becomes == "large":
                path.touch()
                os.truncate(path, 40 << 20)
        return size

    judged = taking(source, reader=Reader(preadv=preadv))
    row = judged.rows[b"a/3"]
    assert (row.kind, row.state, row.metadata["inode"]) == ("file", "changed", str(listed.st_ino))
    assert row.content["sha256"] == hashlib.sha256(b"letter a3").hexdigest()
    assert (row.metadata["nlink"], row.metadata["after"]["size"]) == ("1", "9")
    assert opened.count("a/3") == 1
    assert {row.state for path, row in judged.rows.items() if path not in {b"a/3", b"a"}} == {"complete"}


def test_small_file_that_is_large_when_it_is_read(source, taking, opened, monkeypatch):
    """It is given back, to be taken by itself; the handle that was on it is closed."""
    (source / "a/large").write_bytes(b"x" * (2 << 20))
    monkeypatch.setattr(hand, "LARGE_FILE", 1 << 20)
    before = set(os.listdir("/proc/self/fd"))
    assert taking(source).rows[b"a/large"].state == "complete"
    assert opened.count("a/large") == 2
    assert set(os.listdir("/proc/self/fd")) == before


def test_what_took_the_name_of_a_file_that_is_gone_is_not_that_file(source, taking, monkeypatch):
    real = Node.open
    done = []

    def opening(node):
        if node.path == b"b/3" and not done:
            done.append(True)
            (source / "b/3").unlink()
            found = real(node)
            os.mkfifo(source / "b/3")
            return found
        return real(node)

    monkeypatch.setattr(Node, "open", opening)
    assert taking(source, copies=True).states()[b"b/3"] == ("file", "vanished", "not_found")


@pytest.mark.parametrize("failing", ["marked_names_in", "Opener"])
def test_folder_that_could_not_be_listed_is_listed_at_the_end(source, taking, monkeypatch, failing):
    left = [True]

    def fails_once(place):
        if left and place.endswith("/b"):
            left.clear()
            raise OSError(errno.EIO, "Input/output error")

    if failing == "Opener":
        folder = Opener.folder

        def opening(opener, name, parent):
            fails_once(os.readlink(f"/proc/self/fd/{parent}") + "/" + os.fsdecode(name))
            return folder(opener, name, parent)

        monkeypatch.setattr(Opener, "folder", opening)
    else:
        listing = tree.marked_names_in

        def names_in(handle):
            fails_once(os.readlink(f"/proc/self/fd/{handle}"))
            return listing(handle)

        monkeypatch.setattr(tree, "marked_names_in", names_in)
    judged = taking(source)
    assert left == []
    assert judged.rows[b"b"].state == "complete"
    assert judged.rows[b"b/7"].state == "complete"
    assert len(judged.rows) == 37


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("not_read", "permission_denied", False), ("not_read", "excluded", False), ("vanished", "not_found", True),
        ("not_listed", "too_long", False), ("complete", "", False), ("partial", "io_error", True), ("changed", "", False),
        ("not_read", "changed_kind", False),
    ],
)  # fmt: skip
def test_what_waiting_does_not_better_is_not_tried_again(state, reason, expected):
    """A permission does not come by waiting; a name that is gone costs one look."""
    assert Taker.hopes(None, SimpleNamespace(kind="file", state=state, reason=reason)) is expected
