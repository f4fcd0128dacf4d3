"""An acquisition: walk, read, rows, leaves, manifest, header. One source in, one Parquet file and one root out.

Promises: one row for each entry, in order; memory does not grow with the number of rows (but for 40 bytes a row where
the order is `shuffled`); a failure or an interruption leaves at most an unfinished file under the name given.
Source: specs/manifest.md sections 5 to 7 and 9.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from evidencekit.acquire.entry import Entry, Taker
from evidencekit.acquire.rows import Salts, StoreObject, row_leaf_hash
from evidencekit.acquire.selection import Selection
from evidencekit.acquire.shuffle import Shuffled
from evidencekit.acquire.source import Source, look_at, refuse_inside
from evidencekit.core.digest import SALT_SIZE, header_commitment
from evidencekit.core.encoding import encode
from evidencekit.core.merkle import CompactRange
from evidencekit.core.records import KINDS, MANIFEST, MANIFEST_TYPE, STATES
from evidencekit.core.values import encode_base64, moment
from evidencekit.errors import BadArgument, FormatError
from evidencekit.read.evidence import Reader
from evidencekit.read.handles import Opener
from evidencekit.read.tree import Node, walk
from evidencekit.write.parquet import GROUP_BYTES, ROW_GROUP, ManifestRows, ManifestWriter

_MAX_INT64 = 2**63 - 1
_TELL_EVERY = 256
_Name: TypeAlias = bytes
_TAKEN = frozenset({"complete", "changed"})


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator chose."""

    digests: tuple[str, ...] = ("blake3", "sha256")
    """SHA-256 and BLAKE3 are made always; beside them `md5 sha1 sha512 sha3_256`."""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sensitive: bool = False
    """True: leaves in shuffled order, so that places do not tell where hidden names sort."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A finished manifest, ready to be published and sealed."""

    path: Path
    root: bytes
    rows: int
    file_sha256: bytes
    header: bytes
    header_salt: bytes
    header_commitment: bytes
    header_record: dict[str, Any]


@dataclass(slots=True)
class Progress:
    """How far it is. `path` is of the row begun last; a name, so to be escaped before it is shown."""

    files: int = 0
    bytes: int = 0
    omissions: int = 0
    path: _Name = b""


@dataclass(slots=True)
class _Totals:
    rows: int = 0
    bytes: int = 0
    kinds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))

    def record(self) -> dict[str, Any]:
        return {
            "bytes": str(self.bytes),
            "kinds": {kind: str(count) for kind, count in self.kinds.items()},
            "rows": str(self.rows),
            "states": {state: str(count) for state, count in self.states.items()},
        }


class _Manifest:
    """Rows on their way to the file: salts, leaf hashes, totals, row groups."""

    def __init__(
        self, writer: ManifestWriter, random: Callable[[int], bytes], add_leaves: Callable[[list[bytes]], None]
    ) -> None:
        self.totals = _Totals()
        self._writer = writer
        self._salts = Salts(random)
        self._add_leaves = add_leaves
        self._leaves: list[bytes] = []
        self._rows = ManifestRows()
        self._size = 0

    def add(self, path: bytes, entry: Entry) -> None:
        totals, rows = self.totals, self._rows
        kind, name, content, metadata, size, state, sha256, status = entry
        salt = self._salts.next()
        self._leaves.append(row_leaf_hash(kind, salt, name, content, metadata))
        rows.index.append(totals.rows)
        rows.row_salt.append(salt)
        rows.name.append(name)
        rows.content.append(content)
        rows.metadata.append(metadata)
        rows.kind.append(kind)
        rows.path.append(path)
        rows.size.append(size)
        rows.state.append(state)
        rows.sha256.append(sha256)
        rows.mtime_ns.append(None if status is None else _int64(status.st_mtime_ns))
        totals.rows += 1
        totals.kinds[kind] += 1
        totals.states[state] += 1
        if size is not None and state in _TAKEN:
            totals.bytes += size
        self._size += len(name) + len(content) + len(metadata) + len(path)
        if len(rows.index) >= ROW_GROUP or self._size >= GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._rows.index:
            self._add_leaves(self._leaves)
            self._writer.write(self._rows)
            self._leaves = []
            self._rows = ManifestRows()
            self._size = 0


def _int64(value: int) -> int | None:
    return value if -_MAX_INT64 - 1 <= value <= _MAX_INT64 else None


def take(
    source: Path,
    out: Path,
    *,
    case: bytes,
    exhibit: str,
    options: Options,
    program: dict[str, Any],
    host: str | None,
    random: Callable[[int], bytes],
    clock: Callable[[], int],
    utc_offset_min: int | None,
    progress: Callable[[Progress], None] | None,
    store_object: StoreObject,
    reader: Reader | None = None,
) -> Taken:
    """Take a folder or a file: write its manifest to the new file `out`, and return what is to be sealed.

    `case` is the 16-byte identity, `exhibit` the number of the item, `program` the header's record, `clock` nanoseconds
    since 1970, `random` a source of random bytes; `reader` reads the files (None: one for the digests asked for).

    Raises:
        BadArgument: U230 a glob that cannot match, U231 the header cannot say what was asked for.
        Refused: R501 the name `out` is taken, R506 it lies inside the source.
        CannotFinish: X421 to X424 writing, X430 to X435 the source.
    """
    started = clock()
    selection = Selection(options.include, options.exclude)
    facts = look_at(source)
    refuse_inside(facts, out)
    header = _Header(case, exhibit, options, program, host, started, utc_offset_min)
    header.encode(facts, _Totals(), started, touched=True)  # refused now rather than after hours
    shuffled = Shuffled(out) if options.sensitive else None
    opener = Opener()
    tree = CompactRange()
    with ManifestWriter(shuffled.aside if shuffled else out) as writer:
        manifest = _Manifest(writer, random, shuffled.add if shuffled else tree.extend)
        teller = _Teller(manifest.totals, progress)
        taker = Taker(selection, options.digests, store_object, reader=reader, on_block=teller.block)
        with contextlib.closing(walk(source, prune=selection.excludes, opener=opener)) as nodes:
            for node in nodes:
                teller.begin(node)
                manifest.add(node.path, taker.take(node))
                teller.end()
        manifest.flush()
        salt = random(SALT_SIZE)
        record, data = header.encode(facts, manifest.totals, clock(), touched=opener.touched)
        digest = writer.finish(data, salt)
    if shuffled is not None:
        root, digest = shuffled.finish(data, salt)
    else:
        root = tree.root()
    teller.tell()
    return Taken(out, root, manifest.totals.rows, digest, data, salt, header_commitment(salt, data), record)


class _Teller:
    """Tells how far it is: now and then, and during large files."""

    def __init__(self, totals: _Totals, progress: Callable[[Progress], None] | None) -> None:
        self._totals = totals
        self._progress = progress
        self._path = b""
        self._inside = 0

    def begin(self, node: Node) -> None:
        self._path = node.path

    def block(self, size: int) -> None:
        self._inside += size
        self.tell()

    def end(self) -> None:
        self._inside = 0
        if self._totals.rows % _TELL_EVERY == 0:
            self.tell()

    def tell(self) -> None:
        if self._progress is not None:
            totals = self._totals
            omissions = totals.rows - totals.states["complete"]
            self._progress(Progress(totals.kinds["file"], totals.bytes + self._inside, omissions, self._path))


@dataclass(frozen=True, slots=True)
class _Header:
    """The header of specs/manifest.md section 7, but for what is known at the end."""

    case: bytes
    exhibit: str
    options: Options
    program: dict[str, Any]
    host: str | None
    started: int
    utc_offset_min: int | None

    def encode(self, source: Source, totals: _Totals, finished: int, *, touched: bool) -> tuple[dict[str, Any], bytes]:
        options = self.options
        record = {
            "_t": MANIFEST_TYPE,
            "case": encode_base64(self.case),
            "digests": sorted({*options.digests, "blake3", "sha256"}),
            "exhibit": self.exhibit,
            "finished_at": moment(finished, utc_offset_min=self.utc_offset_min),
            "name_encoding": "posix",
            "options": {
                "exclude": list(options.exclude),
                "include": list(options.include),
                "sensitive": options.sensitive,
            },
            "order": "shuffled" if options.sensitive else "path",
            "program": self.program,
            "source": source.record(host=self.host, touched=touched),
            "started_at": moment(self.started, utc_offset_min=self.utc_offset_min),
            "totals": totals.record(),
        }
        try:
            MANIFEST.check(record)
            return record, encode(record)
        except FormatError as error:
            raise BadArgument(
                f"The manifest's header cannot say this: {error.message}", code="U231", place=error.place
            ) from error
