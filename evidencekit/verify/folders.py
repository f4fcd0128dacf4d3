"""Step 9: each row stands in a folder that has a row of its own. Memory: one path and one number a level.

Source: specs/verification.md section 1, step 9.
"""

from __future__ import annotations


class Folders:
    """The folders above the row read last: beginnings of one path, as lengths."""

    def __init__(self) -> None:
        self._path = b""
        self._lengths: list[int] = []
        self._known = True

    @classmethod
    def above(cls, path: bytes) -> Folders:
        """Return the folders above a row, as they are where each has a row."""
        folders = cls()
        folders._path = path[: max(path.rfind(b"/"), 0)]
        folders._lengths = _ends(path)
        return folders

    def reach(self, path: bytes) -> bool:
        """Tell whether `above` of a path is what is known here."""
        end = max(path.rfind(b"/"), 0)
        known = [length for length in self._lengths if length <= end]
        return known == _ends(path) and self._path.startswith(path[:end])

    @property
    def is_lost(self) -> bool:
        """Tell whether nobody knows any more which folders there are."""
        return not self._known

    def takes(self, path: bytes, *, is_folder: bool) -> bool:
        """Tell whether a row's parent is a folder above; rows come in order, the source (empty path) first."""
        if not self._known or not path:
            if self._known and is_folder:
                self._path, self._lengths = b"", [0]
            return True
        end = max(path.rfind(b"/"), 0)
        lengths = self._lengths
        while lengths and lengths[-1] > end:
            lengths.pop()
        good = bool(lengths) and lengths[-1] == end and self._path.startswith(path[:end])
        if is_folder:
            if not good:  # those that are still above it
                above = self._path
                lengths[:] = [n for n in lengths if above[:n] == path[:n] and (n == 0 or path[n : n + 1] == b"/")]
            lengths.append(len(path))
            self._path = path
        return good

    def lose(self) -> None:
        """A row could not be read: from here on nobody knows which folders there are."""
        self._known = False


def _ends(path: bytes) -> list[int]:
    """Return the lengths of the beginnings of a path that are the folders above it, the source first."""
    ends = [0] if path else []
    at = path.find(b"/")
    while at >= 0:
        ends.append(at)
        at = path.find(b"/", at + 1)
    return ends
