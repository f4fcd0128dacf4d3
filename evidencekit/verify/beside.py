"""Step 14: a part of the source walked again beside its rows, both in the order of names; memory does not grow.

Every difference is named: missing (E505), added (E506), content (E201), anything else that was sealed (E507). Rows that
were omissions have nothing to compare; what cannot be looked at now is `not checked`.
Source: specs/verification.md section 1 step 14.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import orjson

from evidencekit.core.globs import Globs
from evidencekit.core.row_leaves import TEXT_KINDS
from evidencekit.core.values import display
from evidencekit.errors import FormatError
from evidencekit.read.folders import MARK
from evidencekit.read.handles import Opener
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.part import is_above, walk_part
from evidencekit.read.reduced import is_reduced
from evidencekit.read.tree import Names, Node, look_at
from evidencekit.verify.account import Account
from evidencekit.verify.compare import Compare
from evidencekit.verify.glance import Glance, SealedRow
from evidencekit.verify.groups import Groups
from evidencekit.verify.left import LeftRows

_UNREADABLE = "unreadable"
"""The state of a row whose groups break the format."""
_COLUMNS = ("name", "content", "metadata", "kind", "path", "state")
_Key = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sealed of an exhibit, but for its rows. Can be sent to another process."""

    exhibit: str
    digests: tuple[str, ...]
    name_encoding: str
    exclude: tuple[str, ...]
    include: tuple[str, ...]
    as_copy: bool
    """Owner, mode and mtime only warn."""
    is_sound: bool
    """Step 9 found nothing amiss with any row."""


class Part(NamedTuple):
    """Rows that follow each other, and the source from the first one's path up to that of the next part's first."""

    start: int = 0
    stop: int | None = None
    low: bytes = b""
    high: bytes | None = None


@dataclass(slots=True)
class Walked:
    """What came of a part."""

    whole: bool = True
    """Everything that could be compared was."""
    omitted: int = 0
    """Rows that were not wholly taken."""
    above_low: dict[int, tuple[object, ...]] = field(default_factory=dict)
    """Folders that the part's first path lies in: length of the path, and the state in which they were listed."""
    above_high: dict[int, tuple[object, ...]] = field(default_factory=dict)
    """The same of the next part's first path."""


class Beside:
    """Walks a source beside its catalogue."""

    def __init__(self, account: Account, sealed: Sealed) -> None:
        """Take who hears of it, and what was sealed."""
        self._account = account
        self._sealed = sealed
        self._opener = Opener()
        self._groups = Groups(list(sealed.digests), sealed.name_encoding)
        self._compare = Compare(account, sealed.digests, as_copy=sealed.as_copy)
        self._glance = Glance(account, self._opener, sealed.digests, sealed.exhibit)
        self._excluded, self._included = Globs(list(sealed.exclude)), Globs(list(sealed.include))
        self._part = Part()
        self._rows: Iterator[SealedRow] = iter(())
        self._row: SealedRow | None = None
        self._unlisted: list[bytes] = []
        """Folders above each other whose content cannot be listed now: what lies below is not missing."""
        self._walked = Walked()
        self._left = LeftRows(self._groups, sealed.exhibit, self._skip, partial_state=_UNREADABLE)

    def check(self, manifest: ManifestFile, source: Path, part: Part) -> Walked:
        """Walk a part of the source beside its rows.

        Raises:
            CannotFinish: X430, X431, X435 the source; X403 the manifest.
            FormatError: the manifest is damaged.
        """
        self._part = part
        if is_reduced(manifest):
            self._rows = self._left.rows(manifest)
        else:
            self._rows = self._sound_rows(manifest) if self._sealed.is_sound else self._any_rows(manifest)
        self._row = next(self._rows, None)
        with contextlib.closing(
            walk_part(source, part.low, part.high, prune=self._prune, opener=self._opener)
        ) as found:
            for one in found:
                if isinstance(one, Names):
                    self._take_names(one)
                else:
                    self._take(one)
        while self._row is not None:
            self._pass_over()
        return self._walked

    # --- rows -------------------------------------------------------------------------------------------------------

    def _sound_rows(self, manifest: ManifestFile) -> Iterator[SealedRow]:
        """Yield the rows of the part, of which nothing is amiss: their view columns say what their groups say."""
        start, stop = self._part.start, self._part.stop
        for first, batch in manifest.batches(_COLUMNS, start=start, stop=stop):
            names, paths = batch["name"], batch["path"]
            kinds = [TEXT_KINDS.get(kind, "") for kind in batch["kind"]]
            states = [state.decode(errors="replace") for state in batch["state"]]
            rows = map(SealedRow, paths, kinds, states, names, batch["content"], batch["metadata"])
            has_streams = b'"stream' in b"".join(names)
            for position, row in enumerate(rows, start=first):
                if position < start or (stop is not None and position >= stop):
                    continue
                if has_streams and b'"stream' in row.name and self._groups.read(row.kind, *row[3:]).stream:
                    self._skip_stream(row.path)
                    continue
                yield row

    def _any_rows(self, manifest: ManifestFile) -> Iterator[SealedRow]:
        """Yield the rows that are in order; the others were named in step 9, and cannot be compared."""
        last: _Key | None = None
        for position, row in enumerate(manifest.rows()):
            try:
                parsed = self._groups.read(row.kind, row.name, row.content, row.metadata)
            except FormatError:
                self._skip(f"row {position}", "unreadable", "the row breaks the format, so it was not compared")
                if last is None or _key(row.path) > last:  # its name is believed as far as this: it is not "added"
                    last = _key(row.path)
                    yield SealedRow(row.path, row.kind, _UNREADABLE, b"", b"", b"")
                continue
            path = parsed.view.path
            if parsed.stream:
                self._skip_stream(path)
            elif last is not None and _key(path) <= last:
                self._skip(self._where(path), "not_supported", "the row is out of order")
            else:
                last = _key(path)
                yield SealedRow(path, row.kind, parsed.view.state, row.name, row.content, row.metadata)

    def _skip_stream(self, path: bytes) -> None:
        self._skip(self._where(path), "not_supported", "streams are not looked at on this system")

    def _where(self, path: bytes) -> str:
        return f"{self._sealed.exhibit}:{display(path)}"

    def _skip(self, where: str, code: str, reason: str) -> None:
        self._walked.whole = False
        self._account.skip(code, where, reason)

    def _advance_to(self, path: bytes) -> SealedRow | None:
        """Pass over the rows before a path; return its own, if there is one, without taking it."""
        row = self._row
        if row is not None and row.path == path:
            return row
        key = _key(path)
        while self._row is not None and _key(self._row.path) < key:
            self._pass_over()
        return self._row if self._row is not None and self._row.path == path else None

    def _pass_over(self) -> None:
        """A row that the source does not have."""
        row = self._row
        self._row = next(self._rows, None)
        if row is None:
            return
        if row.state != "complete":
            self._walked.omitted += row.state != _UNREADABLE
        elif self._is_unlisted(row.path):
            self._skip(self._where(row.path), "unreadable", "its folder cannot be listed now")
        else:
            self._account.find("E505", self._where(row.path), f"a {row.kind}", "nothing")

    # --- the source -------------------------------------------------------------------------------------------------

    def _prune(self, path: bytes) -> bool:
        """Tell which folders the acquisition did not look into; asked before they are listed."""
        row = self._advance_to(path)
        return self._excluded.match(path) if row is None else row.state == "not_listed"

    def _take_names(self, found: Names) -> None:
        """Compare neighbours that are no folders, as far as their folder says."""
        parent, prefix, names = found
        agree = 0
        glance = self._glance.file if self._sealed.is_sound else None
        for marked in names:
            name = marked[:-1]
            row = self._row
            if (
                row is not None
                and glance is not None
                and row.path == prefix + name  # which ends with another mark, where it is no file
                and row.kind == "file"
                and row.state == "complete"
                and glance(parent, name, row)
            ):
                self._row = next(self._rows, None)
                agree += 1
            else:
                name = marked.rstrip(MARK)
                self._take(look_at(self._opener, parent, name, prefix + name))
        if agree:
            self._account.did("source_rows", agree)
            self._account.did("source_files", agree)

    def _take(self, node: Node) -> None:
        if is_above(node.path, self._part.low):  # the part before has it
            self._remember(node)
            return
        row = self._advance_to(node.path)
        self._remember(node)
        if row is None:
            left_out = self._included and node.kind != "directory" and not self._included.match(node.path)
            if self._left.has_gap:
                self._skip(self._where(node.path), "erased", "it may be a row whose name was erased")
            elif not self._excluded.match(node.path) and not left_out:
                self._account.find("E506", self._where(node.path), "nothing", f"a {node.kind}")
            return
        self._row = next(self._rows, None)
        if row.state != "complete":
            self._walked.omitted += row.state != _UNREADABLE
            return
        self._account.did("source_rows")
        if not (self._sealed.is_sound and self._glance.node(node, row)) and not self._compare.row(
            row.kind,
            orjson.loads(row.name),
            orjson.loads(row.content),
            orjson.loads(row.metadata),
            node,
            self._where(row.path),
        ):
            self._walked.whole = False

    def _remember(self, folder: Node) -> None:
        """Keep in mind what could not be listed, and how the folders looked that other parts list, too."""
        if folder.kind != "directory":
            return
        path, part = folder.path, self._part
        if folder.problem is not None:
            self._unlisted = [other for other in self._unlisted if path.startswith(other)]
            self._unlisted.append(path + b"/" if path else b"")
        if is_above(path, part.low):
            self._walked.above_low[len(path)] = _state(folder)
        if is_above(path, part.high):
            self._walked.above_high[len(path)] = _state(folder)

    def _is_unlisted(self, path: bytes) -> bool:
        return any(path.startswith(folder) for folder in self._unlisted)


def _key(path: bytes) -> _Key:
    return tuple(path.split(b"/")) if path else ()


def _state(folder: Node) -> tuple[object, ...]:
    """Return what tells whether a folder was the same, with the same names in it, when it was listed again."""
    return (folder.problem, _stamp(folder.status), folder.after is not None)


def _stamp(status: os.stat_result | None) -> tuple[int, ...] | None:
    if status is None:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns
