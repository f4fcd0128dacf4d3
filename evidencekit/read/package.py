"""A package as it came: a folder, a .tar or a .zip, read where it lies. Nothing is unpacked, nothing is written.

Promises: whatever the container, a file has one name, one size and one content; every limit is held before memory or
time is spent on what is beyond it. Source: specs/package.md sections 6 and 9.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from evidencekit.core import layout
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.package_names import Names

if TYPE_CHECKING:
    from evidencekit.read.age import Identity

RECORD = "evidence/package.json"
"""What makes a folder a package; where it was taken away, `_BAG` still do."""
_BAG = ("bagit.txt", "evidence")
_ZIP, _TAR, _TAR_AT = (b"PK\x03\x04", b"PK\x05\x06"), b"ustar", 257
_AGE = b"age-encryption.org/"


class Package(ABC):
    """The files of a package. Close it, or use it in `with`. What it raises of content is BadContainer (E157)."""

    kind: str
    """`folder`, `tar` or `zip`."""

    def __init__(self) -> None:
        self._names = Names()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Return how many files there are."""
        return self._names.count

    def number(self, name: str) -> int | None:
        """Return the number of a file, below `len`; None where there is none of this name."""
        return self._names.find(name)

    @property
    def record_names(self) -> Sequence[str]:
        """Names of all files that are no payload, in the order of the container."""
        return self._names.record

    @abstractmethod
    def names(self) -> Iterator[str]:
        """Yield the names of all files, in the order of the container, which is that of their numbers."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Return the bytes of a file.

        Raises:
            CannotFinish: X402 there is none, X403 it cannot be read.
        """

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Open a file for reading; `seek` works but for what a .zip has deflated.

        Raises:
            CannotFinish: X402 there is none, X403 it cannot be read.
        """

    def close(self) -> None:  # noqa: B027 (a folder has nothing to give back)
        """Give back all handles."""

    def read(self, name: str, limit: int) -> bytes:
        """Return the bytes of a file of at most `limit` bytes.

        Raises:
            FormatError: F102, it is larger; BadContainer: it is not what its container says.
            CannotFinish: X402 there is none, X403 it cannot be read.
        """
        with self.open(name) as file:
            try:
                data = file.read(limit + 1)
            except OSError as error:
                raise unreadable(name, error) from error
        if len(data) > limit:
            raise FormatError(display(name), expected=f"at most {limit} bytes", found="more", code="F102")
        return data

    def numbers(self, folder: str) -> array[int]:
        """Return the numbers that stand as names in a folder of the record, ascending, each once."""
        prefix = folder + "/"
        found = {
            number
            for name in self._names.record
            if name.startswith(prefix)
            and (number := layout.parse_number(name[len(prefix) :].partition("/")[0])) is not None
        }
        return array("Q", sorted(found))


def open_package(path: Path, *, identities: Sequence[Identity] = ()) -> Package:
    """Open a package, whatever it lies in; `identities` are private keys for one that is encrypted (`read.age`).

    Raises:
        BadContainer: E151 to E156, the container is refused as a whole.
        BadArgument: U291, it is encrypted, and no identity was given.
        CannotFinish: X403 it cannot be read, X485 there is no package, X491 no identity opens it; X421, X423.
    """
    from evidencekit.read.package_folder import FolderPackage  # noqa: PLC0415 (each container is a Package itself)
    from evidencekit.read.package_tar import TarPackage  # noqa: PLC0415
    from evidencekit.read.package_zip import ZipPackage  # noqa: PLC0415

    path = Path(path)
    if path.is_dir():
        return FolderPackage(path)
    if not path.is_file():
        raise _no_package(path)
    try:
        file: BinaryIO = path.open("rb", buffering=0)
    except OSError as error:
        raise unreadable(str(path), error) from error
    try:
        kind = archive_kind(file)
        if kind == "age":
            file = _decrypted(file, identities, path)
            kind = archive_kind(file)
    except BaseException as error:
        file.close()
        if isinstance(error, OSError):
            raise unreadable(str(path), error) from error
        raise
    if kind not in {"tar", "zip"}:
        file.close()
        raise _no_package(path)
    return (ZipPackage if kind == "zip" else TarPackage)(file)


def _decrypted(file: BinaryIO, identities: Sequence[Identity], path: Path) -> BinaryIO:
    from evidencekit.read.age import decrypt  # noqa: PLC0415 (a library that most never need)

    with file:
        return decrypt(file, identities, name=path.name)


def is_package(path: Path) -> bool:
    """Tell whether a folder or file is, or claims to be, a package."""
    if path.is_dir():
        return os.path.lexists(path / RECORD) or all(os.path.lexists(path / part) for part in _BAG)
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return archive_kind(file) is not None
    except OSError:
        return False


def archive_kind(file: BinaryIO) -> str | None:
    """Return `zip`, `tar` or `age` by how an open file begins, None for any other; it stands at its beginning then.

    Raises:
        OSError: it cannot be read.
    """
    file.seek(0)
    start = file.read(512)
    file.seek(0)
    if start.startswith(_ZIP):
        return "zip"
    if start[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "tar"
    return "age" if start.startswith(_AGE) else None


def _no_package(path: Path) -> CannotFinish:
    return CannotFinish(
        f"{display(str(path))} is no package: neither a folder, nor a .tar or .zip, nor one of these in age.",
        code="X485",
        hint="Name the folder or the archive of a package. "
        "Unpack what is compressed (.tar.gz, .7z), and name the folder.",
        path=path,
    )


def missing(name: str) -> CannotFinish:
    """Return the error for a file that is not there."""
    return CannotFinish(f"{display(name)} is missing, or is not a plain file.", code="X402", path=name)


def unreadable(name: str, error: OSError) -> CannotFinish:
    """Return the error for a file that the system does not let us read."""
    return CannotFinish(f"{display(name)} cannot be read: {error.strerror}.", code="X403", path=name)
