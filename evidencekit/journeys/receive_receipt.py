"""The receipt of a package, entered on the side that exported it: this closes the transfer.

Source: specs/messages.md section 2, specs/custody-log.md section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evidencekit.core.event_forms import object_record
from evidencekit.core.message import Opened
from evidencekit.core.values import display
from evidencekit.errors import FormatError, Refused
from evidencekit.journeys.custody import Hand, Recorded, events_of, reference
from evidencekit.journeys.custody_choice import NOTHING


def enter_receipt(hand: Hand, data: bytes, receipt: Opened, stated: Mapping[str, Any]) -> Recorded:
    """Enter the receipt of a package that this log exported. `data` is the message file of `receipt`.

    Raises:
        Refused: R572 this log exported no such package, or with another transfer, or other items; R573 its transfer
            is closed already; R511 a rule of custody forbids it.
    """
    event, body = receipt.event, receipt.event["body"]
    entry, export = _export_of(hand, body)
    for index, earlier in events_of(hand.ledger.store, "receipt"):
        if earlier["body"].get("export", {}).get("entry") == str(entry):
            raise Refused(
                f"The transfer of entry {entry} is closed: its receipt was entered by entry {index}.",
                code="R573",
                hint=f"{NOTHING} There is nothing left to enter.",
            )
    refused = body.get("refused", [])
    answered = {*body.get("offered_as", event["items"]), *(one["item"] for one in refused)}
    if answered != set(export["items"]):
        other = ", ".join(sorted(answered ^ set(export["items"]))[:20])
        raise _not_ours(f"it does not answer what entry {entry} sent: {other}")
    if receipt.tree is None:
        raise FormatError("checkpoint", expected="entry, checkpoint and proof", found="none")
    entered: dict[str, Any] = {
        **stated,
        "answer": object_record(data),
        "answered": "receive",
        "answered_by": {"id": event["actor"]["id"], "key": event["actor"]["key"]},
        "export": reference(hand.ledger.store, entry),
        "log": {
            "origin": receipt.tree.origin,
            "root": receipt.tree.root.hex(),
            "size": str(receipt.tree.size),
        },
    }
    if refused:
        entered["refused"] = refused
    return hand.record("receipt", list(export["items"]), entered, objects=[data])


def _export_of(hand: Hand, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the export whose package was received."""
    if body["log"]["origin"] != hand.ledger.origin:
        raise _not_ours(f"the package came from {display(body['log']['origin'])}")
    for entry, event in events_of(hand.ledger.store, "export"):
        if event["body"]["package"] == body["package"]:
            if event["body"]["transfer"] != body["transfer"]:
                raise _not_ours(f"entry {entry} exported this package under another transfer")
            actor = {name: event["actor"][name] for name in ("id", "key")}
            if (event["case"], actor) != (body["case"], body["sent_by"]):
                raise _not_ours(f"it names another case, or another sender: {display(body['sent_by']['id'])}")
            return entry, event
    raise _not_ours(f"this log never exported the package {body['package']}")


def _not_ours(why: str) -> Refused:
    return Refused(
        f"This receipt closes no transfer of this log: {why}.",
        code="R572",
        hint=f"{NOTHING} Look for the case from which the package was exported.",
    )
