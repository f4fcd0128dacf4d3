"""What is said of a seizure, by whichever event: forms and words stand here once.

An `acquire` says it of what was read, a `collect` of a thing that is taken along, read or not.
Source: specs/custody-log.md section 4, specs/events.json.
"""

from __future__ import annotations

from evidencekit.core.event_forms import LEGAL_CHANNEL, Field, applying
from evidencekit.core.schema import BOOL, COUNT, MOMENT, TEXT, Form, array, one_of, some_of

AUTHORITY_MEMBERS = {
    "date": MOMENT,
    "issuer": TEXT,
    "number": TEXT,
    "scope": TEXT,
    "type": TEXT,
    "valid_until": MOMENT,
}
PERIOD_MEMBERS = {"end": MOMENT, "start": MOMENT}
STATE_MEMBERS = {
    "encryption": TEXT,
    "live_actions": TEXT,
    "lock": TEXT,
    "network_isolation": TEXT,
    "power": TEXT,
    "screen": TEXT,
}
CHANGE_MEMBERS = {"what": TEXT, "who": TEXT, "why": TEXT}
AUTHORITY = some_of("authority", **AUTHORITY_MEMBERS)
PERIOD = some_of("period", **PERIOD_MEMBERS)
DEVICE_STATE = some_of("device state", **STATE_MEMBERS)
CHANGE = some_of("change", **CHANGE_MEMBERS)
SEIZURE: dict[str, tuple[Form, str]] = {
    "device_state": (DEVICE_STATE, "as found"),
    "identifiers": (array(TEXT, least=1), "IMEI, MAC, account …"),
    "legal_channel": (LEGAL_CHANNEL, "by what right it came"),
    "make": (TEXT, "manufacturer"),
    "marks": (array(one_of("out_of_scope", "privileged", "sensitive"), least=1, ascending=True), "marks"),
    "measure": (one_of("seize", "copy", "maintain_integrity", "render_inaccessible"), "Budapest 19(3)"),
    "model": (TEXT, "model"),
    "owner_present": (BOOL, "was the owner present"),
    "quantity": (COUNT, "pieces"),
    "receipt_given": (BOOL, "was a receipt given"),
    "seized_at": (PERIOD, "when it was seized"),
    "seized_by": (array(TEXT, least=1), "who seized it"),
    "seized_from": (TEXT, "person or organisation"),
    "serial": (TEXT, "serial number"),
    "unavoidable_change": (CHANGE, "what had to change"),
    "witnesses": (array(TEXT), "who was present to witness"),
}
"""Member of a body to its form and what it says."""


def seized(need: str, *names: str) -> dict[str, Field]:
    """Return fields of a body, of one need."""
    return {name: Field(need, *SEIZURE[name]) for name in names}


def all_where_it_applies() -> dict[str, Field]:
    """Return all of them for an event that need not be the seizure itself."""
    return {name: applying(form, doc) for name, (form, doc) in SEIZURE.items()}
