"""Events of every type with the least that each has to say, and persons with keys; for tests of what events do.

A test module gets this one by its conftest, since tests are no package.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidencekit.core.custody import Custody, advance
from evidencekit.core.event import new_event
from evidencekit.core.exchange_types import EXCHANGE_TYPES
from evidencekit.core.finding import ASPECTS
from evidencekit.core.log_types import LOG_TYPES
from evidencekit.core.note import ED25519, MLDSA44, VerifierKey, format_vkey
from evidencekit.core.sshkeys import fingerprint, parse_public_key_line
from evidencekit.core.values import encode_base64, moment

ORIGIN, OTHER = "unit7.example/24-117", "lab.example/55"
H, ROOT = "0" * 64, "1" * 64
NONCE = encode_base64(bytes(16))
START = 1_780_000_000_000_000_000
MINUTE = 60 * 10**9
NAMELESS = {"open", *EXCHANGE_TYPES, *LOG_TYPES}
"""Types of events that name no item."""


class Someone(NamedTuple):
    """A person with a key."""

    id: str
    key: str
    line: str
    """The public key as OpenSSH writes it."""

    @property
    def named(self) -> dict[str, str]:
        """As bodies name persons."""
        return {"id": self.id, "key": self.key}


@cache
def someone(name: str) -> Someone:
    """A person whose key follows from the name."""
    key = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest()).public_key()
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return Someone(name, fingerprint(parse_public_key_line(line).blob), line)


ANNA, BEN, CARL = someone("anna"), someone("ben"), someone("carl")


def at(minute: float, precision: str = "ns") -> dict[str, Any]:
    """A moment some minutes after the tests' clock began."""
    return moment(START + int(minute * MINUTE), precision=precision)


TIME = at(0)
_REFERENCE = {"entry": "1", "event": H}
_OFFER = _REFERENCE | {"origin": ORIGIN}
_OBJECT = {"bytes": "1", "sha256": H}
_HEAD = {"origin": OTHER, "root": H, "size": "1"}
_MANIFEST = {"file_sha256": H, "header": H, "manifest": "1", "root": ROOT, "rows": "1"}
BODIES: dict[str, dict[str, Any]] = {
    "accept": {"offer": _OFFER},
    "acquire": {
        "acquisition_type": "logical",
        "digests": ["blake3", "sha256"],
        "finished_at": TIME,
        "started_at": TIME,
        "tool": {"name": "", "parts": {}, "version": ""},
    },
    "acknowledge": {"message": _OBJECT, "sent": _REFERENCE},
    "adopt": {"branch": "field", "case": NONCE, "log": _HEAD},
    "analyse": {},
    "anchor": {
        "at": TIME["time"],
        "by": "tsa",
        "file": "00000001.a.tsr",
        "kind": "time-stamp",
        "sha256": H,
        "size": "1",
    },
    "check_in": {},
    "check_out": {"to": BEN.named},
    "collect": {},
    "copy": {"parts": [{"item": "EX-001.1"}]},
    "correct": {"corrects": _REFERENCE, "text": "the other drawer"},
    "countersign": {"of": _REFERENCE},
    "derive": {
        **_MANIFEST,
        "base_root": ROOT,
        "engine": {"data_sha256": None, "name": "", "version": ""},
        "kind": "media-type",
        "manifest": "2",
    },
    "disclose": {"to": "the defence"},
    "export": {
        "contents": [{"item": "EX-001", "manifest": "1", "root": H, "rows": "3", "shown": "2"}],
        "hash_only": False,
        "package": H,
        "transfer": "AAAAAAAAAAAAAAAAAAAAAA==",
    },
    "dispose": {"authority": "order 7", "method": "shredder", "witness": [{"id": "W"}]},
    "erase": {
        "authority": "order 8",
        "manifests": [{"file_sha256": H, "manifest": "1", "reduced": "1", "rows": "1"}],
    },
    "extend": {"hold": "H1", "until": TIME},
    "hold": {"hold": "H1"},
    "hold_release": {"authority": "order 9", "hold": "H1"},
    "identify": {"description": "a telephone"},
    "incident": {"what": "it fell"},
    "key_add": {"id": "carl", "public_key": CARL.line},
    "key_retire": {"key": BEN.key},
    "key_revoke": {"from_size": "0", "key": BEN.key, "reason": "stolen"},
    "loan": {"to": BEN.named},
    "offer": {"to": BEN.named},
    "open": {
        "agency": "Unit 7",
        "created_at": TIME,
        "log_keys": [
            format_vkey(VerifierKey(ORIGIN, ED25519, bytes(32))),
            format_vkey(VerifierKey(ORIGIN, MLDSA44, bytes(1312))),
        ],
        "origin": ORIGIN,
        "reference": "24-117",
    },
    "physical_seal": {"seals": ["S1"]},
    "physical_unseal": {"seals": ["S1"]},
    "reassign": {"authority": "order 10", "reason": "lost key", "to": CARL.named},
    "receipt": {
        "answer": _OBJECT,
        "answered": "accept",
        "answered_by": BEN.named,
        "log": _HEAD,
        "offer": _REFERENCE,
    },
    "receive": {
        "case": NONCE,
        "checked": dict.fromkeys(ASPECTS, "ok"),
        "log": _HEAD,
        "package": H,
        "policy": None,
        "sent_by": BEN.named,
        "transfer": NONCE,
        "verdict": "VERIFIED",
    },
    "redact": {},
    "refuse": {"offer": _OFFER, "reason": "not mine"},
    "release": {"to": "the owner"},
    "request_answered": {"answer": _OBJECT, "received": _REFERENCE, "sent": _OFFER | {"origin": OTHER}},
    "request_received": {"message": _OBJECT, "received_at": TIME, "sent": _OFFER | {"origin": OTHER}},
    "request_sent": {"instrument": "budapest-29", "request": _OBJECT},
    "request_withdrawn": {"sent": _REFERENCE},
    "return": {},
    "seal": _MANIFEST,
    "split": {"parts": [{"item": "EX-001.1"}]},
    "store": {},
    "translate": {},
    "transport": {},
    "verify": {"result": "verified"},
    "view": {},
}
"""For each type the least that a body has to say."""


def event(
    kind: str, /, *items: str, by: Someone = ANNA, also: tuple[Someone, ...] = (), when: dict[str, Any] = TIME,
    version: int = 1, without: tuple[str, ...] = (), **body: Any,
) -> dict[str, Any]:  # fmt: skip
    """An event of its schema; `body` are members beside or in place of those of BODIES, `also` further signers."""
    known = kind in BODIES and version == 1
    made = new_event(
        kind=kind if known else "view",
        items=list(items),
        body={name: value for name, value in (BODIES[kind] | body if known else {}).items() if name not in without},
        case=NONCE,
        actor={"id": by.id, "key": by.key, "organisation": None, "role": None},
        signers=[by.key, *(one.key for one in also)],
        seen={"origin": ORIGIN, "root": H, "size": "0"},
        nonce=NONCE,
        occurred_at=when,
    )
    if known:
        return made
    return made | {"type": kind, "body": {"_t": f"evidencekit/{kind}/{version}", **body}, "not_stated": []}


OPEN = event("open")


def walk(*events: dict[str, Any], opened: bool = True) -> tuple[Custody, list[tuple[str, ...]]]:
    """Follow events, after `open`; return the state and the codes that each gave."""
    state, codes = Custody(), []
    if opened:
        state, _ = advance(state, OPEN)
    for each in events:
        state, remarks = advance(state, each)
        codes.append(tuple(remark.code for remark in remarks))
    return state, codes


def offer_of(entry: int) -> dict[str, str]:
    """How an answer names an offer of this log."""
    return {"entry": str(entry), "event": H, "origin": ORIGIN}
