"""The straight path through a sitting: an answer for every question, and what goes wrong on the way."""

from __future__ import annotations

from evidencekit.field.sitting import Move, State, advance, current
from evidencekit.field.table import questions

TABLE = questions()
AT = 1_795_340_402_123_456_789
"""2026-11-22T09:40:02.123456789Z"""
ANSWERS = {
    "reference": "24-117", "agency": "Unit 7", "origin": None, "key": "/k/officer", "officer": "A. Examiner", "role": None,
    "second": None, "exhibit": "EX-001", "legal_channel": "order", "authority_type": "warrant", "authority_number": "7",
    "authority_issuer": "Court", "authority_date": "2026-11-20", "authority_scope": "all media", "authority_until": "2026-12-20",
    "purpose": "fraud", "place": "desk", "device": "phone", "power": "on", "screen": "lit", "lock": "locked",
    "encryption": "encrypted", "isolation": "airplane_mode", "live_actions": "airplane mode on", "change_why": "remote wipe",
    "device_clock": "2026-11-22T09:39:00+00:00", "device_clock_method": "by eye", "make": "Acme", "model": "P1",
    "serial": "S1", "identifiers": "IMEI 490154203237518", "quantity": "1", "description": "phone, black", "condition": "good",
    "photos": '[["p.jpg", "' + "ab" * 32 + '"]]', "seals_found": "0", "bag": "B-1", "seals": "S-1; S-2", "witnesses": "W. One; W. Two",
    "seized_by": "A. Examiner", "seized_from": "B. Holder", "owner_present": "yes", "host_clock": "2026-11-22T09:40:00+00:00",
    "host_clock_method": "radio", "measure": "seize", "seized_start": "2026-11-22T09:10:00+00:00", "source": "/media/p",
    "taken_as": "logical", "write_blocked": "no", "write_block_none": "a phone", "copies": "yes", "marks": "privileged; sensitive",
    "receipt_given": "yes", "notes": None, "seized_end": "2026-11-22T09:39:00+00:00",
    "write_block_make": "T", "write_block_model": "U", "write_block_serial": "V", "write_block_tested": "2026-11-01",
}  # fmt: skip
assert set(ANSWERS) == {one.key for one in TABLE}


def answer(state: State, *, answers=ANSWERS) -> tuple[State, Move]:
    """Answer the question that is asked now."""
    question = current(TABLE, state)
    move = Move("answer", question.key, answers[question.key], AT)
    return advance(TABLE, state, move), move


def to_the_review(state: State | None = None, *, answers=ANSWERS) -> State:
    state = State() if state is None else state
    while current(TABLE, state) is not None:
        state, _ = answer(state, answers=answers)
    return state
