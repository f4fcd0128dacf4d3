"""A package that is a folder: plain files alone, no link followed.

Source: specs/package.md section 9.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BufferedReader
from itertools import islice
from pathlib import Path

from evidencekit.core.values import display
from evidencekit.read.package import Package, missing, unreadable
from evidencekit.read.package_names import MAX_DEPTH, MAX_NAMES, BadContainer
from evidencekit.read.store import open_beneath


class FolderPackage(Package):
    """The files below a folder, in the order of their names."""

    kind = "folder"

    def __init__(self, path: Path) -> None:
        """List it.

        Raises:
            BadContainer: E153 to E156.
            CannotFinish: X403, a folder in it cannot be listed.
        """
        super().__init__()
        self._path = path
        for name in self.names():
            self._names.add(name)

    def names(self) -> Iterator[str]:
        """Yield the names of all files, each folder's ascending.

        Raises:
            BadContainer: E154 what is no plain file, E156 folders deep inside each other.
            CannotFinish: X403, a folder cannot be listed.
        """
        yield from self._below("", 1)

    def size(self, name: str) -> int:
        """Return the bytes of a file."""
        with self.open(name) as file:
            return os.fstat(file.fileno()).st_size

    def open(self, name: str) -> BufferedReader:
        """Open a file; the folders on the way are no links."""
        if self.number(name) is None:
            raise missing(name)
        return open_beneath(self._path, name)

    def _below(self, folder: str, depth: int) -> Iterator[str]:
        if depth > MAX_DEPTH:
            expected = f"at most {MAX_DEPTH} folders inside each other"
            raise BadContainer("E156", display(folder[:200]), expected=expected, found="more")
        try:
            with os.scandir(self._path / folder) as listing:
                found = [
                    (item.name, item.is_dir(follow_symlinks=False), item.is_file(follow_symlinks=False))
                    for item in islice(listing, MAX_NAMES)
                ]
                more = next(listing, None)
        except OSError as error:
            raise unreadable(folder or str(self._path), error) from error
        if more is not None:
            expected = f"at most {MAX_NAMES:,} names"
            raise BadContainer("E156", display(folder), expected=expected, found="more")
        for name, is_folder, is_file in sorted(found, key=lambda item: os.fsencode(item[0])):
            path = f"{folder}/{name}" if folder else name
            if is_folder:
                yield from self._below(path, depth + 1)
            elif is_file:
                yield path
            else:
                raise BadContainer("E154", display(path), expected="plain files and folders", found="something else")
