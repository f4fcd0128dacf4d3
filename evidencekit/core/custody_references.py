"""How an event speaks of an earlier one of its own log: by the number of its entry and the SHA-256 of its file. Pure.

Source: specs/custody-log.md section 4 point 5.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from evidencekit.core.custody_state import Remark
from evidencekit.core.digest import sha256
from evidencekit.core.event import decode_event
from evidencekit.core.values import parse_count
from evidencekit.errors import FormatError

_MEMBERS = {
    "accept": ("offer",),
    "acknowledge": ("received", "sent"),
    "correct": ("corrects",),
    "countersign": ("of",),
    "receipt": ("export", "offer"),
    "refuse": ("offer",),
    "request_answered": ("received",),
    "request_withdrawn": ("sent",),
}
"""Type of event to the members of its body that are references to its own log; it has one of them."""
_KINDS = {"export": "export", "offer": "offer", "received": "request_received", "sent": "request_sent"}
"""Member to the only type of event that it may name."""


class Reference(NamedTuple):
    """An event that another one speaks of."""

    member: str
    entry: int
    event: str
    """SHA-256 of its file, hex."""

    @property
    def wants_kind(self) -> bool:
        """Whether only an event of one type will do, so that its digest is not enough."""
        return self.member in _KINDS

    def remark(self, index: int, data: bytes | None, committed: str | None = None) -> Remark | None:
        """Return E308 unless `data` is the event that entry `index` speaks of; None where there is no such file.

        Where the event itself is not here, `committed` is the digest that its entry gives it.
        """
        where = f"{self.member}: entry {self.entry}"
        if self.entry >= index:
            return Remark("E308", "", f"{self.member} of an entry before {index}", f"entry {self.entry}")
        digest = committed if data is None else sha256(data).hex()
        if digest != self.event:
            return Remark("E308", "", f"{where} with the event of SHA-256 {self.event}", digest or "nothing")
        wanted = _KINDS.get(self.member)
        if data is not None and wanted is not None and (kind := _kind(data)) != wanted:
            return Remark("E308", "", f"{where}, an event of type {wanted}", kind)
        return None


def reference_of(event: dict[str, Any], origin: str | None) -> Reference | None:
    """Return what an event of a known type says of an earlier one of the log `origin`; None where it speaks of none."""
    member = next((name for name in _MEMBERS.get(event["type"], ()) if name in event["body"]), None)
    if member is None:
        return None
    stated = event["body"][member]
    if origin is not None and stated.get("origin", origin) != origin:
        return None
    return Reference(member, parse_count(stated["entry"]), stated["event"])


def _kind(data: bytes) -> str:
    try:
        return str(decode_event(data)["type"])
    except FormatError:
        return "an event that cannot be read"
