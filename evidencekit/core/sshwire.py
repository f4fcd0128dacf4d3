"""The wire types of SSH: byte, uint32, string, mpint (RFC 4251, section 5), read strictly.

Promise: what the reader accepts is what the `put_` functions write. A second spelling of the same value (an
mpint with a needless zero) raises FormatError, and nothing else is ever raised.
"""

from __future__ import annotations

import struct

from evidencekit.core.values import short
from evidencekit.errors import FormatError


def put_string(value: bytes) -> bytes:
    """Encode a string: its length in four bytes, then its bytes."""
    return struct.pack(">I", len(value)) + value


def put_mpint(value: int) -> bytes:
    """Encode a non-negative mpint: two's complement, big-endian, no needless leading byte."""
    return put_string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


class WireReader:
    """Takes wire values off the front of `data`; every method raises FormatError where there is none."""

    def __init__(self, data: bytes, place: str) -> None:
        self._rest = data
        self._place = place

    @property
    def rest(self) -> bytes:
        """What was not taken yet."""
        return self._rest

    def take(self, count: int, name: str) -> bytes:
        """Take exactly `count` bytes."""
        if count > len(self._rest):
            raise FormatError(f"{self._place}.{name}", expected=f"{count} bytes", found=f"{len(self._rest)} bytes")
        value, self._rest = self._rest[:count], self._rest[count:]
        return value

    def byte(self, name: str) -> int:
        """Take one byte as a number."""
        return self.take(1, name)[0]

    def uint32(self, name: str) -> int:
        """Take a big-endian 32-bit number."""
        return int.from_bytes(self.take(4, name), "big")

    def uint64(self, name: str) -> int:
        """Take a big-endian 64-bit number."""
        return int.from_bytes(self.take(8, name), "big")

    def string(self, name: str) -> bytes:
        """Take a string (any bytes)."""
        return self.take(self.uint32(name), name)

    def text(self, name: str) -> str:
        """Take a string of printable ASCII without spaces, as names in SSH are (RFC 4250, section 4.6.1)."""
        value = self.string(name)
        if not value or not all(0x21 <= byte <= 0x7E for byte in value):
            raise FormatError(f"{self._place}.{name}", expected="printable ASCII", found=short(value))
        return value.decode("ascii")

    def mpint(self, name: str) -> int:
        """Take a positive mpint in its shortest form."""
        value = self.string(name)
        number = int.from_bytes(value, "big")
        if number == 0 or put_mpint(number)[4:] != value:
            raise FormatError(
                f"{self._place}.{name}",
                expected="a positive mpint in its shortest form",
                found=value[:8].hex(),
            )
        return number

    def end(self) -> None:
        """Refuse trailing bytes."""
        if self._rest:
            raise FormatError(self._place, expected="nothing more", found=f"{len(self._rest)} bytes")
