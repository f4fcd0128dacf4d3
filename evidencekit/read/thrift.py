"""The compact protocol of Thrift, read with limits: enough to look into a Parquet file before trusting it.

Promise: memory and time are linear in the bytes given, and anything that is not the protocol raises FormatError.
Source: Apache Thrift `thrift-compact-protocol.md`; apache/parquet-format `parquet.thrift`.
"""

from __future__ import annotations

from typing import Any

from evidencekit.errors import FormatError

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_MAX_DEPTH = 16


class NeedMore(Exception):
    """The bytes end inside the structure: read more and try again."""


class Compact:
    """Reads one structure after the other from `data`."""

    def __init__(self, data: bytes, *, max_list: int, place: str) -> None:
        """Take the bytes, and the most members that a list may have."""
        self._data = data
        self._max_list = max_list
        self._place = place
        self.at = 0
        """Offset of the next byte."""

    def fields(self, *, lists: dict[tuple[int, ...], int] | None = None) -> dict[int, Any]:
        """Return one structure: field number to integer, bool, or nested structure; the rest is passed over.

        `lists` gives paths of field numbers whose lists may be longer: their limits.

        Raises:
            FormatError: not the protocol, or over a limit.
            NeedMore: `data` ends too early.
        """
        try:
            return self._struct((), lists or {})
        except IndexError:
            raise NeedMore from None

    def _struct(self, path: tuple[int, ...], lists: dict[tuple[int, ...], int]) -> dict[int, Any]:
        found: dict[int, Any] = {}
        number = 0
        while True:
            head = self._data[self.at]
            self.at += 1
            if head == 0:
                return found
            delta, kind = head >> 4, head & 15
            before, number = number, number + delta if delta else self._zigzag()
            # A library may keep the first of two, or cut a number to 16 bits: it would read what was not looked at.
            if not before < number < 1 << 15:
                raise self._bad("ascending field numbers of 16 bits", f"{number} after {before}")
            if kind in {_TRUE, _FALSE}:
                found[number] = kind == _TRUE
            else:
                found[number] = self._value(kind, (*path, number), lists)

    def _value(self, kind: int, path: tuple[int, ...], lists: dict[tuple[int, ...], int]) -> Any:
        if len(path) > _MAX_DEPTH:
            raise self._bad(f"at most {_MAX_DEPTH} levels", "deeper")
        if kind in {_I16, _I32, _I64}:
            return self._zigzag()
        if kind == _STRUCT:
            return self._struct(path, lists)
        if kind == _BINARY:
            return self._skip(self._varint())
        if kind in {_LIST, _SET}:
            return self._list(path, lists)
        if kind in {_BYTE, _TRUE, _FALSE}:  # a truth value inside a list takes a byte
            return self._skip(1)
        if kind == _DOUBLE:
            return self._skip(8)
        raise self._bad("a type that Parquet uses", f"type {kind}")

    def _list(self, path: tuple[int, ...], lists: dict[tuple[int, ...], int]) -> int:
        head = self._data[self.at]
        self.at += 1
        size, kind = head >> 4, head & 15
        if size == 15:
            size = self._varint()
        limit = lists.get(path, self._max_list)
        if size > limit:
            raise FormatError(self._place, expected=f"at most {limit} members of a list", found=str(size), code="F102")
        member = (*path, 0)
        for _ in range(size):
            self._value(kind, member, lists)
        return size

    def _skip(self, size: int) -> None:
        if size > len(self._data) - self.at:
            raise IndexError
        self.at += size

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise self._bad("an integer of 64 bits", "a longer one")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _bad(self, expected: str, found: str) -> FormatError:
        return FormatError(self._place, expected=expected, found=found)
