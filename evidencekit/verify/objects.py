"""Step 10: what lies in `objects/`: large values of rows, which must be there, and copies of content, which may be.

Source: specs/verification.md section 1 step 10, specs/encoding.md section 3, specs/store.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from evidencekit.core import layout
from evidencekit.core.values import parse_count
from evidencekit.errors import CannotFinish
from evidencekit.verify.run import Run, file_sha256

_FOLDER = f"{layout.OBJECTS}/sha256"
_PREFIX = re.compile(r"[0-9a-f]{2}\Z")
_NAME = re.compile(r"[0-9a-f]{64}\Z")
MAX_LARGE = 1_000_000
"""Large values whose sizes are kept in mind, so that each is looked at once."""


class Objects:
    """The objects of a case: which files are there, and which of them rows name. About 100 bytes an object."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._unnamed = {bytes.fromhex(name) for name in _names(run)}
        self._sizes: dict[str, int] = {}
        """Large values that were looked at: digest to size."""

    @property
    def has_unnamed(self) -> bool:
        """Tell whether there are objects that no row has named yet."""
        return bool(self._unnamed)

    def name_copies(self, digests: list[str]) -> None:
        """Take the digests under which a copy of a row's content may lie."""
        for digest in digests:
            self._unnamed.discard(bytes.fromhex(digest))

    def name_large(self, row: str, large: list[dict[str, Any]]) -> None:
        """Take the large values of a row; each must be there, and be as long as the row says."""
        unnamed = self._unnamed
        for value in large:
            digest, size = value["sha256"], parse_count(value["bytes"])
            unnamed.discard(bytes.fromhex(digest))
            found = self._sizes.get(digest)
            if found is None:
                found = self._size(digest)
                if len(self._sizes) < MAX_LARGE:
                    self._sizes[digest] = found
            if found >= 0 and found != size:
                self._run.find(
                    "E201", layout.object_file(digest), f"{size} bytes, as {row} says", f"{found} bytes", step=10
                )

    def is_named(self, digest: str) -> bool:
        """Tell whether some row names the object with this digest."""
        return bytes.fromhex(digest) not in self._unnamed

    def check(self) -> None:
        """Hash every object that is named (E201)."""
        for name in _names(self._run):
            if self.is_named(name):
                self._hash(name)

    def _size(self, digest: str) -> int:
        """Return the size of an object, -1 where it cannot be had (said here)."""
        where = layout.object_file(digest)
        try:
            with self._run.case.open(where) as file:
                return os.fstat(file.fileno()).st_size
        except CannotFinish as error:
            self._run.unreadable(where, error)
            return -1

    def _hash(self, digest: str) -> None:
        run, where = self._run, layout.object_file(digest)
        try:
            with run.case.open(where) as file:
                found = file_sha256(file)
        except CannotFinish as error:
            run.unreadable(where, error)
            return
        except OSError as error:
            run.skip("record", "unreadable", where, f"cannot be read: {error.strerror}")
            run.files["not_checked"] += 1
            return
        run.files["checked"] += 1
        run.did("objects")
        if found != digest:
            run.find("E201", where, f"SHA-256 {digest}", f"SHA-256 {found}")


def _names(run: Run) -> Iterator[str]:
    """Yield the names of plain files under `objects/sha256/`, each in its only place, following no link."""
    root = run.case.path / _FOLDER
    if root.parent.is_symlink() or root.is_symlink():
        return
    try:
        with os.scandir(root) as folders:
            for folder in folders:
                if not _PREFIX.match(folder.name) or not folder.is_dir(follow_symlinks=False):
                    continue
                with os.scandir(folder.path) as files:
                    for file in files:
                        if (
                            _NAME.match(file.name)
                            and file.name.startswith(folder.name)
                            and file.is_file(follow_symlinks=False)
                        ):
                            yield file.name
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        run.skip("record", "unreadable", _FOLDER, f"cannot be listed: {error.strerror}")
