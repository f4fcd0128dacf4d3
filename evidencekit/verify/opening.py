"""Steps 1 and 7: `case.json` and event 0, which repeats it; the log's name and keys come from there.

Source: specs/verification.md section 1 steps 1 and 7, specs/store.md section 2, specs/checkpoint.md point 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evidencekit.core import layout
from evidencekit.core.checkpoint import check_origin
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.note import ED25519, MLDSA44, VerifierKey, parse_vkey
from evidencekit.core.records import CASE, OPENING
from evidencekit.core.values import short
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.signature import check_ed25519_public_key
from evidencekit.verify.run import Run


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The two keys of a log; their name is its origin."""

    ed25519: VerifierKey
    mldsa44: VerifierKey


@dataclass(slots=True)
class Opening:
    """What the case says of itself: event 0 where it can be read, else case.json."""

    case: str | None = None
    """Identity, base64."""
    origin: str | None = None
    keys: LogKeys | None = None
    has_faults: bool = False
    """Whether event 0, or the record that repeats it, names a log or keys that are none."""


def check_opening(run: Run) -> Opening:
    """Carry out step 1, and the part of step 7 that is about event 0."""
    data = run.read(layout.CASE_FILE)
    record = None if data is None else run.decode(data, CASE, layout.CASE_FILE)
    if record is not None:
        run.did("case_file")
    event = read_event_0(run)
    body = body_of_opening(event)
    opening = opened_by(run, (event or record or {}).get("case"), body, layout.CASE_FILE, record)
    if record is not None and event is not None and not opening.has_faults:
        _compare(run, record, event["case"], body)
    return opening


def opened_by(
    run: Run, case: str | None, body: dict[str, Any] | None, other: str | None, record: dict[str, Any] | None
) -> Opening:
    """Return what event 0's body says, else the `record` that repeats it.

    It lies at `other`; None: its faults are said elsewhere.
    """
    opening = Opening(case=case)
    first = next((source for source in (body, record) if source is not None), None)
    if first is None:
        return opening
    opening.origin = first["origin"]
    for where, source, prefix in ((layout.event_file(0), body, "body."), (other, record, "")):
        if source is None:
            continue
        try:
            check_origin(source["origin"])
            keys = parse_log_keys(source["log_keys"], source["origin"])
        except FormatError as error:
            opening.has_faults = True
            if where is not None:
                run.malformed(where, FormatError(prefix + error.place, expected=error.expected, found=error.found))
            continue
        if opening.keys is None:
            opening.keys = keys
    return opening


def body_of_opening(event: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the body of event 0, None where it is not one that this version knows."""
    return None if event is None or event["type"] != "open" or not knows_type(event) else event["body"]


def read_event_0(run: Run) -> dict[str, Any] | None:
    """Return event 0 where it can be read. Its faults are found in step 3."""
    try:
        return decode_event(run.record.read(layout.event_file(0), layout.MAX_RECORD_FILE))
    except (CannotFinish, FormatError):
        return None


def _compare(run: Run, record: dict[str, Any], case: str, body: dict[str, Any] | None) -> None:
    """Event 0 repeats case.json: each member that differs is a finding."""
    if record["case"] != case:
        run.find("E104", layout.CASE_FILE, f"case {short(case)}", f"case {short(record['case'])}", step=7)
    for name in OPENING if body is not None else ():
        if body is not None and record[name] != body[name]:
            expected, found = f"{name} {short(body[name])}", f"{name} {short(record[name])}"
            run.find("E104", layout.CASE_FILE, expected, found, step=7)


def parse_log_keys(texts: list[str], origin: str) -> LogKeys:
    """Return the keys of a log: Ed25519, then ML-DSA-44, both named by the origin.

    Raises:
        FormatError: other keys.
    """
    if len(texts) != 2:
        raise FormatError("log_keys", expected="two keys", found=str(len(texts)))
    first, second = (parse_vkey(text) for text in texts)
    if (first.kind, second.kind) != (ED25519, MLDSA44):
        found = f"0x{first.kind:02x} and 0x{second.kind:02x}"
        raise FormatError("log_keys", expected="types 0x01 and 0x06", found=found)
    for key in (first, second):
        if key.name != origin:
            raise FormatError("log_keys", expected=f"the origin {short(origin)} as name", found=short(key.name))
    fault = check_ed25519_public_key(first.key)
    if fault:
        raise FormatError("log_keys", expected="a key that every verifier accepts alike", found=fault)
    return LogKeys(first, second)
