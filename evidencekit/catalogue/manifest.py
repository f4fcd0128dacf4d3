"""Rows of a manifest, straight from its file: checked against the digest that its event names, otherwise believed.

Where rows were erased the reduced manifest stands for the full one: then groups may be None.

Promise: a batch in memory at a time; a file that is not byte for byte the one that was sealed is refused.
Source: specs/manifest.md section 9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from evidencekit.catalogue.record import VERIFY, Sealed
from evidencekit.core import encoding
from evidencekit.core.digest import header_commitment
from evidencekit.core.opinions import DERIVED
from evidencekit.core.records import MANIFEST
from evidencekit.core.reduced import REDUCED_DERIVED_TYPE, REDUCED_TYPE
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.store import Store

_MIB = 1 << 20


@contextmanager
def open_manifest(store: Store, sealed: Sealed, *, whole: bool = True) -> Iterator[ManifestFile]:
    """Open a manifest; with `whole`, all its bytes are hashed first.

    Raises:
        CannotFinish: X402 missing, X403 not readable, X441 not the file that was sealed, X443 not a manifest.
    """
    with store.open(sealed.place) as file:
        if whole:
            _check_digest(file, sealed)
        try:
            manifest = ManifestFile(file, sealed.place)
        except FormatError as error:
            raise unreadable(sealed, error.message) from error
        if manifest.format != _format(sealed):
            raise unreadable(sealed, f"it is of format {manifest.format}")
        yield manifest


def read_header(manifest: ManifestFile, sealed: Sealed) -> dict[str, Any]:
    """Return the header, which must be the one that the event commits to.

    Raises:
        CannotFinish: X441 another header, X443 not a header.
    """
    if header_commitment(manifest.header_salt, manifest.header).hex() != sealed.header:
        raise _altered(sealed, "The header of ")
    try:
        header = encoding.decode(manifest.header)
        (MANIFEST if sealed.kind == "rows" else DERIVED).check(header)
    except FormatError as error:
        raise unreadable(sealed, f"its header: {error.message}") from error
    return header


def read_columns(manifest: ManifestFile, sealed: Sealed, columns: Sequence[str]) -> Iterator[list[list[Any]]]:
    """Yield the values of the columns asked for, batch by batch, in file order; texts are bytes.

    Raises:
        CannotFinish: X403 not readable, X443 damaged or over the limits.
    """
    try:
        for _, batch in manifest.batches(columns):
            yield [batch[name] for name in columns]
    except FormatError as error:
        raise unreadable(sealed, error.message) from error


def unreadable(sealed: Sealed, why: str) -> CannotFinish:
    """Return the error of a file that is what was sealed, or claims to be, and is no manifest (X443)."""
    return CannotFinish(
        f"{sealed.place} cannot be read as a manifest: {display(why)}",
        code="X443",
        hint=VERIFY,
        path=sealed.place,
    )


def _format(sealed: Sealed) -> str | None:
    if sealed.reduced:
        return REDUCED_TYPE if sealed.kind == "rows" else REDUCED_DERIVED_TYPE
    return MANIFEST.type if sealed.kind == "rows" else DERIVED.type


def _check_digest(file: BinaryIO, sealed: Sealed) -> None:
    digest = hashlib.sha256()
    try:
        while block := file.read(_MIB):
            digest.update(block)
    except OSError as error:
        message = f"{sealed.place} cannot be read: {error.strerror}."
        raise CannotFinish(message, code="X403", path=sealed.place) from error
    if digest.hexdigest() != sealed.file_sha256:
        raise _altered(sealed, "")
    file.seek(0)


def _altered(sealed: Sealed, what: str) -> CannotFinish:
    return CannotFinish(
        f"{what}{sealed.place} is not the one that event {sealed.entry} names for {sealed.item}.",
        code="X441",
        hint=f"Nothing was read from it. {VERIFY}",
        path=sealed.place,
    )
