"""All leaf hashes of a manifest, in place of proofs: held against the sealed root, then read forwards, once.

Source: specs/package.md section 2 rule 4, section 8 step 5.
"""

from __future__ import annotations

from typing import BinaryIO

from evidencekit.core.merkle import HASH_SIZE, CompactRange
from evidencekit.errors import CannotFinish
from evidencekit.read.package import Package
from evidencekit.read.package_names import BadContainer
from evidencekit.verify.log_facts import Sealing
from evidencekit.verify.run import Run

STEP = 9
_HASHES = 1 << 15
"""That are read at once."""


class LeafList:
    """`leaves/N`. Only while lines ask for it is it open."""

    def __init__(self, run: Run, package: Package, where: str, sealing: Sealing) -> None:
        """Take what has to stand there."""
        self._run, self._package, self._where, self._sealing = run, package, where, sealing
        self._file: BinaryIO | None = None
        self._at = 0
        self.is_lost = False
        """It cannot be read, which was said."""

    def check(self) -> bool:
        """Tell whether it is of its length, unless it is lost; E207 where its root is not the sealed one."""
        sealing = self._sealing
        expected = f"{sealing.rows} leaves with the root {sealing.root}"
        tree = CompactRange()
        try:
            size = self._package.size(self._where)
            if size != HASH_SIZE * sealing.rows:
                self._run.find("E207", self._where, expected, f"{size} bytes", step=STEP)
                return False
            with self._package.open(self._where) as file:
                while block := file.read(HASH_SIZE * _HASHES):
                    tree.extend(block[at : at + HASH_SIZE] for at in range(0, len(block), HASH_SIZE))
        except BadContainer as error:
            self._run.find(error.finding, self._where, error.expected, error.found, step=STEP)
            return False
        except (CannotFinish, OSError) as error:
            self._lose(error)
            return True
        if tree.root().hex() != sealing.root:
            self._run.find("E207", self._where, expected, f"root {tree.root().hex()}", step=STEP)
        return True

    def at(self, index: int) -> bytes | None:
        """Return the hash of a leaf; None where there is none, one behind it was asked for, or the list is lost."""
        if self.is_lost or not self._at <= index < self._sealing.rows:
            return None
        try:
            if self._file is None:
                self._file = self._package.open(self._where)
            while self._at < index:
                block = self._file.read(HASH_SIZE * min(index - self._at, _HASHES))
                if not block:
                    return None
                self._at += len(block) // HASH_SIZE
            self._at += 1
            return self._file.read(HASH_SIZE)
        except (BadContainer, CannotFinish, OSError) as error:
            self._lose(error)
            return None

    def close(self) -> None:
        """Let go of the file: no line asks for it again."""
        if self._file is not None:
            self._file.close()
            self._at = self._sealing.rows

    def _lose(self, error: BadContainer | CannotFinish | OSError) -> None:
        self.is_lost = True
        reason = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else error.message
        self._run.skip("record", "unreadable", self._where, reason)
