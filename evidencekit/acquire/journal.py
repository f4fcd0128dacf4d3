"""Runs: the rows of an unfinished acquisition, on the medium as they are taken, merged when the manifest is composed.

    title line, nonce, then frames: length (4 bytes), MAC (32 bytes), payload
    payload 0    a canonical record: what was asked for, when, of which source
    payload n    its place, then a batch of rows, packed and compressed

Batches are written as they are finished, and read in the order of a manifest: the place says of which job one is, with
which of the job's rows it begins, how many it takes, and how many the job has.

Promises: a run is only added to; what a crash left of its last frame, a rotten block and a row that somebody planted
look alike, and end the run there. Nobody without the key can make a frame. Memory: a few frames a run, and those that
wait for one that comes before them, of at most AHEAD jobs.
Source: specs/decisions/0006-journal-first.md and 0007.
"""

from __future__ import annotations

import hmac
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, NamedTuple

from blake3 import blake3

from evidencekit.acquire.batch import Batch, Packed
from evidencekit.acquire.row import Entry
from evidencekit.acquire.rows import Salts
from evidencekit.core.encoding import decode, encode
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.write.appended import Appended

TITLE = b"evidencekit/run/2\n"
NONCE_SIZE = 16
ROWS = 256
FRAME_BYTES = 1 << 20
"""A frame ends at so many rows, or early at about so many bytes of groups."""
_MAX_FRAME = 1 << 30
AHEAD = 256
"""Jobs behind an unfinished one that may be begun."""
FLUSH_SECONDS = 0.1
SYNC_SECONDS = 2.0
_MAC = 32
_PLACE = Struct("<QIII")
_SIZE = Struct("<Q")


class Place(NamedTuple):
    """Where the rows of a batch stand."""

    job: int
    begin: int
    taken: int
    whole: int

    @property
    def next(self) -> tuple[int, int]:
        """Job and row with which the following batch begins."""
        behind = self.begin + self.taken
        return (self.job, behind) if behind < self.whole else (self.job + 1, 0)


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
        self._salts = Salts(random)
        self._batch = Batch()
        self._batches = 0
        self._file.append(TITLE + nonce)
        self._append(encode(head))
        self._file.sync()
        self._flushed = self._synced = elapsed()
        self._pause = SYNC_SECONDS

    def add(self, entry: Entry) -> None:
        """Add a row, which comes after all rows before it in the order of a manifest."""
        self._batch.add(entry, self._salts.next())
        self.tick(full=len(self._batch) >= ROWS or self._batch.weight >= FRAME_BYTES)

    def add_packed(self, place: Place, packed: bytes) -> None:
        """Add rows that somebody else packed. Rows that are added one by one are of no job: not both in one run."""
        self._append(_PLACE.pack(*place) + _SIZE.pack(len(packed)) + _compressed(packed))

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
        if rows := len(self._batch):
            self.add_packed(Place(self._batches, 0, rows, rows), self._batch.pack())
            self._batches += 1
            self._batch = Batch()

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


def _compressed(data: bytes) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 (0.2 s, and the manifest's writer loads it anyhow)

    return pa.Codec("lz4_raw").compress(data, asbytes=True)  # type: ignore[no-any-return]


def _unpacked(payload: bytes) -> Packed:
    import pyarrow as pa  # noqa: PLC0415

    (size,) = _SIZE.unpack_from(payload, _PLACE.size)
    packed = memoryview(payload)[_PLACE.size + _SIZE.size :]
    return Packed(pa.Codec("lz4_raw").decompress(packed, size, asbytes=True))


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

    def batches(self) -> Iterator[Packed]:
        """Yield the rows in the order of a manifest; after a crash some of those that came last may be missing."""
        waiting: dict[tuple[int, int], bytes] = {}
        expected = (0, 0)
        with self._open() as file:
            for payload in itertools.islice(self._frames(file), 1, None):
                place = Place._make(_PLACE.unpack_from(payload))
                waiting[place.job, place.begin] = payload
                while (ready := waiting.pop(expected, None)) is not None:
                    expected = Place._make(_PLACE.unpack_from(ready)).next
                    yield _unpacked(ready)
        for at in sorted(waiting):
            yield _unpacked(waiting[at])

    def rows(self) -> Iterator[Entry]:
        """Yield the rows one by one."""
        for batch in self.batches():
            yield from batch.entries()

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
