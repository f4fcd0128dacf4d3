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

from evidencekit.acquire.compose import Taken
from evidencekit.acquire.derived import Concluded, Subject, write_derived
from evidencekit.acquire.desks import Base, Desks, Opinions, Typed
from evidencekit.acquire.libmagic import Typer
from evidencekit.acquire.options import Progress
from evidencekit.acquire.rows import opinion_group
from evidencekit.core.encoding import GROUP, decode
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish
from evidencekit.read.parquet import ManifestFile

_BATCH = 4096
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
    jobs: int = 1,
) -> Taken:
    """Type the files of `source` as `manifest` lists them: write the derived manifest to the new file `out`.

    `base_manifest` is the number and `base_root` the root of that manifest; `make_typer` makes an engine for each of
    the processes that look, of which there are `jobs` besides this one, unless that is 1.

    Raises:
        BadArgument: U231, the header cannot say what was asked for.
        FormatError: `manifest` is not one, or is damaged.
        Refused: R501, the name `out` is taken.
        CannotFinish: X403 reading the manifest, X421 to X424 writing, X430, X431, X435 the source, X434 no libmagic,
            X450, X451 the workers.
    """
    started = clock()
    opinions = Opinions()
    indexes, choices = array("q"), array("i")
    told = Progress("identify")
    with Desks(source, make_typer, jobs) as desks:
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
    groups = [opinion_group(*opinion) for opinion in opinions.known]
    types = [opinion.media_type for opinion in opinions.known]
    return write_derived(
        out,
        "media-type",
        Subject(case, exhibit, base_manifest, base_root, program, utc_offset_min),
        (Concluded(indexes[at], groups[choices[at]], types[choices[at]]) for at in _ascending(indexes)),
        lambda: {"engine": engine, "totals": {"errors": str(told.omissions), "rows": str(told.files)}},
        started=started,
        clock=clock,
        random=random,
    )


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


def _ascending(indexes: array[int]) -> memoryview:
    """Return the places of `indexes` in ascending order of their values: not the file's order, where it is shuffled."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    column = pa.Array.from_buffers(pa.int64(), len(indexes), [None, pa.py_buffer(indexes)])
    return memoryview(pc.sort_indices(column).buffers()[1]).cast("B").cast("Q")[: len(indexes)]
