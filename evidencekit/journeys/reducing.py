"""One manifest reduced, and the objects that no row names any more.

Promises: a reduced manifest has the root that was sealed, or none is made; memory is one byte a row, a row group, and
about 100 bytes for each object that goes. Source: specs/manifest.md section 10.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evidencekit.catalogue.manifest import open_manifest, read_columns, read_header, unreadable
from evidencekit.catalogue.record import VERIFY, Record, Sealed
from evidencekit.core import layout
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.core.reduced import ReducedRow
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.reduced import known_rows, rows_by_index
from evidencekit.verify.log_facts import objects_of
from evidencekit.write.parquet import GROUP_BYTES, ROW_GROUP
from evidencekit.write.reduced import ReducedDerivedWriter, ReducedWriter
from evidencekit.write.reread import length_of

_NAMED = re.compile(rb'"sha256(?:_zero_filled)?":"([0-9a-f]{64})"')
"""A digest of content, or of a large value. Within a string of JSON the quotes would have backslashes before them."""
_SAYING = ("content", "metadata")
"""Groups that name objects."""


@dataclass(frozen=True, slots=True)
class Reduced:
    """A reduced manifest that waits for its event."""

    sealed: Sealed
    path: Path
    file_sha256: str
    rows: int
    """Rows of which something is erased, by this order and all before."""
    new: int
    """Rows that lose something now."""
    left: int
    """Rows of the item of which something is left."""


def reduce_manifest(
    record: Record,
    sealed: Sealed,
    path: Path,
    erased: Callable[[ReducedRow], Collection[str]],
    is_own: Callable[[ReducedRow], bool],
) -> Reduced:
    """Write the reduced form of a manifest to a new file; `erased` says what of a row goes, `is_own` whose it is.

    Raises:
        CannotFinish: X441 another file than was sealed, X443 not a manifest, or of another root; X421 to X424.
    """
    tree = CompactRange()
    rows = new = kept = 0
    with open_manifest(record.store, sealed) as manifest:
        header = read_header(manifest, sealed)
        writer = ReducedWriter(path) if sealed.kind == "rows" else ReducedDerivedWriter(path)
        with writer:
            group: list[ReducedRow] = []
            weight = 0
            is_shuffled = header.get("order") == "shuffled"
            for row in _by_index(manifest, sealed, is_shuffled=is_shuffled):
                left = row.without(erased(row))
                tree.append(leaf_hash(left.leaf(sealed.base_root)))
                rows += left.is_touched
                new += left != row
                kept += is_own(row) and any(not one.is_erased for one in left.groups.values())
                group.append(left)
                weight += sum(len(one.data or b"") for one in left.groups.values())
                if len(group) == ROW_GROUP or weight >= GROUP_BYTES:
                    writer.add(group)
                    group, weight = [], 0
            if group:
                writer.add(group)
            digest = writer.finish(manifest.header, manifest.header_salt)
    if (tree.size, tree.root().hex()) != (sealed.rows, sealed.root):
        raise CannotFinish(
            f"{sealed.place} has not the root that event {sealed.entry} sealed.",
            code="X475",
            hint=f"Nothing was erased. {VERIFY}",
            path=sealed.place,
        )
    return Reduced(sealed, path, digest.hex(), rows, new, kept)


def objects_to_remove(record: Record, manifest: int, before: Path, after: Path) -> dict[str, int]:
    """Return the objects (SHA-256 in hex, size) that a manifest names before a reduction, and nothing names after it.

    `before` and `after` are its files, whichever of them the record names now.

    Raises:
        CannotFinish: X402, X403, X441, X443 a manifest of the case cannot be read; X446 an event.
    """
    try:
        with before.open("rb") as one, after.open("rb") as other:
            found = _lost(record, ManifestFile(one, before.name), ManifestFile(other, after.name))
            if found:
                for _, batch in ManifestFile(other, after.name).batches(_SAYING):
                    _keep(found, (batch[name] for name in _SAYING))
    except (FormatError, ValueError) as error:
        raise CannotFinish(
            f"{before.name} cannot be read, so nobody knows which copies are to go: {error}", code="X443", hint=VERIFY
        ) from error
    except OSError as error:
        raise CannotFinish(f"{before.name} cannot be read: {error.strerror}.", code="X403", path=before) from error
    for sealed in record.sealed if found else ():
        if sealed.manifest != manifest:
            with open_manifest(record.store, sealed) as file:
                for columns in read_columns(file, sealed, _SAYING):
                    _keep(found, columns)
    for digest in _of_events(record) if found else ():
        found.pop(digest, None)
    return found


def _lost(record: Record, before: ManifestFile, after: ManifestFile) -> dict[str, int]:
    """Return the objects that rows named which do not say any more what they name."""
    found: dict[str, int] = {}
    is_shuffled = b'"order":"shuffled"' in before.header
    for old, new in zip(rows_by_index(before, is_shuffled=is_shuffled), known_rows(after), strict=True):
        for name in _SAYING:
            data = old.groups[name].data
            if data is None or not new.groups[name].is_erased:
                continue
            for digest in _NAMED.findall(data):
                text = digest.decode()
                size = length_of(record.store.path / layout.object_file(text))
                if size is not None:
                    found[text] = size
    return found


def _keep(found: dict[str, int], columns: Iterable[Sequence[bytes | None]]) -> None:
    """Leave out what rows still name."""
    for column in columns:
        for data in filter(None, column):
            for digest in _NAMED.findall(data):
                found.pop(digest.decode(), None)


def _of_events(record: Record) -> Iterator[str]:
    """Yield the objects that events name: they are part of the record, whatever rows say."""
    for index in range(record.checkpoint.size if record.checkpoint else 0):
        where = layout.event_file(index)
        try:
            event = decode_event(record.store.read(where, layout.MAX_RECORD_FILE))
        except FormatError as error:
            raise CannotFinish(f"{where}: {error.message}", code="X446", hint=VERIFY, path=where) from error
        if knows_type(event):
            yield from (named.sha256 for named in objects_of(index, event))


def _by_index(manifest: ManifestFile, sealed: Sealed, *, is_shuffled: bool) -> Iterator[ReducedRow]:
    try:
        yield from rows_by_index(manifest, is_shuffled=is_shuffled)
    except FormatError as error:
        raise unreadable(sealed, error.message) from error
