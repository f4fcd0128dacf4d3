"""The log of a case as static files that any web server can serve: C2SP tlog-tiles. Entries, never events.

Promises: what is published adds up and is signed; the bytes of every file follow from the log alone; a file that is
there is never changed, but `checkpoint`, which comes last; whatever interrupts it, the same command goes on.
Source: specs/checkpoint.md section 11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from evidencekit.core import layout, tlog_tiles
from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.merkle import Tree
from evidencekit.core.note import MAX_NOTE, Note, format_note, parse_note
from evidencekit.core.tlog_tiles import WIDTH, Tile
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, FormatError, Refused
from evidencekit.journeys.logcopy import LogCopy
from evidencekit.read.store import Store
from evidencekit.write.durable import make_folders, write_new
from evidencekit.write.replaced import replace_file


@dataclass(frozen=True, slots=True)
class Publication:
    """What came of it."""

    tree: Checkpoint
    written: int
    """Files that are new."""
    kept: int
    """Files that were there already, and are the same."""
    before: int
    """Size that was published before; 0 for none."""


def publish(
    copy: LogCopy, folder: Path, *, cosigned: bytes | None = None, progress: Callable[[str], None] | None = None
) -> Publication:
    """Publish the log of a case up to its newest checkpoint, or up to the one of a `cosigned` note, with its lines.

    Raises:
        CannotFinish: X405, the entries are not those of the checkpoint; X403, X42x.
        Refused: R539, the folder has another log, a later state, or files that are not this log's.
    """
    if copy.covered != copy.tree.size:
        raise CannotFinish(
            f"The entries of {display(copy.place)} are not those that its checkpoint of size {copy.tree.size} signs.",
            code="X405",
            hint="Nothing was written. `evidencekit verify CASE` says what is wrong.",
        )
    tree, note = (copy.tree, copy.note) if cosigned is None else _cosigned(copy, cosigned)
    before, published = _published(folder, copy, tree)
    store, sizes = Store(Path(copy.place)), _sizes(copy, tree.size)
    written = kept = 0
    for tile in _files(sizes):
        data = _content(store, copy.entries, tile)
        if _put(folder / tile.path, data):
            written += 1
        else:
            kept += 1
        if progress is not None:
            progress(f"{written + kept:,} files, {written:,} new")
    if published != note and not (before == tree.size and cosigned is None):
        replace_file(folder / tlog_tiles.CHECKPOINT, note)
    return Publication(tree, written, kept, before)


def _cosigned(copy: LogCopy, data: bytes) -> tuple[Checkpoint, bytes]:
    """Return a cosigned note of this log: the log's own lines as the case has them, then those of the witnesses.

    A line that says to be the log's and is another would make the note bad for all who know the log's keys.
    """
    given = parse_note(data)
    tree = parse_checkpoint(given.text)
    own = copy.note_at(tree.size)
    if own is None or parse_note(own).text != given.text:
        raise Refused(
            f"The cosigned checkpoint is of {tree.origin} at size {tree.size}; this case has no such checkpoint.",
            code="R539",
            hint="Nothing was written. If it is of this log, keep it: `evidencekit compare CASE FILE`.",
        )
    others = (line for line in given.signatures if not any(key.matches(line) for key in copy.keys))
    return tree, format_note(Note(given.text, (*parse_note(own).signatures, *dict.fromkeys(others))))


def _published(folder: Path, copy: LogCopy, goal: Checkpoint) -> tuple[int, bytes]:
    """Return size and note that stand in the folder, which must be an earlier state than `goal`, or the same."""
    place = folder / tlog_tiles.CHECKPOINT
    try:
        with place.open("rb") as file:
            data = file.read(MAX_NOTE + 1)
        tree = parse_checkpoint(parse_note(data).text)
    except FileNotFoundError:
        return 0, b""
    except OSError as error:
        raise CannotFinish(f"{display(str(place))} cannot be read: {error.strerror}.", code="X403") from error
    except FormatError as error:
        raise _other(place, f"it is no checkpoint: {error.message}") from error
    if tree.origin != copy.tree.origin:
        raise _other(place, f"it is of {tree.origin}, not of {copy.tree.origin}")
    if tree.size > goal.size:
        raise _other(place, f"it is at size {tree.size}, and what is to be published at {goal.size}")
    if copy.root(tree.size) != tree.root:
        raise _other(place, f"at size {tree.size} it has another root than this case: a fork")
    return tree.size, data


def _sizes(copy: LogCopy, end: int) -> list[int]:
    """Return the sizes whose partial tiles are published: of checkpoints in the last tile, ascending, and `end`."""
    return sorted({end, *(size for size in copy.roots if end // WIDTH * WIDTH < size < end)})


def _files(sizes: list[int]) -> Iterator[Tile]:
    """Yield every file of the published log once: those of its newest size, then partial ones of earlier sizes."""
    seen: set[Tile] = set()
    for size in reversed(sizes):
        for tile in (*tlog_tiles.bundles_of(size), *tlog_tiles.tiles_of(size)):
            if size == sizes[-1] or (tile.width < WIDTH and tile not in seen):
                seen |= {tile} if tile.width < WIDTH else set()
                yield tile


def _content(store: Store, entries: Tree, tile: Tile) -> bytes:
    first = tile.index * WIDTH
    if tile.level is None:
        leaves = (
            store.read(layout.entry_file(index), layout.MAX_RECORD_FILE) for index in range(first, first + tile.width)
        )
        return tlog_tiles.encode_bundle(leaves)
    return b"".join(entries.node(8 * tile.level, index) for index in range(first, first + tile.width))


def _put(path: Path, data: bytes) -> bool:
    """Write a file unless it is there; tell whether it is new. One that is there with other bytes is refused."""
    try:
        with path.open("rb") as file:
            found = file.read(len(data) + 1)
    except FileNotFoundError:
        make_folders(path.parent)
        write_new(path, data)
        return True
    except OSError as error:
        raise CannotFinish(f"{display(str(path))} cannot be read: {error.strerror}.", code="X403") from error
    if found != data:
        raise _other(path, "it is not what this log has there")
    return False


def _other(path: Path, why: str) -> Refused:
    return Refused(
        f"{display(str(path))} belongs to something else: {why}.",
        code="R539",
        hint="Nothing was replaced. Name an empty folder, or find out who wrote there: `evidencekit compare CASE DIR`.",
    )
