"""A package that is a .zip: entries one behind the other without a gap, each as the central directory says.

Promises: no byte of the archive belongs to two entries or to none, and both headers of an entry agree, so every program
sees the same files. Stored or deflated, ZIP64; not encrypted, in one part, without a comment.
Source: specs/package.md sections 6 and 9; PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from typing import NamedTuple

from evidencekit.core.values import display, short
from evidencekit.read.package_archive import ArchivePackage, Entry
from evidencekit.read.package_names import MAX_NAMES, BadContainer

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_DESCRIBED, _LEVEL, _UTF8 = 0x0008, 0x0006, 0x0800
_STORED, _DEFLATED = 0, 8
_DOS_FOLDER = 0x10
_FULL, _FULL16 = 0xFFFF_FFFF, 0xFFFF
_ZIP64 = 0x0001
_EXTRAS = frozenset({_ZIP64, 0x000A, 0x5455, 0x5855, 0x7875})
"""Sizes, and times and owners in four forms; none that gives a file another name."""
_DESCRIPTOR = b"PK\x07\x08"


class _Central(NamedTuple):
    """What the central directory says of an entry."""

    name: bytes
    flags: int
    method: int
    time: tuple[int, int]
    crc: int
    packed: int
    size: int
    start: int
    is_folder: bool


class ZipPackage(ArchivePackage):
    """The entries of a .zip."""

    kind = "zip"
    _end = 0
    """Of the central directory."""

    def entries(self) -> Iterator[Entry]:
        """Yield every entry of the central directory, which has to stand in the order of the archive."""
        begin, self._end, count = self._find_directory()
        if count > MAX_NAMES:
            found = f"{count:,}"
            raise BadContainer("E156", "central directory", expected=f"at most {MAX_NAMES:,} entries", found=found)
        at, before, behind = begin, None, 0
        for _ in range(count):
            central, following = self._central(at)
            if before is not None:
                behind = self._descriptor_end(before, behind, central.start)
            if central.start != behind:
                found = f"one at {central.start}"
                raise _bad("E152", central, f"an entry at {behind}", found)
            entry = self._entry_of(central, at)
            before, behind, at = central, entry.data + entry.packed, following
            if behind > begin:
                raise _bad("E152", central, f"content up to {begin}", f"to {behind}")
            yield entry
        if before is not None:
            behind = self._descriptor_end(before, behind, begin)
        if (at, behind) != (self._end, begin):
            expected = f"entries up to {begin}, the central directory up to {self._end}"
            raise BadContainer("E152", "archive", expected=expected, found=f"{behind}, {at}")

    def entry_at(self, start: int) -> Entry:
        """Return the entry whose header in the central directory begins there, held against its local one."""
        central, _ = self._central(start)
        return self._entry_of(central, start)

    def _entry_of(self, central: _Central, start: int) -> Entry:
        data = self._compare(central)
        return Entry(
            path=_decoded(central).rstrip("/") if central.is_folder else _decoded(central),
            is_folder=central.is_folder,
            start=start,
            data=data,
            packed=central.packed,
            size=central.size,
            deflated=central.method == _DEFLATED,
            crc=central.crc,
        )

    # --- the central directory ---------------------------------------------------------------------------------

    def _find_directory(self) -> tuple[int, int, int]:
        """Return where the central directory begins and ends, and the number of its entries."""
        last = self._length - _END.size
        magic, disk, first, here, count, size, begin, comment = _END.unpack(self._at(last, _END.size, "end record"))
        if magic != b"PK\x05\x06" or comment:
            raise BadContainer("E151", "archive", expected="an end record without a comment", found=short(magic))
        end = last
        if _FULL16 in (here, count) or _FULL in (size, begin):
            end, here, count, size, begin = self._find_directory64(last)
        if (disk, first) not in {(0, 0), (_FULL16, _FULL16)} or here != count:
            raise BadContainer("E151", "archive", expected="one part", found=f"part {disk}")
        if begin + size != end:
            found = f"one from {begin} to {begin + size}"
            raise BadContainer("E152", "archive", expected=f"a central directory up to {end}", found=found)
        return begin, end, count

    def _find_directory64(self, last: int) -> tuple[int, int, int, int, int]:
        magic, disk, end, disks = _LOCATOR.unpack(self._at(last - _LOCATOR.size, _LOCATOR.size, "ZIP64 locator"))
        if magic != b"PK\x06\x07" or disk or disks != 1 or end + _END64.size != last - _LOCATOR.size:
            raise BadContainer("E151", "ZIP64 locator", expected="one, of one part", found=short(magic))
        found = _END64.unpack(self._at(end, _END64.size, "ZIP64 end record"))
        magic, length, _, _, disk, first, here, count, size, begin = found
        if magic != b"PK\x06\x06" or length != _END64.size - 12 or disk or first:
            raise BadContainer("E151", "ZIP64 end record", expected="one without more", found=short(magic))
        return end, here, count, size, begin

    def _central(self, at: int) -> tuple[_Central, int]:
        """Return an entry of the central directory, and where the next one begins."""
        fixed = _CENTRAL.unpack(self._at(at, _CENTRAL.size, "central directory"))
        magic, _, _, flags, method, time, date, crc, packed, size, names, extras, comment, disk, _, outer, start = fixed
        following = at + _CENTRAL.size + names + extras
        if magic != b"PK\x01\x02" or following > self._end or comment or disk:
            expected = "a header of one part, without a comment"
            raise BadContainer("E151", f"central directory at {at}", expected=expected, found=short(magic))
        data = self._at(at + _CENTRAL.size, names + extras, "central directory")
        name = data[:names]
        size, packed, start = _large(data[names:], (size, packed, start))
        is_folder = name.endswith(b"/")
        mode = outer >> 16  # whatever system made it: some programs take it for a mode of Unix from others, too
        if stat.S_IFMT(mode) not in {0, stat.S_IFDIR if is_folder else stat.S_IFREG}:
            raise BadContainer("E154", display(name), expected="plain files and folders", found=f"mode {mode:o}")
        if outer & _DOS_FOLDER and not is_folder:
            raise BadContainer("E152", display(name), expected="a file", found="the attribute of a folder")
        return _Central(name, flags, method, (time, date), crc, packed, size, start, is_folder), following

    # --- entries ------------------------------------------------------------------------------------------------

    def _compare(self, central: _Central) -> int:
        """Hold the local header against the central directory (E151, E152); return where the content begins."""
        if central.flags & ~(_DESCRIBED | _LEVEL | _UTF8) or central.method not in {_STORED, _DEFLATED}:
            found = f"flags {central.flags:04x}, method {central.method}"
            raise _bad("E151", central, "stored or deflated, not encrypted", found)
        fixed = _LOCAL.unpack(self._at(central.start, _LOCAL.size, "local header"))
        magic, _, flags, method, time, date, crc, packed, size, names, extras = fixed
        if magic != b"PK\x03\x04":
            raise _bad("E151", central, "a local header", short(magic))
        data = self._at(central.start + _LOCAL.size, names + extras, "local header")
        size, packed, _ = _large(data[names:], (size, packed, 0))
        if central.flags & _DESCRIBED:  # what was not known yet is 0, and in the descriptor
            crc, packed, size = crc or central.crc, packed or central.packed, size or central.size
        local = (data[:names], flags, method, (time, date), crc, packed, size)
        for what, one, other in zip(_Central._fields, central, local, strict=False):
            if one != other:
                raise _bad("E152", central, f"the {what} {one!r:.100}", f"{other!r:.100}")
        if central.is_folder and central.size:
            raise _bad("E152", central, "no content of a folder", f"{central.size} bytes")
        if central.method == _STORED and central.packed != central.size:
            raise _bad("E152", central, "as many bytes as are stored", f"{central.size} out of {central.packed}")
        return int(central.start + _LOCAL.size + names + extras)

    def _descriptor_end(self, central: _Central, at: int, following: int) -> int:
        """Return where an entry ends whose content ends at `at`: behind its descriptor, where it has one."""
        if not central.flags & _DESCRIBED:
            return at
        for form in ("<III", "<IQQ"):
            said = struct.pack(form, central.crc, *_fitting(form, central.packed, central.size))
            for magic in (_DESCRIPTOR, b""):
                end = at + len(magic) + len(said)
                if end == following and self._at(at, end - at, "descriptor") == magic + said:
                    return end
        raise _bad("E152", central, "the descriptor that it has", "another, or none")


def _fitting(form: str, *sizes: int) -> list[int]:
    return [size if "Q" in form else size & _FULL for size in sizes]


def _large(extra: bytes, sizes: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return size, packed size and offset, from the extra field of ZIP64 where they are too large for their own.

    Raises:
        BadContainer: E151, an extra field of another form or kind; one that stands twice.
    """
    if not extra and _FULL not in sizes:
        return sizes
    found: dict[int, bytes] = {}
    at = 0
    while at < len(extra):
        kind, length = struct.unpack("<HH", extra[at : at + 4]) if at + 4 <= len(extra) else (0, _FULL16)
        at += 4 + length
        if at > len(extra) or kind not in _EXTRAS or kind in found:
            raise BadContainer(
                "E151", "extra field", expected="sizes, times and owners, each once", found=f"{kind:04x}"
            )
        found[kind] = extra[at - length : at]
    large = found.get(_ZIP64, b"")
    values = list(sizes)
    place = 0
    for number, value in enumerate(sizes):
        if value == _FULL:
            if place + 8 > len(large):
                raise BadContainer("E151", "extra field", expected="the sizes of ZIP64", found="none")
            values[number] = int.from_bytes(large[place : place + 8], "little")
            place += 8
    if place != len(large):
        raise BadContainer("E151", "extra field", expected="the sizes of ZIP64 that are needed", found="others")
    return values[0], values[1], values[2]


def _decoded(central: _Central) -> str:
    try:
        return central.name.decode("utf-8" if central.flags & _UTF8 else "ascii")
    except UnicodeDecodeError as error:
        raise _bad("E153", central, "a name in UTF-8, and said so", "other bytes") from error


def _bad(code: str, central: _Central, expected: str, found: str) -> BadContainer:
    return BadContainer(code, display(central.name[:200]), expected=expected, found=found)
