"""The source of an acquisition: what it is, where it is mounted, whether reading it leaves access times alone.

Source: specs/manifest.md section 7 (`source`).
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidencekit.core.schema import MAX_STRING
from evidencekit.core.values import display, name_member
from evidencekit.errors import CannotFinish, Refused
from evidencekit.read.handles import open_parent, unreachable

MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Source:
    """A folder or a file that is to be taken."""

    path: Path
    """As the operator named it."""
    real: bytes
    """The absolute path, links on the way to it resolved."""
    kind: str
    """`directory` or `file`."""
    mount: dict[str, str] | None
    """Device, file system and options of the mount it lies on, where the system tells."""
    read_only: bool
    """True where the mount is read-only, so that nothing can change by reading."""

    def record(self, *, host: str | None, touched: bool) -> dict[str, Any]:
        """Return the header's `source`; `touched` says that an access time may have moved."""
        atime = "read_only_mount" if self.read_only else "may_change" if touched else "untouched"
        return {
            "atime": atime,
            "host": host,
            "kind": self.kind,
            "mount": self.mount,
            **name_member("path", self.real),
        }


def look_at(path: Path, *, mounts: bytes | None = None) -> Source:
    """Return the facts of a source; `mounts` is the text of mountinfo (None: the system's own, where it has one).

    Raises:
        CannotFinish: X430 not there, X431 cannot be looked at, X432 a symbolic link, X433 neither folder nor file,
            X435 not on this system.
    """
    parent, name = open_parent(path)
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        read_only = bool(os.fstatvfs(parent).f_flag & os.ST_RDONLY) if stat.S_ISREG(status.st_mode) else False
    except OSError as error:
        raise unreachable(os.fsencode(path), error) from error
    finally:
        os.close(parent)
    shown = display(os.fsencode(path))
    if stat.S_ISLNK(status.st_mode):
        raise CannotFinish(
            f"{shown} is a symbolic link, and links are not followed.",
            code="X432",
            hint="Name what it points to, if that is what you mean to take.",
            path=path,
        )
    if stat.S_ISDIR(status.st_mode):
        kind = "directory"
        read_only = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    elif stat.S_ISREG(status.st_mode):
        kind = "file"
    else:
        raise CannotFinish(
            f"{shown} is neither a folder nor a file.",
            code="X433",
            hint="Image a device to a file first, with a tool made for that.",
            path=path,
        )
    real = _real(os.fsencode(path))
    return Source(path, real, kind, find_mount(_mountinfo() if mounts is None else mounts, real), read_only)


def refuse_inside(source: Source, out: Path) -> None:
    """Raise Refused where a manifest would be written into the very source that it describes.

    Raises:
        Refused: R506.
    """
    place = _real(os.fsencode(out))
    if source.kind == "directory" and (source.real == b"/" or (place + b"/").startswith(source.real + b"/")):
        raise Refused(
            f"{display(os.fsencode(out))} lies inside the source {display(source.real)}.",
            code="R506",
            hint="Keep the case outside of what it describes.",
            path=out,
        )


def _real(path: bytes) -> bytes:
    """Return an absolute path whose last name is not resolved: it is no link, or was refused."""
    head, name = os.path.split(path.rstrip(b"/"))
    if name in {b"", b".", b".."}:
        return os.path.realpath(path)
    return os.path.realpath(head or b".").rstrip(b"/") + b"/" + name


def _mountinfo() -> bytes:
    try:
        return MOUNTS.read_bytes()
    except OSError:
        return b""  # not Linux, or no /proc: the header says null


def find_mount(text: bytes, path: bytes) -> dict[str, str] | None:
    """Return the mount that a path lies on, from the text of mountinfo; None where none fits.

    Source: proc_pid_mountinfo(5).
    """
    best: tuple[int, dict[str, str]] | None = None
    for line in text.splitlines():
        fields = line.split(b" ")
        if len(fields) < 10 or b"-" not in fields[6:]:
            continue
        place = _unescape(fields[4])
        if place not in {b"/", path} and not path.startswith(place + b"/"):
            continue
        if best is not None and len(place) < best[0]:
            continue  # of two on one place the later one covers the earlier
        dash = fields.index(b"-", 6)
        if len(fields) < dash + 4:
            continue
        options = _options(fields[5], fields[dash + 3])
        mount = {"device": _text(fields[dash + 2]), "fs_type": _text(fields[dash + 1]), "options": _text(options)}
        best = (len(place), mount)
    return None if best is None else best[1]


def _options(own: bytes, file_system: bytes) -> bytes:
    """Join the options of the mount and of the file system, each once."""
    seen = dict.fromkeys(own.split(b","))
    seen.update(dict.fromkeys(option for option in file_system.split(b",") if option != b"rw" or b"ro" not in seen))
    return b",".join(seen)


def _unescape(text: bytes) -> bytes:
    """Undo the octal escapes of blank, tab, newline and backslash."""
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), text)


def _text(field: bytes) -> str:
    """Return a field as text that fits its member: bad bytes escaped, the end cut off."""
    data = _unescape(field).decode(errors="backslashreplace").encode()
    return data[:MAX_STRING].decode(errors="ignore")
