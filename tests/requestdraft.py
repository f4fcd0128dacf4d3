"""A request that says all that any of our tables asks for, and a table of an instrument that nobody ever made."""

from __future__ import annotations

from evidencekit.core.request_draft import stated

NOW = 1_795_000_000 * 10**9
"""18 November 2026."""
REACHED = {
    "name": "Office of the prosecutor", "state": "FR", "representative": "A. Magistrate", "post": "prosecutor",
    "address": "1 Example Street, Lyon", "phone": "+33 4 72 60 70 12", "email": "office@justice.example",
    "hours": "09:00-17:00", "zone": "Europe/Paris", "languages": ["fr", "en"],
}  # fmt: skip
DRAFT = {
    "status": "new",
    "reference": "24-117/PR-3",
    "dated": "2026-11-17",
    "authority": REACHED,
    "validated_by": "the court",
    "to": REACHED | {"name": "24/7 contact point", "state": "RO"},
    "legal_grounds": "Code of procedure, article 60-2",
    "offence": {"name": "fraud", "provisions": ["Code, article 313-1"], "penalties": "five years"},
    "facts": "FACTS of the case",
    "categories": ["subscriber"],
    "identifiers": [{"type": "ip", "value": "203.0.113.7", "observed_at": "2026-10-03T14:22:07+02:00", "source_port": 51123}],
    "period": {"start": "2026-09-01T00:00:00Z", "end": "2026-10-05T00:00:00Z"},
    "relation": "RELATION of the data",
    "custodian": {"name": "Example Mail", "address": "2 Example Street", "contact": "legal@mail.example"},
    "location": "Bucharest",
    "necessity": "NECESSITY of it",
    "intent": "A request for assistance follows.",
    "linked": {"reference": "MLA-7"},
    "confidentiality": "Do not tell the user.",
    "hold": {"amount": 60, "unit": "days"},
    "reply": {"by": "2027-01-10", "manner": "by registered mail"},
    "instructions": "Sealed.",
    "nonce": "AAAAAAAAAAAAAAAAAAAAAA==",
}  # fmt: skip
INVENTED = """
id = "atlantis-7"
title = "Keeping of tablets, on another isle's request"
instrument = "Treaty of Atlantis"
citation = "Treaty of Atlantis, Chapter 7"
version = "-9600"
valid_from = 2020-01-01
mark = "unconfirmed"

[[limit]]
id = "hold"
of = "hold"
amount = 40
unit = "days"
bound = "least"
citation = "Treaty of Atlantis, Chapter 7(9)"
mark = "unconfirmed"
text = "Forty days."

[[field]]
name = "validated_by"
need = "required"
citation = "Treaty of Atlantis, Chapter 7(2)"
mark = "confirmed"
text = "the seal of the king"

[[field]]
name = "intent"
need = "omitted"
citation = "Treaty of Atlantis, Chapter 7(3)"
mark = "unconfirmed"
text = "nobody is told of it"

[[field]]
name = "emergency.reason"
need = "required"
when = "emergency"
citation = "Treaty of Atlantis, Chapter 7(4)"
mark = "unconfirmed"
text = "which wave it is"

[[field]]
name = "location"
need = "required"
or = "custodian.address"
citation = "Treaty of Atlantis, Chapter 7(5)"
mark = "unconfirmed"
text = "the isle"

[[category]]
name = "clay"
citation = "Treaty of Atlantis, Chapter 1"
mark = "confirmed"
text = "tablets of clay"
"""


def said(**changes):
    """What the full draft says, with changes; None takes a member away."""
    draft = DRAFT | changes
    return stated({name: value for name, value in draft.items() if value is not None})


def without(*places, **more):
    """What the full draft says, and more, without some places."""

    def cut(value, parts):
        if isinstance(value, list):
            return [cut(member, parts) for member in value]
        if len(parts) == 1:
            return {name: member for name, member in value.items() if name != parts[0]}
        return {name: cut(member, parts[1:]) if name == parts[0] else member for name, member in value.items()}

    draft = DRAFT | more
    for place in places:
        draft = cut(draft, place.split("."))
    return stated(draft)
