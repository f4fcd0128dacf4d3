"""`evidencekit export --again ENTRY`: a package that was recorded gets its place, and nothing is recorded for it.

Each test begins after an export whose last rename failed: its event stands, its package lies beside OUT.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from evidencekit.write import durable

RENAME = durable.rename_new


class Stopped:
    """A folder with a case, and what an export into it left behind."""

    def __init__(self, cli, rc, signing, folder):
        self._cli, self._rc, self._signing = cli, rc, signing
        self.folder, self.case, self.out = folder, folder / "case", folder / "out"

    def export(self, out="out", *arguments):
        return self._cli("export", self.case, self.folder / out, *arguments, *self._signing)

    def again(self, entry=None, out="out", *arguments):
        place = [] if out is None else [self.folder / out]
        return self._cli("export", self.case, *place, "--again", self.entry if entry is None else entry, *arguments)

    def checkpoint_finish(self):
        return self._cli("checkpoint", "finish", self.case, *self._signing[2:])

    @property
    def entry(self):
        """The newest entry: the export's."""
        return len(list((self.case / "custody").iterdir())) - 1

    @property
    def left(self):
        """The folder in which the package was made."""
        (found,) = self.folder.glob("unfinished-export-*")
        return found

    @property
    def built(self):
        (found,) = (self.left / "built").iterdir()
        return found

    @property
    def files(self):
        """Every file, by its place."""
        return self._rc.snapshot(self.folder, whole=True)

    @contextlib.contextmanager
    def refused(self, code, exit_code, *arguments):
        """Hold `--again` to its refusal; and to having changed nothing. Yields what was said, to be looked at."""
        before = self.files
        done = self.again(*arguments)
        assert (done.code, f"error {code}:" in done.err.decode(), done.out) == (exit_code, True, b""), done
        assert self.files == before
        yield done.err.decode()


@contextlib.contextmanager
def no_rename_to(is_stopped):
    """Let the system fail to give the places that `is_stopped` says their files."""

    def rename(temporary: Path, final: Path, **how: object) -> None:
        if is_stopped(final):
            raise OSError(errno.EIO, "injected")
        RENAME(temporary, final, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "rename_new", rename)
        yield


def stopped_export(stopped, out="out", *arguments):
    """Export so that the package does not get its place; return what the command said."""
    with no_rename_to(lambda final: final == stopped.folder / out):
        done = stopped.export(out, "--glob", "*.txt", *arguments)
    assert not (stopped.folder / out).exists()
    return done


@pytest.fixture(scope="module")
def once(cli, rc, desk, tmp_path_factory):
    """The folder after a stopped export, and what the command said. It is copied for each test."""
    folder = tmp_path_factory.mktemp("stopped")
    shutil.copytree(desk / "case", folder / "case")
    signing = ["--signer", desk / "office/examiner", "--log-key", desk / "log.pem"]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp("home")))
        done = stopped_export(Stopped(cli, rc, signing, folder))
    return folder, done


@pytest.fixture
def stopped(once, cli, rc, signing, tmp_path):
    shutil.copytree(once[0], tmp_path / "place", symlinks=True)
    return Stopped(cli, rc, signing, tmp_path / "place")


@pytest.fixture
def fresh(case, cli, rc, signing, tmp_path):
    """A case of which nothing was exported yet."""
    return Stopped(cli, rc, signing, tmp_path)


def package_digest(package):
    return hashlib.sha256((package / "evidence/package.json").read_bytes()).hexdigest()


def recorded_digest(stopped):
    (event,) = (stopped.case / "custody").glob(f"{stopped.entry:08d}/event.json")
    return json.loads(event.read_bytes())["body"]["package"]


def test_the_stopped_export_says_what_to_do(once, stopped):
    done = once[1]
    said = " ".join(done.err.decode().split())
    assert (done.code, "error X483:" in said) == (4, True), done
    assert stopped.left.name in said
    assert f"Do not export once more: `evidencekit export CASE OUT --again {stopped.entry}` moves it." in said
    assert package_digest(stopped.built) == recorded_digest(stopped)


def test_the_package_gets_its_place_and_nothing_is_recorded(stopped, cli):
    case, built = {k: v for k, v in stopped.files.items() if k.startswith("case/")}, stopped.built.name
    made = {k.partition(f"built/{built}/")[2]: v for k, v in stopped.files.items() if f"built/{built}/" in k}
    done = stopped.again()
    assert (done.code, done.err) == (0, b""), done
    assert done.out.decode().endswith("INTEGRITY ONLY; nothing was recorded\n")
    assert stopped.files == case | {f"out/{name}": data for name, data in made.items()}  # and no folder is left
    assert package_digest(stopped.out) == recorded_digest(stopped)
    assert cli("verify", stopped.out, "-q", "--digest", recorded_digest(stopped)).code == 7


def test_it_may_get_another_name(stopped):
    done = stopped.again(None, "court", "--json")
    assert json.loads(done.out) | {"_t": None} == {
        "_t": None, "entry": stopped.entry, "out": str(stopped.folder / "court"), "verdict": "INTEGRITY ONLY",
    }  # fmt: skip
    assert package_digest(stopped.folder / "court") == recorded_digest(stopped)


def test_until_then_no_other_export_is_made_there(stopped):
    before = stopped.files
    done = stopped.export("other", "--glob", "*.txt")
    assert (done.code, b"error R574:" in done.err) == (5, True), done
    assert f"--again {stopped.entry}" in done.err.decode()
    assert stopped.files == before
    assert stopped.again().code == 0
    assert stopped.export("other", "--glob", "*.txt").code == 0


def test_an_archive_is_moved(fresh):
    assert stopped_export(fresh, "out.zip").code == 4
    assert fresh.again(None, "out.zip").code == 0
    with zipfile.ZipFile(fresh.folder / "out.zip") as archive:
        record = archive.read("out/evidence/package.json")
    assert hashlib.sha256(record).hexdigest() == recorded_digest(fresh)


def test_what_nobody_here_can_open_is_moved_and_that_is_said(fresh):
    pyrage = pytest.importorskip("pyrage")
    key = pyrage.x25519.Identity.generate()
    assert stopped_export(fresh, "out.age", "--encrypt-to", str(key.to_public())).code == 4
    data = fresh.built.read_bytes()
    document = json.loads(fresh.again(None, "out.age", "--json").out)
    assert document["verdict"] is None
    assert (fresh.folder / "out.age").read_bytes() == data


def test_a_case_above_its_checkpoint_is_finished_first(fresh):
    with no_rename_to(lambda final: "checkpoints" in final.parts):
        done = fresh.export("out", "--glob", "*.txt")
    assert (done.code, b"error X483:" in done.err) == (4, True), done
    assert b"`evidencekit checkpoint finish CASE`, then" in done.err
    with fresh.refused("R502", 5):
        pass
    finished = fresh.checkpoint_finish()
    assert finished.code == 0, finished
    assert f"--again {fresh.entry}" in (finished.out + finished.err).decode()
    assert fresh.again().code == 0
    assert package_digest(fresh.out) == recorded_digest(fresh)


# --- refused, and nothing changed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "code"), [(0, "U268"), (10**6, "U262"), (-1, None), ("one", None)], ids=["open", "none", "minus", "word"]
)
def test_an_entry_that_is_no_export(stopped, entry, code):
    if code is None:
        assert stopped.again(entry).code == 2
    else:
        with stopped.refused(code, 2, entry):
            pass
    assert not stopped.out.exists()
    assert stopped.built.is_dir()


@pytest.mark.parametrize("taken", ["file", "folder", "link"])
def test_a_name_that_is_taken(stopped, taken):
    if taken == "file":
        stopped.out.write_text("mine")
    elif taken == "folder":
        stopped.out.mkdir()
    else:
        stopped.out.symlink_to("nowhere")
        assert stopped.again().code == 5
        assert stopped.out.is_symlink()
        return
    with stopped.refused("R501", 5) as said:
        assert "exists already" in said


def test_a_name_in_the_case_and_none_at_all(stopped):
    with stopped.refused("R506", 5, None, "case/out"):
        pass
    with stopped.refused("U285", 2, None, None):
        pass


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["--plan"], "--plan:"),  # it writes nothing: it must not move anything either
        (["--withhold", "content", "--glob", "*.txt"], "--glob, --withhold:"),
        (["--zip"], "--zip:"),
        (["--purpose", "analysis", "--signer", "nobody"], "--purpose, --signer:"),
        (["--field", "purpose=analysis"], "--field:"),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_an_option_of_making_one(stopped, given, named):
    """Nobody is to believe that it was heeded."""
    with stopped.refused("U232", 2, None, "out", *given) as said:
        assert named in said


def test_a_folder_that_is_gone(stopped):
    shutil.rmtree(stopped.left)
    with stopped.refused("X483", 4) as said:
        assert "unfinished-export-" in said


def test_another_place_than_where_it_was_made(stopped):
    (stopped.folder / "sub").mkdir()
    with stopped.refused("X483", 4, None, "sub/out"):
        pass
    assert stopped.again().code == 0


def test_a_second_time(stopped):
    assert stopped.again().code == 0
    with stopped.refused("R501", 5):
        pass
    with stopped.refused("X483", 4, None, "twice"):
        pass


@pytest.mark.parametrize("place", ["README.txt", "evidence/package.json", "evidence/records.jsonl"])
def test_a_package_that_was_changed(stopped, place):
    path = stopped.built / place
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1) + b"\n")
    with stopped.refused("X482", 4) as said:
        assert stopped.left.name in said


def test_a_package_that_lost_a_file(stopped):
    (stopped.built / "bagit.txt").unlink()
    with stopped.refused("X482", 4):
        pass


def test_another_package_in_its_place(stopped):
    """One that verifies, of the same case: but its event is another."""
    entry = stopped.entry
    (stopped.folder / "sub").mkdir()
    assert stopped.export("sub/out", "--glob", "*.txt", "--withhold", "name").code == 0
    built = stopped.built
    shutil.rmtree(built)
    (stopped.folder / "sub/out").rename(built)
    with stopped.refused("X482", 4, entry):
        pass


def test_it_fails_once_more_and_can_be_done_once_more(stopped):
    with no_rename_to(lambda final: final == stopped.out), stopped.refused("X423", 4):
        pass
    assert stopped.again().code == 0
