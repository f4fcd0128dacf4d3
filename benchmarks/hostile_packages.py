"""What `evidencekit verify` takes for archives that were made to hurt: seconds, and the peak memory of its process.

Each archive is written as a stream, verified in a process of its own, and deleted. No figure here is a test; that each
is refused within bounds is one (tests/hostile/test_packages.py).

    python -m benchmarks.hostile_packages 10000000
"""

from __future__ import annotations

import json
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from benchmarks.measure import measured

LIMIT = 5_000_000
"""Files and folders that a package may have."""
_FAILED = frozenset({3})
_TAR = struct.Struct("100s8s8s8s12s12s8s1s100s8s")
_HEADER = _TAR.pack(b"", b"0000644\0", *[b"0\0"] * 4, b" " * 8, b"0", b"", b"ustar\x0000").ljust(512, b"\0")
_LOCAL, _CENTRAL = struct.Struct("<4sHHHHHIIIHH"), struct.Struct("<4sHHHHHHIIIHHHHHII")
_BOMB = 4 << 30


def tiny(count: int) -> Iterator[bytes]:
    """Yield names of payload, a thousand a folder."""
    for number in range(count):
        yield b"p/data/%d/%d" % (number // 1000, number)


def deep() -> Iterator[bytes]:
    """Yield names of which each leads through 61 folders of its own, until there are too many folders."""
    for number in range(LIMIT // 61 + 1):
        yield b"p/data/%x" % number + b"/a" * 61


def write_tar(path: Path, names: Iterable[bytes]) -> None:
    """Write empty files."""
    base = sum(_HEADER)
    with path.open("wb") as file:
        for name in names:
            at = name.rfind(b"/", 0, 156) if len(name) > 100 else -1
            prefix, short = (name[:at], name[at + 1 :]) if at >= 0 else (b"", name)
            head = bytearray(_HEADER)
            head[: len(short)] = short
            head[345 : 345 + len(prefix)] = prefix
            head[148:156] = b"%06o\0 " % (base + sum(short) + sum(prefix))
            file.write(head)
        file.write(bytes(1024))


def write_zip(path: Path, names: Callable[[], Iterable[bytes]], *, said: int | None = None) -> None:
    """Write empty files, stored; `said` is the number of entries that the end tells, where it is another."""
    with path.open("wb") as file:
        count = 0
        for name in names():
            file.write(_LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0) + name)
            count += 1
        begin = at = 0
        begin = file.tell()
        for name in names():
            file.write(_central(name, at))
            at += 30 + len(name)
        _end(file, begin, count if said is None else said)


def _central(name: bytes, at: int, *, method: int = 0, sizes: tuple[int, int, int] = (0, 0, 0)) -> bytes:
    about = (0x314, 20, 0, method, 0, 33, *sizes, len(name), 0, 0, 0, 0, 0o100644 << 16, at)
    return _CENTRAL.pack(b"PK\1\2", *about) + name


def _end(file: BinaryIO, begin: int, count: int) -> None:
    end = file.tell()
    file.write(struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, end - begin, begin))
    file.write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
    file.write(struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))


def write_bomb(path: Path) -> None:
    """Write one payload of zeros, deflated as far as that goes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in ("p/bagit.txt", "p/evidence/package.json"):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), b"{}")
        entry = zipfile.ZipInfo("p/data/zeros", (1980, 1, 1, 0, 0, 0))
        entry.compress_type, block = zipfile.ZIP_DEFLATED, bytes(1 << 20)
        with archive.open(entry, "w", force_zip64=True) as file:
            for _ in range(_BOMB >> 20):
                file.write(block)


def write_overlapping(path: Path) -> None:
    """Write entries that all have one content, each quoting the headers of those behind it."""
    inner = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(inner.compress(bytes(1 << 20)) for _ in range(20)) + inner.flush()
    crc = zlib.crc32(bytes(20 << 20))
    count = 60_000
    head = _LOCAL.pack(b"PK\3\4", 20, 0, 8, 0, 33, crc, len(data), 20 << 20, 8, 0) + b"p/data/0"
    with path.open("wb") as file:
        file.write(head + data)
        begin = file.tell()
        for number in range(count):
            name = b"p/data/%d" % number
            file.write(_central(name, 0, method=8, sizes=(crc, len(data), 20 << 20)))
        _end(file, begin, count)


def look(name: str, path: Path) -> None:
    """Verify it, and print a row of the table."""
    answer = path.with_suffix(".json")
    usage = measured(
        [sys.executable, "-m", "evidencekit", "verify", str(path), "--json"], allowed=_FAILED, output=answer
    )
    found = sorted({finding["code"] for finding in json.loads(answer.read_bytes())["findings"]})
    size = path.stat().st_size
    print(
        f"| {name} | {size / 1e6:,.1f} MB | {', '.join(found)} | {usage.wall:,.1f} s | {usage.peak >> 20} MiB |",
        flush=True,
    )


def main(count: int) -> None:
    """Make each archive, verify it, delete it."""
    most = LIMIT * 99 // 100
    kinds: dict[str, tuple[str, Callable[[Path], None]]] = {
        f"{count:,} empty files": (".tar", lambda path: write_tar(path, tiny(count))),
        f"{count:,} empty files, as it says": (".zip", lambda path: write_zip(path, lambda: tiny(count))),
        "the same, said to be a third": (".zip", lambda path: write_zip(path, lambda: tiny(count), said=count // 3)),
        "each file in 61 folders of its own": (".tar", lambda path: write_tar(path, deep())),
        "each file in 61 folders of its own, too": (".zip", lambda path: write_zip(path, deep)),
        "one payload of 4 GiB of zeros, deflated": (".zip", write_bomb),
        "60,000 entries of 20 MiB that share one content": (".zip", write_overlapping),
        f"{most:,} empty files, which may be": (".tar", lambda path: write_tar(path, tiny(most))),
        f"{most:,} empty files, which may be so": (".zip", lambda path: write_zip(path, lambda: tiny(most))),
    }
    print("| archive | size | found | wall | CPU | peak |\n|---|---|---|---|---|---|")
    for name, (ending, write) in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"package{ending}"
            write(path)
            look(f"{ending}: {name}", path)


if __name__ == "__main__":
    main(int(next(islice(sys.argv, 1, None), "10000000")))
