"""A package that is a .tar: ustar headers, with pax records that say path, size and times, or GNU's, with long names.

Sparse files, links, devices, global pax headers, and GNU headers that say more are refused: two programs may take them
for two things. Source: specs/package.md sections 6 and 9; POSIX.1-2024, pax; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evidencekit.core.values import display, short
from evidencekit.read.package_archive import ArchivePackage, Entry
from evidencekit.read.package_names import MAX_PATH, BadContainer

_BLOCK = 512
_MAX_PAX = 65_536
_ZEROS = bytes(_BLOCK)
_NUMBER = re.compile(rb"[ 0]*([0-7]*)[ \0]*\Z")
_PAX = frozenset({"atime", "comment", "ctime", "gid", "gname", "mtime", "path", "size", "uid", "uname"})
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_FILES, _FOLDER, _EXTENDED, _LONG = frozenset({b"0", b"\0"}), b"5", b"x", b"L"
_USTAR, _GNU = b"ustar\x0000", b"ustar  \0"
_LARGE = 8**11
"""From here on GNU writes a size in base 256."""


class TarPackage(ArchivePackage):
    """The entries of a .tar."""

    kind = "tar"

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, until two blocks of zeros, behind which there is nothing."""
        at = 0
        while True:
            block = self._at(at, _BLOCK, "header")
            if block == _ZEROS:
                self._check_end(at)
                return
            entry = self.entry_at(at)
            yield entry
            at = entry.data + -(-entry.packed // _BLOCK) * _BLOCK
            if at > self._length:
                found = f"the end of the archive at {self._length}"
                raise BadContainer("E152", display(entry.path), expected=f"{entry.packed} bytes", found=found)

    def entry_at(self, start: int) -> Entry:
        """Return the entry whose header, or the one that extends it, begins there."""
        header, at = self._header(start), start
        magic = header[257:265]
        extended: dict[str, str] = {}
        if header[156:157] == {_USTAR: _EXTENDED, _GNU: _LONG}[magic]:
            size = _number(header[124:136], "size")
            most = _MAX_PAX if magic == _USTAR else MAX_PATH + 1
            if size > most:
                raise BadContainer("E156", "extended header", expected=f"at most {most} bytes", found=f"{size}")
            data = self._at(at + _BLOCK, size, "extended header")
            at += _BLOCK + -(-size // _BLOCK) * _BLOCK
            header = self._header(at)
            extended = _records(data) if magic == _USTAR else _long_name(data, header)
            if header[257:265] != magic:
                raise BadContainer("E152", f"header at {at}", expected=short(magic), found=short(header[257:265]))
        path = extended.get("path") or _path(header)
        kind = header[156:157]
        is_folder = kind == _FOLDER
        if not is_folder and kind not in _FILES:
            raise BadContainer("E154", display(path), expected="plain files and folders", found=f"type {kind!r}")
        if header[157:257].strip(b"\0"):
            raise BadContainer("E154", display(path), expected="no link", found="a link name")
        size = int(extended["size"]) if "size" in extended else _size(header)
        if is_folder and size:
            raise BadContainer("E152", display(path), expected="no content of a folder", found=f"{size} bytes")
        return Entry(path.rstrip("/") if is_folder else path, is_folder, start, at + _BLOCK, size, size)

    def _header(self, at: int) -> bytes:
        header = self._at(at, _BLOCK, "header")
        magic = header[257:265]
        if magic != _USTAR and (magic != _GNU or header[345:].strip(b"\0")):
            seen = "more than a name" if magic == _GNU else short(magic)
            raise BadContainer("E151", f"header at {at}", expected="ustar, or GNU's with a name alone", found=seen)
        stated = _number(header[148:156], "checksum")
        found = sum(header) - sum(header[148:156]) + 8 * 0x20
        if stated != found:
            raise BadContainer("E151", f"header at {at}", expected=f"checksum {stated}", found=str(found))
        return header

    def _check_end(self, at: int) -> None:
        """Zeros alone from here to the end, two blocks at least."""
        if self._length - at < 2 * _BLOCK or self._length - at > 1 << 20:
            expected = "two blocks of zeros at the end, and at most 1 MiB"
            raise BadContainer("E151", "end", expected=expected, found=f"{self._length - at} bytes")
        if self._at(at, self._length - at, "end").strip(b"\0"):
            raise BadContainer("E152", "end", expected="nothing behind the end", found="other bytes")


def _number(field: bytes, what: str) -> int:
    found = _NUMBER.match(field)
    if found is None or field[:1] == b"\x80":
        raise BadContainer("E151", what, expected="an octal number", found=short(field))
    return int(found[1] or b"0", 8)


def _size(header: bytes) -> int:
    field = header[124:136]
    if header[257:265] == _GNU and field[0] == 0x80 and (large := int.from_bytes(field[1:])) >= _LARGE:
        return large
    return _number(field, "size")


def _long_name(data: bytes, header: bytes) -> dict[str, str]:
    """Return the path that GNU writes before a header, which has its beginning."""
    path, nul, rest = data.partition(b"\0")
    if not path or not nul or rest or header[:100].rstrip(b"\0") != path[:100]:
        raise BadContainer("E152", display(path[:200]), expected="a name that the header begins", found="another")
    return {"path": _decoded(path)}


def _path(header: bytes) -> str:
    name, prefix = header[:100].rstrip(b"\0"), header[345:500].rstrip(b"\0")
    whole = prefix + b"/" + name if prefix else name
    if b"\0" in whole:
        raise BadContainer("E153", display(whole), expected="a name", found="a NUL in it")
    return _decoded(whole)


def _records(data: bytes) -> dict[str, str]:
    """Return pax records: `LENGTH KEY=VALUE LF`, each key once, and of known meaning."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        length, space, _ = data[at : at + 20].partition(b" ")
        end = at + int(length) if space and _DECIMAL.match(length.decode(errors="replace")) else 0
        record = data[at + len(length) + 1 : end]
        key, equals, value = record[:-1].partition(b"=")
        if not at < end <= len(data) or not equals or record[-1:] != b"\n":
            raise BadContainer(
                "E151", "pax header", expected="records LENGTH KEY=VALUE", found=short(data[at : at + 40])
            )
        name = _decoded(key)
        if name not in _PAX:
            code = "E154" if "sparse" in name.casefold() or name == "linkpath" else "E151"
            raise BadContainer(code, "pax header", expected="path, size, times, owner", found=short(name))
        if name in found:
            raise BadContainer("E152", "pax header", expected=f"{name} once", found="a second one")
        found[name] = _decoded(value)
        at = end
    if "\0" in found.get("path", "") or found.get("path") == "":
        raise BadContainer("E153", "pax header", expected="a name", found="an empty one, or a NUL in it")
    if not _DECIMAL.match(found.get("size", "0")):
        raise BadContainer("E151", "pax header", expected="a size", found=short(found["size"]))
    return found


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadContainer("E153", display(data), expected="a name in UTF-8", found="other bytes") from error
