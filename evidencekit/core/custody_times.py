"""What times say: entries that came late or too early, loans that are overdue, clocks that do not add up. Pure.

The order of the log never rests on them. Source: specs/custody-log.md section 4 points 2 to 4.
"""

from __future__ import annotations

import re
from typing import Any

from evidencekit.core.custody_state import Custody, Remark
from evidencekit.core.values import MOMENT_UNITS, format_instant, parse_instant
from evidencekit.errors import FormatError

_SECOND = 1_000_000_000
LATE = 3600 * _SECOND
"""From here on an entry is late, in nanoseconds."""
AHEAD = 300 * _SECOND
"""What clocks may differ by."""
_DAY_MS = 86_400_000
_OFFSET = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z")


def latest(moment: dict[str, Any]) -> str:
    """Return the last instant that a moment can mean: its precision says how much later than its first that is."""
    time: str = moment["time"]
    if moment["precision"] == "ns":
        return time
    try:
        return format_instant(parse_instant(time) + MOMENT_UNITS[moment["precision"]] - 1)
    except FormatError:  # the last day of the year 9999
        return time


def entry_remarks(event: dict[str, Any], recorded_at: str) -> list[Remark]:
    """Return what is to be said of an event of the time `recorded_at` of its entry: W914 late, W915 ahead of it."""
    occurred, recorded = event["occurred_at"], parse_instant(recorded_at)
    if parse_instant(latest(occurred)) < recorded - LATE:
        return [Remark("W914", "", f"within an hour of {occurred['time']}", f"recorded at {recorded_at}")]
    if parse_instant(occurred["time"]) > recorded + AHEAD:
        return [Remark("W915", "", f"a time before {recorded_at}, when it was recorded", occurred["time"])]
    return []


def clock_remarks(event: dict[str, Any]) -> list[Remark]:
    """Return W920 where a comparison of clocks contradicts itself, or the device's clock is off by more than a day."""
    clock = event["body"].get("clock_reference", {})
    stated = clock.get("offset_ms")
    if stated is not None and not _OFFSET.match(stated):
        return [Remark("W920", "", "offset_ms in milliseconds", stated)]
    offset = None if stated is None else int(stated)
    if "device_clock" in clock and "reference_clock" in clock:
        device, reference = clock["device_clock"], clock["reference_clock"]
        found = (parse_instant(device["time"]) - parse_instant(reference["time"])) // 1_000_000
        slack = max(MOMENT_UNITS[device["precision"]], MOMENT_UNITS[reference["precision"]], _SECOND) // 1_000_000
        if offset is not None and abs(offset - found) > slack:
            expected = f"offset_ms {found}, device clock {device['time']} less reference clock {reference['time']}"
            return [Remark("W920", "", expected, f"offset_ms {offset}")]
        offset = found if offset is None else offset
    if offset is not None and abs(offset) > _DAY_MS:
        return [Remark("W920", "", "a device clock within a day of the reference", f"off by {offset} ms")]
    return []


def end_remarks(state: Custody, now: str | None) -> list[tuple[int, Remark]]:
    """Return what is open at the end of a log, each with its entry: W911 offers, and by the time `now` W919 loans."""
    found = []
    for item in state.items.values():
        offer, out = item.offer, item.out
        if offer is not None:
            asked = f"an answer of {offer.to.id} {offer.to.key}"
            found.append((offer.entry, Remark("W911", item.exhibit, asked, "none yet")))
        if out is not None and out.due is not None and now is not None and out.due < now and item.ended is None:
            with_whom = f"with {out.to.id} {out.to.key} ({out.kind}) at {now}"
            found.append((out.entry, Remark("W919", item.exhibit, f"back by {out.due}", with_whom)))
    return found
