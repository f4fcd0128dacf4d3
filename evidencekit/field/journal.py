"""The journal of a sitting: each move a line in a file beside the case, on the medium before the next question.

    1c9be0d4 {"at": "1795340402123456789", "key": "agency", "move": "answer", "text": "Unit 7"}

The first eight hex digits are of the SHA-256 of the rest. What a power failure tore is dropped: reading ends at the
first line that is not whole. No passphrase ever stands in it. Source: specs/field.md section 4.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from evidencekit.core.digest import sha256_hex
from evidencekit.core.values import display
from evidencekit.errors import Refused
from evidencekit.field.sitting import Move
from evidencekit.write.durable import cannot_write
from evidencekit.write.systems import THIS, flush

SUFFIX = ".field"
_DIGITS = 8
_MAX = 16 << 20


def journal_of(case: Path) -> Path:
    """Return the file beside a case: the case itself need not exist, and nothing foreign gets into it."""
    return case.with_name(case.name + SUFFIX)


class Journal:
    """The journal of one case, held by this program until it is closed."""

    def __init__(self, path: Path) -> None:
        """Open the journal, or begin it.

        Raises:
            Refused: R507, another program is at it. CannotFinish: X421 to X423.
        """
        self.path = path
        self._lock = FileLock(f"{path}.lock", blocking=False)
        try:
            path.parent.stat()  # a medium that is not there: the lock would make its folder
            self._lock.acquire()
            self.is_new = not path.exists()
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            self.moves, whole = _read(self._handle)
            self.dropped = os.fstat(self._handle).st_size - whole
            """Bytes at the end that a power failure tore."""
            os.ftruncate(self._handle, whole)
            os.lseek(self._handle, whole, os.SEEK_SET)
            if self.is_new:
                THIS.sync(path.parent)
        except Timeout:
            raise Refused(
                f"Another program is asking about {display(os.fsencode(path.with_suffix('')))} just now.",
                code="R507",
                hint="Go on there, or end it.",
                path=path,
            ) from None
        except OSError as error:
            raise cannot_write(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)
        self._lock.release()
        with contextlib.suppress(OSError):
            Path(f"{self.path}.lock").unlink(missing_ok=True)

    def add(self, move: Move) -> None:
        """Write a move; it is on the medium when this returns.

        Raises:
            CannotFinish: X421 to X423.
        """
        line, end = encode_move(move), os.lseek(self._handle, 0, os.SEEK_CUR)
        try:
            written = 0
            while written < len(line):
                written += os.write(self._handle, line[written:])
            flush(self._handle)
        except OSError as error:
            with contextlib.suppress(OSError):  # half a line would hide what is written after it
                os.ftruncate(self._handle, end)
                os.lseek(self._handle, end, os.SEEK_SET)
            raise cannot_write(self.path, error) from error
        self.moves.append(move)


def encode_move(move: Move) -> bytes:
    """Return the line of a move."""
    record = {"at": str(move.at), "key": move.key, "move": move.name, "text": move.text}
    text = json.dumps(record, sort_keys=True)
    return f"{sha256_hex(text.encode())[:_DIGITS]} {text}\n".encode()


def decode_moves(data: bytes) -> tuple[list[Move], int]:
    """Return the moves up to the first line that is not whole, and how many bytes these are."""
    moves, whole = [], 0
    for line in data.splitlines(keepends=True):
        try:
            record: dict[str, Any] = json.loads(line[_DIGITS + 1 :])
            move = Move(record["move"], record["key"], record["text"], int(record["at"]))
        except (ValueError, KeyError, TypeError):
            break
        if line != encode_move(move):
            break
        moves.append(move)
        whole += len(line)
    return moves, whole


def _read(handle: int) -> tuple[list[Move], int]:
    data = b""
    while len(data) < _MAX and (block := os.read(handle, 1 << 20)):
        data += block
    return decode_moves(data)
