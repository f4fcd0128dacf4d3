"""The types of events by which an item goes from hand to hand: for a while, or for good.

Source: specs/custody-log.md section 4, specs/events.json.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core.event_forms import (
    ANY,
    CARRIED,
    FOREIGN_REFERENCE,
    LEGAL_CHANNEL,
    OBJECT,
    PERSON,
    PHYSICAL,
    REASONED,
    REFERENCE,
    TEXTS,
    TREE_HEAD,
    EventType,
    applying,
    by_two,
    each_item_once,
    essential,
    event_type,
    expected,
    physical,
)
from evidencekit.core.finding import ASPECTS
from evidencekit.core.records import CASE_IDENTITY
from evidencekit.core.schema import (
    BRANCH,
    COUNT,
    EXHIBIT,
    MOMENT,
    TEXT,
    Record,
    array,
    base64_bytes,
    hexadecimal,
    nullable,
    one_of,
)
from evidencekit.errors import FormatError

DIGESTS_CHECKED = ("full", "sample", "none")
_CHECKED = Record(None, required=dict.fromkeys(ASPECTS, one_of("ok", "not_checked"))).form("checked {aspect: status}")
REFUSED = array(Record(None, required={"item": EXHIBIT, "reason": TEXT}).form("refused {item: exhibit, reason: text}"))


def _answers_one(body: Any, place: str) -> None:
    """An answer to an offer, or the receipt of an export."""
    needed, other = ("export", "offer") if body["answered"] == "receive" else ("offer", "export")
    if needed not in body or other in body:
        found = " ".join(name for name in ("export", "offer") if name in body) or "neither"
        raise FormatError(f"{place}.{needed}", expected=f"{needed}, and no {other}", found=found)


TRANSFER_TYPES: dict[str, EventType] = {
    "check_out": physical(
        "check_out",
        "the item is in the hands of `to`; its holder stays responsible",
        to=essential(PERSON, "who takes it"),
        due=applying(MOMENT, "when it has to be back"),
    ),
    "check_in": physical("check_in", "the item is in its holder's hands again"),
    "loan": physical(
        "loan",
        "the item is in the hands of `to`; its holder stays responsible",
        to=essential(PERSON, "who borrows it"),
        due=expected(MOMENT, "when it has to be back"),
        **CARRIED,
    ),
    "return": physical("return", "the item is in its holder's hands again", **CARRIED),
    # --- from hand to hand --------------------------------------------------------------------------------------
    "offer": physical(
        "offer",
        "the item is offered to `to`; until he accepts nothing changes",
        to=essential(PERSON, "to whom"),
        handed_over_at=applying(MOMENT, "when it left the sender's hands"),
        legal_channel=expected(LEGAL_CHANNEL, "by what right it goes"),
        use_limits=applying(TEXT, "what the receiver may do with it"),
        confidentiality=applying(TEXT, "who may know of it"),
        onward_transfer=applying(TEXT, "may the receiver pass it on, and to whom"),
        **CARRIED,
    ),
    "accept": event_type(
        "accept",
        "the holder of the items that are not refused is the actor; the offer is answered",
        (each_item_once("refused", "item"),),
        **(
            PHYSICAL
            | {
                "digests_checked": expected(one_of(*DIGESTS_CHECKED), "were the digests compared on receipt"),
                "digests_count": applying(COUNT, "how many files were compared"),
                "message": applying(OBJECT, "the offer as it came, where it was made in another log"),
                "offer": essential(FOREIGN_REFERENCE, "the offer that is answered"),
                "offered_as": applying(array(EXHIBIT, least=1), "the items' names in the offering log, in order"),
                "offered_by": applying(PERSON, "who offered, where the offer was made in another log"),
                "refused": applying(REFUSED, "items of the offer that are not taken, and why"),
            }
        ),
    ),
    "refuse": event_type(
        "refuse",
        "the offer is answered; the holder stays",
        **(
            ANY
            | {
                "message": applying(OBJECT, "the offer as it came, where it was made in another log"),
                "offer": essential(FOREIGN_REFERENCE, "the offer that is answered"),
                "reason": essential(TEXT, "why"),
            }
        ),
    ),
    "receipt": event_type(
        "receipt",
        "an answer made in another log is entered: the holder of items that were accepted is who answered; "
        "of a package nothing changes hands",
        (each_item_once("refused", "item"), _answers_one),
        **(
            ANY
            | {
                "answer": essential(OBJECT, "the answer as it came"),
                "answered": essential(one_of("accept", "receive", "refuse"), "what the answer is"),
                "answered_by": essential(PERSON, "who answered"),
                "export": applying(REFERENCE, "the export whose package was received"),
                "log": essential(TREE_HEAD, "the tree of the other log in which the answer stands"),
                "offer": applying(REFERENCE, "the offer that is answered"),
                "refused": applying(REFUSED, "items that were not taken, and why"),
            }
        ),
    ),
    "receive": event_type(
        "receive",
        "a package was verified and came here; items that are not refused exist here, held by the actor",
        (each_item_once("refused", "item"),),
        **(
            REASONED
            | CARRIED
            | {
                "case": essential(CASE_IDENTITY, "identity of the sender's case"),
                "checked": essential(_CHECKED, "what the verification came to, aspect by aspect"),
                "log": essential(TREE_HEAD, "the tree of the sender's log to which the package is proved"),
                "medium": applying(TEXT, "on what it came: kind, serial number"),
                "medium_condition": applying(TEXT, "state of the medium, as found"),
                "medium_seals": applying(TEXTS, "physical seals on the medium, as found"),
                "offered_as": applying(array(EXHIBIT, least=1), "the items' names in the sender's log, in order"),
                "package": essential(hexadecimal(), "the package digest"),
                "place": expected(TEXT, "where"),
                "policy": essential(nullable(hexadecimal()), "digest of the policy it was verified under"),
                "refused": applying(REFUSED, "items of the package that are not taken, and why"),
                "sent_by": essential(PERSON, "who signed the package"),
                "transfer": essential(base64_bytes(16), "the transfer that it answers"),
                "verdict": essential(one_of("VERIFIED", "INTEGRITY ONLY", "NOT CHECKED"), "what it was verified as"),
            }
        ),
    ),
    "reassign": by_two(
        event_type(
            "reassign",
            "the holder is `to`: for an item whose holder's key is lost",
            **(
                REASONED
                | {
                    "authority": essential(TEXT, "by what right"),
                    "reason": essential(TEXT, "why its holder cannot hand it over"),
                    "to": essential(PERSON, "who holds it from now on"),
                }
            ),
        )
    ),
    "adopt": event_type(
        "adopt",
        "items of another case, which lies under branches/NAME, exist here; their holder is the actor",
        **(
            REASONED
            | {
                "branch": essential(BRANCH, "name of the branch, by which its items' names begin"),
                "case": essential(CASE_IDENTITY, "identity of the other case"),
                "log": essential(TREE_HEAD, "the newest tree of the other case"),
            }
        ),
    ),
}
