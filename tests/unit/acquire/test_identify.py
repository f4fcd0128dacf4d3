"""Media types: opinions about exactly what was sealed, each content looked at once, by an engine that is named."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from evidencekit.acquire import desks
from evidencekit.acquire import identify as identify_module
from evidencekit.acquire.identify import identify
from evidencekit.acquire.libmagic import Library, Opinion, Typer, installed
from evidencekit.core.digest import group_commitment, group_salts, header_commitment
from evidencekit.core.encoding import GROUP, RECORD, decode
from evidencekit.core.merkle import Tree, leaf_hash
from evidencekit.core.opinions import DERIVED, MEDIA_TYPE
from evidencekit.core.records import derived_leaf_bytes
from evidencekit.errors import CannotFinish, FormatError, Refused
from evidencekit.read.beneath import Beneath
from evidencekit.read.evidence import Reader

ROOT = Path(__file__).parents[3]
PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de")
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n"


class Engine:
    """A typer that calls whatever begins with `%PDF` a PDF, and counts."""

    version = "1.00"
    data_sha256 = None

    def __init__(self):
        self.looked = []

    def opinion(self, handle):
        data = os.pread(handle, 100, 0)
        self.looked.append(data)
        if data.startswith(b"!"):
            return Opinion(None, None, "libmagic: no")
        return Opinion("application/pdf" if data.startswith(b"%PDF") else "text/plain", "us-ascii", None)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def typing(tmp_path, common):
    """Return a function that types a source by a judged manifest, and judges what it made."""
    count = 0

    def run(source, base, *, typer=None, progress=None, jobs=1):
        nonlocal count
        count += 1
        out = tmp_path / f"derived-{count}.parquet"
        taken = identify(
            source,
            base.taken.path,
            out,
            base_manifest=7,
            base_root=base.taken.root,
            make_typer=(lambda: typer) if typer else Typer,
            jobs=jobs,
            progress=progress,
            **common,
        )
        return judge(taken, base)

    return run


def judge(taken, base):
    """Check every promise of a derived manifest; return opinions by path, and the header."""
    assert hashlib.sha256(taken.path.read_bytes()).digest() == taken.file_sha256
    assert header_commitment(taken.header_salt, taken.header) == taken.header_commitment
    header = decode(taken.header, RECORD)
    DERIVED.check(header)
    assert header == taken.header_record
    table = pq.ParquetFile(taken.path, page_checksum_verification=True).read().to_pylist()
    paths = {row.index: path for path, row in base.rows.items()}
    leaves, found = [], {}
    for number, row in enumerate(table):
        assert row["index"] == number
        opinion = decode(row["opinion"], GROUP)
        MEDIA_TYPE.check(opinion)
        assert opinion["media_type"] == row["media_type"]
        assert (opinion["error"] is None) != (opinion["media_type"] is None)
        commitment = group_commitment("opinion", group_salts(row["row_salt"]).name, row["opinion"])
        leaves.append(leaf_hash(derived_leaf_bytes(row["base_index"], base.taken.root, commitment)))
        found[paths[row["base_index"]]] = (opinion["media_type"], opinion["charset"], opinion["error"])
    indexes = [row["base_index"] for row in table]
    assert indexes == sorted(set(indexes))
    assert len({row["row_salt"] for row in table}) == len(table)
    assert Tree(leaves).root() == taken.root
    expected = {
        p for p, row in base.rows.items() if row.kind == "file" and row.state in {"complete", "changed", "partial"}
    }
    assert set(found) == expected
    errors = sum(1 for _, _, error in found.values() if error)
    assert header["totals"] == {"errors": str(errors), "rows": str(len(table))}
    assert taken.rows == len(table)
    return found, header


def test_media_types(source, taking, typing):
    (source / "picture").write_bytes(PNG)
    (source / "folder").mkdir()
    (source / "folder" / "text\xff").write_text("Grüße aus Wien\n")
    (source / "empty").write_bytes(b"")
    (source / "link").symlink_to("picture")
    base = taking(source)
    found, header = typing(source, base)
    assert found.pop(b"empty")[0] in {"inode/x-empty", "application/x-empty"}
    assert found == {
        b"picture": ("image/png", "binary", None),
        "folder/text\xff".encode(): ("text/plain", "utf-8", None),
    }
    assert header["engine"]["name"] == "libmagic"
    assert header["engine"]["version"].startswith("5.")
    assert len(header["engine"]["data_sha256"]) == 64
    assert header["base_manifest"] == "7"
    assert header["base_root"] == base.taken.root.hex()
    assert header["kind"] == "media-type"


def test_single_file(source, taking, typing):
    (source / "a").write_bytes(PDF)
    base = taking(source / "a")
    assert typing(source / "a", base)[0] == {b"": ("application/pdf", "us-ascii", None)}


def test_no_files_at_all(source, taking, typing):
    found, header = typing(source, taking(source))
    assert found == {}
    assert header["totals"] == {"errors": "0", "rows": "0"}


def test_each_content_is_looked_at_once(source, taking, typing):
    for number in range(30):
        (source / f"{number:02d}").write_bytes(PDF if number % 3 else b"text")
    engine = Engine()
    found, _ = typing(source, taking(source), typer=engine)
    assert sorted(engine.looked) == [PDF, b"text"]
    assert found[b"01"] == ("application/pdf", "us-ascii", None)
    assert found[b"03"] == ("text/plain", "us-ascii", None)


def test_contents_are_remembered_within_a_bound(source, taking, typing, monkeypatch):
    monkeypatch.setattr("evidencekit.acquire.desks.MAX_CONTENTS", 2)
    monkeypatch.setattr(identify_module, "_BATCH", 1)
    for number, content in enumerate([b"1", b"2", b"1", b"3", b"1", b"2"]):
        (source / f"{number}").write_bytes(content)
    engine = Engine()
    typing(source, taking(source), typer=engine)
    assert engine.looked == [b"1", b"2", b"3", b"2"]


@pytest.mark.parametrize("jobs", [2, 5])
def test_workers_change_nothing(source, taking, typing, monkeypatch, jobs):
    monkeypatch.setattr(desks, "_CHUNK", 4)
    for number in range(60):
        (source / f"{number:02d}").write_bytes([PDF, PNG, b"text %d" % number, b"<html>", b"\x7fELF"][number % 5])
    base = taking(source)
    for number in range(10, 20):
        (source / f"{number:02d}").unlink()
    alone, one = typing(source, base)
    together, other = typing(source, base, jobs=jobs)
    assert together == alone
    # Of what is gone, 12 and 17 alone had contents of their own.
    assert one["totals"] == other["totals"] == {"errors": "2", "rows": "60"}
    assert {path for path, (_, _, error) in alone.items() if error} == {b"12", b"17"}


def test_error_is_not_remembered(source, taking, typing):
    (source / "a").write_bytes(b"!")
    (source / "b").write_bytes(b"!")
    engine = Engine()
    found, _ = typing(source, taking(source), typer=engine)
    assert found == {b"a": (None, None, "libmagic: no"), b"b": (None, None, "libmagic: no")}
    assert len(engine.looked) == 2


def rewrite(path):
    status = path.stat()
    path.write_bytes(b"%PDF other content")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


CHANGES = {
    "rewritten": (rewrite, "changed since sealing"),
    "longer, same time": (
        lambda path: (
            status := path.stat(),
            path.write_bytes(b"longer content"),
            os.utime(path, ns=(1, status.st_mtime_ns)),
        ),
        "changed since sealing",
    ),
    "gone": (lambda path: path.unlink(), "gone since sealing"),
    "a folder now": (lambda path: (path.unlink(), path.mkdir()), "changed since sealing"),
    "a FIFO now": (lambda path: (path.unlink(), os.mkfifo(path)), "changed since sealing"),
    "a link now": (lambda path: (path.unlink(), path.symlink_to("/etc/passwd")), "changed since sealing"),
    "below a link now": (
        lambda path: (path.parent.rename(path.parent.with_name("moved")), path.parent.symlink_to("moved")),
        "changed since sealing",
    ),
}


@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=CHANGES)
def test_what_is_no_longer_what_was_sealed_gets_no_opinion(source, taking, typing, change, words):
    (source / "folder").mkdir()
    (source / "folder" / "file").write_bytes(PDF)
    base = taking(source)
    change(source / "folder" / "file")
    engine = Engine()
    assert typing(source, base, typer=engine)[0] == {b"folder/file": (None, None, words)}
    assert engine.looked == []


def test_what_changes_while_it_is_typed_gets_no_opinion(source, taking, typing):
    (source / "file").write_bytes(PDF)
    base = taking(source)
    engine = Engine()
    real = engine.opinion
    engine.opinion = lambda handle: (real(handle), rewrite(source / "file"))[0]
    assert typing(source, base, typer=engine)[0] == {b"file": (None, None, "changed since sealing")}


def test_what_may_not_be_read(source, taking, typing, as_nobody):
    (source / "file").write_bytes(PDF)
    base = taking(source)
    (source / "file").chmod(0o600)
    source.parent.chmod(0o777)
    with_rights = base.taken.path
    for folder in [with_rights.parent, *with_rights.parents[1:-2]]:
        folder.chmod(0o755)
    assert as_nobody(lambda: typing(source, base, typer=Engine())[0]) == {b"file": (None, None, "not readable")}


def test_only_files_that_were_read_are_typed(source, taking, typing):
    (source / "excluded").write_bytes(PDF)
    (source / "file").write_bytes(PDF)
    (source / "unread").write_bytes(bytes(5000))
    (source / "part").write_bytes(bytes(10_000))
    bad = {(source / "unread").stat().st_ino: (0, 5000), (source / "part").stat().st_ino: (0, 1)}

    def preadv(handle, buffers, offset):
        start, stop = bad.get(os.fstat(handle).st_ino, (1, 0))
        if start < stop and offset < stop and offset + len(buffers[0]) > start:
            raise OSError(errno.EIO, "")
        return os.preadv(handle, buffers, offset)

    base = taking(source, exclude=("excluded",), reader=Reader(preadv=preadv))
    found, _ = typing(source, base, typer=Engine())
    assert set(found) == {b"file", b"part"}


def test_file_that_changed_while_it_was_sealed_is_compared_with_its_second_stat(source, taking, typing):
    (source / "file").write_bytes(bytes(3 << 20))
    (source / "other").write_bytes(bytes([1]) * (3 << 20))

    def preadv(handle, buffers, offset):
        size = os.preadv(handle, buffers, offset)
        if offset == 0:
            os.utime(handle, ns=(5, 5))
        return size

    base = taking(source, reader=Reader(preadv=preadv))
    assert base.rows[b"file"].state == "changed"
    rewrite(source / "other")
    found, _ = typing(source, base, typer=Engine())
    assert found[b"file"] == ("text/plain", "us-ascii", None)
    assert found[b"other"] == (None, None, "changed since sealing")


@pytest.mark.parametrize("count", [40, 600])
def test_shuffled_base(source, taking, typing, count, monkeypatch):
    """The Parquet file stands in path order, the derived rows in the order of the base's indexes."""
    monkeypatch.setattr("evidencekit.acquire.columns.ROW_GROUP", 256)
    monkeypatch.setattr("evidencekit.acquire.derived.ROW_GROUP", 256)
    for number in range(count):
        (source / f"{number}").write_bytes(PDF if number % 2 else b"text")
    base = taking(source, sensitive=True)
    found, _ = typing(source, base, typer=Engine())
    assert len(found) == count
    assert all((found[b"%d" % number][0] == "application/pdf") == bool(number % 2) for number in range(count))


def test_access_times_stay(source, taking, typing):
    (source / "file").write_bytes(PDF)
    base = taking(source)
    os.utime(source / "file", ns=(1_000, (source / "file").stat().st_mtime_ns))
    typing(source, base)
    assert (source / "file").stat().st_atime_ns == 1_000


def test_progress(source, taking, typing, monkeypatch):
    monkeypatch.setattr(identify_module, "_BATCH", 10)
    for number in range(25):
        (source / f"{number:02d}").write_bytes(b"!" if number == 3 else b"1")
    told = []
    typing(source, taking(source), typer=Engine(), progress=lambda p: told.append((p.files, p.bytes, p.omissions)))
    assert told == [(10, 10, 1), (20, 20, 1), (25, 25, 1)]


def test_taken_name_is_refused(source, taking, common, tmp_path):
    base = taking(source)
    with pytest.raises(Refused) as caught:
        identify(
            source,
            base.taken.path,
            base.taken.path,
            base_manifest=1,
            base_root=bytes(32),
            progress=None,
            make_typer=Engine,
            **common,
        )
    assert caught.value.code == "R501"


def test_damaged_manifest(source, taking, common, tmp_path):
    (source / "file").write_bytes(PDF)
    base = taking(source)
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(base.taken.path.read_bytes()[:-9])
    with pytest.raises(FormatError):
        identify(
            source,
            damaged,
            tmp_path / "out",
            base_manifest=1,
            base_root=bytes(32),
            progress=None,
            make_typer=Engine,
            **common,
        )
    with pytest.raises(CannotFinish) as caught:
        identify(
            source,
            tmp_path / "no",
            tmp_path / "out",
            base_manifest=1,
            base_root=bytes(32),
            progress=None,
            make_typer=Engine,
            **common,
        )
    assert caught.value.code == "X403"
    assert not (tmp_path / "out").exists()


# --- opening by path ------------------------------------------------------------------------------------------------------


def test_folders_are_opened_once_and_given_back(tmp_path):
    names = [f"{'/'.join('abcdefgh'[: number % 8 + 1])}/file{number}" for number in range(64)]
    for name in sorted(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    before = set(os.listdir("/proc/self/fd"))
    with Beneath(tmp_path) as files:
        for name in names:
            handle = files.open(name.encode())
            assert os.read(handle, 100) == name.encode()
            os.close(handle)
        assert files.open(b"a/b/nothing").reason == "not_found"
        assert files.open(b"a/file0/below").reason == "changed_kind"
        assert files.open(b"").reason == "changed_kind"
    assert set(os.listdir("/proc/self/fd")) == before


def test_more_folders_than_are_kept(tmp_path):
    path = "/".join(["d"] * 100)
    (tmp_path / path).mkdir(parents=True)
    (tmp_path / path / "file").write_bytes(b"deep")
    before = set(os.listdir("/proc/self/fd"))
    with Beneath(tmp_path) as files:
        for _ in range(3):
            handle = files.open(f"{path}/file".encode())
            assert os.read(handle, 10) == b"deep"
            os.close(handle)
            assert files.open(f"{path}/no".encode()).reason == "not_found"
        assert len(os.listdir("/proc/self/fd")) < len(before) + 70
    assert set(os.listdir("/proc/self/fd")) == before


# --- libmagic ----------------------------------------------------------------------------------------------------------------


def test_newest_library_is_taken():
    found = installed()
    assert found
    typer = Typer()
    newest = max(library.version for library in found)
    assert typer.version == f"{newest // 100}.{newest % 100:02d}"


FROZEN = "import sys; sys.frozen = True; from evidencekit.acquire.libmagic import *; print(installed())"


def test_a_binary_loads_its_own_library_alone():
    if importlib.util.find_spec("pylibmagic") is None:
        pytest.skip("NOT RUN: pylibmagic is not installed")
    done = subprocess.run([sys.executable, "-c", FROZEN], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.count("CDLL") == 1
    assert "pylibmagic/libmagic" in done.stdout


def test_without_any_library():
    with pytest.raises(CannotFinish) as caught:
        Typer([])
    assert caught.value.code == "X434"


def test_without_a_known_database_its_digest_is_null(monkeypatch):
    chosen = installed()[0]
    typer = Typer([Library(chosen.loaded, chosen.version, None)])
    assert typer.data_sha256 is None or len(typer.data_sha256) == 64


@pytest.mark.parametrize("words", ["cannot open `x' (No such file or directory)", "", "a" * 2000, "text"])
def test_words_that_are_no_media_type_are_an_error(words):
    typer = Typer()
    typer._magic = SimpleNamespace(from_descriptor=lambda handle: words)
    opinion = typer.opinion(0)
    assert opinion.media_type is None
    assert opinion.error == f"libmagic: {words}"[:500]


def test_engine_that_fails():
    typer = Typer()

    def fail(handle):
        raise typer._module.MagicException("out of memory")

    typer._magic = SimpleNamespace(from_descriptor=fail)
    assert typer.opinion(0) == Opinion(None, None, "libmagic: out of memory")


MEDDLED = """
import os, sys
from evidencekit.acquire.libmagic import Typer
if sys.argv[2] == "after":
    first = Typer()
import pylibmagic
typer = Typer()
print(typer.version, typer.opinion(os.open(sys.argv[1], os.O_RDONLY)).media_type)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_pylibmagic_imported_by_somebody_else(tmp_path, when):
    """It changes ctypes and the environment; the engine and its database must still be a pair."""
    if importlib.util.find_spec("pylibmagic") is None:
        pytest.skip("NOT RUN: pylibmagic is not installed")
    (tmp_path / "file").write_bytes(PNG)
    done = subprocess.run(
        [sys.executable, "-c", MEDDLED, tmp_path / "file", when], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" image/png\n")


ALONE = """
import ctypes, os, sys
real = ctypes.CDLL.__init__
def without_system(self, name, *arguments, **options):
    if name is not None and "magic" in str(name) and "/" not in str(name):
        raise OSError("no libmagic in this system")
    real(self, name, *arguments, **options)
ctypes.CDLL.__init__ = without_system
before = dict(os.environ)
from evidencekit.acquire.libmagic import Typer
typer = Typer()
handle = os.open(sys.argv[1], os.O_RDONLY)
print(typer.version, len(typer.data_sha256), typer.opinion(handle))
assert dict(os.environ) == before, "the environment was changed"
assert ctypes.CDLL.__init__ is without_system, "ctypes was changed"
assert "pylibmagic" not in sys.modules
"""


def test_pylibmagic_alone_is_enough(tmp_path):
    if importlib.util.find_spec("pylibmagic") is None:  # importing it would change ctypes for all other tests
        pytest.skip("NOT RUN: pylibmagic is not installed")
    (tmp_path / "file").write_bytes(PNG)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ALONE, tmp_path / "file"],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    version, size, opinion = done.stdout.split(" ", 2)
    assert version.startswith("5.")
    assert size == "64"
    assert "image/png" in opinion
