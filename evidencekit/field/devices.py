"""What is attached to this computer and can be read: mounted media, and disks of which nothing is mounted.

Promises: read-only, no device is opened and no program started; what the system does not tell is unknown. On Linux
alone: elsewhere, nothing is found (and nobody ran it there). A system that runs from no disk that Linux names (from a
network, from ZFS) marks none as its own.
Source: proc_pid_mountinfo(5); Documentation/ABI/stable/sysfs-block of Linux; systemd's 60-persistent-storage.rules.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evidencekit.core.mounts import Mount, mount_of, parse_mounts
from evidencekit.read.blockdevice import SYSTEM, block_device

_SYSTEM = {
    *(b"/", b"/boot", b"/boot/efi", b"/home", b"/usr", b"/var"),
    *(b"/cdrom", b"/lib/live/mount/medium", b"/run/archiso/bootmnt", b"/run/initramfs/live", b"/run/live/medium"),
}
"""Where a system has itself mounted, a live one too."""
_NO_DISKS = ("dm-", "loop", "md", "ram", "zram")
"""What lies on a disk, or in memory."""
_BOOT = ("boot0", "boot1", "rpmb")
"""Parts of an eMMC beside its content."""
_BARE = ("dm-", "lvm-", "md-", "nvme-eui.", "scsi-", "wwn-")
"""Names of numbers that stand on no label."""


class Attached(NamedTuple):
    """A mounted medium, or a disk."""

    path: bytes
    """What an acquisition reads: the folder where it is mounted, or the node of the disk."""
    fs_type: str
    """As the system calls it; empty where nothing is mounted."""
    size: int | None
    free: int | None
    """Bytes; None where it is not told, or nothing is mounted."""
    read_only: bool | None
    removable: bool
    """It says so, or is attached by USB."""
    name: str
    """Maker, model and serial number, as far as the device tells; they may be anything, and empty."""
    is_system: bool = False
    """This computer runs from it."""
    is_case: bool = False
    """The case lies on it, or a copy of it."""

    @property
    def is_offered(self) -> bool:
        """Tell whether it may be what is to be taken."""
        return not (self.is_system or self.is_case)


@dataclass(frozen=True, slots=True)
class Places:
    """Where Linux says what is attached."""

    mounts: Path = Path("/proc/self/mountinfo")
    swaps: Path = Path("/proc/swaps")
    blocks: Path = Path("/sys/block")
    numbers: Path = SYSTEM
    names: Path = Path("/dev/disk/by-id")
    statvfs: Callable[[bytes], os.statvfs_result] = os.statvfs


class _Disk(NamedTuple):
    node: bytes
    numbers: frozenset[int]
    """Its own, those of its partitions, and of what is built on them."""
    size: int
    read_only: bool | None
    removable: bool
    name: str


def attached(cases: Sequence[Path], places: Places | None = None) -> list[Attached]:
    """Return what is attached: mounted media, disks of which nothing is mounted, then what is in use.

    `cases`: where the case lies, and its copies; they need not be there yet. A disk that holds one of them, or the
    system, is one entry, whatever is mounted of it.
    """
    places = places or Places()
    disks, nodes = _disks(places), _nodes(places)
    mounts = list({mount.place: mount for mount in parse_mounts(_bytes(places.mounts))}.values())  # the last on a place
    system = {_number(mount, nodes) for mount in mounts if mount.place in _SYSTEM} | _swaps(places, nodes)
    holding = (mount_of(mounts, os.fsencode(os.path.realpath(case))) for case in cases)
    case = {_number(mount, nodes) for mount in holding if mount is not None}
    in_use = [disk for disk in disks if disk.numbers & (system | case)]
    others = [disk for disk in disks if disk not in in_use]
    mounted = {_number(mount, nodes) for mount in mounts}
    return [
        *_media(mounts, others, nodes, places),
        *(_whole(disk) for disk in others if not disk.numbers & mounted),
        *(
            _whole(disk)._replace(is_system=bool(disk.numbers & system), is_case=bool(disk.numbers & case))
            for disk in in_use
        ),
    ]


def _media(
    mounts: Iterable[Mount], disks: Iterable[_Disk], nodes: Mapping[bytes, int], places: Places
) -> Iterator[Attached]:
    """Yield the file systems on some disks, each once; what can be written to at one of its places is writable."""
    by_number: dict[int, list[Mount]] = {}
    for mount in mounts:
        by_number.setdefault(_number(mount, nodes), []).append(mount)
    for number, same in by_number.items():
        disk = next((disk for disk in disks if number in disk.numbers), None)
        if disk is None:
            continue
        size, free = _room(same[0].place, places)
        fs_type = same[0].fs_type.decode(errors="backslashreplace")
        read_only = not any(mount.writable for mount in same)
        yield Attached(same[0].place, fs_type, size, free, read_only, disk.removable, disk.name)


def _whole(disk: _Disk) -> Attached:
    return Attached(disk.node, "", disk.size, None, disk.read_only, disk.removable, disk.name)


def _disks(places: Places) -> list[_Disk]:
    """Return the disks that have a medium in them."""
    names = _names(places.names)
    found = []
    for folder in _listed(places.blocks):
        number = _device_number(folder)
        if number is None or folder.name.startswith(_NO_DISKS) or folder.name.endswith(_BOOT):
            continue
        device = block_device(number, system=places.numbers)
        if device.size:
            by_usb = any(part.startswith("usb") for part in folder.resolve().parts)
            removable = by_usb or _bytes(folder / "removable").strip() == b"1"
            name = names.get(folder.name) or _model(folder)
            node = os.fsencode(f"/dev/{folder.name.replace('!', '/')}")
            found.append(_Disk(node, device.numbers, device.size, device.read_only, removable, name))
    return found


def _nodes(places: Places) -> dict[bytes, int]:
    """Return the numbers of disks, partitions and volumes by their paths.

    A file system of several devices (btrfs) has a number of its own, and one of these paths.
    """
    found = {}
    for disk in _listed(places.blocks):
        for folder in (disk, *(one.parent for one in disk.glob("*/partition"))):
            number = _device_number(folder)
            if number is not None:
                found[os.fsencode(f"/dev/{folder.name.replace('!', '/')}")] = number
                if mapped := _bytes(folder / "dm/name").strip():
                    found[b"/dev/mapper/" + mapped] = number
    return found


def _names(folder: Path) -> dict[str, str]:
    """Return the names that are made of maker, model and serial number, by the disk's own."""
    found: dict[str, str] = {}
    for link in _listed(folder):
        try:
            disk = os.path.basename(os.readlink(link))  # noqa: PTH115, PTH119
        except OSError:
            continue
        if not link.name.startswith(_BARE):
            found.setdefault(disk, link.name)
    return found


def _model(folder: Path) -> str:
    lines = (_bytes(folder / "device" / name).decode(errors="replace").strip() for name in ("vendor", "model", "name"))
    return " ".join(line for line in lines if line)


def _swaps(places: Places, nodes: Mapping[bytes, int]) -> set[int]:
    paths = (line.split()[0] for line in _bytes(places.swaps).splitlines() if line.strip())
    return {nodes[path] for path in paths if path in nodes}


def _number(mount: Mount, nodes: Mapping[bytes, int]) -> int:
    major, minor = mount.number
    return os.makedev(major, minor) if major else nodes.get(mount.device, os.makedev(major, minor))


def _room(place: bytes, places: Places) -> tuple[int | None, int | None]:
    """Return the bytes of a file system, and those that are free."""
    try:
        found = places.statvfs(place)
    except OSError:
        return None, None
    unit = found.f_frsize or found.f_bsize
    return found.f_blocks * unit or None, found.f_bavail * unit


def _device_number(folder: Path) -> int | None:
    major, _, minor = _bytes(folder / "dev").decode(errors="replace").strip().partition(":")
    return os.makedev(int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
