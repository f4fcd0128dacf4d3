"""How much a medium takes, asked before anything is written to it.

Promises: what a system does not tell is unknown, and refuses nothing. A quota that a file system does not count into
its free space is not seen here: then writing ends with X421.
Source: specs/store.md section 4; statvfs(3).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from evidencekit.core.mounts import mount_of, parse_mounts
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish
from evidencekit.write.durable import cannot_write

MOUNTS = Path("/proc/self/mountinfo")
_FAT = {"msdos", "vfat"}
_FAT_LARGEST = (4 << 30) - 1
# Whose drivers lie in the kernel and bring everything to a disk of this computer at one syncfs.
_LOCAL = {
    *("bcachefs", "btrfs", "ext2", "ext3", "ext4", "exfat", "f2fs", "hfsplus", "jfs", "msdos", "ntfs3", "overlay"),
    *("ramfs", "tmpfs", "udf", "vfat", "xfs", "zfs"),
}


class Room:
    """What there is room for at a place, which need not exist yet."""

    def __init__(
        self, path: Path, *, mounts: bytes | None = None, statvfs: Callable[[Path], os.statvfs_result] = os.statvfs
    ) -> None:
        """Ask the file system; `mounts` is the text of mountinfo (None: the system's own, where it has one).

        Raises:
            CannotFinish: X422, X423: it cannot be asked.
        """
        place = Path(os.path.realpath(path))
        try:
            while not place.exists():
                place = place.parent
            found = statvfs(place)
        except OSError as error:
            raise cannot_write(path, error) from error
        mount = mount_of(parse_mounts(_mountinfo() if mounts is None else mounts), os.fsencode(place))
        self.fs_type = "" if mount is None else mount.fs_type.decode(errors="backslashreplace")
        """As the system calls it; empty where it does not tell."""
        self.read_only = bool(found.f_flag & os.ST_RDONLY)
        unit = found.f_frsize or found.f_bsize
        self.free = _count(found.f_bavail, found.f_blocks, unit)
        """Bytes that a program without privileges may still write; None where the file system does not tell."""
        self.total = found.f_blocks * unit or None
        """Bytes of the whole file system, or None."""
        self.files = _count(found.f_favail, found.f_files, 1)
        """Files that can still be made, or None: many file systems know no such limit."""
        self.largest_file = _FAT_LARGEST if self.fs_type in _FAT else None
        """Bytes of the largest file that the file system can hold, where that is little; else None."""

    @property
    def syncs_at_once(self) -> bool:
        """Tell whether one call is known to bring all of the file system to the medium (`systems.linux_sync_all`)."""
        return self.fs_type in _LOCAL


def refuse_too_small(
    path: Path, need: int, largest: int, what: str, *, files: int = 0, room: Room | None = None
) -> None:
    """Raise where a place cannot take what is to be written to it.

    `need`: bytes in all; `largest`: bytes of the largest file; `files`: how many; `what` is named in the message, as in
    "the copies"; `room` as it was found before.

    Raises:
        CannotFinish: X422 the file system is read-only, X426 too little space, X427 too large a file for it.
    """
    room = Room(path) if room is None else room
    what, shown = what[:1].upper() + what[1:], display(os.fsencode(path))
    if room.read_only:
        raise CannotFinish(
            f"{shown} may not be written: its file system is read-only.",
            code="X422",
            hint="Mount it for writing, or use another disk.",
            path=path,
        )
    if room.largest_file is not None and largest > room.largest_file:
        raise CannotFinish(
            f"{what} have a file of {largest:,} bytes; {shown} is {room.fs_type}, which ends at {room.largest_file:,}.",
            code="X427",
            hint="Nothing was written. Use a medium with exFAT, NTFS or ext4.",
            path=path,
        )
    for needed, there, unit in ((need, room.free, "bytes"), (files, room.files, "files")):
        if there is not None and needed > there:
            raise CannotFinish(
                f"{what} need {needed:,} {unit}, and {shown} has room for {there:,}: {needed - there:,} too few.",
                code="X426",
                hint="Nothing was written. Make room, use a larger medium, or leave something out with --exclude.",
                path=path,
            )


def _count(available: int, total: int, unit: int) -> int | None:
    """Return what is available, None where the figures are none.

    Some FUSE file systems say zero of everything. A number above the total is a negative one: where more is reserved
    than is free, nothing is left for us.
    """
    if total == 0:
        return None
    return available * unit if available <= total else 0


def _mountinfo() -> bytes:
    try:
        return MOUNTS.read_bytes()
    except OSError:
        return b""  # not Linux, or no /proc
