"""Runs: the rows of an unfinished acquisition, on the medium as they are taken, merged when the manifest is composed.

    title line, nonce, then frames: length (4 bytes), MAC (32 bytes), payload
    payload 0    a canonical record: what was asked for, when, of which source
    payload n    rows in manifest order, an Arrow stream of one batch

Promises: a run is only added to; what a crash left of its last frame, a rotten block and a row that somebody planted
look alike, and end the run there. Nobody without the key can make a frame. Memory: one frame a run.
Source: specs/decisions/0006-journal-first.md.
"""

from __future__ import annotations

import hmac
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from pathlib import Path
from typing import Any, BinaryIO

from blake3 import blake3

from evidencekit.acquire.row import Entry, newer, sort_key
from evidencekit.core.encoding import decode, encode
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.write.appended import Appended

TITLE = b"evidencekit/run/1\n"
NONCE_SIZE = 16
ROWS = 256
FRAME_BYTES = 1 << 20
"""A frame ends at so many rows, or early at about so many bytes of groups."""
_MAX_FRAME = 1 << 30
FLUSH_SECONDS = 0.1
SYNC_SECONDS = 2.0
_MAC = 32
_NUMBERS = ("size", "mtime_ns", "lost", "gone")
_TEXTS = ("kind", "state", "reason")


# --- writing ---------------------------------------------------------------------------------------------------


class Run:
    """A run being written. Close it; what was added last is then on the medium."""

    def __init__(
        self,
        path: Path,
        secret: bytes,
        head: dict[str, Any],
        *,
        random: Callable[[int], bytes],
        before_sync: Callable[[], None] | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create the file. `before_sync` brings to the medium what the rows speak of; `elapsed` counts seconds.

        Raises:
            Refused: R501, the name is taken.
            CannotFinish: X421 no space, X422 not allowed, X423 another error; `add` and `close`, too.
        """
        self._file = Appended(path)
        self._elapsed = elapsed
        self._before_sync = before_sync or (lambda: None)
        nonce = random(NONCE_SIZE)
        self._key = _frame_key(secret, nonce)
        self._frames = 0
        self._rows: list[Entry] = []
        self._size = 0
        self._file.append(TITLE + nonce)
        self._append(encode(head))
        self._file.sync()
        self._flushed = self._synced = elapsed()
        self._pause = SYNC_SECONDS

    def add(self, entry: Entry) -> None:
        """Add a row, which comes after all rows before it in the order of a manifest."""
        self._rows.append(entry)
        self._size += len(entry.name) + len(entry.content) + len(entry.metadata)
        self.tick(full=len(self._rows) >= ROWS or self._size >= FRAME_BYTES)

    def tick(self, *, full: bool = False) -> None:
        """Hand over and bring to the medium what is due: also while a large file is read, for the rows before it."""
        now = self._elapsed()
        if full or now - self._flushed >= FLUSH_SECONDS:
            self.flush()
            self._flushed = now
            if now - self._synced >= self._pause:
                self.sync()
                self._synced = self._elapsed()
                # A slow stick is not to be busy with this alone: at most a twentieth of the time.
                self._pause = max(SYNC_SECONDS, 20 * (self._synced - now))

    def flush(self) -> None:
        """Hand over to the system what was added: this much outlives the program."""
        if self._rows:
            self._append(_pack(self._rows))
            self._rows = []
            self._size = 0

    def sync(self) -> None:
        """Bring to the medium what was handed over: this much outlives the power."""
        self._before_sync()
        self._file.sync()

    def close(self) -> None:
        """Flush, sync and close."""
        try:
            self.flush()
            self.sync()
        finally:
            self._file.close()

    def _append(self, payload: bytes) -> None:
        mac = _mac(self._key, self._frames, payload)
        self._file.append(len(payload).to_bytes(4, "little") + mac + payload)
        self._frames += 1


def _frame_key(secret: bytes, nonce: bytes) -> bytes:
    return hmac.digest(secret, TITLE + nonce, "sha256")


def _mac(key: bytes, number: int, payload: bytes) -> bytes:
    return blake3(number.to_bytes(8, "little"), key=key).update(payload).digest()


def _schema() -> Any:
    import pyarrow as pa  # noqa: PLC0415 (0.2 s, and the manifest's writer loads it anyhow)

    kinds = dict.fromkeys(_NUMBERS, pa.int64()) | dict.fromkeys(_TEXTS, pa.string())
    return pa.schema([pa.field(name, kinds.get(name, pa.binary())) for name in Entry._fields])


def _pack(rows: Sequence[Entry]) -> bytes:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import ipc  # noqa: PLC0415

    schema = _schema()
    columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)]
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, schema, options=ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_batch(pa.record_batch(columns, schema=schema))
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _unpack(payload: bytes) -> list[Entry]:
    from pyarrow import ipc  # noqa: PLC0415

    with ipc.open_stream(payload) as stream:
        columns = [column.to_pylist() for column in stream.read_next_batch().columns]
    return list(map(Entry._make, zip(*columns, strict=True)))


def _key_of(entry: Entry) -> bytes:
    return sort_key(entry.path, entry.stream)


# --- reading ---------------------------------------------------------------------------------------------------


class EarlierRun:
    """A run that was written before, as far as it is whole."""

    def __init__(self, path: Path, secret: bytes) -> None:
        """Read the head.

        Raises:
            FormatError: not a run, or not one made under this key: nothing in it is believed.
            CannotFinish: X403, it cannot be read.
        """
        self.path = path
        self._secret = secret
        self.torn = False  # known after the rows were read: its end was cut off or altered
        with self._open() as file:
            frames = self._frames(file)
            head = next(frames, None)
        if head is None:
            raise FormatError(str(path.name), expected="a run made under the keys of this log", found="something else")
        self.head: dict[str, Any] = decode(head)

    def rows(self) -> Iterator[Entry]:
        """Yield the rows in the order of a manifest."""
        with self._open() as file:
            for payload in itertools.islice(self._frames(file), 1, None):
                yield from _unpack(payload)

    def _open(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            shown = display(os.fsencode(self.path))
            raise CannotFinish(f"{shown} cannot be read: {error.strerror}.", code="X403", path=self.path) from error

    def _frames(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield payloads up to the first that is not whole."""
        try:
            start = file.read(len(TITLE) + NONCE_SIZE)
            key = _frame_key(self._secret, start[len(TITLE) :])
            if len(start) == len(TITLE) + NONCE_SIZE and start.startswith(TITLE):
                for number in itertools.count():
                    lead = file.read(4 + _MAC)
                    if not lead:
                        return
                    size = int.from_bytes(lead[:4], "little")
                    payload = file.read(size) if size <= _MAX_FRAME else b""
                    if len(payload) != size or not hmac.compare_digest(lead[4:], _mac(key, number, payload)):
                        break
                    yield payload
        except OSError:
            pass  # the medium of the case is failing here; the source is asked again
        self.torn = True


def merged(runs: Iterable[EarlierRun]) -> Iterator[Entry]:
    """Yield one row a name from several runs, the oldest run first, in the order of a manifest: see `newer`."""
    chosen: Entry | None = None
    for entry in merge(*(run.rows() for run in runs), key=_key_of):  # stable: the oldest comes first
        if chosen is not None and (chosen.path, chosen.stream) == (entry.path, entry.stream):
            chosen = newer(chosen, entry)
        else:
            if chosen is not None:
                yield chosen
            chosen = entry
    if chosen is not None:
        yield chosen


class Recall:
    """Rows of earlier runs, asked for in the order of a manifest."""

    def __init__(self, runs: Sequence[EarlierRun]) -> None:
        self._rows = merged(runs)
        self._next = next(self._rows, None)

    def before(self, key: bytes | None) -> Iterator[Entry]:
        """Yield the rows that come before a key, all that are left for None: nobody asked for them."""
        while self._next is not None and (key is None or _key_of(self._next) < key):
            passed, self._next = self._next, next(self._rows, None)
            yield passed

    def find(self, key: bytes) -> Entry | None:
        """Return the row with this key, if there is one; keys only grow."""
        for _ in self.before(key):
            pass
        if self._next is None or _key_of(self._next) != key:
            return None
        found, self._next = self._next, next(self._rows, None)
        return found
