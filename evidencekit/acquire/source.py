"""The source of an acquisition: what it is, where it is mounted, whether reading it leaves it alone.

Source: specs/manifest.md section 7 (`source`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidencekit.core.mounts import Mount, mount_of, parse_mounts
from evidencekit.core.schema import MAX_STRING
from evidencekit.core.values import display, name_member
from evidencekit.errors import CannotFinish, Refused
from evidencekit.read.blockdevice import SYSTEM, block_device, fit_jobs, is_rotating
from evidencekit.read.handles import open_parent, unreachable

_UUIDS = frozenset({"ext2", "ext3", "ext4", "btrfs"})
"""File systems whose number is made of their UUID, the same at each mount."""
MOUNTS = Path("/proc/self/mountinfo")
_INVENTED = frozenset({b"vfat", b"msdos", b"exfat", b"9p", b"virtiofs", b"overlay", b"cifs", b"smb3", b"vboxsf"})
"""File systems whose inode numbers are, or may be, made up anew at each mount; FUSE and its kinds beside them."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder, a file or a block device that is to be taken."""

    path: Path
    """As the operator named it."""
    real: bytes
    """The absolute path, links on the way to it resolved."""
    kind: str
    """`directory`, `file` or `block_device`."""
    mount: dict[str, str] | None
    """Device, file system and options of the mount it lies on (a device: of the one it is mounted as), if there is one
    and the system tells."""
    read_only: bool | None
    """True where the mount, or the device that is the source, cannot be written; None where nobody knows."""
    mounted_writable: bool
    """True where somebody may write while it is read: it is not read-only, or something on it is mounted to write."""
    inode_is_stable: bool
    """False where the inode numbers may be others after the next mount: then they do not tell which file is which."""
    devices: frozenset[int] = frozenset()
    """Of a block device: the `st_dev` of all that lies on it."""

    def identity(self) -> dict[str, Any]:
        """Return by what it is known again after an interruption: where it lies, on which file system, its own inode.

        Of a device's number and name nothing is said: after a restart they may be others.
        """
        known: dict[str, Any] = {"kind": self.kind, **name_member("path", self.real)}
        if self.kind != "block_device" and self.mount is not None:
            known["fs_type"] = self.mount["fs_type"]
            if self.inode_is_stable:
                known["inode"] = str(os.lstat(self.real).st_ino)
            if self.mount["fs_type"] in _UUIDS:
                known["file_system"] = str(os.statvfs(self.real).f_fsid)
        return known

    def fit_jobs(self) -> int:
        """Return how many processes read it best."""
        status = os.lstat(self.real)
        number = status.st_rdev if self.kind == "block_device" else status.st_dev
        return fit_jobs(is_rotating(number))

    def record(self, *, host: str | None, touched: bool) -> dict[str, Any]:
        """Return the header's `source`; `touched` says that an access time may have moved."""
        # The node of a device lies on another mount than the one that is read-only.
        still = self.read_only and self.kind != "block_device"
        return {
            "atime": "read_only_mount" if still else "may_change" if touched else "untouched",
            "host": host,
            "kind": self.kind,
            "mount": self.mount,
            **({} if self.read_only is None else {"read_only": self.read_only}),
            **name_member("path", self.real),
        }


def look_at(path: Path, *, mounts: bytes | None = None, system: Path = SYSTEM) -> Source:
    """Return the facts of a source.

    `mounts` is the text of mountinfo (None: the system's own, where it has one), `system` where devices are listed.

    Raises:
        CannotFinish: X430 not there, X431 cannot be looked at, X432 a symbolic link, X433 neither folder nor file nor
            block device, X435 not on this system.
    """
    parent, name = open_parent(path)
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        is_read = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
        file_system = os.statvfs(path) if is_read else None
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
    known = list(parse_mounts(_mountinfo() if mounts is None else mounts))
    real = _real(os.fsencode(path))
    if stat.S_ISBLK(status.st_mode):
        return _device(path, real, status.st_rdev, known, system)
    if file_system is None:
        raise CannotFinish(
            f"{shown} is neither a folder nor a file nor a block device.",
            code="X433",
            hint="Image it to a file first, with a tool made for that.",
            path=path,
        )
    mount = mount_of(known, real)
    read_only = bool(file_system.f_flag & os.ST_RDONLY)
    return Source(
        path,
        real,
        "directory" if stat.S_ISDIR(status.st_mode) else "file",
        None if mount is None else _record(mount),
        read_only,
        mounted_writable=not read_only,
        inode_is_stable=mount is not None and not _invents_inodes(mount.fs_type),
    )


def _device(path: Path, real: bytes, number: int, mounts: Sequence[Mount], system: Path) -> Source:
    device = block_device(number, system=system)
    # A file system of several devices (btrfs) has a number of its own: then its device's path tells.
    own = [mount for mount in mounts if os.makedev(*mount.number) == number or mount.device == real]
    written = any(mount.writable for mount in mounts if os.makedev(*mount.number) in device.numbers or mount in own)
    return Source(
        path,
        real,
        "block_device",
        _record(own[-1]) if own else None,
        device.read_only,
        mounted_writable=written or not device.read_only,
        inode_is_stable=False,  # the node is made anew whenever the device appears
        devices=device.numbers | {os.makedev(*mount.number) for mount in own},
    )


def refuse_on_device(source: Source, place: Path) -> None:
    """Raise Refused where something would be written to a file system of the very device that is the source.

    Raises:
        Refused: R506.
    """
    real = Path(os.path.realpath(place))
    nearest = next(folder for folder in (real, *real.parents) if folder.exists())
    if nearest.stat().st_dev in source.devices:
        raise Refused(
            f"{display(os.fsencode(place))} lies on the source {display(source.real)}.",
            code="R506",
            hint="Keep the case on another medium.",
            path=place,
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


def _invents_inodes(fs_type: bytes) -> bool:
    return fs_type in _INVENTED or fs_type.startswith(b"fuse")


def _record(mount: Mount) -> dict[str, str]:
    return {
        "device": _text(mount.device),
        "fs_type": _text(mount.fs_type),
        "options": _text(mount.options),
    }


def _text(field: bytes) -> str:
    """Return a field as text that fits its member: bad bytes escaped, the end cut off."""
    data = field.decode(errors="backslashreplace").encode()
    return data[:MAX_STRING].decode(errors="ignore")
