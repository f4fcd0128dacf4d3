"""Packages made to hurt: each is refused or judged within bounds of time and memory, and nothing is written.

Each is verified by a process of its own that may neither write a byte nor take more than it is given.
"""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

import packagebuilder as pb
import pytest
from casebuilder import Builder, file_row, folder_row

from evidencekit.read.package import open_package
from evidencekit.read.package_names import MAX_NAMES, BadContainer

CONTENT = {b"a": b"aaa"}
MEMORY = 400 << 20
"""Bytes of address space that a verification may add to what the program takes before it begins."""
SECONDS = 60
PROGRAM = """
import json, resource, sys
from pathlib import Path
import evidencekit.verify.package as package, evidencekit.verify.policy, pyarrow
import evidencekit.read.package_zip, evidencekit.read.package_tar, evidencekit.read.package_folder, evidencekit.read.age
before = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = before + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]), int(sys.argv[3])))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
report = package.verify_package(Path(sys.argv[1]))
sys.stderr.write(json.dumps([report.verdict, sorted(report.counts["findings"]["by_code"])]))
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    builder = Builder(tmp_path_factory.mktemp("hostile"))
    builder.seal((folder_row(), file_row("a", b"aaa")))
    return builder


@pytest.fixture(scope="module")
def good(bench):
    return pb.evidence_of(bench.case, CONTENT.__getitem__).closed(bench.signer)


def codes(path, memory=MEMORY, seconds=SECONDS):
    """What is found, within bounds; stdout is a pipe, so that no file is written even for that."""
    before = sorted(os.listdir(path.parent))
    command = [sys.executable, "-c", PROGRAM, str(path), str(memory), str(seconds)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=4 * seconds)
    assert answer.returncode == 0, answer.stderr[-2000:]
    verdict, found = json.loads(answer.stderr)
    assert verdict == "FAILED"
    assert sorted(os.listdir(path.parent)) == before
    return set(found)


def refusal(path):
    with pytest.raises(BadContainer) as refused, open_package(path):
        pass
    return refused.value.finding


# --- zip -----------------------------------------------------------------------------------------------------------


def local(name, data=b"", *, method=0, size=None, crc=None, flags=0, packed=None, extra=b""):
    size = len(data) if size is None else size
    crc = zlib.crc32(data) if crc is None else crc
    packed = len(data) if packed is None else packed
    head = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, flags, method, 0, 33, crc, packed, size, len(name), len(extra))
    return head + name + extra + data


def central(name, at, size, *, method=0, crc=0, packed=None, flags=0, mode=0o100644, extra=b"", made=3):
    packed = size if packed is None else packed
    head = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\1\2", made << 8 | 20, 20, flags, method, 0, 33, crc, packed, size, len(name),
        len(extra), 0, 0, 0, mode << 16, at,
    )  # fmt: skip
    return head + name + extra


def ended(body, directory, count, at=None, comment=b""):
    at = len(body) if at is None else at
    return body + directory + struct.pack(
        "<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), at, len(comment)
    ) + comment  # fmt: skip


def one_entry(name=b"p/a", data=b"x", **more):
    both = {key: more[key] for key in ("flags", "method", "extra") if key in more}
    body = local(name, data, **both)
    about = {"crc": zlib.crc32(data)} | more
    return ended(body, central(name, 0, len(data), **about), 1)


ZIPS = {
    "cut off": (one_entry()[:-1], "E151"),
    "a comment": (one_entry()[:-2] + b"\x05\0hello", "E151"),
    "something before it": (b"PK\3\4" + one_entry(), "E152"),
    "encrypted": (one_entry(flags=1), "E151"),
    "another compression": (one_entry(method=12), "E151"),
    "another name inside": (ended(local(b"p/b", b"x"), central(b"p/a", 0, 1, crc=zlib.crc32(b"x")), 1), "E152"),
    "another size inside": (ended(local(b"p/a", b"x", size=2), central(b"p/a", 0, 1, crc=zlib.crc32(b"x")), 1), "E152"),
    "a second name": (one_entry(extra=struct.pack("<HH", 0x7075, 0)), "E151"),
    "a link": (one_entry(mode=0o120777), "E154"),
    "a link, made on another system": (one_entry(mode=0o120777, made=19), "E154"),
    "a device": (one_entry(mode=0o060644), "E154"),
    "traversal": (one_entry(b"p/../../a"), "E153"),
    "absolute": (one_entry(b"/etc/passwd"), "E153"),
    "absolute below": (one_entry(b"p//etc/passwd"), "E153"),
    "a drive": (one_entry(b"p/C:/a"), "E153"),
    "a drive at the top": (one_entry(b"C:/a"), "E153"),
    "backslashes": (one_entry(b"p/..\\..\\a"), "E153"),
    "a NUL": (one_entry(b"p/a\0.txt"), "E153"),
    "a line break": (one_entry(b"p/a\nb"), "E153"),
    "not UTF-8": (one_entry(b"p/\xff", flags=0x800), "E153"),
    "an encoding that nobody names": (one_entry("p/ä".encode()), "E153"),
    "a reserved name": (one_entry(b"p/aux.txt"), "E153"),
    "a dot at the end": (one_entry(b"p/a."), "E153"),
    "two tops": (ended(local(b"p/a") + local(b"q/a"), central(b"p/a", 0, 0) + central(b"q/a", 33, 0), 2), "E153"),
    "no top": (one_entry(b"a"), "E153"),
    "deep": (one_entry(b"p/" + b"d/" * 64 + b"a"), "E156"),
    "long": (one_entry(b"p/" + b"d" * 5000), "E156"),
    "grows too much": (one_entry(method=8, data=b"\3\0")[:22] + b"", None),
    "twice": (ended(local(b"p/a") * 2, central(b"p/a", 0, 0) + central(b"p/a", 33, 0), 2), "E155"),
    "twice but for case": (ended(local(b"p/a") + local(b"p/A"), central(b"p/a", 0, 0) + central(b"p/A", 33, 0), 2), "E155"),
    "twice but for spelling": (
        ended(
            local("p/é".encode(), flags=0x800) + local("p/e\u0301".encode(), flags=0x800),
            central("p/é".encode(), 0, 0, flags=0x800) + central("p/e\u0301".encode(), 34, 0, flags=0x800), 2,
        ), "E155",
    ),
    "a file and a folder": (
        ended(local(b"p/a") + local(b"p/A/b"), central(b"p/a", 0, 0) + central(b"p/A/b", 33, 0), 2), "E155"
    ),
    "folders but for case": (
        ended(local(b"p/a/b") + local(b"p/A/c"), central(b"p/a/b", 0, 0) + central(b"p/A/c", 35, 0), 2), "E155"
    ),
    "overlapping": (ended(local(b"p/a", b"x"), central(b"p/a", 0, 1, crc=zlib.crc32(b"x")) * 2, 2), "E152"),
    "a gap": (ended(local(b"p/a") + b"hidden", central(b"p/a", 0, 0), 1), "E152"),
    "empty": (ended(b"", b"", 0), "E151"),
}  # fmt: skip
del ZIPS["grows too much"]


@pytest.mark.parametrize("name", ZIPS)
def test_a_zip_that_programs_may_see_in_two_ways_is_refused(name, tmp_path):
    data, expected = ZIPS[name]
    path = tmp_path / "package.zip"
    path.write_bytes(data)
    assert refusal(path) == expected


def test_a_zip_whose_entries_all_hold_one_another_is_refused_at_once(tmp_path):
    """The zip bomb of overlapping files: a kernel of 1 GB, quoted by 10,000 entries."""
    kernel = zlib.compress(bytes(1 << 24), 9)[2:-4]
    heads = [local(b"p/%05d" % n, b"", method=8, size=1 << 24, packed=len(kernel)) for n in range(10_000)]
    body = b"".join(heads) + kernel
    at, directory = 0, []
    for number, head in enumerate(heads):
        directory.append(central(b"p/%05d" % number, at, 1 << 24, method=8, packed=len(body) - at - len(head)))
        at += len(head)
    path = tmp_path / "package.zip"
    path.write_bytes(ended(body, b"".join(directory), len(heads)))
    assert codes(path, seconds=10) == {"E152"}


def test_a_zip_that_says_to_grow_beyond_what_deflate_can_is_refused(tmp_path):
    path = tmp_path / "package.zip"
    body = local(b"p/a", b"\3\0", method=8, size=2**31, crc=0)
    path.write_bytes(ended(body, central(b"p/a", 0, 2**31, method=8, packed=2), 1))
    assert refusal(path) == "E156"


def test_a_zip_with_more_entries_than_anybody_can_bear_is_refused_before_one_is_read(tmp_path):
    path = tmp_path / "package.zip"
    count, body = MAX_NAMES + 1, local(b"p/a")
    with path.open("wb") as file:
        file.write(body)
        file.truncate(len(body) + 46 * count)  # sparse: entries that nobody gets to read
        file.seek(len(body) + 46 * count)
        end, size = file.tell(), 46 * count
        file.write(struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, len(body)))
        file.write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
        file.write(struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0))
    assert codes(path, seconds=5) == {"E156"}


def test_content_that_is_longer_than_it_says_is_never_read_whole(good, tmp_path):
    """Every header says 5 bytes; 512 MB come out. Or the other way: 512 MB are said, and nothing comes out."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join([*(packed.compress(bytes(1 << 24)) for _ in range(32)), packed.flush()])
    for said in (5, 2**29):
        path = tmp_path / f"{said}.zip"
        pb.write_zip(good, path)
        shown = {"method": 8, "size": said, "packed": len(data)}
        content = data if said == 5 else b"\3\0" + bytes(len(data) - 2)
        with zipfile.ZipFile(path) as archive:
            entries = [(info.filename.encode(), archive.read(info)) for info in archive.infolist()]
        body, directory = b"", b""
        for name, text in entries:
            directory += central(name, len(body), len(text), crc=zlib.crc32(text))
            body += local(name, text)
        name = b"package/zzz"
        directory += central(name, len(body), crc=7, **shown)
        body += local(name, content, crc=7, method=8, size=said)
        path.write_bytes(ended(body, directory, len(entries) + 1))
        assert codes(path, seconds=20) >= {"E164"}


def test_many_zeros_are_not_kept(good, tmp_path):
    """An honest zip of a large empty image: 160 MB are hashed as they come, in little memory."""
    files = dict(good)
    path = tmp_path / "package.zip"
    files["data/EX-001/zeros"] = bytes(160 << 20)
    payload = {name: data for name, data in files.items() if name.startswith("data/")}
    files |= {f"manifest-{one}.txt": pb.manifest(one, payload) for one in ("sha256", "sha512")}
    pb.write_zip(pb.tagged(files), path)
    assert codes(path, memory=150 << 20) >= {"E173"}


def test_a_zip_in_a_zip_is_a_file_like_any_other(good, tmp_path):
    inner = pb.write_zip(good, tmp_path / "inner.zip").read_bytes()
    path = pb.write_zip({"inner.zip": inner}, tmp_path / "package.zip")
    assert codes(path) >= {"E501"}


def test_a_zip_that_streams_with_descriptors_is_read(good, tmp_path):
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = bytearray()

        def writable(self):
            return True

        def write(self, data):
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(good.items()):
            archive.writestr(zipfile.ZipInfo(f"package/{name}"), data, zipfile.ZIP_DEFLATED)
    path = tmp_path / "package.zip"
    path.write_bytes(pipe.data)
    with open_package(path) as package:
        assert list(package.names()) == sorted(good)
        assert all(package.read(name, 1 << 20) == data for name, data in good.items())
    flipped = bytes(pipe.data).replace(b"PK\7\10", b"PK\7\11", 1)
    path.write_bytes(flipped)
    assert refusal(path) == "E152"


# --- tar -----------------------------------------------------------------------------------------------------------


def tar(*entries, form=tarfile.PAX_FORMAT, **pax):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, kind, link in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.pax_headers = kind, link, pax
            archive.addfile(entry)
    return out.getvalue()


def plain(*names, **pax):
    return tar(*((name, tarfile.REGTYPE, "") for name in names), **pax)


def gnu(*entries):
    return tar(*entries, form=tarfile.GNU_FORMAT)


def remade(data, at, field, of=0):
    """Change bytes of a tar, and the checksum of the header in which they stand."""
    found = bytearray(data)
    found[at : at + len(field)] = field
    if of is not None:
        head = at - at % 512
        found[head + 148 : head + 156] = b" " * 8
        found[head + 148 : head + 156] = b"%06o\0 " % sum(found[head : head + 512])
    return bytes(found)


A, LONG = ("p/a", tarfile.REGTYPE, ""), ("p/" + "a" * 200, tarfile.REGTYPE, "")
TARS = {
    "traversal": (plain("p/../../a"), "E153"),
    "absolute": (plain("/p/a"), "E153"),
    "absolute by pax": (plain("p/a", path="/etc/passwd"), "E153"),
    "traversal by pax": (plain("p/a", path="p/../../etc/passwd"), "E153"),
    "a drive": (plain("p/C:/a"), "E153"),
    "backslashes": (plain("p/..\\a"), "E153"),
    "a symbolic link": (tar(("p/a", tarfile.SYMTYPE, "/etc")), "E154"),
    "a hard link": (tar(("p/a", tarfile.LNKTYPE, "p/b")), "E154"),
    "a device": (tar(("p/a", tarfile.CHRTYPE, "")), "E154"),
    "a block device": (tar(("p/a", tarfile.BLKTYPE, "")), "E154"),
    "a FIFO": (tar(("p/a", tarfile.FIFOTYPE, "")), "E154"),
    "GNU sparse": (tar(("p/a", tarfile.GNUTYPE_SPARSE, "")), "E154"),
    "pax sparse": (plain("p/a", **{"GNU.sparse.map": "0,1", "GNU.sparse.size": "9"}), "E154"),
    "a link by pax": (plain("p/a", linkpath="/etc"), "E154"),
    "another charset": (plain("p/a", hdrcharset="BINARY"), "E151"),
    "GNU, sparse": (gnu(("p/a", tarfile.GNUTYPE_SPARSE, "")), "E154"),
    "GNU, with times": (remade(gnu(A), 345, b"%011o\0" % 1), "E151"),
    "GNU, a part of several volumes": (remade(gnu(A), 369, b"%011o\0" % 512), "E151"),
    "GNU, with a prefix as ustar has it": (remade(gnu(A), 345, b"q"), "E151"),
    "GNU, a long name of another": (remade(gnu(LONG), 1024, b"p/b"), "E152"),
    "GNU, a long name with an end in it": (remade(gnu(LONG), 512 + 100, b"\0", of=None), "E152"),
    "GNU, a long name without end": (remade(gnu(LONG), 124, b"%011o\0" % 202), "E152"),
    "GNU, a long name of a gigabyte": (remade(gnu(LONG), 124, b"%011o\0" % 2**30), "E156"),
    "GNU, a long name of nothing": (gnu(LONG)[:1024] + bytes(1024), "E151"),
    "GNU, a long name of a long name": (gnu(LONG)[:1024] + gnu(LONG), "E152"),
    "GNU, a long name before ustar": (gnu(LONG)[:1024] + plain("p/" + "a" * 98), "E152"),
    "GNU, a long name that leads out": (gnu(("p/../" + "a" * 200, tarfile.REGTYPE, "")), "E153"),
    "GNU, a long link": (gnu(("p/a", tarfile.SYMTYPE, "b" * 200)), "E154"),
    "GNU, behind a pax header": (plain("p/a", comment="x")[:1024] + gnu(A), "E152"),
    "GNU, a size in base 256 that octal holds": (remade(gnu(A), 124, b"\x80" + bytes(10) + b"\1"), "E151"),
    "GNU, a size below zero": (remade(gnu(A), 124, b"\xff" * 12), "E151"),
    "GNU, larger than the tar": (remade(gnu(A), 124, b"\x80" + (8**11).to_bytes(11)), "E156"),
    "ustar, a size in base 256": (remade(plain("p/a"), 124, b"\x80" + (8**11).to_bytes(11)), "E151"),
    "twice": (plain("p/a", "p/a"), "E155"),
    "twice but for case": (plain("p/a", "p/A"), "E155"),
    "twice but for spelling": (plain("p/é", "p/e\u0301"), "E155"),
    "two tops": (plain("p/a", "q/a"), "E153"),
    "deep": (plain("p/" + "d/" * 70 + "a"), "E156"),
    "long": (plain("p/" + "d" * 5000), "E156"),
    "a global header": (tar(("p/a", tarfile.XGLTYPE, "")), "E154"),
    "sizes that lie": (plain("p/a", size="9999"), "E152"),
    "a size that is none": (plain("p/a", size="-1"), "E151"),
    "larger than the tar can be": (plain("p/a", size=str(2**62)), "E156"),
    "cut off": (plain("p/a")[:512], "E151"),
    "no end": (plain("p/a")[:1024], "E151"),
    "something behind it": (plain("p/a") + b"x" * 512, "E152"),
    "a flipped header": (b"q" + plain("p/a")[1:], "E151"),
    "empty": (tar(), None),
}


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("length", [1, 97, 98, 99, 100, 101, 254])
def test_a_long_name_is_read_as_it_is(length, form, tmp_path):
    path = tmp_path / "package.tar"
    path.write_bytes(tar(("p/" + "a" * length, tarfile.REGTYPE, ""), ("p/b", tarfile.REGTYPE, ""), form=form))
    with open_package(path) as package:
        assert list(package.names()) == ["a" * length, "b"]


@pytest.mark.parametrize("name", TARS)
def test_a_tar_with_more_than_plain_files_is_refused(name, tmp_path):
    data, expected = TARS[name]
    path = tmp_path / "package.tar"
    path.write_bytes(data)
    if expected is not None:
        assert refusal(path) == expected


def test_a_pax_header_of_a_gigabyte_is_not_read(tmp_path):
    data = bytearray(plain("p/a", comment="x" * 100))
    data[124:136] = b"%011o\0" % 2**30
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    path = tmp_path / "package.tar"
    path.write_bytes(data)
    assert codes(path, seconds=5) == {"E156"}


# --- folder --------------------------------------------------------------------------------------------------------


def special(make):
    def plant(folder):
        make(folder / "evidence/planted")

    return plant


FOLDERS = {
    "a link": special(lambda path: path.symlink_to("/etc/passwd")),
    "a link to a folder": special(lambda path: path.symlink_to("/etc")),
    "a FIFO": special(os.mkfifo),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_with_more_than_plain_files_is_refused(name, good, tmp_path):
    folder = pb.write_folder(good, tmp_path / "package")
    FOLDERS[name](folder)
    assert refusal(folder) == "E154"
    assert codes(folder, seconds=10) == {"E154"}


# --- content -------------------------------------------------------------------------------------------------------


def lines(bench, data):
    """A package with these bytes for its lines, signed as they are."""
    parts = pb.evidence_of(bench.case, CONTENT.__getitem__)
    files = parts.closed(bench.signer)
    files["evidence/records.jsonl"] = data
    files = {path: data for path, data in files.items() if not path.startswith("tagmanifest-")}
    return pb.signed(files, parts.record, bench.signer)


LARGE = 110 << 20
"""More than they may take in memory."""
CONTENTS = {
    "a line without an end": (lambda: b'{"a":"' + b"x" * LARGE, {"E102"}),
    "brackets inside each other": (lambda: b"[" * (3 << 20) + b"\n", {"E102"}),
    "objects inside each other": (lambda: b'{"a":' * (1 << 19) + b"\n", {"E102"}),
    "many members": (lambda: b"{" + b",".join(b'"a%d":1' % n for n in range(200_000)) + b"}\n", {"E101"}),
    "a number of many digits": (lambda: b'{"a":' + b"9" * (1 << 20) + b"}\n", {"E101"}),
    "empty lines": (lambda: b"\n" * 50_000, {"E101"}),
    "no line at all": (lambda: b"", {"E174"}),
    "zeros": (lambda: bytes(LARGE), {"E102"}),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_lines_made_to_hurt_are_named(name, bench, tmp_path):
    data, expected = CONTENTS[name]
    path = pb.write_zip(lines(bench, data()), tmp_path / "package.zip")
    assert codes(path, memory=100 << 20) >= expected


@pytest.mark.parametrize("name", ["manifest-sha256.txt", "tagmanifest-sha512.txt", "bag-info.txt", "bagit.txt"])
def test_tag_files_made_to_hurt_are_named(name, good, tmp_path):
    files = dict(good)
    files[name] = bytes(LARGE)
    path = pb.write_zip(files, tmp_path / "package.zip")
    assert codes(path, memory=100 << 20) & {"E161", "E102"}


def test_a_proof_of_very_many_hashes_is_refused_in_time(bench, tmp_path):
    parts = pb.evidence_of(bench.case, CONTENT.__getitem__)
    parts.lines[0]["proof"] = parts.lines[0]["proof"][:1] * 60_000
    path = pb.write_zip(parts.closed(bench.signer), tmp_path / "package.zip")
    assert codes(path) >= {"E101"}


def test_a_hundred_thousand_tiny_files_take_little_memory(tmp_path):
    path = tmp_path / "package.tar"
    with path.open("wb") as file:
        for number in range(100_000):
            entry = tarfile.TarInfo(f"p/data/EX-001/{number // 1000}/{number}")
            entry.mtime = 0
            file.write(entry.tobuf(tarfile.PAX_FORMAT))
        file.write(bytes(1024))
    assert "E501" in codes(path, memory=100 << 20)


@pytest.mark.long
def test_ten_million_tiny_entries_are_refused_within_bounds(tmp_path):
    """A tar has no directory: they are counted until there are too many."""
    path = tmp_path / "package.tar"
    with path.open("wb") as file:
        front = struct.pack("8s8s8s12s12s", b"0000644\0", b"0\0", b"0\0", b"0\0", b"0\0")
        back = struct.pack("1s100s8s", b"0", b"", b"ustar\x0000").ljust(512 - 156, b"\0")
        rest = sum(front + b" " * 8 + back)  # the same in each head: only the name's bytes are added up anew
        for number in range(MAX_NAMES + 10):
            name = b"p/data/%d/%d" % (number // 1000, number)
            file.write(b"%s%s%06o\0 %s" % (name.ljust(100, b"\0"), front, rest + sum(name), back))
        file.write(bytes(1024))
    assert codes(path, memory=1 << 30, seconds=900) == {"E156"}


def test_the_limits_of_this_test_bind(good, tmp_path):
    """With too little memory, verification does not end as it does here."""
    path = pb.write_zip(good, tmp_path / "package.zip")
    command = [sys.executable, "-c", PROGRAM, str(path), "4096", "10"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode != 0 or '"FAILED"' not in answer.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0
