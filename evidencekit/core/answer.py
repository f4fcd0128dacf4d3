"""The record of an answer to a request: what was done, what was not and why, how long the data is kept. Pure.

Promise: what `decode_answer` accepts re-encodes to the same bytes. What is not known is absent.
Source: specs/cooperation.md section 7.2.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core import encoding
from evidencekit.core.request import IDENTIFIER_TYPES, LANGUAGE, PROSE, REACHED, STATE, TEXT, form_of
from evidencekit.core.schema import MOMENT, Record, array, base64_bytes, hexadecimal, one_of
from evidencekit.errors import FormatError

ANSWER_TYPE = "evidencekit/answer/1"
TAKEN, EXECUTED, PARTIAL, REFUSED = "received", "executed", "partial", "refused"
OUTCOMES = (TAKEN, EXECUTED, PARTIAL, REFUSED)
"""It is being dealt with; all of it was done; some of it was; nothing of it will be."""
IDENTIFIER_STATES = ("preserved", "produced", "not_found", "refused")
_IDENTIFIER = Record(
    None,
    required={"state": one_of(*IDENTIFIER_STATES), "type": one_of(*IDENTIFIER_TYPES), "value": TEXT},
    optional={"note": TEXT},
).form("identifier {type, value, state, note}")
_HOLD = Record(None, required={"name": TEXT}, optional={"until": MOMENT}).form("hold {name, until}")
_HOLDER = Record(None, required={"name": TEXT}, optional={"contact": TEXT, "state": STATE}).form(
    "holder {name, state, contact}"
)


def _check_ground(value: Any, place: str) -> None:  # noqa: ARG001 (the place of the whole record is empty)
    if value["outcome"] in {PARTIAL, REFUSED} and "ground" not in value:
        raise FormatError("ground", expected=f"why, where the outcome is {value['outcome']}", found="none")


ANSWER = Record(
    ANSWER_TYPE,
    required={"dated": MOMENT, "nonce": base64_bytes(16), "outcome": one_of(*OUTCOMES), "request": hexadecimal()},
    optional={
        "authority": form_of(REACHED, "authority"),
        "ground": PROSE,
        "holds": array(_HOLD, least=1),
        "identifiers": array(_IDENTIFIER, least=1),
        "language": LANGUAGE,
        "note": PROSE,
        "other_holder": _HOLDER,
        "packages": array(hexadecimal(), least=1, distinct=True),
        "risk": PROSE,
        "ticket": TEXT,
    },
    rules=(_check_ground,),
)


def encode_answer(record: dict[str, Any]) -> bytes:
    """Return the canonical bytes of an answer.

    Raises:
        FormatError: a member outside the schema; over 60,000 bytes (code F102).
    """
    ANSWER.check(record)
    return encoding.encode(record)


def decode_answer(data: bytes) -> dict[str, Any]:
    """Return the answer that `data` spells.

    Raises:
        FormatError: another spelling, another schema, over 60,000 bytes.
    """
    record = encoding.decode(data)
    ANSWER.check(record)
    return record
