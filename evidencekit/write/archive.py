"""What a package is written into: a folder, a tar (pax), a zip (stored, ZIP64): file after file, each once, in order.

Promises: the same files give the same bytes, whatever the system and the version of a library; nothing is held in
memory but a block; no archive is written twice. A container that was not finished has no end, and opens with no tool.
Source: specs/package.md section 6; POSIX.1-2001 (pax); APPNOTE.TXT 6.3.9 (zip).
"""

from __future__ import annotations

import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from struct import pack
from typing import BinaryIO, Protocol

from evidencekit.write.durable import CREATE, cannot_write, make_folders
from evidencekit.write.space import Room
from evidencekit.write.systems import THIS, System, flush

MTIME = 315_532_800
"""1980-01-01T00:00:00Z, the first time that a zip can say."""
_ZIP_DATE = 0x21
_BLOCK, _RECORD = 512, 10_240
_MAX_16, _MAX_32 = 0xFFFF, 0xFFFF_FFFF
_DESCRIBED = 0x0008
_FLAGS = 0x0800 | _DESCRIBED  # the digest follows the content; names are UTF-8
_SPOOL = 8 << 20


class Container(Protocol):
    """Where the files of a package go, in ascending order of their paths."""

    def add(self, path: str, size: int, blocks: Iterable[bytes]) -> None:
        """Add a file of `size` bytes.

        Raises:
            CannotFinish: X421, X422, X423, X427 it cannot be written. What `blocks` raises, too.
            ValueError: `blocks` have another number of bytes.
        """

    def add_folder(self, path: str) -> None:
        """Add a folder that has nothing in it.

        Raises:
            CannotFinish: X421, X422, X423.
        """

    def finish(self) -> None:
        """Write what comes at the end; a folder is brought to the medium, names and all."""

    def close(self) -> None:
        """Let go of what is open, finished or not."""


class Folder:
    """A folder that is made."""

    def __init__(self, path: Path, *, system: System = THIS) -> None:
        """Make the folder.

        Raises:
            Refused: R501, it exists. CannotFinish: X421, X422, X423.
        """
        self._path, self._system = path, system
        try:
            path.mkdir()
        except OSError as error:
            raise cannot_write(path, error) from error
        self._sync_all = system.sync_all if Room(path).syncs_at_once else None
        self._folders = {path}

    def add(self, path: str, size: int, blocks: Iterable[bytes]) -> None:
        """Add a file."""
        place = self._path / path
        if place.parent not in self._folders:
            make_folders(place.parent)
            self._folders.update(folder for folder in place.parents if folder.is_relative_to(self._path))
        try:
            handle = os.open(place, CREATE, 0o644)
        except OSError as error:
            raise cannot_write(place, error) from error
        try:
            for block in _measured(blocks, size):
                _write(place, handle, block)
            if self._sync_all is None:
                _flush(place, handle)
        finally:
            os.close(handle)

    def add_folder(self, path: str) -> None:
        """Add an empty folder."""
        make_folders(self._path / path)
        self._folders.add(self._path / path)

    def finish(self) -> None:
        """Bring everything to the medium, the names too."""
        try:
            if self._sync_all is not None:
                self._sync_all(self._path)
                return
            for folder in self._folders:
                self._system.sync(folder)
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        """Do nothing: no file stays open."""


class Stream:
    """What an archive is written to: a file without a buffer, or what encrypts. Whoever opened it closes it."""

    def __init__(self, out: BinaryIO, path: Path) -> None:
        """Take what can be written to; `path` names it in messages."""
        self._out, self._path = out, path
        self.offset = 0
        """Bytes so far."""

    def write(self, data: bytes) -> None:
        """Write all of `data`.

        Raises:
            CannotFinish: X421, X422, X423, X427.
            BrokenPipeError: what encrypts has failed, and says why.
        """
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._out.write(rest) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self.offset += len(data)


class Tar:
    """A tar in pax form; all files lie in the folder `top`."""

    def __init__(self, stream: Stream, top: str) -> None:
        self._stream, self._top = stream, top

    def add(self, path: str, size: int, blocks: Iterable[bytes]) -> None:
        """Add a file."""
        entry = tarfile.TarInfo(f"{self._top}/{path}")
        entry.size, entry.mode, entry.mtime = size, 0o644, MTIME
        self._stream.write(entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict"))
        for block in _measured(blocks, size):
            self._stream.write(block)
        self._stream.write(bytes(-size % _BLOCK))

    def add_folder(self, path: str) -> None:
        """Add an empty folder."""
        entry = tarfile.TarInfo(f"{self._top}/{path}")
        entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, MTIME
        self._stream.write(entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict"))

    def finish(self) -> None:
        """Write the end."""
        self._stream.write(bytes(2 * _BLOCK))
        self._stream.write(bytes(-self._stream.offset % _RECORD))

    def close(self) -> None:
        """Do nothing: nothing is open."""


class Zip:
    """A zip, stored: its digests follow the contents, so that it can be written to what has no way back."""

    def __init__(self, stream: Stream, top: str, *, spool: Path) -> None:
        """Take the folder `spool` for the list of contents, as long as it has no place yet."""
        self._stream, self._top = stream, top
        self._list = tempfile.SpooledTemporaryFile(_SPOOL, dir=str(spool))  # noqa: SIM115 (closed in close)
        self._count = 0

    def add(self, path: str, size: int, blocks: Iterable[bytes]) -> None:
        """Add a file."""
        name, offset = f"{self._top}/{path}".encode(), self._stream.offset
        large = size >= _MAX_32
        version = 45 if large or offset >= _MAX_32 else 20
        said, extra = (_MAX_32, pack("<HHQQ", 1, 16, 0, 0)) if large else (0, b"")
        head = pack("<HHHHHIIIH", version, _FLAGS, 0, 0, _ZIP_DATE, 0, said, said, len(name))
        self._stream.write(b"PK\3\4" + head + pack("<H", len(extra)) + name + extra)
        digest = 0
        for block in _measured(blocks, size):
            digest = zlib.crc32(block, digest)
            self._stream.write(block)
        self._stream.write(b"PK\7\10" + pack("<IQQ" if large else "<III", digest, size, size))
        self._remember(name, version, digest, size, offset)

    def add_folder(self, path: str) -> None:
        """Add an empty folder."""
        name, offset = f"{self._top}/{path}/".encode(), self._stream.offset
        head = pack("<HHHHHIIIHH", 20, _FLAGS & ~_DESCRIBED, 0, 0, _ZIP_DATE, 0, 0, 0, len(name), 0)
        self._stream.write(b"PK\3\4" + head + name)
        self._remember(name, 20, 0, 0, offset, flags=_FLAGS & ~_DESCRIBED, mode=0o40755)

    def _remember(
        self,
        name: bytes,
        version: int,
        digest: int,
        size: int,
        offset: int,
        *,
        flags: int = _FLAGS,
        mode: int = 0o100644,
    ) -> None:
        above = [value for value in (size, size, offset) if value >= _MAX_32]
        extra = pack(f"<HH{len(above)}Q", 1, 8 * len(above), *above) if above else b""
        short = min(size, _MAX_32)
        head = pack("<HHHHHHIII", 3 << 8 | version, version, flags, 0, 0, _ZIP_DATE, digest, short, short)
        tail = pack("<HHHHHII", len(name), len(extra), 0, 0, 0, mode << 16, min(offset, _MAX_32))
        try:
            self._list.write(b"PK\1\2" + head + tail + name + extra)
        except OSError as error:
            raise cannot_write(Path(tempfile.gettempdir()), error) from error
        self._count += 1

    def finish(self) -> None:
        """Write the list of contents, and the end."""
        start, size = self._stream.offset, self._list.tell()
        self._list.seek(0)
        while block := self._list.read(1 << 20):
            self._stream.write(block)
        if self._count >= _MAX_16 or start >= _MAX_32 or size >= _MAX_32:
            at = self._stream.offset
            end = pack("<QHHIIQQQQ", 44, 3 << 8 | 45, 45, 0, 0, self._count, self._count, size, start)
            self._stream.write(b"PK\6\6" + end + b"PK\6\7" + pack("<IQI", 0, at, 1))
        count = min(self._count, _MAX_16)
        self._stream.write(b"PK\5\6" + pack("<HHHHIIH", 0, 0, count, count, min(size, _MAX_32), min(start, _MAX_32), 0))

    def close(self) -> None:
        """Forget the list."""
        self._list.close()


def _measured(blocks: Iterable[bytes], size: int) -> Iterable[bytes]:
    found = 0
    for block in blocks:
        found += len(block)
        if found > size:
            break
        yield block
    if found != size:
        raise ValueError(f"a file of {size} bytes has another length")


def _write(place: Path, handle: int, data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(handle, rest) :]
    except OSError as error:
        raise cannot_write(place, error) from error


def _flush(place: Path, handle: int) -> None:
    try:
        flush(handle)
    except OSError as error:
        raise cannot_write(place, error) from error
