"""Rows of a manifest as far as they are still known: the same of a full manifest and of a reduced one, by index order.

Promises: values as they are stored, unchecked; memory is bounded by a row group, and for a full manifest of order
`shuffled` by `SORTED` rows. Source: specs/manifest.md section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evidencekit.core.records import DERIVED_TYPE, MANIFEST_TYPE
from evidencekit.core.reduced import GROUPS, REDUCED_DERIVED_TYPE, REDUCED_TYPE, Opened, ReducedRow, open_groups
from evidencekit.read.parquet import Columns, ManifestFile

SORTED = 1 << 18
"""Rows that are in memory at one time where they have to be put into order; the file is read once for each so many."""
FACTS = frozenset({MANIFEST_TYPE, REDUCED_TYPE})
"""Formats of manifests of facts; the others are of opinions."""
REDUCED = frozenset({REDUCED_TYPE, REDUCED_DERIVED_TYPE})


def is_reduced(manifest: ManifestFile) -> bool:
    """Tell whether a manifest is a reduced one."""
    return manifest.format in REDUCED


def known_rows(
    manifest: ManifestFile,
    start: int = 0,
    stop: int | None = None,
    *,
    wanted: Callable[[int], bool] | None = None,
    committed: bool = True,
) -> Iterator[ReducedRow]:
    """Yield the rows, in the order of the file, of the row groups in which places `start` to `stop` lie.

    `wanted` is asked for the index of each (of an opinion: of the row that it is about); of others nothing is computed.
    Without `committed` commitments and salts are left empty, for whoever asks only what the rows say.

    Raises:
        FormatError: damaged; over a limit (code F102).
        CannotFinish: X403, the file cannot be read.
    """
    for _, batch in manifest.batches(_columns(manifest), start=start, stop=stop):
        picked = batch if wanted is None else _pick(manifest.format, batch, wanted)
        yield from rows_of(manifest.format, picked, committed=committed)


def rows_by_index(
    manifest: ManifestFile, *, is_shuffled: bool, wanted: Callable[[int], bool] | None = None
) -> Iterator[ReducedRow]:
    """Yield all rows, or those that are `wanted` (as in `known_rows`), in the order of their index.

    Raises:
        FormatError: damaged; over a limit (code F102).
        CannotFinish: X403, the file cannot be read.
    """
    if not is_shuffled or is_reduced(manifest):
        yield from known_rows(manifest, wanted=wanted)
        return
    for start in range(0, manifest.rows_count, SORTED):
        some: list[ReducedRow] = []
        stretch = range(start, start + SORTED)
        for _, batch in manifest.batches(_columns(manifest)):
            picked = _pick(manifest.format, batch, lambda index, stretch=stretch: index in stretch)  # type: ignore[misc]
            some += rows_of(manifest.format, picked if wanted is None else _pick(manifest.format, picked, wanted))
        yield from sorted(some, key=lambda row: row.index)


def _pick(form: str, batch: Columns, wanted: Callable[[int], bool]) -> Columns:
    places = [place for place, index in enumerate(batch["index" if form in FACTS else "base_index"]) if wanted(index)]
    return {name: [values[place] for place in places] for name, values in batch.items()}


def rows_of(form: str, batch: Columns, *, committed: bool = True) -> Iterator[ReducedRow]:
    """Yield the rows of a batch that has all columns of a manifest of this format but its view columns.

    `committed` as in `known_rows`.
    """
    names = GROUPS if form in FACTS else ("opinion",)
    kinds = batch["kind"] if form in FACTS else [b""] * len(batch["index"])
    bases = [-1] * len(batch["index"]) if form in FACTS else batch["base_index"]
    if form in REDUCED:
        stored = [
            [Opened(*one) for one in zip(batch[f"{name}_commitment"], batch[f"{name}_salt"], batch[name], strict=True)]
            for name in names
        ]
        opened = (dict(zip(names, groups, strict=True)) for groups in zip(*stored, strict=True))
    elif not committed:
        said = zip(*(batch[name] for name in names), strict=True)
        opened = ({name: Opened(b"", b"", data) for name, data in zip(names, row, strict=True)} for row in said)
    else:
        rows = zip(batch["row_salt"], *(batch[name] for name in names), strict=True)
        opened = (open_groups(salt, dict(zip(names, groups, strict=True))) for salt, *groups in rows)
    for index, kind, base, groups in zip(batch["index"], kinds, bases, opened, strict=True):
        yield ReducedRow(index, kind, base, groups)


def _columns(manifest: ManifestFile) -> list[str]:
    view = {"path", "size", "state", "sha256", "mtime_ns"} if manifest.format == MANIFEST_TYPE else set()
    names = [column.name for column in manifest.columns if column.name not in view]
    return names[:-1] if manifest.format == DERIVED_TYPE else names
