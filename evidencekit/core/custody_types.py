"""The types of events that say who had an item, where, in what state, and what was done with it.

Source: specs/custody-log.md section 4, specs/events.json.
"""

from __future__ import annotations

from evidencekit.core.event_forms import (
    ANY,
    CARRIED,
    CLOCK,
    OBJECT,
    PERSON,
    PHYSICAL,
    REASONED,
    REFERENCE,
    SOME_TEXTS,
    WITNESS,
    EventType,
    applying,
    each_item_once,
    essential,
    event_type,
    expected,
    physical,
)
from evidencekit.core.schema import (
    BOOL,
    COUNT,
    EXHIBIT,
    INSTANT,
    MOMENT,
    TEXT,
    Record,
    array,
    base64_bytes,
    hexadecimal,
    one_of,
)
from evidencekit.core.seizure import AUTHORITY, all_where_it_applies

_SELECTION = Record(
    None,
    required={"base_root": hexadecimal(), "list": OBJECT, "root": hexadecimal(), "rows": COUNT},
).form("selection {base_root, list: object, root, rows}")
PART = Record(None, required={"item": EXHIBIT}, optional={"description": TEXT, "selection": _SELECTION}).form(
    "part {item: exhibit, description: text, selection}"
)
REDUCED = Record(
    None,
    required={
        "file_sha256": hexadecimal(),
        "manifest": COUNT,
        "reduced": COUNT,
        "rows": COUNT,
    },
).form("reduced manifest {file_sha256, manifest, reduced, rows: number of rows erased in all}")
EXPORTED = Record(
    None, required={"item": EXHIBIT, "manifest": COUNT, "root": hexadecimal(), "rows": COUNT, "shown": COUNT}
).form("exported manifest {item, manifest, root, rows, shown: number of rows that the package shows}")
BASIS = Record(
    None,
    required={
        "amount": COUNT,
        "bound": one_of("least", "most"),
        "citation": TEXT,
        "instrument": TEXT,
        "limit": TEXT,
        "mark": one_of("confirmed", "unconfirmed"),
        "not_checked": array(TEXT),
        "skipped": array(TEXT),
        "start": INSTANT,
        "unit": one_of("hours", "days", "working_days"),
        "version": TEXT,
        "zone": TEXT,
    },
    optional={"calendar": TEXT},
).form(
    "basis {amount: count, bound, calendar, citation, instrument, limit, mark, not_checked: texts, skipped: texts, "
    "start: instant, unit, version, zone}"
)
"""What the end of a hold was computed from (specs/cooperation.md section 3.1)."""
_COMPUTED = {
    "basis": applying(BASIS, "what `until` was computed from; absent where a person stated it"),
    "request": applying(hexadecimal(), "SHA-256 of the request's file"),
}


CUSTODY_TYPES: dict[str, EventType] = {
    # --- finding and taking -----------------------------------------------------------------------------------
    "identify": physical(
        "identify",
        "the item is known, and nobody holds it yet",
        description=essential(TEXT, "what it is"),
    ),
    "collect": physical(
        "collect",
        "the item is known; its holder is the actor",
        description=expected(TEXT, "what it is"),
        device_clock=applying(CLOCK, "the seized device's clock against a reference"),
        legal_authority=applying(AUTHORITY, "the order in its parts"),
        **all_where_it_applies(),
    ),
    # --- keeping and moving within the same hands ---------------------------------------------------------------
    "physical_seal": physical(
        "physical_seal",
        "the seals are on the item",
        seals=essential(SOME_TEXTS, "seal numbers put on"),
    ),
    "physical_unseal": physical(
        "physical_unseal",
        "the seals are no longer on the item",
        seals=essential(SOME_TEXTS, "seal numbers taken off"),
    ),
    "store": physical("store", "none", location=applying(TEXT, "shelf, locker")),
    "transport": physical("transport", "none", destination=applying(TEXT, "where to"), **CARRIED),
    # --- working with it ----------------------------------------------------------------------------------------
    "view": physical("view", "none"),
    "analyse": physical("analyse", "none", report=applying(hexadecimal(), "SHA-256 of the report")),
    "redact": physical("redact", "none"),
    "translate": physical("translate", "none", languages=applying(TEXT, "from which language to which")),
    "copy": physical(
        "copy",
        "the parts are items of their own; their holder is the item's",
        parts=essential(array(PART, least=1), "the copies"),
    ),
    "split": event_type(
        "split",
        "the parts are items of their own; their holder is the item's",
        (each_item_once("parts", "part"),),
        **(PHYSICAL | {"parts": essential(array(PART, least=1), "what it was split into")}),
    ),
    "disclose": event_type(
        "disclose",
        "none: content was shown or given out, the item stays",
        **(
            REASONED
            | {
                "rows": applying(TEXT, "which rows"),
                "to": essential(TEXT, "to whom"),
                "use_limits": applying(TEXT, "what may be done with it"),
            }
        ),
    ),
    "export": event_type(
        "export",
        "none: a package was made, the item stays",
        **(
            REASONED
            | {
                "confidentiality": applying(TEXT, "who may know of it"),
                "contents": essential(array(EXPORTED, least=1), "of which sealed catalogues it shows how much"),
                "hash_only": essential(BOOL, "it has no content of any file"),
                "onward_transfer": applying(TEXT, "may the recipient pass it on, and to whom"),
                "package": essential(hexadecimal(), "SHA-256 of its evidence/package.json: the package digest"),
                "request": applying(hexadecimal(), "the request that it answers: SHA-256 of its record"),
                "to": applying(PERSON, "for whom it is"),
                "transfer": essential(base64_bytes(16), "its transfer, as package.json has it"),
                "use_limits": applying(TEXT, "what the recipient may do with it"),
            }
        ),
    ),
    "verify": event_type(
        "verify",
        "none: somebody checked, and says what came of it",
        **(
            ANY
            | {
                "program": applying(TEXT, "what it was checked with"),
                "report": applying(hexadecimal(), "SHA-256 of the report"),
                "result": essential(one_of("verified", "integrity_only", "failed", "not_checked"), "the verdict"),
            }
        ),
    ),
    "incident": event_type(
        "incident",
        "none",
        **(ANY | {"place": expected(TEXT, "where"), "what": essential(TEXT, "what happened")}),
    ),
    # --- its end ------------------------------------------------------------------------------------------------
    "dispose": physical(
        "dispose",
        "the item is no more",
        authority=essential(TEXT, "by what right"),
        method=essential(TEXT, "how"),
        released_to=applying(TEXT, "who took what is left"),
        witness=essential(array(WITNESS, least=1), "who saw it"),
    ),
    "release": physical("release", "the item went to its owner", to=essential(TEXT, "the owner")),
    "erase": event_type(
        "erase",
        "rows are known by their commitments alone: the reduced manifests stand for the full ones",
        **(
            REASONED
            | {
                "authority": essential(TEXT, "the order"),
                "manifests": essential(array(REDUCED, least=1), "the reduced manifests"),
                "objects": applying(COUNT, "copies that were removed"),
                "whole": expected(BOOL, "was everything of the item erased"),
            }
        ),
    ),
    # --- holds --------------------------------------------------------------------------------------------------
    "hold": event_type(
        "hold",
        "the item cannot be disposed of, released or erased",
        **(
            REASONED
            | {
                "hold": essential(TEXT, "name of the hold"),
                "instrument": applying(TEXT, "under which instrument"),
                "received_at": applying(MOMENT, "when the request was received"),
                "until": expected(MOMENT, "when it ends unless extended; a passed date alone ends no hold"),
                **_COMPUTED,
            }
        ),
    ),
    "extend": event_type(
        "extend",
        "the hold has a later end",
        **(
            REASONED
            | {
                "hold": essential(TEXT, "name of the hold"),
                "until": essential(MOMENT, "its new end"),
                **_COMPUTED,
            }
        ),
    ),
    "hold_release": event_type(
        "hold_release",
        "the hold is open no longer",
        **(REASONED | {"authority": essential(TEXT, "by what right"), "hold": essential(TEXT, "name of the hold")}),
    ),
    # --- about other events --------------------------------------------------------------------------------------
    "correct": event_type(
        "correct",
        "none: what an earlier event says is put right, and stays readable",
        **(
            ANY
            | {
                "corrects": essential(REFERENCE, "the event that is wrong"),
                "field": applying(TEXT, "what in it is wrong"),
                "text": essential(TEXT, "what is true"),
            }
        ),
    ),
}
