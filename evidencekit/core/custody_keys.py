"""The life of persons' keys inside a log: added, replaced, retired, revoked; and events by keys that are spent. Pure.

What a recipient believes is his policy's to say: this says only what the log itself says.
Source: specs/custody-log.md section 5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evidencekit.core.custody_state import Custody, Key, Remark
from evidencekit.core.sshkeys import fingerprint, parse_public_key_line
from evidencekit.core.values import parse_count


def spent_remarks(state: Custody, event: dict[str, Any]) -> list[Remark]:
    """Return which signers of an event sign no more, by what the log said before it (E312)."""
    return [
        Remark("E312", "", f"a key that signs at entry {state.size}", f"{key}, which signs no more since entry {spent}")
        for key in event["signers"]
        if key in state.keys and (spent := state.keys[key].spent) is not None
    ]


def key_step(state: Custody, event: dict[str, Any]) -> tuple[Custody, list[Remark]]:
    """Return the state after what an event of a known type says of keys, and which rules it breaks."""
    match event["type"]:
        case "key_add":
            changes, broken = _added(state, event)
        case "key_retire" | "key_revoke":
            changes, broken = _ended(state, event)
        case _:
            return state, []
    return replace(state, keys=state.keys.updated(changes)), broken


def _added(state: Custody, event: dict[str, Any]) -> tuple[dict[str, Key], list[Remark]]:
    body, actor = event["body"], event["actor"]["key"]
    key = fingerprint(parse_public_key_line(body["public_key"]).blob)
    replaced = body.get("replaces")
    if key not in event["signers"][1:]:
        return {}, [Remark("E310", "", f"a signature by the new key {key}", "none")]
    if key in state.keys:
        return {}, [Remark("E301", "", "a key that is new to this log", key)]
    if replaced is None:
        return {key: Key(body["id"], key)}, []
    if replaced != actor:
        return {}, [Remark("E301", "", f"the actor's own key {actor} in replaces", replaced)]
    old = state.keys.get(replaced) or Key(event["actor"]["id"], replaced)
    return {replaced: old._replace(spent=state.size + 1), key: Key(body["id"], old.person)}, []


def _ended(state: Custody, event: dict[str, Any]) -> tuple[dict[str, Key], list[Remark]]:
    """Retire or revoke: by a key of the same person, by who opened the case, or by two persons."""
    body, actor = event["body"], event["actor"]["key"]
    key = body["key"]
    known = state.keys.get(key) or Key("", key)
    mine = state.person(actor) == known.person
    opened = state.opener is not None and state.person(actor) == state.person(state.opener)
    several = len({state.person(signer) for signer in event["signers"]}) > 1
    if not (mine or opened or several):
        expected = "its owner, who opened the case, or two persons"
        return {}, [Remark("E301", "", f"{event['type']} of {key} by {expected}", f"{event['actor']['id']} {actor}")]
    if event["type"] == "key_retire":
        if known.spent is not None:
            return {}, [Remark("E301", "", "a key that still signs", f"{key}, spent since entry {known.spent}")]
        return {key: known._replace(spent=state.size + 1)}, []
    first = parse_count(body["from_size"])
    if first > state.size:
        return {}, [Remark("E301", "", f"from_size at most {state.size}", str(first))]
    below = first if known.believed_below is None else min(first, known.believed_below)
    spent = state.size + 1 if known.spent is None else known.spent
    return {key: known._replace(spent=spent, believed_below=below)}, []
