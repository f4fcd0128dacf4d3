"""Step 14: the source walked again beside its sealed catalogue, both in the order of names; memory does not grow.

Every difference is named: missing (E505), added (E506), content (E201), anything else that was sealed (E507). Rows that
were omissions have nothing to compare; what cannot be looked at now is `not checked`.
Source: specs/verification.md section 1 step 14.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from evidencekit.core import layout
from evidencekit.core.globs import Globs
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.tree import Node, walk
from evidencekit.verify.catalogues import Catalogue, Catalogues
from evidencekit.verify.compare import Compare
from evidencekit.verify.groups import Groups
from evidencekit.verify.run import Run

STEP = 14
_UNREADABLE = "unreadable"
"""The state of a row whose groups break the format."""
_Key = tuple[bytes, ...]


class SealedRow(NamedTuple):
    """A row of the catalogue, as far as a source can be compared with it."""

    path: bytes
    kind: str
    state: str
    name: dict[str, Any]
    content: dict[str, Any]
    metadata: dict[str, Any]


def check_sources(run: Run, catalogues: Catalogues, sources: Mapping[str, Path], *, as_copy: bool) -> set[str]:
    """Compare each source that was given; return the exhibits that were wholly compared.

    The exhibit may be empty where the case has only one.
    """
    compared: set[str] = set()
    known = {catalogue.sealing.exhibit: catalogue for catalogue in catalogues.facts.values()}
    for named, path in sources.items():
        exhibit = next(iter(known)) if not named and len(known) == 1 else named
        catalogue = known.get(exhibit)
        if catalogue is None:
            reason = (
                "no sealed catalogue of this exhibit could be read" if exhibit else "name the exhibit: EX-001=FOLDER"
            )
            run.skip("evidence", "no_seal", display(exhibit or str(path)), reason)
            continue
        where = layout.manifest_file(catalogue.sealing.manifest)
        try:
            with run.case.open(where) as file:
                walked = _SourceCheck(run, catalogue, exhibit, as_copy=as_copy).check(ManifestFile(file, where), path)
        except (CannotFinish, FormatError) as error:
            run.skip("evidence", "unreadable", exhibit, error.message)
            continue
        if walked:
            compared.add(exhibit)
    return compared


class _SourceCheck:
    """One source beside one catalogue."""

    def __init__(self, run: Run, catalogue: Catalogue, exhibit: str, *, as_copy: bool) -> None:
        header = catalogue.header or {}
        self._run = run
        self._exhibit = exhibit
        self._groups = Groups(header.get("digests", []), header.get("name_encoding", "posix"))
        self._compare = Compare(run, header.get("digests", ["blake3", "sha256"]), as_copy=as_copy)
        options = header.get("options", {})
        self._excluded, self._included = Globs(options.get("exclude", [])), Globs(options.get("include", []))
        self._rows: Iterator[SealedRow] = iter(())
        self._row: SealedRow | None = None
        self._unlisted: bytes | None = None
        """A folder whose content cannot be listed now: what lies below is not missing."""
        self._omitted = 0
        self._whole = True

    def check(self, manifest: ManifestFile, source: Path) -> bool:
        """Walk the source beside the rows; tell whether everything that could be compared was."""
        self._rows = self._sealed_rows(manifest)
        self._row = next(self._rows, None)
        with contextlib.closing(walk(source, prune=self._prune)) as nodes:
            for node in nodes:
                self._take(node)
        while self._row is not None:
            self._pass_over()
        if self._omitted:
            reason = f"{self._omitted} rows were not wholly taken, so there is nothing to compare"
            self._run.skip("evidence", "omitted", self._exhibit, reason, counts=False)
        return self._whole

    def _sealed_rows(self, manifest: ManifestFile) -> Iterator[SealedRow]:
        """Yield the rows that are in order; the others were named in step 9, and cannot be compared."""
        last: _Key | None = None
        for position, row in enumerate(manifest.rows()):
            try:
                parsed = self._groups.read(row.kind, row.name, row.content, row.metadata)
            except FormatError:
                self._skip(f"row {position}", "unreadable", "the row breaks the format, so it was not compared")
                if last is None or _key(row.path) > last:  # its name is believed as far as this: it is not "added"
                    last = _key(row.path)
                    yield SealedRow(row.path, row.kind, _UNREADABLE, {}, {}, {})
                continue
            key = _key(parsed.view.path)
            if parsed.stream or (last is not None and key <= last):
                why = "streams are not looked at on this system" if parsed.stream else "the row is out of order"
                self._skip(self._where(parsed.view.path), "not_supported", why)
                continue
            last = key
            yield SealedRow(
                parsed.view.path,
                row.kind,
                parsed.view.state,
                orjson.loads(row.name),
                orjson.loads(row.content),
                orjson.loads(row.metadata),
            )

    def _where(self, path: bytes) -> str:
        return f"{self._exhibit}:{display(path)}"

    def _skip(self, where: str, code: str, reason: str) -> None:
        self._whole = False
        self._run.skip("evidence", code, where, reason)

    def _advance_to(self, path: bytes) -> SealedRow | None:
        """Pass over the rows before a path; return its own, if there is one, without taking it."""
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
            self._omitted += row.state != _UNREADABLE
        elif self._unlisted is not None and row.path.startswith(self._unlisted):
            self._skip(self._where(row.path), "unreadable", "its folder cannot be listed now")
        else:
            self._run.find("E505", self._where(row.path), f"a {row.kind}", "nothing", step=STEP)

    def _prune(self, path: bytes) -> bool:
        """Tell which folders the acquisition did not look into; asked before they are listed."""
        row = self._advance_to(path)
        return self._excluded.match(path) if row is None else row.state == "not_listed"

    def _take(self, node: Node) -> None:
        row = self._advance_to(node.path)
        where = self._where(node.path)
        if node.kind == "directory" and node.problem is not None:
            self._unlisted = node.path + b"/" if node.path else b""
        if row is None:
            left_out = self._included and node.kind != "directory" and not self._included.match(node.path)
            if not self._excluded.match(node.path) and not left_out:
                self._run.find("E506", where, "nothing", f"a {node.kind}", step=STEP)
            return
        self._row = next(self._rows, None)
        if row.state != "complete":
            self._omitted += row.state != _UNREADABLE
            return
        self._run.did("source_rows")
        if not self._compare.row(row.kind, row.name, row.content, row.metadata, node, where):
            self._whole = False


def _key(path: bytes) -> _Key:
    return tuple(path.split(b"/")) if path else ()
