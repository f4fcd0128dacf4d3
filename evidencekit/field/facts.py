"""What the answers are in the record: the bodies of `collect`, `acquire` and `physical_seal`.

Promises: pure; what is not known is absent, so its name gets into `not_stated`; nothing is added that nobody said.
Source: specs/events.json, specs/field.md section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.typed_time import parse_moment
from evidencekit.core.values import moment, parse_instant
from evidencekit.field.answers import photos_of, value
from evidencekit.field.sitting import Answer, Answers, State, applying
from evidencekit.field.table import Question, Table

_MILLISECOND = 1_000_000
_BY_BOTH = frozenset({"bag", "notes", "place"})
_RENAMED = {"authority": "legal_authority", "clock_reference": "device_clock"}
"""Member of an `acquire` to that of a `collect` which says the same."""


def particulars(table: Table, answers: Answers) -> dict[str, Any]:
    """Return what the answers state of an `acquire` event."""
    body: dict[str, Any] = {}
    for key, answer in _known(table, answers).items():
        _put(body, table[key], answer)
    change = body.get("unavoidable_change")
    if change is not None:
        change["what"] = body["device_state"]["live_actions"]
        if (who := _text(answers, "officer")) is not None:
            change["who"] = who
    if "device_clock" in _known(table, answers):
        body["clock_reference"] = _clock(answers, "device_clock", is_device=True)
    if (taken_as := _text(_known(table, answers), "taken_as")) is not None:
        body["acquisition_type"] = taken_as
    return body


def collected(table: Table, answers: Answers) -> dict[str, Any]:
    """Return the body of the `collect` event: the thing, and all that is said of its seizure."""
    known = EVENT_TYPES["collect"].fields
    stated = particulars(table, {key: one for key, one in answers.items() if key != "source"})
    body = {_RENAMED.get(name, name): item for name, item in stated.items()}
    body = {name: item for name, item in body.items() if name in known}
    body |= _of_the_thing(table, answers, added=False)
    if (text := _text(answers, "photos")) is not None:
        body["attachments"] = [{"name": name, "sha256": sha256} for name, sha256 in photos_of(text)]
    if "host_clock" in _known(table, answers):
        body["clock_reference"] = _clock(answers, "host_clock", is_device=False)
    return body


def sealed_up(table: Table, answers: Answers) -> dict[str, Any] | None:
    """Return the body of the `physical_seal` event; None where no seal was put on."""
    text = _text(answers, "seals")
    seals = [] if text is None else value(table["seals"], text)
    if not seals:
        return None
    body = _of_the_thing(table, answers, added=True)
    for name in _BY_BOTH - {"notes"}:
        if (said := _text(answers, name)) is not None:
            body[name] = said
    return body | {"seals": seals}


def missing(table: Table, state: State) -> list[str]:
    """Return the questions about what practice calls mandatory that nobody could answer, or that the device spared."""
    counted = applying(table, state.answers)
    unknown = [key for key, answer in counted.items() if answer.text is None and table[key].need != "R"]
    is_spared = (
        "device_clock" not in counted and _text(counted, "source") is not None
    )  # `acquire` wants it, clock or not
    return [*unknown, "device_clock"] if is_spared else unknown


def authority_text(answers: Answers) -> str | None:
    """Return the legal authority in one line, as custody events have it."""
    said = (_text(answers, f"authority_{part}") for part in ("type", "number", "issuer"))
    return ", ".join(one for one in said if one is not None) or None


def offset_ms(answers: Answers, key: str, *, is_device: bool) -> int:
    """Return by how much a clock is ahead of its reference."""
    typed, answered = _nanoseconds(answers[key].text), answers[key].at
    ahead = typed - answered if is_device else answered - typed
    return round(ahead / _MILLISECOND)


def _clock(answers: Answers, key: str, *, is_device: bool) -> dict[str, Any]:
    """Return a comparison: what was typed, against this computer's clock at the moment of Enter."""
    typed = parse_moment(str(answers[key].text), key)
    answered = answers[key].at // _MILLISECOND * _MILLISECOND
    here = moment(answered, utc_offset_min=typed["utc_offset_min"], precision="ms")
    device, reference = (typed, here) if is_device else (here, typed)
    method = _text(answers, f"{key}_method")
    return {
        "device_clock": device,
        "offset_ms": str(offset_ms(answers, key, is_device=is_device)),
        "reference_clock": reference,
        **({} if method is None else {"method": method}),
    }


def _of_the_thing(table: Table, answers: Answers, *, added: bool) -> dict[str, Any]:
    """Return authority, purpose, condition and seals, before and after."""
    body: dict[str, Any] = {}
    if (authority := authority_text(answers)) is not None:
        body["authority"] = authority
    if (purpose := _text(answers, "purpose")) is not None:
        body["purpose"] = purpose
    if (condition := _text(answers, "condition")) is not None:
        body |= {"condition_after": condition, "condition_before": condition}
    if (found := _text(answers, "seals_found")) is not None:
        before = value(table["seals_found"], found)
        put_on = _text(answers, "seals") if added else None
        after = [] if put_on is None else value(table["seals"], put_on)
        body |= {"seals_after": sorted({*before, *after}), "seals_before": before}
    return body


def _put(body: dict[str, Any], question: Question, answer: Answer) -> None:
    if question.body and answer.text is not None:
        stated = value(question, answer.text)
        if stated == [] and question.need == "R":
            return  # none: of what need not be there that is no statement
        name, dot, member = question.body.partition(".")
        if dot:
            body.setdefault(name, {})[member] = stated
        else:
            body[name] = stated


def _known(table: Table, answers: Answers) -> Mapping[str, Answer]:
    return {key: one for key, one in applying(table, answers).items() if one.text is not None}


def _text(answers: Answers, key: str) -> str | None:
    answer = answers.get(key)
    return None if answer is None else answer.text


def _nanoseconds(text: str | None) -> int:
    return parse_instant(parse_moment(str(text), "clock")["time"])
