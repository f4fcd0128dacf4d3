"""Mounts, as Linux lists them: the text of mountinfo taken apart, and the one that a path lies on.

Source: proc_pid_mountinfo(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_OCTAL = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """One mount; its texts are raw bytes without the escapes of the list."""

    place: bytes
    number: tuple[int, int]
    """Major and minor number of the device, which make up the `st_dev` of the files in it."""
    fs_type: bytes
    device: bytes
    """What was mounted: a device's path, a server, or a word."""
    options: bytes
    """Of the mount and of the file system, each once, joined by commas."""

    @property
    def writable(self) -> bool:
        """Neither the mount nor its file system is read-only."""
        return b"ro" not in self.options.split(b",")


def parse_mounts(text: bytes) -> Iterator[Mount]:
    """Yield the mounts from the text of mountinfo; lines of another form are passed over."""
    for line in text.splitlines():
        fields = line.split(b" ")
        if len(fields) < 10 or b"-" not in fields[6:]:
            continue
        major, _, minor = fields[2].partition(b":")
        dash = fields.index(b"-", 6)
        if len(fields) < dash + 4 or not (major.isdigit() and minor.isdigit()):
            continue
        place, fs_type, device = map(_unescape, (fields[4], fields[dash + 1], fields[dash + 2]))
        options = _unescape(_options(fields[5], fields[dash + 3]))
        yield Mount(place, (int(major), int(minor)), fs_type, device, options)


def mount_of(mounts: Iterable[Mount], path: bytes) -> Mount | None:
    """Return the mount that an absolute path lies on: the nearest, and of two on one place the later one."""
    best: Mount | None = None
    for mount in mounts:
        inside = mount.place in {b"/", path} or path.startswith(mount.place + b"/")
        if inside and (best is None or len(mount.place) >= len(best.place)):
            best = mount
    return best


def _options(own: bytes, file_system: bytes) -> bytes:
    """Join the options; where either says read-only, nothing says `rw`."""
    both = [*own.split(b","), *file_system.split(b",")]
    return b",".join(dict.fromkeys(option for option in both if option != b"rw" or b"ro" not in both))


def _unescape(text: bytes) -> bytes:
    """Undo the octal escapes of blank, tab, newline and backslash."""
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), text)
