"""Requests between authorities: one good case that asked and was asked, and one for each way of being wrong.

`make_cases.py` takes them in. The other side has a case of its own, of which files come.
Source: specs/cooperation.md section 7, specs/custody-log.md section 4.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from make_cases_custody import MINUTE, Clock, Spoil, actor, force, named, offer, open_ledger, put, refer, signer
from make_cases_package import archive, content, pb

from evidencekit.core import layout
from evidencekit.core.answer import ANSWER_TYPE, encode_answer
from evidencekit.core.checkpoint import parse_checkpoint
from evidencekit.core.digest import sha256, sha256_hex
from evidencekit.core.event_forms import object_record
from evidencekit.core.exchange_types import ACKNOWLEDGED, ANSWERED, RECEIVED, SENT, WITHDRAWN
from evidencekit.core.note import parse_note
from evidencekit.core.request import REQUEST_TYPE, encode_request
from evidencekit.core.values import encode_base64, moment
from evidencekit.journeys.custody import reference
from evidencekit.journeys.custody_messages import message_of
from evidencekit.read.store import Store
from evidencekit.seal.logkeys import LogKeys, new_log_keys
from evidencekit.seal.opening import open_case

if TYPE_CHECKING:
    from make_cases import Bench

SPOILT: dict[str, tuple[str, str, Spoil]] = {}
"""Folder to code, reason and maker, as in make_cases.py."""
THEIRS = "point.vectors.example/7"
DAY = moment(1_780_000_000 * 10**9 // (86_400 * 10**9) * 86_400 * 10**9, precision="day")


def spoilt(code: str, why: str, name: str) -> Callable[[Spoil], Spoil]:
    """Register a fixture of a code."""

    def register(function: Spoil) -> Spoil:
        SPOILT[f"{code}_{name}"] = (code, why, function)
        return function

    return register


def request(reference: str) -> bytes:
    """The record of a request."""
    return encode_request(
        {
            "_t": REQUEST_TYPE, "authority": {"name": "Office", "state": "XX"}, "dated": DAY, "facts": "It was so.",
            "nonce": encode_base64(sha256(reference.encode())[:16]), "reference": reference, "status": "new",
        }
    )  # fmt: skip


def answer(asked: bytes, outcome: str, **more: Any) -> bytes:
    """The record of an answer."""
    own = {"_t": ANSWER_TYPE, "dated": DAY, "nonce": encode_base64(sha256(asked)[:16]), "outcome": outcome}
    return encode_answer(own | {"request": sha256_hex(asked)} | more)


@dataclass
class OtherSide:
    """The case of the other authority."""

    case: Path
    begins: int
    keys: LogKeys = field(default_factory=lambda: new_log_keys(THEIRS))

    def put(self, kind: str, body: dict[str, Any], *objects: bytes) -> int:
        """Record an event there."""
        self.begins += MINUTE
        ledger = open_ledger(self.case, self.keys, self.begins)
        entry = ledger.append(kind, [], body, actor=actor("other"), signers=[signer("other")], objects=objects)
        ledger.checkpoint()
        return entry

    def file(self, entry: int) -> bytes:
        """The file of an entry."""
        return message_of(Store(self.case), entry)

    def refer(self, entry: int) -> dict[str, str]:
        """How this side's log speaks of an event of that one."""
        return reference(Store(self.case), entry) | {"origin": THEIRS}

    def receive(self, b: Bench, sent: int) -> int:
        """A request of the bench's case comes there."""
        came = message_of(Store(b.case), sent)
        body = {"message": object_record(came), "received_at": moment(self.begins), "sent": ours(b, sent)}
        return self.put(RECEIVED, body, came)

    def answer(self, b: Bench, sent: int, received: int, record: bytes) -> int:
        """It is answered there."""
        body = {
            "answer": object_record(record),
            "received": reference(Store(self.case), received),
            "sent": ours(b, sent),
        }
        return self.put(ANSWERED, body, record)

    def ask(self, reference: str) -> int:
        """A request goes out from there."""
        record = request(reference)
        return self.put(SENT, {"instrument": "xx-1", "request": object_record(record)}, record)

    def withdraw(self, sent: int) -> int:
        """A request of theirs is withdrawn."""
        return self.put(WITHDRAWN, {"sent": reference(Store(self.case), sent)})


@contextmanager
def other_side(b: Bench) -> Iterator[OtherSide]:
    """Open the case of the other authority."""
    with tempfile.TemporaryDirectory() as folder:
        side = OtherSide(Path(folder) / "case", b.begins)
        open_case(
            side.case, identity=sha256(b"point")[:16], reference="P-7", agency="Point", signer=signer("other"),
            actor=actor("other"), keys=side.keys, clock=Clock(b.begins), random=os.urandom, utc_offset_min=60,
        )  # fmt: skip
        yield side


def ours(b: Bench, entry: int) -> dict[str, str]:
    """How the other side's log speaks of an event of the bench's."""
    return refer(b, entry, origin=b.ledger().origin)


def send(b: Bench, reference: str) -> int:
    """A request goes out."""
    record = request(reference)
    body = {"instrument": "xx-1", "request": object_record(record), "to": named("other")}
    return put(b, SENT, [], body, objects=(record,))


def came(b: Bench, side: OtherSide, asked: int, data: bytes | None = None, **more: Any) -> int:
    """A request of the other side comes in; `more` are members that say otherwise, `data` another file."""
    data = side.file(asked) if data is None else data
    body = {"message": object_record(data), "received_at": moment(b.begins), "sent": side.refer(asked)}
    return put(b, RECEIVED, [], body | more, objects=(data,))


def enter(b: Bench, data: bytes, **about: dict[str, str]) -> int:
    """What the other side says is entered."""
    return put(b, ACKNOWLEDGED, [], {"message": object_record(data), **about}, objects=(data,))


def history(b: Bench) -> LogKeys:
    """One request goes out, is received, answered, withdrawn; another comes, is answered, withdrawn."""
    with other_side(b) as side:
        sent = send(b, "OURS-1")
        received = side.receive(b, sent)
        enter(b, side.file(received), sent=refer(b, sent))
        record = answer(request("OURS-1"), "partial", ground="one account does not exist", ticket="P-7/1")
        enter(b, side.file(side.answer(b, sent, received, record)), sent=refer(b, sent))
        put(b, WITHDRAWN, [], {"reason": "closed", "sent": refer(b, sent)})
        asked = side.ask("THEIRS-1")
        entry = came(b, side, asked)
        record = answer(request("THEIRS-1"), "received", ticket="24-117/1")
        body = {"answer": object_record(record), "received": refer(b, entry), "sent": side.refer(asked)}
        put(b, ANSWERED, [], body, objects=(record,))
        enter(b, side.file(side.withdraw(asked)), received=refer(b, entry))
        return side.keys


def believe_both(b: Bench, keys: LogKeys, key_line: Callable[..., str]) -> None:
    """Write a policy that knows both sides and both logs."""
    logs = "".join(f"log {key}\n" for key in (*b.log_keys.vkeys, *keys.vkeys)) + "quorum none\n"
    b.policy(signers=key_line("examiner") + key_line("other", principal="other"), logs=logs)


def make_case(b: Bench, key_line: Callable[..., str], log_rule: str) -> None:  # noqa: ARG001 (of all that make one)
    """The good case."""
    believe_both(b, history(b), key_line)


def make_package(b: Bench, key_line: Callable[..., str], log_rule: str) -> None:  # noqa: ARG001
    """A package of it, which answers a request: what events about requests name is not in it."""
    keys = history(b)
    files = parts_of_exchange(b).closed(b.signer, request=sha256_hex(request("OURS-1")))
    archive(b, files)
    believe_both(b, keys, key_line)


def parts_of_exchange(b: Bench) -> pb.Parts:
    """What a package of a case has, but for objects."""
    parts = pb.evidence_of(b.case, content, pb.Wanted(rows=[0, 2, 3]))
    parts.files = {path: data for path, data in parts.files.items() if not path.startswith("evidence/objects/")}
    shutil.rmtree(b.case)
    return parts


# --- the ways of being wrong --------------------------------------------------------------------------------------


@spoilt("E101", "an acknowledgement of a request that was sent and of one that came, at once", "acknowledges_both")
def _(b: Bench) -> None:
    with other_side(b) as side:
        sent = send(b, "OURS-1")
        data = side.file(side.receive(b, sent))
    body = {"message": object_record(data), "sent": refer(b, sent)}
    put(b, ACKNOWLEDGED, [], body, objects=(data,))
    newest = b.ledger().log.size - 1
    event = json.loads((b.case / layout.event_file(newest)).read_bytes())
    event["body"]["received"] = event["body"]["sent"]
    event["nonce"] = encode_base64(bytes(16))
    altered = pb.jcs(event)
    b.enter(altered)


@spoilt("E301", "a request that is about an item", "request_about_an_item")
def _(b: Bench) -> None:
    record = request("OURS-1")
    put(b, SENT, [], {"instrument": "xx-1", "request": object_record(record)}, objects=(record,))
    force(b, SENT, ["EX-001"], {"instrument": "xx-2", "request": object_record(record)})


@spoilt("E308", "an answer to an event that is no request which came", "answers_no_request")
def _(b: Bench) -> None:
    with other_side(b) as side:
        asked = side.ask("THEIRS-1")
        came(b, side, asked)
        record = answer(request("THEIRS-1"), "received")
        body = {"answer": object_record(record), "received": refer(b, 1), "sent": side.refer(asked)}
    force(b, ANSWERED, [], body, objects=(record,))


@spoilt("E308", "a withdrawal of a request that the other side made", "withdraws_what_came")
def _(b: Bench) -> None:
    with other_side(b) as side:
        entry = came(b, side, side.ask("THEIRS-1"))
    force(b, WITHDRAWN, [], {"sent": refer(b, entry)})


@spoilt("E308", "an acknowledgement of a request by another digest", "acknowledges_another_event")
def _(b: Bench) -> None:
    with other_side(b) as side:
        sent = send(b, "OURS-1")
        data = side.file(side.receive(b, sent))
    about = refer(b, sent) | {"event": "00" * 32}
    force(b, ACKNOWLEDGED, [], {"message": object_record(data), "sent": about}, objects=(data,))


@spoilt("E309", "a request that came, taken for another event than its file carries", "request_of_another_event")
def _(b: Bench) -> None:
    with other_side(b) as side:
        asked = side.ask("THEIRS-1")
        came(b, side, asked, sent=side.refer(asked) | {"event": "00" * 32})


@spoilt("E309", "a request that came with another record than its event names", "request_with_another_record")
def _(b: Bench) -> None:
    with other_side(b) as side:
        asked = side.ask("THEIRS-1")
        message = json.loads(side.file(asked))
        message["record"] = encode_base64(request("THEIRS-2"))
        came(b, side, asked, pb.jcs(message))


@spoilt("E309", "a request that came without its record", "request_without_its_record")
def _(b: Bench) -> None:
    with other_side(b) as side:
        asked = side.ask("THEIRS-1")
        message = json.loads(side.file(asked))
        del message["record"]
        came(b, side, asked, pb.jcs(message))


@spoilt("E309", "an answer to one request, entered as one to another", "answer_to_another_request")
def _(b: Bench) -> None:
    with other_side(b) as side:
        first, second = send(b, "OURS-1"), send(b, "OURS-2")
        received = side.receive(b, first)
        data = side.file(side.answer(b, first, received, answer(request("OURS-1"), "executed")))
        enter(b, data, sent=refer(b, second))


@spoilt("E309", "a withdrawal of one request, entered as that of another", "withdrawal_of_another_request")
def _(b: Bench) -> None:
    with other_side(b) as side:
        first, second = side.ask("THEIRS-1"), side.ask("THEIRS-2")
        came(b, side, first)
        entry = came(b, side, second)
        enter(b, side.file(side.withdraw(first)), received=refer(b, entry))


@spoilt("E309", "a request of the other side, entered as what it says of ours", "request_as_an_answer")
def _(b: Bench) -> None:
    with other_side(b) as side:
        sent = send(b, "OURS-1")
        enter(b, side.file(side.ask("THEIRS-1")), sent=refer(b, sent))


@spoilt("E309", "an answer to a request, entered as an answer to an offer", "answer_to_no_offer")
def _(b: Bench) -> None:
    with other_side(b) as side:
        sent = send(b, "OURS-1")
        received = side.receive(b, sent)
        data = side.file(side.answer(b, sent, received, answer(request("OURS-1"), "executed")))
        tree = parse_checkpoint(parse_note(str(json.loads(data)["checkpoint"]).encode()).text)
    stated = offer(b, "EX-001")
    body = {
        "answer": object_record(data), "answered": "accept", "answered_by": named("other"),
        "log": {"origin": tree.origin, "root": tree.root.hex(), "size": str(tree.size)},
        "offer": {name: stated[name] for name in ("entry", "event")},
    }  # fmt: skip
    put(b, "receipt", ["EX-001"], body, objects=(data,))


@spoilt("E501", "a request that was sent, whose record was taken away", "request_gone")
def _(b: Bench) -> None:
    send(b, "OURS-1")
    (b.case / layout.object_file(sha256_hex(request("OURS-1")))).unlink()


@spoilt("W908", "a package of a case that sent a request", "request_elsewhere")
def _(b: Bench) -> None:
    send(b, "OURS-1")
    archive(b, parts_of_exchange(b).closed(b.signer))
