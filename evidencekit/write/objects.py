"""Content-addressed objects: copies of files and large values, written once, while they are hashed.

An acquisition writes to a store of its own, in its work folder. When all is taken, what is there is read again; then
all that the manifest names is moved to the objects of the case.

Promises: an object of the case is never written again; nothing gets a name there before its bytes are on the medium;
memory does not grow with the number of objects. One program at a time: the work folder is locked.
Source: specs/store.md sections 3 and 4; specs/encoding.md section 3 (large values).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from evidencekit.core.digest import sha256
from evidencekit.core.layout import TEMPORARY
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish
from evidencekit.write.draft import Draft
from evidencekit.write.durable import cannot_write, make_folders, rename_new
from evidencekit.write.reread import length_of, reread
from evidencekit.write.space import Room
from evidencekit.write.systems import THIS, System

_REMEMBERED = 1 << 16


class Objects:
    """The objects of one acquisition, above those of its case."""

    def __init__(self, folder: Path, *, kept: Path, system: System = THIS, joins: bool = False) -> None:
        """Take the acquisition's own folder, which need not exist yet, and the folder `objects/` of the case.

        What a crash left half written in `folder` is removed, unless this one `joins` others that are at work there.

        Raises:
            CannotFinish: X422, X423: the folder cannot be used.
        """
        self._folder, self._kept, self._system = folder, kept, system
        self._own, self._sealed = folder / "sha256", kept / "sha256"
        self._sync_all = system.sync_all if system.sync_all is not None and Room(folder).syncs_at_once else None
        self._drafts = 0
        self._owner = ""
        self._shards: set[int] = set()
        """First bytes of digests whose folders were made."""
        self._unsynced: list[str] = []
        """Objects that were kept since the last sync."""
        self._earlier = folder.is_dir() and not joins
        """There may be objects of an earlier program, and nobody knows whether it brought them to the medium."""
        if self._earlier:
            self._remove_leftovers()

    # --- taking -----------------------------------------------------------------------------------------------------

    def draft(self) -> Draft:
        """Return an empty draft, which can take one content after the other."""
        return Draft(self)

    def put(self, data: bytes) -> bytes:
        """Keep a value, unless it is there; return its SHA-256 (32 bytes).

        Raises:
            CannotFinish: X421 no space, X422 not allowed, X423 another error.
        """
        digest = sha256(data)
        with self.draft() as draft:
            draft.write(memoryview(data))
            draft.keep(digest)
        return digest

    def has(self, digest: bytes, size: int | None = None) -> bool:
        """Tell whether an object of this SHA-256 (and of `size` bytes) is there. Its bytes are not read."""
        lengths = map(length_of, self._places(digest))
        return any(length is not None and size in {None, length} for length in lengths)

    def size(self) -> int:
        """Return the bytes that the acquisition's own objects take up on the medium."""
        return sum(os.lstat(path).st_blocks * 512 for path in self._all_own())

    # --- several processes -----------------------------------------------------------------------------------------

    def move_in(self, number: int) -> None:
        """Be another process, of this number, from now on: the first one is told by `took` what is kept here."""
        self._owner = f"{number}-"
        self._unsynced.clear()
        self._earlier = False

    def __reduce__(self) -> tuple[object, ...]:
        return _joining, (self._folder, self._kept)

    def took(self, digests: bytes) -> None:
        """Hear of objects that another process kept, SHA-256 after SHA-256: they are to be synced, too."""
        for at in range(0, len(digests), HASH_SIZE):
            self._unsynced.append(self._places(digests[at : at + HASH_SIZE])[0])

    # --- what a draft needs --------------------------------------------------------------------------------------

    def temporary(self) -> Path:
        """Return a free name for a file that has no digest yet.

        Raises:
            CannotFinish: X421, X422, X423: the folder cannot be made.
        """
        # All in one folder: a file system keeps what was made in one folder together, and in the order of the source.
        if not self._shards:
            make_folders(self._folder, below=self._folder.parent)
        self._drafts += 1
        return self._folder / f"{TEMPORARY}{self._owner}{self._drafts}"

    def take(self, path: Path, digest: bytes) -> None:
        """Give a finished file the name of its SHA-256; what stands there is not whole, and is replaced.

        Raises:
            CannotFinish: X421, X422, X423.
        """
        place, _ = self._places(digest)
        if digest[0] not in self._shards:
            make_folders(Path(place).parent, below=self._folder.parent)
            self._shards.add(digest[0])
        try:
            os.replace(path, place)  # noqa: PTH105 (texts: a path object costs more than the system call)
        except OSError as error:
            raise cannot_write(Path(place), error) from error
        self._unsynced.append(place)

    # --- onto the medium ------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Bring to the medium, with their names, all objects that were kept so far.

        Raises:
            CannotFinish: X421, X422, X423.
        """
        if not (self._unsynced or self._earlier):
            return
        try:
            if self._sync_all is not None:
                self._sync_all(self._folder)
            else:
                self._sync_each(self._all_own() if self._earlier else self._unsynced)
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        self._unsynced.clear()
        self._earlier = False

    def _sync_each(self, paths: Iterable[str]) -> None:
        folders = {self._folder.parent, self._folder, self._own}
        for path in map(Path, paths):
            with contextlib.suppress(FileNotFoundError):  # taken away meanwhile: `check` says so
                self._system.sync(path)
            folders.add(path.parent)
        for folder in filter(Path.is_dir, folders):
            self._system.sync(folder)

    def check(self, digests: Iterable[bytes], progress: Callable[[int], None] | None = None) -> Iterator[bytes]:
        """Read objects again, and yield the digests of those that are missing, or are not what their names say.

        What is wrong in the acquisition's own folder is removed, so that its file is taken again; from the case nothing
        is ever removed. `progress` hears the size of each object that was read. An object that is named by many rows
        is read more than once where many others lie between them. How far this reads the medium: `reread.py`.

        Raises:
            CannotFinish: X421, X422, X423: nothing could be brought to the medium, or what is wrong not be removed.
        """
        self.sync()
        seen: set[bytes] = set()
        for digest in digests:
            if digest in seen:
                continue
            if len(seen) >= _REMEMBERED:
                seen.clear()
            seen.add(digest)
            size = self._reread(digest)
            if size is None:
                yield digest
            elif progress is not None:
                progress(size)

    def _reread(self, digest: bytes) -> int | None:
        """Return the size of an object that is what its name says; remove one of ours that is not."""
        own, sealed = self._places(digest)
        is_own = length_of(own) is not None
        try:
            found, size = reread(own if is_own else sealed)
        except OSError:
            found, size = b"", 0
        if found == digest:
            return size
        if is_own:
            _remove(Path(own))
        return None

    # --- into the case ----------------------------------------------------------------------------------------------

    def publish(self, digests: Iterable[bytes]) -> None:
        """Move objects to those of the case, where one that is there stays; all of it is durable when this returns.

        Raises:
            CannotFinish: X425, an object is missing, or not as long as one of its name in the case; X421, X422, X423.
        """
        self.sync()  # bytes before names
        shards: set[int] = set()
        for digest in digests:
            own, sealed = self._places(digest)
            if digest[0] not in shards:
                make_folders(Path(sealed).parent, below=self._kept.parent)
                shards.add(digest[0])
            self._move(Path(own), Path(sealed))
        if shards:
            self._sync_names(shards)

    def _move(self, own: Path, sealed: Path) -> None:
        try:
            rename_new(own, sealed, system=self._system)
        except FileNotFoundError:  # moved already, or it was in the case before
            if length_of(sealed) is None:
                raise _not_as_written(sealed, "it is missing") from None
        except FileExistsError:
            if length_of(own) != length_of(sealed):
                raise _not_as_written(sealed, "one of another length stands there already") from None
        except OSError as error:
            raise cannot_write(sealed, error) from error

    def _sync_names(self, shards: Iterable[int]) -> None:
        """Make moves durable: each folder once."""
        try:
            if self._sync_all is not None:
                self._sync_all(self._kept)
                return
            for side in (self._sealed, self._own):
                for folder in filter(Path.is_dir, (side / f"{shard:02x}" for shard in shards)):
                    self._system.sync(folder)
            for folder in (self._sealed, self._kept, self._kept.parent):
                self._system.sync(folder)
        except OSError as error:
            raise cannot_write(self._kept, error) from error

    # --- where things lie -------------------------------------------------------------------------------------------

    def _places(self, digest: bytes) -> tuple[str, str]:
        """Return where an object lies in the acquisition's folder, and where in the case."""
        name = digest.hex()
        return f"{self._own}/{name[:2]}/{name}", f"{self._sealed}/{name[:2]}/{name}"

    def _all_own(self) -> Iterator[str]:
        """Yield the acquisition's own objects, one shard after the other."""
        for folder, _, names in os.walk(self._own):
            yield from (f"{folder}/{name}" for name in names)

    def _remove_leftovers(self) -> None:
        for path in self._folder.glob(f"{TEMPORARY}*"):
            _remove(path)


def _joining(folder: Path, kept: Path) -> Objects:
    return Objects(folder, kept=kept, joins=True)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise cannot_write(path, error) from error


def _not_as_written(place: Path, what: str) -> CannotFinish:
    return CannotFinish(
        f"The object {display(os.fsencode(place))} is not what was written: {what}.",
        code="X425",
        hint="Nothing was sealed. `evidencekit verify CASE` says whether the case is damaged; check its medium.",
        path=place,
    )
