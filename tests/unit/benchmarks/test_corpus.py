"""The same arguments make the same bytes everywhere; the contents are what their names say."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sqlite3
import struct
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.contents import LARGEST, Contents
from benchmarks.corpus import KINDS, copy_real, small_file

MADE = {
    "tiny": (600, "c41759c2b2f9c1f8"),
    "small": (300, "a09e5cf62c3471e8"),
    "binary": (200, "570596e8c1b1ad50"),
    "text": (200, "19d8f9320d91b0c9"),
    "medium": (3, "324dbd37eb398aad"),
    "large": ((2 << 20) + 5, "ff594aa244aeb125"),
}
"""Kind to number, and the digest of the names and bytes."""


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=os.fsencode):
        digest.update(os.fsencode(path.relative_to(folder)) + b"\0" + (path.read_bytes() if path.is_file() else b"/"))
    return digest.hexdigest()[:16]


@pytest.mark.parametrize("kind", MADE)
def test_same_bytes_everywhere(kind, tmp_path):
    number, digest = MADE[kind]
    KINDS[kind](tmp_path / "made", number)
    assert digest_of(tmp_path / "made") == digest


def test_counts(tmp_path):
    KINDS["small"](tmp_path / "small", 300)
    files = [path for path in (tmp_path / "small").rglob("*") if path.is_file()]
    assert len(files) == 300
    assert sum(path.is_dir() for path in (tmp_path / "small").rglob("*")) == 7
    assert len({path.read_bytes() for path in files}) < 290
    assert max(path.stat().st_size for path in files) < LARGEST + 4096
    KINDS["tiny"](tmp_path / "tiny", 501)
    assert (tmp_path / "tiny" / small_file(500)).is_file()
    KINDS["large"](tmp_path / "large", 7)
    assert [path.stat().st_size for path in (tmp_path / "large").iterdir()] == [7]


def test_real_trees_are_copied_with_their_links(tmp_path):
    source = tmp_path / "source"
    (source / "a").mkdir(parents=True)
    for name in ("b", "a/1", "a/2"):
        (source / name).write_text(name)
    (source / "link").symlink_to("a")
    os.mkfifo(source / "pipe")
    assert copy_real(tmp_path / "all", [source]) == 0
    copied = tmp_path / "all" / "0-source"
    assert sorted(path.name for path in copied.rglob("*")) == ["1", "2", "a", "b", "link"]
    assert (copied / "link").readlink() == Path("a")
    copy_real(tmp_path / "part", [source, source], 2)
    assert [(path / "b").is_file() for path in sorted((tmp_path / "part").iterdir())] == [True, True]


@pytest.fixture(scope="module")
def contents():
    return Contents(3)


class TestContents:
    """Judged by the readers of the standard library, at the sizes where a type is at its smallest, and at its largest."""

    @pytest.fixture(params=[0, 1, 700, 3100, 9999, LARGEST])
    def size(self, request):
        return request.param

    def test_every_type_keeps_near_its_size(self, contents, size):
        for ending in contents.makers:
            assert len(contents.make(ending, size)) <= max(size, 3072) + 1000, ending

    def test_png(self, contents, size):
        data = contents.make("png", size)
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        at, names = 8, []
        while at < len(data):
            length, name = struct.unpack_from(">I4s", data, at)
            body = data[at + 8 : at + 8 + length]
            assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(name + body),)
            if name == b"IDAT":
                assert len(zlib.decompress(body)) % 97 == 0
            names.append(name)
            at += 12 + length
        assert names == [b"IHDR", b"IDAT", b"IEND"]

    def test_pdf(self, contents, size):
        data = contents.make("pdf", size)
        at = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
        assert data[at:].startswith(b"xref\n")
        places = [int(line.split()[0]) for line in data[at:].splitlines()[3:8]]
        assert [data[place:].split(b" ", 1)[0] for place in places] == [b"1", b"2", b"3", b"4", b"5"]
        stream = data.split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0]
        assert zlib.decompress(stream).startswith(b"BT")

    def test_containers(self, contents, size):
        for _ in range(5):
            assert zipfile.ZipFile(io.BytesIO(contents.make("zip", size))).testzip() is None
        assert len(gzip.decompress(contents.make("gz", size))) == max(0, size - 23)

    def test_database(self, contents, size):
        database = sqlite3.connect(":memory:")
        database.deserialize(contents.make("db", size))
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM messages").fetchall() == [(1,)]
        database.close()

    def test_texts(self, contents, size):
        for _ in range(10):
            ET.fromstring(contents.make("xml", size))  # noqa: S314 (our own)
            json.loads(contents.make("json", size))
            compile(contents.make("py", size), "made.py", "exec")
            contents.make("txt", size).decode()
            assert contents.make("html", size).decode().endswith("</html>\n")
            assert {line.count(",") for line in contents.make("csv", size).decode().splitlines()} == {3}
