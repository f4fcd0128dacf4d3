"""Cases of custody: one good case with a long history, and one for each rule of custody that can be broken.

`make_cases.py` takes them in. What the real writer refuses is entered by hand, as the last entry.
Source: specs/custody-log.md sections 4 and 5.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidencekit.core import layout
from evidencekit.core.digest import sha256, sha256_hex
from evidencekit.core.event import NAMESPACE, encode_event, new_event
from evidencekit.core.values import encode_base64, format_instant, moment
from evidencekit.journeys.custody import Hand, reference
from evidencekit.journeys.custody_adopt import adopt
from evidencekit.journeys.custody_messages import message_of
from evidencekit.read.store import Store
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.logkeys import LogKeys, new_log_keys
from evidencekit.seal.objects import keep_object
from evidencekit.seal.opening import open_case
from evidencekit.seal.sign import load_signer, new_key

if TYPE_CHECKING:
    from make_cases import Bench

Spoil = Callable[["Bench"], object]
SPOILT: dict[str, tuple[str, str, Spoil]] = {}
"""Folder to code, reason and maker, as in make_cases.py."""
KEYS = Path(__file__).parent / "cases/keys"
PEOPLE = ("partner", "examiner-2")
"""Persons beside those of make_cases.py: a third party, and a second key of the examiner."""
FIELD = "field.example/24-117"
MINUTE = 60 * 10**9
LONG_AGO = moment(1_770_000_000 * 10**9)
CHECKED = {"digests_checked": "full"}


def spoilt(code: str, why: str, name: str) -> Callable[[Spoil], Spoil]:
    """Register a fixture of a code."""

    def register(function: Spoil) -> Spoil:
        SPOILT[f"{code}_{name}"] = (code, why, function)
        return function

    return register


def make_keys() -> None:
    """Make the keys of PEOPLE that are not there."""
    for name in PEOPLE:
        if not (KEYS / name).exists():
            new_key(KEYS / name, comment=name, passphrase=None)


def signer(name: str) -> Any:
    """Whoever signs by a name of the folder of keys."""
    make_keys()
    (KEYS / name).chmod(0o600)
    return load_signer(KEYS / name, ask_passphrase=None)


def named(name: str) -> dict[str, str]:
    """A person as bodies name him: whatever key he signs with."""
    return {"id": name.partition("-")[0], "key": signer(name).fingerprint}


def actor(name: str) -> dict[str, Any]:
    """A person as an event's actor."""
    return named(name) | {"organisation": None, "role": None}


class Clock:
    """A clock that goes on by a second each time that it is asked."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        self.at += 10**9
        return self.at


def put(
    b: Bench, kind: str, items: list[str], body: dict[str, Any], *, by: str = "examiner", also: tuple[str, ...] = (),
    at: int = 0, objects: tuple[bytes, ...] = (),
) -> int:  # fmt: skip
    """Record an event, a minute after what came before; `at` is the minute at which it happened, from the last."""
    b.begins += MINUTE
    ledger = b.ledger()
    occurred = moment(b.begins + at * MINUTE, utc_offset_min=60)
    entry = ledger.append(
        kind, items, body, actor=actor(by), signers=[signer(one) for one in (by, *also)], occurred_at=occurred,
        objects=objects,
    )  # fmt: skip
    ledger.checkpoint()
    return entry


def force(
    b: Bench,
    kind: str,
    items: list[str],
    body: dict[str, Any],
    *,
    by: str = "examiner",
    objects: tuple[bytes, ...] = (),
) -> None:
    """Enter an event that the writer refuses."""
    b.begins += MINUTE
    for data in objects:
        keep_object(b.case, data)
    ledger = b.ledger()
    event = new_event(
        kind=kind, items=items, body=body, case=ledger.record["case"], actor=actor(by),
        signers=[signer(by).fingerprint],
        seen={"origin": ledger.origin, "root": ledger.log.root.hex(), "size": str(ledger.log.size)},
        nonce=encode_base64(os.urandom(16)), occurred_at=moment(b.begins, utc_offset_min=60),
    )  # fmt: skip
    data = encode_event(event)
    b.enter(
        data, signatures=[signer(by).sign(data, NAMESPACE)], recorded_at=format_instant(b.begins + 10**9),
        items_prev=ledger.custody.places(items, event),
    )  # fmt: skip


def refer(b: Bench, entry: int, **more: str) -> dict[str, str]:
    """How an event speaks of another of its log."""
    return reference(Store(b.case), entry) | more


def offer(b: Bench, *items: str, to: str = "other", by: str = "examiner", **more: Any) -> dict[str, str]:
    """Offer items; return how the answer names it."""
    entry = put(b, "offer", list(items), {"to": named(to), "purpose": "analysis"} | more, by=by)
    return refer(b, entry, origin=b.ledger().origin)


# --- the good case ------------------------------------------------------------------------------------------------


def history(b: Bench, small: Path) -> None:
    """Three persons: a handover in part, a loan, a correction, a new key, parts, a late entry, a disposal."""
    shutil.copytree(small, b.case, symlinks=True)
    put(b, "physical_seal", ["EX-001"], {"seals": ["S-100"], "place": "Room 4"})
    for exhibit in ("EX-002", "EX-003"):
        put(b, "collect", [exhibit], {"description": "a telephone", "place": "12 Example Street"})
    put(b, "hold", ["EX-002"], {"hold": "H-7", "until": moment(b.begins, precision="day"), "purpose": "a request"})
    offered = offer(b, "EX-001", "EX-002", "EX-003", carrier="a courier", handed_over_at=moment(b.begins))
    refused = [{"item": "EX-003", "reason": "the display is broken"}]
    body = {"offer": offered, "refused": refused, "condition_before": "sound", "purpose": "analysis"} | CHECKED
    put(b, "accept", ["EX-001", "EX-002", "EX-003"], body, by="other")
    due = moment(b.begins + 10**15, precision="day")
    put(b, "loan", ["EX-001"], {"to": named("partner"), "due": due, "purpose": "a second opinion"}, by="other")
    put(b, "analyse", ["EX-001"], {"tool": "a viewer", "purpose": "a second opinion"}, by="partner")
    put(b, "return", ["EX-001"], {"place": "Laboratory"}, by="partner")
    wrong = {"corrects": refer(b, 5), "field": "place", "text": "14 Example Street", "notes": "the number was misread"}
    put(b, "correct", ["EX-002"], wrong)
    new = (KEYS / "examiner-2.pub").read_text().strip()
    body = {"id": "examiner", "public_key": new, "replaces": named("examiner")["key"], "reason": "a new year"}
    put(b, "key_add", [], body, also=("examiner-2",))
    put(b, "store", ["EX-002"], {"place": "Room 4"}, by="examiner-2", at=-9)
    parts = [{"item": "EX-002.1", "description": "the SIM card"}, {"item": "EX-002.2"}]
    put(b, "split", ["EX-002", "EX-002.1", "EX-002.2"], {"parts": parts}, by="other")
    put(b, "hold_release", ["EX-002", "EX-002.1"], {"hold": "H-7", "authority": "order 12"}, by="partner")
    body = {"authority": "order 14", "method": "shredder", "witness": [named("other")], "place": "Room 9"}
    put(b, "dispose", ["EX-003"], body, by="examiner-2")
    put(b, "countersign", [], {"of": refer(b, b.ledger().log.size - 1), "meaning": "seen"}, by="other")


def signers(key_line: Callable[..., str]) -> str:
    """Who may sign the good case."""
    names = ("examiner", "examiner-2", "other", "partner")
    return "".join(key_line(name, principal=name.partition("-")[0]) for name in names)


# --- the ways of being wrong --------------------------------------------------------------------------------------


@spoilt("E308", "a correction of an event that the entry it names does not have", "reference_differs")
def _(b: Bench) -> None:
    force(b, "correct", ["EX-001"], {"corrects": {"entry": "1", "event": "00" * 32}, "text": "another street"})


@spoilt("E310", "an item freed by one person alone", "signer_missing")
def _(b: Bench) -> None:
    force(b, "reassign", ["EX-001"], {"authority": "order 3", "reason": "key lost", "to": named("other")})


@spoilt("E311", "an item stored by somebody who does not have it", "not_the_holder")
def _(b: Bench) -> None:
    force(b, "store", ["EX-001"], {"place": "Room 4"}, by="other")


@spoilt("E312", "a key that was retired signs again", "key_spent")
def _(b: Bench) -> None:
    put(b, "key_retire", [], {"key": named("other")["key"], "reason": "he left"})
    force(b, "incident", ["EX-001"], {"what": "it fell", "place": "Room 4"}, by="other")


@spoilt("E312", "a key that was revoked from an entry on, which it had signed before", "revoked_afterwards")
def _(b: Bench) -> None:
    put(b, "incident", ["EX-001"], {"what": "it fell", "place": "Room 4"}, by="other")
    put(b, "key_revoke", [], {"key": named("other")["key"], "from_size": "4", "reason": "stolen"})


@spoilt("E313", "an offer accepted by somebody to whom nothing was offered", "not_the_receiver")
def _(b: Bench) -> None:
    force(b, "accept", ["EX-001"], {"offer": offer(b, "EX-001")} | CHECKED, by="partner")


@spoilt("E314", "an offer accepted twice", "no_such_offer")
def _(b: Bench) -> None:
    offered = offer(b, "EX-001")
    put(b, "accept", ["EX-001"], {"offer": offered} | CHECKED, by="other")
    force(b, "accept", ["EX-001"], {"offer": offered} | CHECKED, by="other")


@spoilt("E315", "an item stored after it was given to its owner", "item_ended")
def _(b: Bench) -> None:
    put(b, "release", ["EX-001"], {"to": "the owner"})
    force(b, "store", ["EX-001"], {"place": "Room 4"})


@spoilt("E316", "an item disposed of while a hold was open", "under_hold")
def _(b: Bench) -> None:
    put(b, "hold", ["EX-001"], {"hold": "H-7"})
    force(b, "dispose", ["EX-001"], {"authority": "order 4", "method": "fire", "witness": [named("other")]})


@spoilt("W911", "an offer that nobody answered", "offer_unanswered")
def _(b: Bench) -> None:
    offer(b, "EX-001")


@spoilt("W912", "an item that was with nobody for some minutes", "custody_gap")
def _(b: Bench) -> None:
    offered = offer(b, "EX-001", handed_over_at=moment(b.begins))
    put(b, "accept", ["EX-001"], {"offer": offered} | CHECKED, by="other")


@spoilt("W913", "somebody who says to have stored the item when another one still had it", "custody_overlap")
def _(b: Bench) -> None:
    put(b, "accept", ["EX-001"], {"offer": offer(b, "EX-001")} | CHECKED, by="other")
    put(b, "store", ["EX-001"], {"place": "Room 4"}, by="other", at=-2)


@spoilt("W914", "an event entered two hours after it happened", "late_entry")
def _(b: Bench) -> None:
    put(b, "incident", ["EX-001"], {"what": "it fell", "place": "Room 4"}, at=-120)


@spoilt("W915", "an event that happens an hour after it is recorded", "time_ahead")
def _(b: Bench) -> None:
    put(b, "store", ["EX-001"], {"place": "Room 4"}, at=60)


@spoilt("W916", "another seal on the item than was put on it", "seals_differ")
def _(b: Bench) -> None:
    put(b, "physical_seal", ["EX-001"], {"seals": ["S-100"]})
    put(b, "store", ["EX-001"], {"seals_before": ["S-101"]})


@spoilt("W917", "an item found in another condition than it was left in", "condition_differs")
def _(b: Bench) -> None:
    put(b, "store", ["EX-001"], {"condition_after": "sound"})
    put(b, "store", ["EX-001"], {"condition_before": "cracked"})


@spoilt("W918", "an item accepted without comparing digests", "receipt_unchecked")
def _(b: Bench) -> None:
    put(b, "accept", ["EX-001"], {"offer": offer(b, "EX-001"), "digests_checked": "none"}, by="other")


@spoilt("W919", "a loan that should have come back before", "overdue")
def _(b: Bench) -> None:
    put(b, "loan", ["EX-001"], {"to": named("other"), "due": LONG_AGO})


@spoilt("W920", "a clock that is an hour ahead by one word and a minute by another", "clock_implausible")
def _(b: Bench) -> None:
    clocks = {"device_clock": moment(b.begins + 60 * MINUTE), "reference_clock": moment(b.begins)}
    put(b, "store", ["EX-001"], {"clock_reference": clocks | {"offset_ms": "60000"}})


# --- other logs ---------------------------------------------------------------------------------------------------


class FieldCase:
    """The case of a team elsewhere, with one item that is offered to the examiner."""

    def __init__(self, b: Bench, folder: Path) -> None:
        self.begins, self.case, self.keys = b.begins, folder / "field", new_log_keys(FIELD)
        open_case(
            self.case, identity=sha256(b"field")[:16], reference="F-1", agency="Field", signer=signer("other"),
            actor=actor("other"), keys=self.keys, clock=Clock(b.begins), random=os.urandom, utc_offset_min=60,
        )  # fmt: skip
        self.put("collect", ["EX-001"], {"description": "a laptop"})
        self.offered = self.put("offer", ["EX-001"], {"to": named("examiner"), "purpose": "analysis"})
        b.begins = self.begins

    def put(self, kind: str, items: list[str], body: dict[str, Any], case: Path | None = None) -> int:
        """Record an event, there or in a copy."""
        self.begins += MINUTE
        ledger = open_ledger(case or self.case, self.keys, self.begins)
        entry = ledger.append(kind, items, body, actor=actor("other"), signers=[signer("other")])
        ledger.checkpoint()
        return entry


def open_ledger(case: Path, keys: LogKeys, begins: int) -> Ledger:
    """Open a case of another log."""
    return Ledger(case, keys=keys, clock=Clock(begins), random=os.urandom, utc_offset_min=60)


def take_over(b: Bench, folder: str) -> FieldCase:
    """Adopt the team's case."""
    field = FieldCase(b, Path(folder))
    b.begins += MINUTE
    hand = Hand(b.ledger(), actor("examiner"), [signer("examiner")])
    adopt(hand, field.case, "field", stated={"purpose": "analysis", "authority": "order 2"})
    return field


@spoilt("E309", "an offer of another log, taken for another event than the message carries", "message_differs")
def _(b: Bench) -> None:
    with tempfile.TemporaryDirectory() as folder:
        field = FieldCase(b, Path(folder))
        message = message_of(Store(field.case), field.offered)
    body = {
        "message": {"bytes": str(len(message)), "sha256": sha256_hex(message)},
        "offer": {"entry": str(field.offered), "event": "00" * 32, "origin": FIELD},
        "offered_as": ["EX-001"],
        "offered_by": named("other"),
    }
    put(b, "accept", ["EX-009"], body | CHECKED, objects=(message,))


@spoilt("E317", "an adopted case whose newest entry and checkpoint were taken away", "branch_differs")
def _(b: Bench) -> None:
    with tempfile.TemporaryDirectory() as folder:
        take_over(b, folder)
    branch = b.case / layout.branch_folder("field")
    shutil.rmtree(branch / layout.entry_folder(2))
    (branch / layout.checkpoint_file(3)).unlink()


@spoilt("E318", "an item that its old log stores after it was adopted", "custody_forked")
def _(b: Bench) -> None:
    with tempfile.TemporaryDirectory() as folder:
        field = take_over(b, folder)
    field.put("store", ["EX-001"], {"place": "a car"}, case=b.case / layout.branch_folder("field"))


@spoilt("W918", "an adopted item whose offer is answered without comparing digests", "adopted_unchecked")
def _(b: Bench) -> None:
    with tempfile.TemporaryDirectory() as folder:
        field = take_over(b, folder)
        message = message_of(Store(field.case), field.offered)
        offered = sha256_hex((field.case / layout.event_file(field.offered)).read_bytes())
    body = {
        "digests_checked": "none",
        "message": {"bytes": str(len(message)), "sha256": sha256_hex(message)},
        "offer": {"entry": str(field.offered), "event": offered, "origin": FIELD},
        "offered_as": ["EX-001"],
        "offered_by": named("other"),
    }
    put(b, "accept", ["field/EX-001"], body, objects=(message,))
