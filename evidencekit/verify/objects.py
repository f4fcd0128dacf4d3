"""Step 10: what lies in `objects/`: large values of rows and copies of content, by their digests.

Large values must be there, copies where the header promises them. Each object is named at most once by each fault, and
hashed only where its size is right: so nobody makes a verifier read more than sealed rows say.
Source: specs/verification.md section 1 step 10, specs/encoding.md section 3, specs/store.md section 5.
"""

from __future__ import annotations

import os
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from evidencekit.core import layout
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.errors import CannotFinish
from evidencekit.verify.run import Run, file_sha256

_FOLDER = f"{layout.OBJECTS}/sha256"
_BEGINNINGS = 1 << 16
_NAME = re.compile(r"[0-9a-f]{64}\Z")
MAX_MISSING = 1_000_000
"""Missing objects that are kept in mind, so that each is named once."""


class Objects:
    """The objects of a case: which files are there, and which of them rows name. Memory: 41 bytes an object."""

    def __init__(self, run: Run) -> None:
        """List `objects/`; no file is opened yet."""
        self._run = run
        self._files = _Files(run)
        self._named = bytearray(len(self._files))
        """One byte a file, of bits: 1 a row named it, 2 it has another size than a row says."""
        self._unnamed = len(self._files)
        self._missing: set[bytes] = set()
        self.has_unread_rows = False
        """Whether rows that may name objects could not be read: one without a name may yet have one."""
        self.faults = 0
        """Errors that `name` found: none of them is one of the catalogue that names the object."""

    @property
    def has_unnamed(self) -> bool:
        """Tell whether there are objects that no row has named yet."""
        return self._unnamed > 0

    def name(self, row: str, digest: str, size: int, *, demanded: bool) -> None:
        """Take an object that a row names, with its size; where it is `demanded` it must be there (E501)."""
        place = self._files.find(bytes.fromhex(digest))
        if place < 0:
            if demanded:
                self._miss(row, digest, size)
            return
        self._unnamed -= not self._named[place]
        self._named[place] |= 1
        found = self._files.sizes[place]
        if found != size and not self._named[place] & 2:
            self._named[place] |= 2
            self._run.files["checked"] += 1
            self._find("E201", digest, f"{size} bytes, as {row} says", f"{found} bytes")

    def is_named(self, digest: str) -> bool:
        """Tell whether some row names the object with this digest."""
        place = self._files.find(bytes.fromhex(digest))
        return place >= 0 and self._named[place] > 0

    def check(self) -> None:
        """Hash every object that is named and has the right size (E201)."""
        for place, named in enumerate(self._named):
            if named == 1:
                self._hash(self._files[place].hex())

    def _miss(self, row: str, digest: str, size: int) -> None:
        key = bytes.fromhex(digest)
        if key in self._missing or key[0] in self._files.unlisted:
            return
        if len(self._missing) < MAX_MISSING:
            self._missing.add(key)
        self._run.files["not_checked"] += 1
        self._find("E501", digest, f"a plain file of {size} bytes, as {row} says", "none")

    def _find(self, code: str, digest: str, expected: str, found: str) -> None:
        self.faults += 1
        self._run.find(code, layout.object_file(digest), expected, found, step=10)

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


class _Files:
    """The plain files under `objects/sha256/`, each in its only place, following no link; in order of their digests."""

    def __init__(self, run: Run) -> None:
        self._digests = bytearray()
        self.sizes = array("Q")
        self.unlisted: set[int] = set()
        """First bytes of digests whose folder could not be listed: what is missing there, nobody knows."""
        counts = array("Q", bytes(8 * (_BEGINNINGS + 1)))
        for first in range(256):
            for digest, size in self._list(run, first):
                self._digests += digest
                self.sizes.append(size)
                counts[_beginning(digest) + 1] += 1
        self._starts = array("Q", accumulate(counts))
        """The place of the first digest that begins with each two bytes."""

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, place: int) -> bytes:
        return bytes(self._digests[place * HASH_SIZE : (place + 1) * HASH_SIZE])

    def find(self, digest: bytes) -> int:
        """Return the place of a digest, -1 where there is no such file."""
        beginning = _beginning(digest)
        end = self._starts[beginning + 1]
        place = bisect_left(self, digest, self._starts[beginning], end)
        return place if place < end and self[place] == digest else -1

    def _list(self, run: Run, first: int) -> list[tuple[bytes, int]]:
        """Return digest and size of the files in one folder, sorted."""
        where = f"{_FOLDER}/{first:02x}"
        folder = run.case.path / where
        try:
            linked = any(one.is_symlink() for one in (folder.parent.parent, folder.parent, folder))
            return [] if linked else sorted(_files_in(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self.unlisted.add(first)
            run.skip("record", "unreadable", where, f"cannot be listed: {error.strerror}")
            return []


def _beginning(digest: bytes) -> int:
    return digest[0] << 8 | digest[1]


def _files_in(folder: Path) -> Iterator[tuple[bytes, int]]:
    with os.scandir(folder) as listing:
        for item in listing:
            if _NAME.match(item.name) and item.name.startswith(folder.name) and item.is_file(follow_symlinks=False):
                yield bytes.fromhex(item.name), item.stat(follow_symlinks=False).st_size
