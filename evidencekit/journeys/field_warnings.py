"""What should be known before a device is taken: warnings that matter, each the name of a text and what fills it.

Promises: read-only, quick; what nobody can know warns of nothing. Nothing here refuses.
Source: specs/field.md section 6.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from evidencekit.acquire.source import look_at
from evidencekit.core.typed_time import parse_moment
from evidencekit.core.values import display, parse_instant
from evidencekit.errors import EvidenceError
from evidencekit.field.facts import offset_ms
from evidencekit.field.machine import Battery, clock_is_before
from evidencekit.field.sitting import Answers, applying
from evidencekit.field.table import Table
from evidencekit.write.space import Room

LEAST_PERCENT = 30
LEAST_FREE = 1 << 30
MOST_OFFSET_MS = 60_000
_DAY = 86_400 * 1_000_000_000
_VOLATILE = {"tmpfs", "ramfs"}
_MEBIBYTE = 1 << 20


class Warned(NamedTuple):
    """One warning."""

    text: str
    """Its name in section "field" of the catalogues."""
    values: dict[str, object]


def of_this_computer(*, battery: Battery | None, now: int, recorded: int) -> Iterator[Warned]:
    """Yield what is wrong with the computer itself; `recorded` is the newest time that the case has, or 0."""
    if battery is not None and battery.is_draining and battery.percent < LEAST_PERCENT:
        yield Warned("warn_battery", {"percent": battery.percent})
    if clock_is_before(now, recorded):
        yield Warned("warn_clock", {})


def of_places(case: Path, second: Path | None, room: type[Room] = Room) -> Iterator[Warned]:
    """Yield what is wrong with the media that are written to."""
    for place in (case, second):
        if place is None:
            continue
        try:
            found = room(place)
        except EvidenceError:
            continue  # it is refused with all its reasons when it is written to
        shown = display(os.fsencode(place))
        if found.read_only:
            yield Warned("warn_read_only", {"path": shown})
        elif found.free is not None and found.free < LEAST_FREE:
            yield Warned("warn_space", {"mebibytes": found.free // _MEBIBYTE, "path": shown})
        if found.fs_type in _VOLATILE:
            yield Warned("warn_volatile", {"path": shown})
        if found.largest_file is not None:
            yield Warned("warn_fat", {"path": shown})
    if second is not None and _device(case) == _device(second):
        yield Warned("warn_same_medium", {"path": display(os.fsencode(second))})


def of_answers(table: Table, answers: Answers, *, now: int) -> Iterator[Warned]:
    """Yield what follows from the answers alone."""
    known = {key: one for key, one in applying(table, answers).items() if one.text is not None}
    texts = {key: one.text for key, one in known.items()}
    if texts.get("power") in {"on", "asleep"}:
        yield Warned("warn_running", {})
        if texts.get("isolation") == "connected":
            yield Warned("warn_connected", {})
    until = texts.get("authority_until")
    if until is not None and parse_instant(parse_moment(until, "day")["time"]) + _DAY <= now:
        yield Warned("warn_expired", {"day": until})
    if "host_clock" in known:
        ahead = offset_ms(answers, "host_clock", is_device=False)
        if abs(ahead) > MOST_OFFSET_MS:
            yield Warned("warn_clock_off", {"seconds": abs(ahead) // 1000})


def of_source(source: Path) -> Iterator[Warned]:
    """Yield what is wrong with the source: somebody may write to it, or it is what this computer runs from."""
    try:
        found = look_at(source)
    except EvidenceError:
        return  # refused with its reason
    shown = display(found.real)
    if found.mounted_writable:
        yield Warned("warn_writable", {"path": shown})
    if _device(source) == _device(Path("/")) or Path("/").stat().st_dev in found.devices:
        yield Warned("warn_system", {"path": shown})


def _device(place: Path) -> int | None:
    """Return the number of the device that a place lies on, or will."""
    real = Path(os.path.realpath(place))
    try:
        return next(folder for folder in (real, *real.parents) if folder.exists()).stat().st_dev
    except OSError:
        return None
