"""Names in a package: which may stand there, and the number of the file that each means; some 30 bytes a name.

Promises: no name leads out of the package, none stands twice on any system, and no more than a verifier can bear.
Source: specs/package.md sections 3 and 9.
"""

from __future__ import annotations

import os
import re
from array import array
from hashlib import blake2b

from evidencekit.core.bag_names import fold
from evidencekit.core.values import display, short
from evidencekit.errors import FormatError

MAX_NAMES = 5_000_000
"""Files and folders."""
MAX_RECORD_NAMES = 70_000
"""Files that are no payload: what package.json can list, and the few that it does not."""
MAX_PATH = 4_096
"""Bytes."""
MAX_DEPTH = 64
PAYLOAD = "data/"
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f"*:<>?\\|]|[\ud800-\udfff]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?\Z", re.IGNORECASE | re.DOTALL)
_EMPTY = 1024
_NONE = 0xFFFF_FFFF


class BadContainer(FormatError):
    """A container that is refused as a whole, or an entry whose content is not what it says. `finding` is its code."""

    def __init__(self, finding: str, place: str, *, expected: str, found: str) -> None:
        super().__init__(place, expected=expected, found=found)
        self.finding = finding


def check_path(path: str) -> None:
    """Refuse a path that leads elsewhere, that some system takes for another, or that is too long or deep.

    Raises:
        BadContainer: E153, E156.
    """
    shown = display(path[:200])
    try:
        length = len(path.encode())
    except UnicodeEncodeError as error:
        raise BadContainer("E153", shown, expected="a name in UTF-8", found="other bytes") from error
    parts = path.split("/")
    if length > MAX_PATH or len(parts) > MAX_DEPTH:
        expected = f"at most {MAX_PATH} bytes and {MAX_DEPTH} components"
        raise BadContainer("E156", shown, expected=expected, found=f"{length} bytes, {len(parts)} components")
    if path.startswith("/"):
        raise BadContainer("E153", shown, expected="a path below the package", found="an absolute path")
    for part in parts:
        if part in {"", ".", ".."}:
            raise BadContainer("E153", shown, expected="names in a path", found=f"the component {short(part)}")
        bad = _FORBIDDEN.search(part)
        if bad is not None:
            expected = "a name that every system takes alike"
            raise BadContainer("E153", shown, expected=expected, found=f"the character {bad[0]!a}")
        if part[-1] in " ." or _RESERVED.match(part):
            expected = "a name that every system takes alike"
            raise BadContainer("E153", shown, expected=expected, found=f"the name {short(part)}")


class Names:
    """The names of a package's files, by keyed hashes, so that nobody can choose names that look like one another."""

    def __init__(self) -> None:
        self.count = 0
        """Files."""
        self.record: list[str] = []
        """Names of files that are no payload, in the order of the container."""
        self._key = os.urandom(16)
        self._slots = array("I", bytes(4 * _EMPTY))
        """Where the hash of a folded name leads: 1 more than its place in the lists below."""
        self._folded = array("Q")
        self._exact = array("Q")
        self._files = array("I")
        """Number of the file; a folder has none."""
        self._folder = ""
        """The last that was added."""

    def add(self, path: str) -> int:
        """Add a file, and return its number, from 0 on in the order of adding.

        Raises:
            BadContainer: E153 its name, E155 it is there already, or is a folder, E156 too many.
        """
        check_path(path)
        folder, slash, _ = path.rpartition("/")
        if slash and folder != self._folder:
            self._add_folders(folder)
            self._folder = folder
        place, is_new = self._place(path)
        if not is_new:
            raise BadContainer("E155", display(path), expected="each name once, in any case", found="a second one")
        number = self.count
        self._files[place] = number
        self.count += 1
        if not path.startswith(PAYLOAD):
            if len(self.record) == MAX_RECORD_NAMES:
                expected = f"at most {MAX_RECORD_NAMES} files beside payload"
                raise BadContainer("E156", display(path), expected=expected, found="more")
            self.record.append(path)
        return number

    def add_folder(self, path: str) -> None:
        """Add a folder, whatever is in it.

        Raises:
            BadContainer: E153, E155, E156.
        """
        check_path(path)
        self._add_folders(path)

    def find(self, path: str) -> int | None:
        """Return the number of a file, None where there is none of this very name."""
        place = self._slots[self._slot(self._hash(fold(path)))]
        if not place or self._exact[place - 1] != self._hash(path) or self._files[place - 1] == _NONE:
            return None
        return self._files[place - 1]

    def _add_folders(self, folder: str) -> None:
        at = -1
        while at != len(folder):
            at = folder.find("/", at + 1)
            at = len(folder) if at < 0 else at
            path = folder[:at]
            place, is_new = self._place(path)
            if not is_new and (self._files[place] != _NONE or self._exact[place] != self._hash(path)):
                expected = "one spelling of each folder, in any case"
                raise BadContainer("E155", display(path), expected=expected, found="another, or a file")

    def _place(self, path: str) -> tuple[int, bool]:
        """Return the place of a name in the lists, and whether it is new there."""
        hashed = self._hash(fold(path))
        slot = self._slot(hashed)
        if self._slots[slot]:
            return self._slots[slot] - 1, False
        if len(self._folded) == MAX_NAMES:
            raise BadContainer("E156", display(path), expected=f"at most {MAX_NAMES:,} files and folders", found="more")
        self._folded.append(hashed)
        self._exact.append(self._hash(path))
        self._files.append(_NONE)
        self._slots[slot] = len(self._folded)
        if 2 * len(self._folded) > len(self._slots):
            self._grow()
        return len(self._folded) - 1, True

    def _slot(self, hashed: int) -> int:
        """Return where a hash stands, or would."""
        mask = len(self._slots) - 1
        slot = hashed & mask
        while (place := self._slots[slot]) and self._folded[place - 1] != hashed:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        self._slots = array("I", bytes(16 * len(self._slots)))
        for place, hashed in enumerate(self._folded, 1):
            self._slots[self._slot(hashed)] = place

    def _hash(self, text: str) -> int:
        data = text.encode(errors="surrogatepass")
        return int.from_bytes(blake2b(data, digest_size=8, key=self._key).digest())
