"""A part of a source, walked: what lies between two paths, in the order of a manifest.

Promises: parts whose bounds meet yield together what `walk_in_bulk` yields of the whole, each entry in just one of
them, though each part lists the folders above its first path again; those are yielded, so that they can be looked at,
but are not of the part.
Source: specs/manifest.md section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from evidencekit.read.folders import MARK, marked_names_in
from evidencekit.read.handles import Opener
from evidencekit.read.node import Node
from evidencekit.read.tree import Names, _Rules, _walk

_HANDLES = 64


def is_above(folder: bytes, path: bytes | None) -> bool:
    """Tell whether a path lies in a folder; None lies in none."""
    if not path:
        return False
    return not folder or path.startswith(folder + b"/")


def walk_part(
    source: Path | bytes,
    low: bytes,
    high: bytes | None,
    *,
    prune: Callable[[bytes], bool] | None = None,
    opener: Opener | None = None,
) -> Generator[Node | Names, None, None]:
    """Yield what lies from the path `low` on (empty: the source itself) up to, but not at, `high` (None: the end).

    Before it come the folders that `low` lies in, which are never pruned. All else is as `walk_in_bulk` does.

    Raises:
        CannotFinish: X430 the source is not there, X431 it cannot be looked at, X435 not on this system.
    """
    bounds = _Bounds(low, high, prune)
    yield from _walk(source, _Rules(bounds.prunes, bounds.names, _HANDLES), opener)


class _Bounds:
    """Which names of a folder belong to a part."""

    def __init__(self, low: bytes, high: bytes | None, prune: Callable[[bytes], bool] | None) -> None:
        self._low = low
        self._high = high
        self._prune = prune
        self._folder = b""
        """The folder that is listed next: the walk asks whether it is wanted right before."""

    def prunes(self, path: bytes) -> bool:
        self._folder = path
        return self._prune is not None and not is_above(path, self._low) and self._prune(path)

    def names(self, handle: int) -> Iterator[bytes]:
        folder = self._folder
        if is_above(folder, self._low) or is_above(folder, self._high):
            return self._names_of_part(handle, folder)
        return marked_names_in(handle)

    def _names_of_part(self, handle: int, folder: bytes) -> Iterator[bytes]:
        from_name, leads_to_low = _step(folder, self._low)
        to_name, leads_to_high = _step(folder, self._high)
        for marked in marked_names_in(handle):
            name = marked.rstrip(MARK)
            if b"/" in name:  # which the walk has something to say about
                yield marked
                continue
            if from_name is not None:
                if name < from_name:
                    continue
                if name == from_name and leads_to_low and name != marked:  # the part before has it
                    continue
            if to_name is not None and (name > to_name or (name == to_name and not leads_to_high)):
                continue
            yield marked


def _step(folder: bytes, path: bytes | None) -> tuple[bytes | None, bool]:
    """Return the name that leads from a folder to a path, and whether it leads on; None where the path is elsewhere."""
    if path is None or not is_above(folder, path):
        return None, False
    name, slash, _ = path[len(folder) + 1 if folder else 0 :].partition(b"/")
    return name, bool(slash)
