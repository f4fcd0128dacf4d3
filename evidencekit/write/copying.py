"""Files copied in batches: a batch is on the medium, and was read again, before any of it gets its name.

So a batch costs one flush of the file system, where it has such a call, instead of one for each file. Temporary names
follow from the final ones: the next run finds and removes what a crash left.
Source: specs/store.md sections 3 and 4.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from evidencekit.core import layout
from evidencekit.core.digest import sha256
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, Refused
from evidencekit.write.durable import cannot_write, make_folders, rename_new
from evidencekit.write.reread import digest_of, length_of
from evidencekit.write.space import Room
from evidencekit.write.sparse import copy_sparse
from evidencekit.write.systems import System

_BATCH_FILES = 256
_BATCH_BYTES = 64 << 20
_OBJECT = re.compile(r"objects/sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})\Z")


class Copying:
    """Copies files of one folder to the same places in another; used as a context, it leaves nothing half done."""

    def __init__(
        self,
        source: Path,
        target: Path,
        *,
        progress: Callable[[int, int], None] | None,
        system: System,
        medium: int | None = None,
    ) -> None:
        """Take both folders, and make the target where it is not there; `progress` hears what there is a copy of.

        `medium` is the number of the device that the target has to lie on (None: whichever it lies on).

        Raises:
            CannotFinish: X421, X422, X423; X428, the target lies on another medium, or the source is gone.
        """
        self._source, self._target, self._system = source, target, system
        self._progress = progress or (lambda *_: None)
        self._sync_all = system.sync_all if system.sync_all is not None and Room(target).syncs_at_once else None
        self._batch: list[tuple[Path, Path]] = []
        """Temporary and final names, of files and of folders."""
        self._written: list[tuple[Path, bytes, str]] = []
        """The files in it, with the SHA-256 of what was read for each, and its place."""
        self._room = _BATCH_BYTES
        self._unsynced: set[Path] = set()
        """Folders that have names which are not durable yet."""
        self.files = 0
        self.bytes = 0
        is_new = not target.is_dir()
        if is_new:
            self._make_target()
        self._identities = [_identify(folder) for folder in (source, target)]
        identity = self._identities[1]
        if identity is not None and medium not in {None, identity[0]}:
            if is_new:
                target.rmdir()
            self._identities[1] = None
        self._refuse_another()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for temporary, _final in self._batch:
            _discard(temporary)

    def add(self, place: str, files: Iterable[str]) -> None:
        """Copy a file, or a folder with these files as one. What stands there is compared, and stays as it is.

        Links and special files are passed over.

        Raises:
            Refused: R508, what stands there differs.
            CannotFinish: X403 a file cannot be read; X425 an object is not what its name says; X428 one of the
                folders is another by now; X421, X422, X423, X427.
        """
        lengths = {file: length for file in files if (length := length_of(self._source / file)) is not None}
        final = self._target / place
        if os.path.lexists(final):
            for file in lengths:
                self._refuse_other(file)
        elif lengths:
            temporary = final.with_name(layout.TEMPORARY + sha256(os.fsencode(final.name))[:8].hex())
            _discard(temporary)  # a crash left it
            self._batch.append((temporary, final))
            for file in lengths:
                self._copy(file, temporary / file[len(place) + 1 :])
        for length in lengths.values():
            self.files += 1
            self.bytes += length
            self._progress(self.files, self.bytes)
        if self._room <= 0 or len(self._written) >= _BATCH_FILES:
            self.settle()

    def settle(self) -> None:
        """Give their names to all files copied so far; the names that were given before are durable then.

        Raises:
            Refused: R508, somebody took a name meanwhile.
            CannotFinish: X425, the medium does not hold what was written to it; X428, one of the folders is another by
                now, since its medium was taken away; X421, X422, X423.
        """
        if not self._batch:
            return
        self._sync()
        self._refuse_another()
        for path, digest, file in self._written:
            if digest_of(path) != digest:
                raise CannotFinish(
                    f"{display(os.fsencode(self._target / file))} is not what was written: it reads differently.",
                    code="X425",
                    hint="It got no name. This medium cannot be trusted; use another.",
                    path=path,
                )
        for temporary, final in self._batch:
            try:
                rename_new(temporary, final, system=self._system)
            except FileExistsError:
                raise in_the_way(final, "it was made just now") from None
            except OSError as error:
                raise cannot_write(final, error) from error
            self._unsynced.add(final.parent)
        self._batch.clear()
        self._written.clear()
        self._room = _BATCH_BYTES

    def finish(self) -> None:
        """Settle, and make the last names durable, too.

        Raises:
            Refused: R508.
            CannotFinish: X421, X422, X423, X425, X428.
        """
        self.settle()
        self._sync()
        self._refuse_another()

    def _make_target(self) -> None:
        """Make the folder as closed as the source is: inside, its mode does not matter then."""
        try:
            self._target.mkdir(mode=self._source.stat().st_mode & 0o777)
        except OSError as error:
            raise cannot_write(self._target, error) from error
        self._unsynced.add(self._target.parent)

    def _sync(self) -> None:
        try:
            if self._sync_all is not None:
                self._sync_all(self._target)
            else:
                for path in [*(path for path, *_ in self._written), *self._unsynced]:
                    self._system.sync(path)
        except OSError as error:
            raise cannot_write(self._target, error) from error
        self._unsynced.clear()

    def _refuse_other(self, file: str) -> None:
        """Raise Refused (R508) unless there is a file of the same bytes; of an object the name says what they are."""
        source, target = self._source / file, self._target / file
        if length_of(target) != length_of(source) or digest_of(target) != (_named(file) or digest_of(source)):
            raise in_the_way(target, "it differs from the file of the case")

    def _refuse_another(self) -> None:
        """Raise CannotFinish (X428) where a folder is not the one any more that it was."""
        for folder, identity in zip((self._source, self._target), self._identities, strict=True):
            if identity is None or _identify(folder) != identity:
                raise CannotFinish(
                    f"{display(os.fsencode(folder))} does not lie on the medium any more that was there before.",
                    code="X428",
                    hint="The copy is not whole. Attach the medium again; then the same command with --resume.",
                    path=folder,
                )

    def _copy(self, file: str, path: Path) -> None:
        self._refuse_another()
        make_folders(path.parent, below=self._target)
        self._unsynced.update(folder for folder in path.parents if folder.is_relative_to(self._target))
        digest, size = copy_sparse(self._source / file, path)
        if _named(file) not in {None, digest}:
            raise CannotFinish(
                f"{display(file)} is not what its name says.",
                code="X425",
                hint="The case is damaged, and is not copied. `evidencekit verify CASE`.",
                path=file,
            )
        self._written.append((path, digest, file))
        self._room -= size


def _identify(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from what lies below its medium, once that is taken away."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def in_the_way(path: Path, why: str) -> Refused:
    """Return the exception for what stands where a copy is to be: R508."""
    return Refused(
        f"{display(os.fsencode(path))} is in the way of a copy of this case: {why}.",
        code="R508",
        hint="It stays as it is. Name an empty folder, a new one, or the copy that was made before.",
        path=path,
    )


def _named(place: str) -> bytes | None:
    """Return the SHA-256 that the place of an object names; None for any other file."""
    found = _OBJECT.match(place)
    return None if found is None else bytes.fromhex(found[2])


def _discard(path: Path) -> None:
    """Remove a temporary file or folder; one that cannot be removed is never judged."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
