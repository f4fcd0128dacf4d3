"""Contents of real types, the same bytes from the same seed with every version of Python, zlib and SQLite.

So nothing is compressed by a library (deflate streams are of stored blocks, written here), only `random()` of the
random module is used (the one draw whose sequence Python promises), and SQLite's stamp of its version is overwritten.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

LARGEST = 16 << 10
_NOISE = 1 << 20
_TEXT = 1 << 17
_WORDS = Path(__file__).with_name("words.txt")
T = TypeVar("T")


class Draws:
    """Seeded draws."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def below(self, limit: int) -> int:
        """Return a number from 0 to `limit` - 1."""
        return int(self._random() * limit)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of some choices."""
        return choices[self.below(len(choices))]


def noise(seed: int, size: int) -> bytes:
    """Return bytes that do not compress."""
    return hashlib.shake_256(b"evidencekit benchmark %d" % seed).digest(size)


class Contents:
    """Makes contents of about a wanted number of bytes; the smallest of a type can be somewhat larger."""

    def __init__(self, seed: int) -> None:
        self.draws = Draws(seed)
        self._noise = noise(seed, _NOISE + LARGEST)
        languages = _WORDS.read_text(encoding="utf-8").splitlines()
        self.words = [re.findall(r"\w+", line.lower()) for line in languages]
        self._texts = [self._language(words) for words in self.words]
        self.makers: dict[str, Callable[[int], bytes]] = {
            name: getattr(self, f"_{name}")
            for name in (
                *("png", "jpg", "gif", "pdf", "zip", "gz", "so", "db"),
                *("html", "xml", "json", "csv", "txt", "py"),
            )
        }
        """By the ending of the file's name."""

    def make(self, ending: str, size: int) -> bytes:
        """Return a content of the type that goes with the ending of a name."""
        return self.makers[ending](size)

    # --- raw material ---

    def _bytes(self, size: int) -> bytes:
        at = self.draws.below(_NOISE)
        return self._noise[at : at + max(0, size)]

    def _language(self, words: list[str]) -> str:
        lines, length = [], 0
        while length < _TEXT:
            count = 5 + self.draws.below(12)
            sentence = " ".join(self.draws.pick(words) for _ in range(count)).capitalize()
            lines.append(f"{sentence}.")
            length += len(sentence) + 2
        return "\n".join(lines)

    def _words(self, size: int, text: str | None = None) -> str:
        """Return text in one language of at most `size` bytes in UTF-8."""
        text = self.draws.pick(self._texts) if text is None else text
        at = self.draws.below(len(text) - LARGEST)
        return text[at : at + max(0, size)].encode()[: max(0, size)].decode(errors="ignore")

    def _records(self, size: int, record: Callable[[int, str], str]) -> Iterator[str]:
        """Yield records, each made of its number and of some words, until there are enough bytes."""
        text = self.draws.pick(self._texts)
        number = 0
        while size > 0:
            made = record(number, self._words(20 + self.draws.below(120), text).replace("\n", " "))
            size -= len(made.encode())
            number += 1
            yield made

    # --- pictures ---

    def _png(self, size: int) -> bytes:
        width = 32
        height = max(1, (size - 90) // (3 * width + 1))
        pixels = self._bytes(3 * width * height)
        lines = b"".join(b"\0" + pixels[at : at + 3 * width] for at in range(0, len(pixels), 3 * width))
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", _zlib_stored(lines)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in chunks
        )

    def _jpg(self, size: int) -> bytes:
        head = (
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
            + (b"\xff\xdb\0\x43\0" + bytes([16] * 64))
            + b"\xff\xc0\0\x0b\x08\0\x40\0\x40\1\1\x11\0"
            + (b"\xff\xc4\0\x14\0\1" + bytes(15) + b"\0")
            + b"\xff\xda\0\x08\1\1\0\0\x3f\0"
        )
        return head + self._bytes(size - len(head) - 2).replace(b"\xff", b"\xfe") + b"\xff\xd9"

    def _gif(self, size: int) -> bytes:
        data = self._bytes(size - 40)
        blocks = b"".join(bytes([len(part)]) + part for at in range(0, len(data), 255) if (part := data[at : at + 255]))
        head = b"GIF89a" + struct.pack("<HHBBB", 64, 64, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
        return head + b"," + struct.pack("<HHHHB", 0, 0, 64, 64, 0) + b"\x08" + blocks + b"\0;"

    # --- documents and containers ---

    def _pdf(self, size: int) -> bytes:
        lines = self._words((size - 700) * 5 // 6, self._texts[0]).splitlines()
        shown = "\n".join(f"({line}) Tj T*" for line in lines)
        stream = _zlib_stored(f"BT /F1 11 Tf 60 780 Td 14 TL\n{shown}\nET".encode())
        fonts = b"/Resources << /Font << /F1 5 0 R >> >>"
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R %b >>" % fonts,
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(stream), stream),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
        out, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
        for number, body in enumerate(objects, 1):
            places.append(len(out))
            out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
        table = b"0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
        count = len(objects) + 1
        return out + b"xref\n0 %d\n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
            *(count, table, count),
            len(out),
        )

    def _zip(self, size: int) -> bytes:
        names = self.draws.pick(
            (("a.txt", "b.bin"), ("[Content_Types].xml", "word/document.xml"), ("mimetype", "x.xml"))
        )
        half = max(0, size - 300) // 2
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name in names:
                member = zipfile.ZipInfo(name)
                member.create_system = 3  # else it tells on which system it was made
                data = self._bytes(half) if name == "b.bin" else self._words(half).encode()
                archive.writestr(member, data)
        return out.getvalue()

    def _gz(self, size: int) -> bytes:
        data = self._bytes(size - 23)
        head = b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
        return head + _stored(data) + struct.pack("<II", zlib.crc32(data), len(data))

    def _so(self, size: int) -> bytes:
        """Make an ELF shared object of a header and data."""
        head = (
            b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)
        )
        return head + self._bytes(size - len(head))

    def _db(self, size: int) -> bytes:
        database = sqlite3.connect(":memory:", isolation_level=None)
        try:
            database.execute("PRAGMA page_size = 512")
            database.execute("PRAGMA encoding = 'UTF-8'")
            database.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT, picture BLOB)")
            body, picture = self._words(400), self._bytes(size - 3072)
            database.execute("INSERT INTO messages VALUES (1, ?, ?)", (body, picture))
            made = bytearray(database.serialize())
        finally:
            database.close()
        made[96:100] = struct.pack(">I", 3040000)  # the version of SQLite that wrote it
        return bytes(made)

    # --- texts ---

    def _txt(self, size: int) -> bytes:
        return self._words(size).encode()

    def _html(self, size: int) -> bytes:
        body = "".join(self._records(size - 120, lambda number, words: f'<p id="p{number}">{words}</p>\n'))
        title = self._words(30).replace("\n", " ")
        return (
            '<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"><title>'
            f"{title}</title></head>\n<body>\n{body}</body>\n</html>\n"
        ).encode()

    def _xml(self, size: int) -> bytes:
        body = "".join(self._records(size - 70, lambda number, words: f'  <entry id="{number}">{words}</entry>\n'))
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<entries>\n{body}</entries>\n'.encode()

    def _json(self, size: int) -> bytes:
        body = ",\n ".join(
            self._records(
                size - 4,
                lambda number, words: json.dumps({"id": number, "text": words, "seen": True}, ensure_ascii=False),
            )
        )
        return f"[{body}]\n".encode()

    def _csv(self, size: int) -> bytes:
        row = self.draws.below(100_000)
        rows = self._records(
            size - 14,
            lambda number, words: f'{row + number},2026-01-{number % 28 + 1:02d},{number * 17 % 991},"{words}"\r\n',
        )
        return ("id,day,amount,note\r\n" + "".join(rows)).encode()

    def _py(self, size: int) -> bytes:
        functions = self._records(
            size - 60,
            lambda number, words: (
                f'def step_{number}(value):\n    """{words}"""\n    if value > {number}:\n'
                f"        return value - {number}\n    return [value] * 2\n\n\n"
            ),
        )
        return ('#!/usr/bin/env python3\n"""A module."""\n\nimport os\nimport sys\n\n\n' + "".join(functions)).encode()


def _stored(data: bytes) -> bytes:
    """Return a deflate stream of stored blocks."""
    parts = [data[at : at + 0xFFFF] for at in range(0, len(data), 0xFFFF)] or [b""]
    last = len(parts) - 1
    return b"".join(
        struct.pack("<BHH", index == last, len(part), len(part) ^ 0xFFFF) + part for index, part in enumerate(parts)
    )


def _zlib_stored(data: bytes) -> bytes:
    return b"\x78\x01" + _stored(data) + struct.pack(">I", zlib.adler32(data))
