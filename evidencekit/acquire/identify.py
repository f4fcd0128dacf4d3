"""Media types: what libmagic concludes about the files of a sealed manifest, as a manifest of its own.

Promises: facts are not touched; each `file` row that was read gets one opinion or one error; an opinion is about the
content that was sealed: a file that changed since gets none; each content is looked at once, within a bound of memory.
Source: specs/manifest.md section 8.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from evidencekit.acquire.desks import Base, Desks, Opinions, Typed
from evidencekit.acquire.libmagic import Typer
from evidencekit.acquire.pipeline import Progress, Taken
from evidencekit.acquire.rows import Salts, derived_leaf_hash, opinion_group
from evidencekit.core.digest import SALT_SIZE, header_commitment
from evidencekit.core.encoding import GROUP, decode, encode
from evidencekit.core.merkle import CompactRange
from evidencekit.core.records import DERIVED, DERIVED_TYPE
from evidencekit.core.values import display, encode_base64, moment
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.parquet import ManifestFile
from evidencekit.write.parquet import ROW_GROUP, DerivedRows, DerivedWriter

_BATCH = 1024
_COLUMNS = ("index", "metadata", "kind", "path", "size", "state", "sha256", "mtime_ns")
_LOOKED_AT = frozenset({b"complete", b"changed", b"partial"})


def identify(
    source: Path,
    manifest: Path,
    out: Path,
    *,
    case: bytes,
    exhibit: str,
    base_manifest: int,
    base_root: bytes,
    program: dict[str, Any],
    random: Callable[[int], bytes],
    clock: Callable[[], int],
    utc_offset_min: int | None,
    progress: Callable[[Progress], None] | None,
    make_typer: Callable[[], Typer] = Typer,
    workers: int = 1,
) -> Taken:
    """Type the files of `source` as `manifest` lists them: write the derived manifest to the new file `out`.

    `base_manifest` is the number and `base_root` the root of that manifest; `make_typer` makes an engine for each of
    the `workers` threads: libmagic works without holding the interpreter, so there may be one a processor.

    Raises:
        BadArgument: U231, the header cannot say what was asked for.
        FormatError: `manifest` is not one, or is damaged.
        Refused: R501, the name `out` is taken.
        CannotFinish: X403 reading the manifest, X421 to X424 writing, X430, X431, X435 the source, X434 no libmagic.
    """
    started = clock()
    opinions = Opinions()
    indexes, choices = array("q"), array("i")
    told = Progress()
    with Desks(source, make_typer, workers) as desks:
        engine = desks.engine
        typed = Typed(desks, opinions)
        bases = _files(manifest)
        while batch := list(islice(bases, _BATCH)):
            for base, choice in zip(batch, typed.choices(batch), strict=True):
                indexes.append(base.place)
                choices.append(choice)
                told.files += 1
                told.bytes += base.size or 0
                told.omissions += opinions.known[choice].error is not None
            told.path = batch[-1].path
            if progress is not None:
                progress(replace(told))
    header = {
        "_t": DERIVED_TYPE,
        "base_manifest": str(base_manifest),
        "base_root": base_root.hex(),
        "case": encode_base64(case),
        "engine": engine,
        "exhibit": exhibit,
        "kind": "media-type",
        "program": program,
        "started_at": moment(started, utc_offset_min=utc_offset_min),
        "totals": {"errors": str(told.omissions), "rows": str(told.files)},
    }
    tree = CompactRange()
    with DerivedWriter(out) as writer:
        salts = Salts(random)
        for rows, leaves in _rows(indexes, choices, opinions, base_root, salts):
            writer.write(rows)
            tree.extend(leaves)
        header["finished_at"] = moment(clock(), utc_offset_min=utc_offset_min)
        salt, data = random(SALT_SIZE), _encode(header)
        digest = writer.finish(data, salt)
    return Taken(out, tree.root(), told.files, digest, data, salt, header_commitment(salt, data), header)


def _encode(header: dict[str, Any]) -> bytes:
    try:
        DERIVED.check(header)
        return encode(header)
    except FormatError as error:
        raise BadArgument(
            f"The manifest's header cannot say this: {error.message}", code="U231", place=error.place
        ) from error


def _files(manifest: Path) -> Iterator[Base]:
    """Yield the files of a manifest that were read, in the order of the Parquet file, which is that of their paths."""
    with _open(manifest) as file:
        for _, batch in ManifestFile(file, display(os.fsencode(manifest))).batches(_COLUMNS):
            for row in zip(*(batch[name] for name in _COLUMNS), strict=True):
                index, metadata, kind, path, size, state, sha256, mtime_ns = row
                if kind != b"file" or state not in _LOOKED_AT:
                    continue
                if state == b"changed":  # it has to be what it was after the reading
                    after = decode(metadata, GROUP).get("after", {})
                    size, mtime_ns = int(after.get("size", "-1")), int(after.get("mtime_ns", "-1"))
                yield Base(index, path, size, mtime_ns, sha256)


def _open(manifest: Path) -> BinaryIO:
    try:
        return manifest.open("rb")
    except OSError as error:
        shown = display(os.fsencode(manifest))
        raise CannotFinish(f"{shown} cannot be read: {error.strerror}.", code="X403", path=manifest) from error


def _rows(
    indexes: array[int], choices: array[int], opinions: Opinions, base_root: bytes, salts: Salts
) -> Iterator[tuple[DerivedRows, list[bytes]]]:
    """Yield row groups and their leaf hashes, in ascending order of the base row."""
    groups = [opinion_group(*opinion) for opinion in opinions.known]
    types = [opinion.media_type for opinion in opinions.known]
    order = _ascending(indexes)
    for first in range(0, len(order), ROW_GROUP):
        rows, leaves = DerivedRows(), []
        for index, at in enumerate(order[first : first + ROW_GROUP], start=first):
            salt, choice = salts.next(), choices[at]
            leaves.append(derived_leaf_hash(indexes[at], base_root, salt, groups[choice]))
            rows.index.append(index)
            rows.row_salt.append(salt)
            rows.base_index.append(indexes[at])
            rows.opinion.append(groups[choice])
            rows.media_type.append(types[choice])
        yield rows, leaves


def _ascending(indexes: array[int]) -> memoryview:
    """Return the places of `indexes` in ascending order of their values: not the file's order, where it is shuffled."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    column = pa.Array.from_buffers(pa.int64(), len(indexes), [None, pa.py_buffer(indexes)])
    return memoryview(pc.sort_indices(column).buffers()[1]).cast("B").cast("Q")[: len(indexes)]
