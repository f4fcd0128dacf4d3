"""Media types: what libmagic concludes about the files of a sealed manifest, as a manifest of its own.

Promises: facts are not touched; each `file` row that was read gets one opinion or one error; an opinion is about the
content that was sealed: a file that changed since gets none; each content is looked at once, within a bound of memory.
Source: specs/manifest.md section 8.
"""

from __future__ import annotations

import os
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from evidencekit.acquire.libmagic import Opinion, Typer
from evidencekit.acquire.pipeline import Progress, Taken
from evidencekit.acquire.rows import Salts, derived_leaf_hash, opinion_group
from evidencekit.core.digest import SALT_SIZE, header_commitment
from evidencekit.core.encoding import GROUP, decode, encode
from evidencekit.core.merkle import CompactRange
from evidencekit.core.records import DERIVED, DERIVED_TYPE
from evidencekit.core.values import display, encode_base64, moment
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.beneath import Beneath
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.problem import Problem
from evidencekit.write.parquet import ROW_GROUP, DerivedRows, DerivedWriter

_BATCH = 1024
_COLUMNS = ("index", "metadata", "kind", "path", "size", "state", "sha256", "mtime_ns")
_LOOKED_AT = frozenset({b"complete", b"changed", b"partial"})
_MAX_CONTENTS = 65_536
_CHANGED = Opinion(None, None, "changed since sealing")


class _Base(NamedTuple):
    """What the sealed manifest says about a file."""

    place: int
    """Its index in the base manifest."""
    path: bytes
    size: int | None
    mtime_ns: int | None
    sha256: bytes | None


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
    typer: Typer | None = None,
) -> Taken:
    """Type the files of `source` as `manifest` lists them: write the derived manifest to the new file `out`.

    `base_manifest` is the number and `base_root` the root of that manifest; `typer` is the engine (None: the newest
    libmagic that is installed).

    Raises:
        BadArgument: U231, the header cannot say what was asked for.
        FormatError: `manifest` is not one, or is damaged.
        Refused: R501, the name `out` is taken.
        CannotFinish: X403 reading the manifest, X421 to X424 writing, X430, X431, X435 the source, X440 no libmagic.
    """
    started = clock()
    typer = typer or Typer()
    opinions = _Opinions()
    indexes, choices = array("q"), array("i")
    told = Progress()
    with Beneath(source) as files:
        typed = _Typed(typer, files, opinions)
        for base in _files(manifest):
            told.path = base.path
            indexes.append(base.place)
            choices.append(typed.choice(base))
            told.files += 1
            told.bytes += base.size or 0
            if opinions.known[choices[-1]].error is not None:
                told.omissions += 1
            if progress is not None and told.files % _BATCH == 0:
                progress(told)
    header = {
        "_t": DERIVED_TYPE,
        "base_manifest": str(base_manifest),
        "base_root": base_root.hex(),
        "case": encode_base64(case),
        "engine": {"data_sha256": typer.data_sha256, "name": "libmagic", "version": typer.version},
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
    if progress is not None:
        progress(told)
    return Taken(out, tree.root(), told.files, digest, data, salt, header_commitment(salt, data), header)


def _encode(header: dict[str, Any]) -> bytes:
    try:
        DERIVED.check(header)
        return encode(header)
    except FormatError as error:
        raise BadArgument(
            f"The manifest's header cannot say this: {error.message}", code="U231", place=error.place
        ) from error


class _Opinions:
    """Distinct opinions, each with its number: there are few of them, whatever the number of files."""

    def __init__(self) -> None:
        self.known: list[Opinion] = []
        self._numbers: dict[Opinion, int] = {}

    def number(self, opinion: Opinion) -> int:
        found = self._numbers.get(opinion)
        if found is None:
            found = self._numbers[opinion] = len(self.known)
            self.known.append(opinion)
        return found


class _Typed:
    """Opens and types one file after the other; a content that was typed lately is not typed again."""

    def __init__(self, typer: Typer, files: Beneath, opinions: _Opinions) -> None:
        self._typer = typer
        self._files = files
        self._opinions = opinions
        self._recent: OrderedDict[bytes, int] = OrderedDict()

    def choice(self, base: _Base) -> int:
        """Return the number of the opinion about a file."""
        if base.sha256 is not None and base.sha256 in self._recent:
            self._recent.move_to_end(base.sha256)
            return self._recent[base.sha256]
        opinion = self._look(base)
        number = self._opinions.number(opinion)
        if base.sha256 is not None and opinion.error is None:
            self._recent[base.sha256] = number
            if len(self._recent) > _MAX_CONTENTS:
                self._recent.popitem(last=False)
        return number

    def _look(self, base: _Base) -> Opinion:
        handle = self._files.open(base.path)
        if isinstance(handle, Problem):
            return Opinion(None, None, _WORDS.get(handle.reason, "not readable"))
        try:
            if not _as_sealed(base, os.fstat(handle)):
                return _CHANGED
            opinion = self._typer.opinion(handle)
            return opinion if _as_sealed(base, os.fstat(handle)) else _CHANGED
        finally:
            os.close(handle)


_WORDS = {
    "not_found": "gone since sealing",
    "changed_kind": "changed since sealing",
    "permission_denied": "not readable",
}


def _as_sealed(base: _Base, status: os.stat_result) -> bool:
    return base.size in {None, status.st_size} and base.mtime_ns in {None, status.st_mtime_ns}


def _files(manifest: Path) -> Iterator[_Base]:
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
                yield _Base(index, path, size, mtime_ns, sha256)


def _open(manifest: Path) -> BinaryIO:
    try:
        return manifest.open("rb")
    except OSError as error:
        shown = display(os.fsencode(manifest))
        raise CannotFinish(f"{shown} cannot be read: {error.strerror}.", code="X403", path=manifest) from error


def _rows(
    indexes: array[int], choices: array[int], opinions: _Opinions, base_root: bytes, salts: Salts
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
