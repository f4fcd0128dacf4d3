"""The content of rows, read again to be given away: from the case's own copies, else from where it was taken.

Promise: what does not have the sealed size and SHA-256 is not given away; no link is followed, nothing outside the
source is opened. Source: cli.md ("Payload").
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from evidencekit.core import layout
from evidencekit.core.values import display, read_name
from evidencekit.errors import CannotFinish
from evidencekit.package.bag import BLOCK
from evidencekit.package.payload import Piece
from evidencekit.read.beneath import Beneath
from evidencekit.read.handles import Opener
from evidencekit.read.store import Store

if TYPE_CHECKING:
    from evidencekit.journeys.export_plan import Share

Progress = Callable[[int, int, bytes], None]
"""Hears files done, bytes done, and the path of what is being copied."""


class Origin(NamedTuple):
    """Where an exhibit was sealed."""

    store: Store
    has_copies: bool
    """The case has copies of contents."""
    header: dict[str, Any]
    """Of its manifest: it says where it was taken."""


def origins_of(shares: Iterable[Share]) -> dict[str, Origin]:
    """Return where each exhibit was sealed of which something is shown, by the name that the package has for it."""
    return {
        share.log.whole(item): Origin(store, (store.path / layout.OBJECTS).is_dir(), header)
        for share in shares
        for store in (share.log.record.store,)
        for item, header in share.headers.items()
    }


class Contents:
    """Where the contents of rows are. Use it in `with`."""

    def __init__(
        self,
        origins: Mapping[str, Origin],
        sources: Mapping[str, Path],
        progress: Progress,
        *,
        opener: Opener | None = None,
    ) -> None:
        """Take where each item was sealed, and the folders that were named instead of the recorded ones.

        `opener` opens what lies in them: the system's own calls, where none is given.
        """
        self._opener = opener
        self._origins = origins
        self._sources = sources
        self._progress = progress
        self._open = ExitStack()
        self._roots: dict[str, Beneath | CannotFinish] = {}
        self._files = self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def blocks(self, piece: Piece) -> Iterator[bytes]:
        """Yield the content of a row.

        Raises:
            CannotFinish: X480 it is nowhere, X481 it is not what was sealed, X403 it cannot be read.
        """
        handle = self._find(piece)
        digest, size = hashlib.sha256(), 0
        try:
            while size <= piece.size and (block := os.read(handle, BLOCK)):
                size += len(block)
                digest.update(block)
                if size > piece.size:
                    break
                self._bytes += len(block)
                self._progress(self._files, self._bytes, piece.path)
                if size == piece.size and digest.digest() != piece.sha256:
                    break
                yield block
        except OSError as error:
            raise CannotFinish(f"{_shown(piece)} cannot be read: {error.strerror}.", code="X403") from error
        finally:
            os.close(handle)
        if (size, digest.digest()) != (piece.size, piece.sha256):
            raise CannotFinish(
                f"{_shown(piece)} is not what was sealed: {size:,} bytes, SHA-256 {digest.hexdigest()}; sealed are "
                f"{piece.size:,} bytes, {piece.sha256.hex()}.",
                code="X481",
                hint="Nothing was written. Find the unaltered file and name its source: "
                f"--source {piece.item}=FOLDER; or leave the row out, or --withhold content.",
            )
        self._files += 1

    def _find(self, piece: Piece) -> int:
        """Return a handle on the content of a row."""
        handle = self._object(piece)
        if handle is not None:
            return handle
        root = self._root(piece.item)
        if isinstance(root, CannotFinish):
            raise _nowhere(piece, root.message) from root
        stream = piece.stream
        found = root.open_stream(piece.path, stream) if stream else root.open(piece.path, or_device=True)
        if not isinstance(found, int):
            raise _nowhere(piece, found.detail)
        return found

    def _object(self, piece: Piece) -> int | None:
        """Return a handle on the case's own copy, None where it has none."""
        origin = self._origins[piece.item]
        if not origin.has_copies:
            return None
        try:
            with origin.store.open(layout.object_file(piece.sha256.hex())) as file:
                return os.dup(file.fileno())
        except CannotFinish as error:
            if error.code != "X402":
                raise
            return None

    def _root(self, item: str) -> Beneath | CannotFinish:
        if item not in self._roots:
            source = self._sources.get(item) or read_name(self._origins[item].header["source"], "path")
            try:
                self._roots[item] = self._open.enter_context(Beneath(source, self._opener))
            except CannotFinish as error:
                self._roots[item] = error
        return self._roots[item]


def _shown(piece: Piece) -> str:
    return f"{piece.item}#{piece.index} {display(piece.path)}".rstrip()


def _nowhere(piece: Piece, why: str) -> CannotFinish:
    return CannotFinish(
        f"The content of {_shown(piece)} is not in the case, and not where it was taken: {why}",
        code="X480",
        hint=f"Nothing was written. Name where it is, --source {piece.item}=FOLDER; or --hash-only.",
    )
