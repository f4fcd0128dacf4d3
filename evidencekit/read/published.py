"""A published log, read: the files of C2SP tlog-tiles from a folder or a web server, each with its limit.

Promise: what is not there is told apart from what cannot be had; nothing is believed here.
Source: specs/checkpoint.md section 11.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from evidencekit.core.layout import CASE_FILE, CUSTODY
from evidencekit.core.tlog_tiles import CHECKPOINT
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish
from evidencekit.read.store import Store

if TYPE_CHECKING:
    from evidencekit.read.web import Site

_GONE = {404, 410}


class Published(Protocol):
    """Where the files of a published log come from. Use it in a `with`."""

    def read(self, path: str, limit: int) -> bytes:
        """Return a file of at most `limit` bytes.

        Raises:
            FormatError: F102, it is larger.
            CannotFinish: X402 it is not there, X403 it cannot be read, X469 no usable answer.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class TileFolder(Store):
    """A published log in a folder."""

    def __init__(self, path: Path) -> None:
        """Take a folder. Its files are read as a case's are: bounded, and no link is followed."""
        self.path = Path(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to close."""


class TileSite:
    """A published log on a web server."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._site.close()

    def read(self, path: str, limit: int) -> bytes:
        """Return a file of at most `limit` bytes.

        Raises:
            CannotFinish: X402 it is not there, X469 no usable answer.
        """
        answer = self._site.get(path, limit=limit)
        if answer.status in _GONE:
            raise CannotFinish(f"{display(f'{self._site.url}/{path}')} is not there.", code="X402", path=path)
        if answer.status != 200:
            raise CannotFinish(
                f"{display(f'{self._site.url}/{path}')} was answered with {answer.told}.",
                code="X469",
                hint="Name the URL at which the files are; redirects are not followed.",
            )
        return answer.body


def is_published(path: Path) -> bool:
    """Tell whether a folder is a published log: it has a checkpoint, and nothing of a case."""
    return os.path.lexists(path / CHECKPOINT) and not any(os.path.lexists(path / name) for name in (CASE_FILE, CUSTODY))


def is_url(place: str) -> bool:
    """Tell whether a place is named as a URL of the web."""
    return place.startswith(("http://", "https://"))


def open_published(place: str, *, proxy: str | None = None) -> Published:
    """Return where a published log is read from: a URL, asked through `proxy` if there is one, or a folder.

    Raises:
        BadArgument: U255, the URL cannot be asked.
    """
    if not is_url(place):
        return TileFolder(Path(place))
    from evidencekit.read.web import Site  # noqa: PLC0415 (TLS and HTTP are heavy, and hardly ever wanted)

    return TileSite(Site(place, proxy=proxy))
