"""What an adversary who has a package does with it: every byte of it, unpacked as far as it goes, searched for a value.

`haystack` is all that there is to search; `spellings` is how a value could stand in it.
"""

from __future__ import annotations

import base64
import functools
import gzip
import io
import json
import os
import re
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

_LONG = 6
"""A shorter value would be found by chance."""
_HEX = re.compile(rb"[0-9a-fA-F]{16,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")


def haystack(package: Path, *identities: Any) -> bytes:
    """All bytes of a package, of the names in it, and of what is packed, encrypted to us or encoded in it."""
    found: list[bytes] = []
    if package.is_dir():
        for path in sorted(package.rglob("*")):
            found.append(os.fsencode(path.relative_to(package)))
            if path.is_file():
                found.append(path.read_bytes())
    else:
        data = package.read_bytes()
        found += [os.fsencode(package.name), data, *_archived(data)]
        if identities:
            import pyrage

            inner = pyrage.decrypt(data, list(identities))
            found += [inner, *_archived(inner)]
    for data in list(found):
        found += _decoded(data)
    return b"\n".join(found)


def _archived(data: bytes) -> Iterator[bytes]:
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                yield from (entry.filename.encode(), entry.extra, entry.comment, archive.read(entry))
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                yield member.name.encode("utf-8", "surrogateescape")
                yield json.dumps([member.pax_headers, member.uname, member.gname, member.linkname]).encode()
                if (file := archive.extractfile(member)) is not None:
                    yield file.read()


def _decoded(data: bytes) -> Iterator[bytes]:
    """What stands in strings of JSON (once more, where these are JSON), in hex, in base64, compressed in these."""
    for line in data.splitlines():
        if line[:1] in {b"{", b"["}:
            try:
                texts = list(_texts(json.loads(line)))
            except ValueError:
                continue
            for text in texts:
                yield text.encode("utf-8", "surrogatepass")
                if text[:1] == "{":
                    yield from _decoded(text.encode())
    for word in set(_BASE64.findall(data)):
        try:
            raw = base64.b64decode(word + b"=" * (-len(word) % 4))
        except ValueError:
            continue
        yield raw
        for unpack in (zlib.decompress, gzip.decompress):
            try:
                yield unpack(raw)
            except (zlib.error, OSError, EOFError):
                continue
    for word in set(_HEX.findall(data)):
        yield bytes.fromhex(word[: len(word) // 2 * 2].decode())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)


@functools.cache
def spellings(value: bytes) -> set[bytes]:
    """The ways in which a value could be written, but those that `haystack` undoes."""
    found = {value, value[::-1], value.hex().encode(), value.hex().upper().encode(), quote_from_bytes(value).encode()}
    found.add(b"".join(bytes([one]) if 0x21 <= one < 0x7F and one not in b"%^" else b"^%02X" % one for one in value))
    for shift in range(3):  # whatever stands before it
        found.add(base64.b64encode(bytes(shift) + value)[4 if shift else 0 :].rstrip(b"=")[:-1])
    text = value.decode("utf-8", "surrogateescape")
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        one = unicodedata.normalize(form, text)
        for other in (one, one.casefold(), one.upper()):
            found |= {other.encode("utf-8", "surrogateescape"), json.dumps(other)[1:-1].encode()}
            found |= {other.encode("utf-16-le", "surrogatepass"), other.encode("utf-16-be", "surrogatepass")}
    return {one for one in found if len(one) >= _LONG}


def finds(hay: bytes, value: bytes) -> bytes | None:
    """How a value stands in a haystack, None where it does not; a number counts only where no digit stands beside."""
    if value.isdigit():
        pattern = rb"(?<![0-9a-f])" + value + rb"(?![0-9a-f])"
        return value if re.search(pattern, hay) else None
    return next((one for one in spellings(value) if one in hay), None)
