"""The types of events: what each must say, who signs, what it does; specs/events.json is printed from here.

Here stand those that open the log and seal; those of custody stand in `core/custody_types.py` and
`core/transfer_types.py`, those about requests in `core/exchange_types.py`, those about keys and the log in
`core/log_types.py`. Source: specs/custody-log.md section 4.
"""

from __future__ import annotations

from evidencekit.core.custody_types import CUSTODY_TYPES
from evidencekit.core.event_forms import CLOCK, EventType, Field, event_type
from evidencekit.core.exchange_types import EXCHANGE_TYPES
from evidencekit.core.log_types import LOG_TYPES
from evidencekit.core.opinions import ENGINE, OPINION_KINDS
from evidencekit.core.records import DERIVED_TYPE, DIGESTS, OPENING, PROGRAM
from evidencekit.core.rules import check_not_zero, check_opening, ruled
from evidencekit.core.schema import COUNT, MOMENT, TEXT, array, hexadecimal, one_of, some_of
from evidencekit.core.seizure import AUTHORITY, seized
from evidencekit.core.transfer_types import TRANSFER_TYPES

RESERVED = ("migrate",)
"""Types that later versions define. A verifier that meets one says that it did not check it."""

ACQUISITION_TYPES = (
    *("physical", "logical", "live", "memory", "mobile"),
    *("remote", "cloud", "web", "provider_return", "virtual_asset"),
)
WRITE_BLOCK = some_of("write block", make=TEXT, model=TEXT, serial=TEXT, tested_on=MOMENT, none=TEXT)
MANIFEST_NUMBER = Field("essential", ruled(COUNT, check_not_zero), "number of the manifest's file")
ROOT = Field("essential", hexadecimal(), "RFC 6962 root over the rows' leaves")
ROWS = Field("essential", COUNT, "number of rows: the tree's size")
FILE_SHA256 = Field("essential", hexadecimal(), "SHA-256 of the Parquet file")
HEADER = Field("essential", hexadecimal(), "commitment to the header")

_OF_THE_RECORD: dict[str, EventType] = {
    "open": event_type(
        "open",
        "the log exists; repeats case.json",
        (check_opening,),
        **{name: Field("essential", form, "as in case.json") for name, form in OPENING.items()},
    ),
    "acquire": event_type(
        "acquire",
        "the item exists; its holder is the actor",
        acquisition_type=Field(
            "essential",
            one_of(*ACQUISITION_TYPES),
            "how it was taken",
        ),
        digests=Field(
            "essential",
            DIGESTS,
            "digests taken of each file's content",
        ),
        started_at=Field("essential", MOMENT, "when the walk began, by the device's clock"),
        finished_at=Field("essential", MOMENT, "when the walk ended"),
        tool=Field("essential", PROGRAM, "the program that read the source"),
        authority=Field("M", AUTHORITY, "legal authority"),
        place=Field("M", TEXT, "where it was seized"),
        description=Field("M", TEXT, "what the item is"),
        condition=Field("M", TEXT, "its state when taken"),
        write_block=Field("M", WRITE_BLOCK, "or why none"),
        clock_reference=Field("M", CLOCK, "the device's clock against a reference"),
        source_geometry=Field("R", TEXT, "sectors, sizes, partitions"),
        physical_seals=Field("R", array(TEXT, least=1), "seal numbers"),
        bag=Field("R", TEXT, "evidence bag number"),
        photos=Field("R", array(hexadecimal(), least=1), "SHA-256 of photographs"),
        notes=Field("R", TEXT, "anything else"),
        request=Field("R", hexadecimal(), "the request that it answers: SHA-256 of its record"),
        **seized(
            "M",
            *("legal_channel", "measure", "owner_present", "receipt_given", "seized_at", "seized_by", "witnesses"),
        ),
        **seized(
            "R",
            *("device_state", "identifiers", "make", "marks", "model", "quantity", "seized_from", "serial"),
            "unavoidable_change",
        ),
    ),
    "seal": event_type(
        "seal",
        "the item's rows are those of the manifest",
        file_sha256=FILE_SHA256,
        header=HEADER,
        manifest=MANIFEST_NUMBER,
        root=ROOT,
        rows=ROWS,
    ),
    "derive": event_type(
        "derive",
        "opinions about the item's rows are attached",
        base_root=Field("essential", hexadecimal(), "root of the sealed manifest that the rows are about"),
        engine=Field("essential", ENGINE, "what concluded it"),
        file_sha256=FILE_SHA256,
        header=HEADER,
        kind=Field("essential", one_of(*OPINION_KINDS), f"kind of opinion, as in {DERIVED_TYPE}"),
        manifest=MANIFEST_NUMBER,
        root=ROOT,
        rows=ROWS,
    ),
}

EVENT_TYPES: dict[str, EventType] = _OF_THE_RECORD | CUSTODY_TYPES | TRANSFER_TYPES | EXCHANGE_TYPES | LOG_TYPES
NO_ITEM = frozenset({"open", *EXCHANGE_TYPES, *LOG_TYPES})
"""Types whose events name no item."""
