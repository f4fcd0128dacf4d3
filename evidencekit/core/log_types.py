"""The types of events about keys, signatures and the log itself: they name no item.

Source: specs/custody-log.md section 4, specs/events.json.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core.event_forms import (
    REFERENCE,
    EventType,
    applying,
    by_two,
    essential,
    event_type,
    expected,
)
from evidencekit.core.schema import COUNT, FINGERPRINT, INSTANT, TEXT, Form, hexadecimal, nullable, one_of
from evidencekit.core.sshkeys import parse_public_key_line
from evidencekit.errors import FormatError

TIME_STAMP, COSIGNATURE = "time-stamp", "cosignature"


def _check_key_line(value: Any, place: str) -> None:
    if not isinstance(value, str):
        raise FormatError(place, expected="a public key in OpenSSH's form", found="no text")
    try:
        parse_public_key_line(value)
    except FormatError as error:
        raise FormatError(place, expected=error.expected, found=error.found) from error


PUBLIC_KEY = Form("public key, one line as OpenSSH writes it", _check_key_line)

LOG_TYPES: dict[str, EventType] = {
    "anchor": event_type(
        "anchor",
        "none: an outside attestation of a checkpoint belongs to the record from now on",
        at=essential(INSTANT, "the time that it states"),
        by=essential(TEXT, "who made it: the authority's name, or the witness's key name"),
        file=essential(TEXT, "its file in checkpoints/"),
        kind=essential(one_of(TIME_STAMP, COSIGNATURE), "what it is"),
        sha256=essential(hexadecimal(), "SHA-256 of the file"),
        size=essential(COUNT, "the tree size whose note it is about"),
    ),
    "countersign": event_type(
        "countersign",
        "none: the actor stands behind an earlier event, too",
        of=essential(REFERENCE, "the event"),
        meaning=expected(TEXT, "what the signature means: seen, approved, witnessed …"),
    ),
    "key_add": by_two(
        event_type(
            "key_add",
            "the key is that of `id`; where it replaces the actor's, what he holds is held by the new key",
            id=essential(TEXT, "whose key it is"),
            public_key=essential(PUBLIC_KEY, "the key, which is the second signer: so it is at hand"),
            replaces=applying(FINGERPRINT, "the actor's own key, which the new one replaces"),
            reason=expected(TEXT, "why"),
        )
    ),
    "key_retire": event_type(
        "key_retire",
        "the key signs no more; what it signed before stands",
        key=essential(FINGERPRINT, "the key"),
        reason=expected(TEXT, "why"),
    ),
    "key_revoke": event_type(
        "key_revoke",
        "the key signs no more, and what it signed from `from_size` on is not believed",
        key=essential(FINGERPRINT, "the key"),
        from_size=essential(COUNT, "the first entry that is not believed"),
        reason=essential(TEXT, "why"),
        successor=applying(nullable(FINGERPRINT), "the key that the same person signs with now"),
    ),
}
