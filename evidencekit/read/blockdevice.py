"""What the system knows of a block device without opening it: its size, whether it can be written, what lies on it.

Linux only: elsewhere nothing is known. Source: Documentation/ABI/stable/sysfs-block of Linux.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

SYSTEM = Path("/sys/dev/block")
_SECTOR = 512  # of sysfs, whatever the device has
_DEEPEST = 16
_VIRTUAL = ("vd", "xvd")
MOST_FIT = 8
"""Processes that are started unasked: more wait for the medium, in all that was measured."""


class BlockDevice(NamedTuple):
    """A block device."""

    size: int | None
    """Bytes; None where the system does not tell."""
    read_only: bool | None
    """True where the system does not write to it, as behind a write blocker that says so; None where it is not told."""
    numbers: frozenset[int]
    """As `st_rdev`: its own, those of its partitions, and of what is built on them (RAID, LVM, encryption)."""


def block_device(number: int, *, system: Path = SYSTEM) -> BlockDevice:
    """Return what is known of the device with a number (`st_rdev`); `system` is where Linux lists devices by number."""
    place = _place(number, system)
    sectors, read_only = _number(place / "size"), _number(place / "ro")
    return BlockDevice(
        None if sectors is None else sectors * _SECTOR,
        None if read_only is None else read_only == 1,
        frozenset({number} | _on_top_of(place, _DEEPEST)),
    )


def is_unlisted(number: int, *, system: Path = SYSTEM) -> bool:
    """Tell whether a device with a number (`st_dev` of a file on it) was taken away; False where nobody knows.

    File systems without a device of their own (btrfs, NFS, FUSE) have numbers that say nothing.
    """
    return os.major(number) > 0 and system.is_dir() and not _place(number, system).exists()


def is_rotating(number: int, *, system: Path = SYSTEM) -> bool | None:
    """Tell whether what has this number (`st_dev` of a file on it, or `st_rdev`) lies on a disk that turns.

    None where nobody knows: Linux calls loop devices and those of virtual machines so, whatever they lie on.
    """
    return _turns(_place(number, system), system, _DEEPEST)


def _turns(place: Path, system: Path, depth: int) -> bool | None:
    if (place / "partition").exists():
        place = place.resolve().parent
    below = [_turns(place, system, depth - 1) for place in place.glob("slaves/*")] if depth else []
    backing = _line(place / "loop/backing_file")
    if backing and depth:
        try:
            below = [_turns(_place(Path(backing).stat().st_dev, system), system, depth - 1)]
        except OSError:
            return None
    if below:
        return any(below) if None not in below or any(below) else None
    if not (place / "device").exists() or place.resolve().name.startswith(_VIRTUAL):
        return None
    turns = _number(place / "queue/rotational")
    return None if turns is None else turns == 1


def fit_jobs(rotating: bool | None, *, cores: int | None = None) -> int:
    """Return how many processes read best: one where a disk would have to seek, else one a core, up to 8."""
    if rotating:
        return 1
    if cores is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, MOST_FIT))


def _place(number: int, system: Path) -> Path:
    return system / f"{os.major(number)}:{os.minor(number)}"


def _on_top_of(place: Path, depth: int) -> set[int]:
    """Return the numbers of partitions and holders, and of theirs."""
    found: set[int] = set()
    for pattern in ("*/partition", "holders/*/dev") if depth else ():
        for file in place.glob(pattern):
            number = _device_number(file.parent / "dev")
            if number is not None:
                found |= {number} | _on_top_of(file.parent, depth - 1)
    return found


def _number(file: Path) -> int | None:
    text = _line(file)
    return int(text) if text.isdecimal() else None


def _device_number(file: Path) -> int | None:
    major, _, minor = _line(file).partition(":")
    return os.makedev(int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None


def _line(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
