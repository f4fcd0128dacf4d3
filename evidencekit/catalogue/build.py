"""The index of a case: a disposable SQLite file, built from all sealed manifests and stamped with its checkpoint.

Promises: an index that is missing, stale, damaged, of another version or made by somebody else is built again; a build
that is stopped leaves the old state; memory does not grow with the rows; manifests are compared with the digests that
their events name, and **nothing else is verified** (`NOT_VERIFIED`). Delete the index and nothing is lost.
Source: specs/store.md section 5, architecture.md journey 5.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from evidencekit import __version__
from evidencekit.catalogue import place, readonly
from evidencekit.catalogue.fill import Progress, fill
from evidencekit.catalogue.record import Record, read_record
from evidencekit.catalogue.tables import SCHEMA_VERSION
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, Interrupted

NOT_VERIFIED = (
    "signatures of persons and of the log",
    "that the entries give the checkpoint's root",
    "that the rows give the sealed roots (the manifests' file digests were compared when the index was made)",
    "the evidence itself",
)
"""What an answer from the catalogue does not rest on."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """An open index. Close it, or use it in a `with` statement."""

    path: Path
    connection: sqlite3.Connection
    record: Record
    stamp: dict[str, str]
    """What it was built from: case, origin, size, root, manifests, version."""
    built: bool
    """True where it was built just now."""
    not_verified: tuple[str, ...] = NOT_VERIFIED

    def close(self) -> None:
        """Close the index."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_catalogue(case: Path, *, cache_folder: Path, progress: Progress | None = None) -> Catalogue:
    """Open the index of a case, building it first where there is none that fits.

    It lies in `CASE/index.sqlite`, or in `cache_folder` where the case cannot be written to.

    Raises:
        CannotFinish: X401 to X403, X446 the case cannot be read; X441, X443 a manifest is not what was sealed;
            X442 there is no place for the index; X444 it cannot be built.
        Interrupted: X499.
    """
    record = read_record(case)
    wanted = _stamp(record)
    places = place.index_places(record.store.path, cache_folder, record.identity)
    for path in places:
        connection = _open_fitting(path, wanted) if place.is_ours(path, cache_folder, record.identity) else None
        if connection is not None:
            return Catalogue(path, connection, record, wanted, built=False)
    path = _build(record, wanted, places, progress)
    place.mark_as_ours(path, cache_folder, record.identity)
    try:
        return Catalogue(path, readonly.connect(path), record, wanted, built=True)
    except sqlite3.Error as error:
        raise _cannot_build(path, error) from error


def _stamp(record: Record) -> dict[str, str]:
    """Return what the index must have been built from. A manifest touched since is read, and compared, again."""
    files = {}
    for sealed in (*record.sealed, *record.derived):
        with record.store.open(sealed.place) as file:
            status = os.fstat(file.fileno())
        files[str(sealed.manifest)] = [sealed.file_sha256, status.st_size, status.st_mtime_ns]
    checkpoint = record.checkpoint
    return {
        "case": record.identity.hex(),
        "manifests": json.dumps(files, sort_keys=True),
        "origin": record.case["origin"],
        "root": checkpoint.root.hex() if checkpoint else "",
        "size": str(checkpoint.size if checkpoint else 0),
        "version": f"{SCHEMA_VERSION} {__version__}",
    }


def _open_fitting(path: Path, wanted: dict[str, str]) -> sqlite3.Connection | None:
    """Open an index if it is stamped as wanted."""
    try:
        connection = readonly.connect(path)
    except sqlite3.Error:
        return None
    try:
        found = dict(connection.execute("SELECT key, value FROM stamp"))
    except sqlite3.Error:
        found = {}
    if found == wanted:
        return connection
    connection.close()
    return None


def _build(record: Record, stamp: dict[str, str], places: tuple[Path, ...], progress: Progress | None) -> Path:
    """Build the index in the first place that can be written to, and return that."""
    for path in places:
        temporary = place.temporary_beside(path)
        try:
            if path is not places[0]:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            why = error
            continue
        try:
            place.sweep(path.parent)
            fill(temporary, record, stamp, progress)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise Interrupted("Stopped; no index was made.", code="X499") from error
            raise _cannot_build(path, error) from error
        except OSError as error:
            raise _cannot_build(path, error) from error
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
        return path
    raise CannotFinish(
        f"There is no place for the index: {display(str(places[-1]))}: {why.strerror}.",
        code="X442",
        hint="Make the case or the user's cache folder writable.",
        path=places[-1],
    )


def _cannot_build(path: Path, error: Exception) -> CannotFinish:
    return CannotFinish(
        f"The index cannot be built at {display(str(path))}: {error}.",
        code="X444",
        hint="Is there room on the disk?",
        path=path,
    )
