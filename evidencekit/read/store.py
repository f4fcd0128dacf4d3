"""A case directory, read-only: bounded reads, no links followed, nothing trusted.

Source: specs/store.md sections 5 and 6.
"""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from evidencekit.core import layout
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, FormatError

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_BLOCK = getattr(os, "O_NONBLOCK", 0)  # opening a planted FIFO must not hang


class Store:
    """A folder that is, or claims to be, a case."""

    def __init__(self, path: Path) -> None:
        """Take a folder.

        Raises:
            CannotFinish: X401, it is not there or has nothing of a case.
        """
        self.path = Path(path)
        if not self.path.is_dir():
            raise CannotFinish(
                f"{display(str(path))} is not a folder.", code="X401", hint="Name the folder of a case.", path=path
            )
        parts = (layout.CASE_FILE, layout.CUSTODY, layout.CHECKPOINTS, layout.MANIFESTS)
        if not any(os.path.lexists(self.path / part) for part in parts):
            raise CannotFinish(
                f"{display(str(path))} is not a case: none of {', '.join(parts)} is there.",
                code="X401",
                hint="`evidencekit init` opens a new case.",
                path=path,
            )

    def open(self, relative: str) -> BufferedReader:
        """Open a plain file of the case for reading.

        Raises:
            CannotFinish: X402 missing or not a plain file, X403 not readable.
        """
        return open_beneath(self.path, relative)

    def read(self, relative: str, limit: int) -> bytes:
        """Return the bytes of a file of at most `limit` bytes.

        Raises:
            FormatError: F102, it is larger.
            CannotFinish: X402 missing or not a plain file, X403 not readable.
        """
        with self.open(relative) as file:
            try:
                data = file.read(limit + 1)
            except OSError as error:
                raise CannotFinish(
                    f"{display(relative)} cannot be read: {error.strerror}.", code="X403", path=relative
                ) from error
        if len(data) > limit:
            raise FormatError(display(relative), expected=f"at most {limit} bytes", found="more", code="F102")
        return data

    def names(self, relative: str) -> list[str]:
        """Return the names in a folder of the case, sorted by raw bytes; empty where there is no such folder.

        Raises:
            CannotFinish: X403, not readable.
        """
        try:
            with os.scandir(self._inside(relative)) as listing:
                return sorted((item.name for item in listing), key=os.fsencode)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise CannotFinish(
                f"{display(relative)} cannot be listed: {error.strerror}.", code="X403", path=relative
            ) from error

    def numbers(self, relative: str) -> array[int]:
        """Return the numbers that stand as names in a folder, ascending, 8 bytes each; a link to one has none.

        Raises:
            CannotFinish: X403, it cannot be listed.
        """
        found = array("Q")
        folder = self._inside(relative)
        try:
            if not folder.is_symlink():
                with os.scandir(folder) as listing:
                    found.extend(n for n in (layout.parse_number(item.name) for item in listing) if n is not None)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise CannotFinish(f"cannot be listed: {error.strerror}", code="X403", path=relative) from error
        return array("Q", sorted(found))

    def files(self) -> Iterator[tuple[str, bool]]:
        """Yield `(relative path, is a plain file)` for all that is not a folder, without following links."""
        stack = [""]
        while stack:
            folder = stack.pop()
            try:
                with os.scandir(self.path / folder if folder else self.path) as listing:
                    found = sorted(listing, key=lambda item: os.fsencode(item.name))
            except OSError:
                yield folder, False
                continue
            for item in found:
                relative = f"{folder}/{item.name}" if folder else item.name
                if layout.is_disposable(relative):
                    continue
                if item.is_dir(follow_symlinks=False):
                    stack.append(relative)
                else:
                    yield relative, item.is_file(follow_symlinks=False)

    def newest_entry(self) -> int:
        """Return the number of entry folders that stand without a gap from 0 on."""
        size = 0
        for number in self.numbers(layout.CUSTODY):
            if number != size:
                break
            size += 1
        return size

    def _inside(self, relative: str) -> Path:
        return _inside(self.path, relative)


def open_beneath(folder: Path, relative: str) -> BufferedReader:
    """Open a plain file below a folder for reading, no link followed on the way.

    Raises:
        CannotFinish: X402 missing or not a plain file, X403 not readable.
    """
    try:
        descriptor = os.open(_inside(folder, relative), os.O_RDONLY | _NO_FOLLOW | _NO_BLOCK)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing(relative) from error
    except OSError as error:
        if error.errno in {40, 62}:  # ELOOP (Linux, macOS): a link
            raise _missing(relative) from error
        raise CannotFinish(
            f"{display(relative)} cannot be read: {error.strerror}.", code="X403", path=relative
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _missing(relative)
    return os.fdopen(descriptor, "rb")


def _inside(path: Path, relative: str) -> Path:
    """Return the path of a file whose folders, too, are no links."""
    place, parts = os.fspath(path), relative.split("/")
    for part in parts[:-1]:
        place = os.path.join(place, part)  # noqa: PTH118 (for each file of a package; pathlib takes ten times as long)
        if os.path.islink(place):  # noqa: PTH114 (as above)
            raise _missing(relative)
    return Path(place, parts[-1])


def _missing(relative: str) -> CannotFinish:
    return CannotFinish(f"{display(relative)} is missing, or is not a plain file.", code="X402", path=relative)
