"""What the archives have in common: one open file, one folder at the top, and where the content of each entry lies.

Promises: an entry is read where its own header says, and that header was held against the others; of a stored entry
any part, of a deflated one from the start, and neither more nor less than it says. Source: specs/package.md section 9.
"""

from __future__ import annotations

import io
import zlib
from abc import abstractmethod
from array import array
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from evidencekit.core.values import display, short
from evidencekit.read.package import Package, missing, unreadable
from evidencekit.read.package_names import BadContainer

MAX_GROWTH = 1_100
"""Times that content may be larger than the archive: deflate reaches 1,032, and what is more is a lie."""
_PIECE = 1 << 16


class Entry(NamedTuple):
    """One entry of an archive, as its header says."""

    path: str
    """As it stands in the archive, with the folder at the top."""
    is_folder: bool
    start: int
    """Of its header."""
    data: int
    """Where its content begins."""
    packed: int
    """Bytes that the content takes."""
    size: int
    """Bytes of the content."""
    deflated: bool = False
    crc: int | None = None


class ArchivePackage(Package):
    """The entries of an archive. Memory: 8 bytes a file, and its name's."""

    def __init__(self, file: BinaryIO) -> None:
        """List it; nothing of any content is read. The file is ours from now on.

        Raises:
            BadContainer: E151 to E156.
            CannotFinish: X403, it cannot be read.
        """
        super().__init__()
        self._file = file
        self._starts = array("Q")
        self.top = ""
        """Name of the one folder at the top."""
        try:
            self._length = file.seek(0, io.SEEK_END)
            self._list()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise unreadable("the archive", error) from error
            raise

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """Yield every entry in the order of the archive, each checked against what is around it.

        Raises:
            BadContainer: E151, E152, E154; OSError.
        """

    @abstractmethod
    def entry_at(self, start: int) -> Entry:
        """Return the entry whose header begins at an offset that `entries` gave."""

    def names(self) -> Iterator[str]:
        """Yield the names of all files, in the order of the archive."""
        for start in self._starts:
            yield self._inner(self._entry(start).path)

    def size(self, name: str) -> int:
        """Return the bytes of a file."""
        return self._find(name).size

    def open(self, name: str) -> BinaryIO:
        """Open a file of the archive."""
        entry = self._find(name)
        return io.BufferedReader(
            Inflated(self._file, entry, name) if entry.deflated else Stored(self._file, entry, name), _PIECE
        )

    def close(self) -> None:
        """Close the archive."""
        self._file.close()

    def _list(self) -> None:
        total = 0
        for entry in self.entries():
            total += entry.size
            if total > MAX_GROWTH * self._length:
                expected = f"at most {MAX_GROWTH:,} times the archive's {self._length:,} bytes"
                raise BadContainer("E156", display(entry.path), expected=expected, found="more content")
            top, slash, path = entry.path.partition("/")
            if not self.top:
                self._check_top(top)
            if top != self.top or not (slash or entry.is_folder):
                expected = f"everything in the one folder {short(self.top)}"
                raise BadContainer("E153", display(entry.path), expected=expected, found=short(top))
            if not entry.is_folder:
                self._names.add(path)
                self._starts.append(entry.start)
            elif path:
                self._names.add_folder(path)
        if not self._starts:
            raise BadContainer("E151", "archive", expected="the files of a package", found="none")

    def _check_top(self, top: str) -> None:
        if top in {"", ".", ".."} or any(one in top for one in "\0\\:") or not top.isprintable():
            raise BadContainer(
                "E153", display(top[:200]), expected="one folder at the top", found=f"the name {short(top)}"
            )
        self.top = top

    def _inner(self, path: str) -> str:
        return path.partition("/")[2]

    def _find(self, name: str) -> Entry:
        number = self.number(name)
        entry = None if number is None else self._entry(self._starts[number])
        if entry is None or self._inner(entry.path) != name:
            raise missing(name)
        return entry

    def _entry(self, start: int) -> Entry:
        try:
            return self.entry_at(start)
        except OSError as error:
            raise unreadable("the archive", error) from error

    def _at(self, offset: int, count: int, what: str) -> bytes:
        """Return exactly so many bytes of the archive. Raises BadContainer (E151) where it ends before."""
        data = read_at(self._file, offset, count) if 0 <= offset <= self._length - count else b""
        if len(data) != count:
            raise BadContainer("E151", what, expected=f"{count} bytes at {offset}", found="the end of the archive")
        return data


def read_at(file: BinaryIO, offset: int, count: int) -> bytes:
    """Return bytes from an offset on, less than asked for only at the end."""
    file.seek(offset)
    data = file.read(count)
    while len(data) < count and (more := file.read(count - len(data))):
        data += more
    return data


class _Content(io.RawIOBase):
    """The content of an entry. Whoever reads it from start to end hears whether it is what the entry says."""

    def __init__(self, file: BinaryIO, entry: Entry, name: str) -> None:
        self._file, self._entry, self._name = file, entry, name
        self._at = 0
        self._crc: int | None = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; return how many bytes.

        Raises:
            BadContainer: E157, the content is not what the entry says.
            OSError: the archive cannot be read.
        """
        view = memoryview(buffer).cast("B")
        data = self._more(len(view))
        view[: len(data)] = data
        self._at += len(data)
        if self._crc is not None and self._entry.crc is not None:
            self._crc = zlib.crc32(data, self._crc)
            if self._at == self._entry.size and self._crc != self._entry.crc:
                raise self.damaged(f"CRC-32 {self._entry.crc:08x}", f"{self._crc:08x}")
        return len(data)

    def damaged(self, expected: str, found: str) -> BadContainer:
        self._crc = None
        return BadContainer("E157", display(self._name), expected=expected, found=found)

    def _more(self, count: int) -> bytes:
        raise OSError(count)


class Stored(_Content):
    """Content that lies in the archive as it is."""

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere: from then on no checksum can be compared."""
        at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._entry.size}[whence] + offset
        if at < 0:
            raise ValueError("an offset before the beginning")
        if at != self._at:
            self._crc = 0 if at == 0 else None
            self._at = at
        return at

    def _more(self, count: int) -> bytes:
        entry = self._entry
        data = read_at(self._file, entry.data + self._at, max(0, min(count, entry.size - self._at)))
        if not data and self._at < entry.size:
            raise self.damaged(f"{entry.size} bytes", f"the end of the archive after {self._at}")
        return data


class Inflated(_Content):
    """Content that was deflated: read from the start, never more of it in memory than was asked for."""

    def __init__(self, file: BinaryIO, entry: Entry, name: str) -> None:
        super().__init__(file, entry, name)
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        self._taken = 0
        """Bytes of the packed content that were given to zlib."""
        if not entry.size:
            self._check_end()

    def _more(self, count: int) -> bytes:
        entry, stream = self._entry, self._stream
        data = b""
        count = min(count, entry.size - self._at)
        while count and not data and not stream.eof:
            packed = stream.unconsumed_tail
            if not packed:
                packed = read_at(self._file, entry.data + self._taken, min(_PIECE, entry.packed - self._taken))
                self._taken += len(packed)
            try:
                data = stream.decompress(packed, count)
            except zlib.error as error:
                raise self.damaged("deflated content", str(error)[:100]) from error
            if not packed and not data:
                break
        if count and not data:
            raise self.damaged(f"{entry.size} bytes of content", f"{self._at}")
        if self._at + len(data) == entry.size:
            self._check_end()
        return data

    def _check_end(self) -> None:
        """What is deflated ends where the entry says, and has nothing beyond."""
        entry, stream = self._entry, self._stream
        while not stream.eof:
            packed = stream.unconsumed_tail or read_at(
                self._file, entry.data + self._taken, min(_PIECE, entry.packed - self._taken)
            )
            if not stream.unconsumed_tail:
                self._taken += len(packed)
            try:
                more = stream.decompress(packed, 1)
            except zlib.error as error:
                raise self.damaged("deflated content", str(error)[:100]) from error
            if more or (not packed and not stream.eof):
                raise self.damaged(f"{entry.size} bytes of content", "more" if more else "no end")
        if stream.unused_data or self._taken != entry.packed:
            raise self.damaged(f"{entry.packed} bytes of deflated content", "an end before")
