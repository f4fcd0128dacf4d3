"""What a person states about a seizure: a TOML file becomes fields of the `acquire` event, and the template for it.

Source: specs/events.json, type `acquire`.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time
from typing import Any

from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.values import moment
from evidencekit.errors import BadArgument, FormatError

_FIELDS = EVENT_TYPES["acquire"].fields
_BY_PROGRAM = frozenset({"digests", "finished_at", "request", "started_at", "tool"})
STATED = {name: item for name, item in _FIELDS.items() if name not in _BY_PROGRAM}
"""Fields that a person may state; the program states the others."""
_EXAMPLES = {
    "acquisition_type": '"logical"',
    "authority": '{ type = "search warrant", number = "24-117", issuer = "District Court", date = 2026-11-20, '
    'scope = "all storage media", valid_until = 2026-12-20 }',
    "bag": '"B-000123"',
    "clock_reference": "{ device_clock = 2026-11-21T09:00:00+01:00, reference_clock = 2026-11-21T09:00:07+01:00, "
    'offset_ms = "-7000", method = "radio clock" }',
    "condition": '"switched off, screen cracked"',
    "description": '"USB stick, black"',
    "device_state": '{ power = "off", lock = "unknown", encryption = "unknown" }',
    "identifiers": '["IMEI 490154203237518"]',
    "legal_channel": '"order"',
    "make": '"SanDisk"',
    "marks": '["privileged"]',
    "measure": '"copy"',
    "model": '"Ultra"',
    "notes": '"…"',
    "owner_present": "true",
    "photos": f'["{"0" * 64}"]',
    "physical_seals": '["S-4711"]',
    "place": '"12 Example Street, ground floor, study"',
    "quantity": "1",
    "receipt_given": "true",
    "seized_at": "{ start = 2026-11-21T09:10:00+01:00, end = 2026-11-21T09:25:00+01:00 }",
    "seized_by": '["A. Examiner"]',
    "seized_from": '"B. Holder"',
    "serial": '"4C530001"',
    "source_geometry": '"62,333,952 sectors of 512 bytes"',
    "unavoidable_change": '{ what = "…", who = "…", why = "…" }',
    "witnesses": '["C. Witness"]',
    "write_block": '{ make = "Tableau", model = "T8u", serial = "…", tested_on = 2026-11-01 }',
}


def read_particulars(data: bytes, place: str) -> dict[str, Any]:
    """Return the event fields that a TOML file states.

    Dates with a time need an offset; whole days stand as days; numbers become decimal text.

    Raises:
        BadArgument: U220 not TOML, U221 a field that is not known or not of its form.
    """
    try:
        stated = tomllib.loads(data.decode("utf-8-sig"))  # some editors begin a file with a byte order mark
    except ValueError as error:  # UTF-8, TOML, and a number of thousands of digits
        raise BadArgument(
            f"{place} is not TOML: {error}.", code="U220", hint="See `evidencekit init --template`."
        ) from error
    fields: dict[str, Any] = {}
    for name, value in stated.items():
        if name not in STATED:
            raise BadArgument(f"{place}: no field {name!r}.", code="U221", hint="See `evidencekit init --template`.")
        try:
            fields[name] = _record_value(value, name)
            STATED[name].form.check(fields[name], name)
        except FormatError as error:
            raise BadArgument(
                f"{place}: {error.message}", code="U221", hint="See `evidencekit init --template`."
            ) from error
    return fields


def template() -> str:
    """Return a commented TOML file with every field that can be stated."""
    lines = [
        "# Particulars of a seizure, for `evidencekit acquire … --authority FILE`.",
        "# Remove the # before a field to state it. What is not stated is recorded as not stated.",
    ]
    for need, title in (
        ("M", "Expected by practice: what is missing is named in every report"),
        ("R", "Where it applies"),
        ("essential", "Set by the program unless stated"),
    ):
        lines += ["", f"# --- {title} ---"]
        for name, item in sorted(STATED.items()):
            if item.need == need:
                lines.append(f"# {name} = {_EXAMPLES[name]}   # {item.doc}")
                if item.form.name.startswith(("one of", "array of one of")):
                    lines.append(f"#     {item.form.name}")
    return "\n".join(lines) + "\n"


def _record_value(value: object, place: str) -> Any:
    if isinstance(value, dict):
        return {key: _record_value(member, f"{place}.{key}") for key, member in value.items()}
    if isinstance(value, list):
        return [_record_value(member, f"{place}[{number}]") for number, member in enumerate(value)]
    if isinstance(value, datetime):
        return _instant(value, place)
    if isinstance(value, date):
        midnight = datetime.combine(value, time(), tzinfo=UTC)
        return moment(_nanoseconds(midnight), precision="day")
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return str(value)
    raise FormatError(place, expected="text, a whole number, a date, true or false", found=type(value).__name__)


def _instant(value: datetime, place: str) -> dict[str, Any]:
    offset = value.utcoffset()
    if offset is None:
        raise FormatError(place, expected="a time with its offset, as 2026-11-21T09:10:00+01:00", found=str(value))
    precision = "s" if value.microsecond == 0 else "ns"
    try:
        return moment(_nanoseconds(value), utc_offset_min=int(offset.total_seconds() // 60), precision=precision)
    except FormatError as error:  # the offset leads out of the years that there are
        raise FormatError(place, expected=error.expected, found=error.found) from error


def _nanoseconds(value: datetime) -> int:
    since = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
