"""What a broken rule of custody says to the person who broke it: who, which item, since when, what to do next.

Source: specs/custody-log.md section 4.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core import layout
from evidencekit.core.custody import Custody, Item, Person, Remark, advance
from evidencekit.core.custody_references import reference_of
from evidencekit.core.values import display
from evidencekit.errors import Refused
from evidencekit.read.store import Store

_STATUS = "`evidencekit custody status CASE` says who holds what."


def broken_rules(store: Store, custody: Custody, event: dict[str, Any]) -> list[Remark]:
    """Return the rules that an event would break as the next entry, and whether what it refers to is there (E308)."""
    _, remarks = advance(custody, event)
    broken = [remark for remark in remarks if remark.forbids]
    reference = reference_of(event, custody.origin)
    if reference is None:
        return broken
    place, is_there = layout.event_file(reference.entry), reference.entry < custody.size
    remark = reference.remark(custody.size, store.read(place, layout.MAX_RECORD_FILE) if is_there else None)
    return broken if remark is None else [*broken, remark]


def refuse_rule(event: dict[str, Any], rule: Remark, custody: Custody) -> Refused:
    """Return the exception for an event that breaks a rule: R511."""
    item = custody.items.get(rule.item)
    subject = rule.item or ", ".join(event["items"][:3]) or "the log"
    what = f"{event['type']} of {subject} by {display(event['actor']['id'])}"
    message, hint = _said(event, rule, item)
    return Refused(f"{what}: {message}.", code="R511", hint=f"Nothing was recorded. {hint}", rule=rule.code)


def _said(event: dict[str, Any], rule: Remark, item: Item | None) -> tuple[str, str]:
    """Return what is wrong, and what to do next."""
    otherwise = f"expected {display(rule.expected)}, found {display(rule.found)}"
    match rule.code:
        case "E310":
            return otherwise, "Name the other person's key, too: --second-signer KEY."
        case "E312":
            return otherwise, "Sign with the key that the same person has now."
        case "E313":
            return otherwise, "Only the one to whom it was offered can answer; or let its holder offer it to you."
        case "E314":
            return otherwise, "It was answered, or another offer stands instead: `evidencekit custody status CASE`."
        case "E315":
            return otherwise, "After an item's end only `correct`, `verify` and exports are recorded."
        case "E316" if item is not None:
            names = ", ".join(map(display, item.holds))
            return f"it is under the hold {names}", "First `evidencekit custody add CASE hold_release --hold NAME …`."
    if item is None:
        return otherwise, _STATUS
    if rule.code == "E311" and event["type"] == "accept":
        return otherwise, "If it is another item, give it another name: --as THEIRS=OURS."
    if rule.code == "E311" and item.keeper is not None:
        return _held(event, item, item.keeper)
    if item.out is not None and "hands" in rule.expected:
        due = f", due {item.out.due}" if item.out.due else ""
        back = "return" if item.out.kind == "loan" else "check_in"
        message = f"it is out with {_person(item.out.to)} by {item.out.kind} of entry {item.out.entry}{due}"
        return message, f"First `evidencekit custody add CASE {back} --item {item.exhibit} …`."
    return otherwise, _STATUS


def _held(event: dict[str, Any], item: Item, keeper: Person) -> tuple[str, str]:
    if keeper.key == event["actor"]["key"]:
        who = _person(item.holder)
        return f"it is with you for a while, and {who} is responsible for it", f"Let {who} do it, or have it offered."
    since = f" since {item.tenures[-1].since}" if item.tenures else ""
    where = f" (its custody goes on in the log {item.away})" if item.away else ""
    command = f"evidencekit custody offer CASE --item {item.exhibit} --to YOUR.pub …"
    return f"it is held by {_person(keeper)}{since}{where}", f"Ask {display(keeper.id)} to offer it: `{command}`."


def _person(person: Person | None) -> str:
    return "nobody" if person is None else f"{display(person.id)} {person.key}"
