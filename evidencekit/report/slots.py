"""What a form of a certificate may name: each slot, where its value comes from, what stands there without one. Pure.

Promise: a slot of a person never has a value: name, post, oath, signature, date and place are for whoever signs.
Source: specs/reporting.md section 5, whose table is this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "boxes", "table", "person"]
ALONE = "alone"
"""How texts begin that say why an item has no digest of its own: `alone_` and `report.certificate.Alone`."""
PER_ITEM = "item."
"""How slots begin that are of one item: they stand only in parts that are repeated for each."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One name of a form."""

    name: str
    kind: Kind
    """`text`: a value of the record; `boxes`: several, to be ticked; `table`; `person`: a blank."""
    source: str
    """Where in the record it comes from, or who knows it."""
    absent: str = "not_recorded"
    """What is shown without a value: a text of the section `certificate`; ALONE: the one for the item's state."""

    @property
    def of_item(self) -> bool:
        """Tell whether it is of one item."""
        return self.name.startswith(PER_ITEM)


_SEIZURE = "events `acquire` and `collect`: "
_HEADER = "header of the sealed manifest: "
_ROWS = "totals of the sealed manifest's header: "
_KNOWS = "the person who signs"

SLOTS = {
    slot.name: slot
    for slot in (
        Slot("case.reference", "text", "case record: `reference`"),
        Slot("case.agency", "text", "case record: `agency`"),
        Slot("case.origin", "text", "case record: `origin`, the log's name"),
        Slot("case.created_at", "text", "case record: `created_at`"),
        Slot("log.size", "text", "newest checkpoint: events in the log"),
        Slot("log.root", "text", "newest checkpoint: root, SHA-256"),
        Slot("made.at", "text", "clock at the time of writing, or `--now`"),
        Slot("made.program", "text", "name and version of this program"),
        Slot("items.count", "text", "items that the certificate names"),
        Slot("item.exhibit", "text", "event `acquire`: `items`"),
        Slot("item.description", "text", _SEIZURE + "`description`"),
        Slot("item.make_model", "text", _SEIZURE + "`make`, `model`"),
        Slot("item.make", "text", _SEIZURE + "`make`"),
        Slot("item.model", "text", _SEIZURE + "`model`"),
        Slot("item.serial", "text", _SEIZURE + "`serial`"),
        Slot("item.identifiers", "text", _SEIZURE + "`identifiers` (IMEI, MAC, account)"),
        Slot("item.quantity", "text", _SEIZURE + "`quantity`"),
        Slot("item.condition", "text", _SEIZURE + "`condition`"),
        Slot("item.seals", "text", "custody: physical seals as last stated"),
        Slot("item.authority", "text", _SEIZURE + "`authority`: type, number, issuer"),
        Slot("item.place", "text", _SEIZURE + "`place`"),
        Slot("item.seized_at", "text", _SEIZURE + "`seized_at`"),
        Slot("item.seized_by", "text", _SEIZURE + "`seized_by`"),
        Slot("item.seized_from", "text", _SEIZURE + "`seized_from`"),
        Slot("item.recorded_by", "text", "event `acquire`: `actor`"),
        Slot("item.acquisition_type", "text", "event `acquire`: `acquisition_type`"),
        Slot("item.write_block", "text", "event `acquire`: `write_block`"),
        Slot("item.source", "text", _HEADER + "`source`"),
        Slot("item.host", "text", _HEADER + "`source.host`"),
        Slot("item.mount", "text", _HEADER + "`source.mount`"),
        Slot("item.program", "text", _HEADER + "`program`, which read and sealed"),
        Slot("item.tool", "text", "event `acquire`: `tool`"),
        Slot("item.started_at", "text", _HEADER + "`started_at`"),
        Slot("item.finished_at", "text", _HEADER + "`finished_at`"),
        Slot("item.sealed_at", "text", "entry of the event `seal`: `recorded_at`"),
        Slot("item.rows", "text", _ROWS + "rows"),
        Slot("item.files", "text", _ROWS + "files"),
        Slot("item.bytes", "text", _ROWS + "bytes of what was taken whole"),
        Slot("item.omitted", "text", _ROWS + "rows that were not wholly taken"),
        Slot("item.root", "text", "event `seal`: `root`, SHA-256 over all rows"),
        Slot("item.file_sha256", "text", "event `seal`: `file_sha256` of the manifest's file"),
        Slot("item.sha256", "text", "the row of an item that is one file or device: its SHA-256", ALONE),
        Slot("item.digests", "text", "the row of an item that is one file or device: all its digests", ALONE),
        Slot("item.algorithms", "boxes", _HEADER + "`digests`"),
        Slot("table.items", "table", "one row an item: exhibit, description, make, model, serial, identifiers"),
        Slot("table.hashes", "table", "one row an item: times, digests taken, root, SHA-256 of the manifest's file"),
        Slot("person.name", "person", _KNOWS),
        Slot("person.relation", "person", _KNOWS + ": son, daughter or spouse of whom"),
        Slot("person.address", "person", _KNOWS),
        Slot("person.post", "person", _KNOWS),
        Slot("person.organisation", "person", _KNOWS),
        Slot("person.qualification", "person", _KNOWS + ": training, experience"),
        Slot("person.statement", "person", _KNOWS + ": what is stated in words of one's own"),
        Slot("person.signature", "person", _KNOWS),
        Slot("person.date", "person", _KNOWS),
        Slot("person.time", "person", _KNOWS),
        Slot("person.place", "person", _KNOWS),
    )
}
