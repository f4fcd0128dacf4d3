"""What this computer tells of itself before a seizure: its battery, and whether its clock can be right.

Promises: read-only; what a system does not tell is unknown, and warns of nothing.
Source: Linux Documentation/ABI/testing/sysfs-class-power.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

POWER = Path("/sys/class/power_supply")
EARLIEST = 1_767_225_600 * 1_000_000_000
"""2026-01-01T00:00:00Z: no clock that is right shows less."""
_MAX = 64


class Battery(NamedTuple):
    """A battery that runs this computer."""

    percent: int
    is_draining: bool


def battery(power: Path = POWER) -> Battery | None:
    """Return the battery that has least; None where there is none, or nobody tells. `power`: where they are listed."""
    try:
        supplies = sorted(power.iterdir())
    except OSError:
        return None
    found = [one for supply in supplies if (one := _battery(supply)) is not None]
    return min(found, default=None)


def clock_is_before(now: int, *known: int) -> bool:
    """Tell whether a clock shows less than it can, or less than what is recorded already (nanoseconds since 1970)."""
    return now < max(EARLIEST, *known) if known else now < EARLIEST


def _battery(supply: Path) -> Battery | None:
    percent = _read(supply / "capacity")
    # the battery of a mouse or pen has the scope "Device"
    if _read(supply / "type") != "Battery" or _read(supply / "scope") == "Device" or not percent.isdigit():
        return None
    return Battery(int(percent), _read(supply / "status") == "Discharging")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX).decode(errors="replace").strip()
    except OSError:
        return ""
