"""The table of specs/custody-log.md, sections 4 and 5, a second time: written down plainly, and forgetting nothing.

It knows nothing of core/custody.py. Times are minutes, persons the first key that they had.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KEEPER = [
    "analyse",
    "copy",
    "disclose",
    "physical_seal",
    "physical_unseal",
    "redact",
    "seal",
    "split",
    "store",
    "translate",
    "transport",
    "view",
]
HOLDER = ["check_out", "dispose", "erase", "loan", "offer", "receipt", "release"]
REQUESTS = ["request_sent", "request_received", "request_answered", "request_withdrawn", "acknowledge"]
NO_ITEMS = ["open", "anchor", "countersign", "key_add", "key_retire", "key_revoke", *REQUESTS]
ANYBODY = ["hold", "extend", "hold_release", "correct", "verify", "incident", "derive", "export"]
HANDS = ["accept", "check_in", "check_out", "loan", "offer", "receipt", "receive", "refuse", "return"]
LATER = ["migrate"]
"""Types that this version does not know."""


@dataclass
class Thing:
    """An item."""

    known: bool = True
    holder: str | None = None
    out: tuple[str, str] | None = None
    """Type of the event, and who has it."""
    offer: tuple[int, str] | None = None
    holds: list[str] = field(default_factory=list)
    acquired: int | None = None
    sealed: str | None = None
    ended: bool = False
    had: list[tuple[str, str]] = field(default_factory=list)
    """From when on who had it."""
    latest: str = ""
    last: tuple[int, int] = (0, 0)

    @property
    def keeper(self) -> str | None:
        return self.out[1] if self.out else self.holder

    def had_by(self, time: str) -> str | None:
        return next((who for since, who in reversed(self.had) if since <= time), None)

    def give(self, who: str, time: str) -> None:
        if self.known:
            self.holder, self.out = who, None
            self.had.append((time, who))


@dataclass
class Model:
    """A log."""

    size: int = 0
    origin: str | None = None
    opener: str | None = None
    things: dict[str, Thing] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    first: dict[str, str] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    branches: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)

    def person(self, key: str) -> str:
        return self.first.get(key, key)

    def is_foreign(self, body: dict[str, Any]) -> bool:
        return self.origin is not None and body["offer"]["origin"] != self.origin

    def take(self, event: dict[str, Any], new_key: str | None = None) -> bool:
        """Follow an event; tell whether it was allowed. `new_key` is the fingerprint of the key that it adds."""
        allowed = self.allows(event, new_key)
        later = event["type"] in LATER or not event["body"]["_t"].endswith("/1")
        if allowed and not later:
            self._apply(event, new_key)
        for place, name in enumerate(event["items"]):
            thing = self.things.setdefault(name, Thing(known=False))
            thing.last = (self.size, place)
            if allowed and later:
                thing.known, thing.holder, thing.out, thing.offer, thing.had = False, None, None, None, []
            if allowed:
                thing.latest = max(thing.latest, event["occurred_at"]["time"])
        self.keys |= {*event["signers"]}
        self.size += 1
        return allowed

    # --- what is allowed ------------------------------------------------------------------------------------------

    def allows(self, event: dict[str, Any], new_key: str | None) -> bool:
        kind, body, items = event["type"], event["body"], event["items"]
        if (kind == "open") != (self.size == 0) or self.spent & {*event["signers"]}:
            return False
        if kind in LATER or not body["_t"].endswith("/1"):
            return True
        foreign = kind in {"accept", "refuse"} and self.is_foreign(body)
        if kind in NO_ITEMS or (kind == "refuse" and foreign):
            if items or (kind == "refuse" and "message" not in body):
                return False
            return not kind.startswith("key_") or self._allows_key(event, new_key)
        if (not items and not (kind == "receive" and body.get("refused"))) or (
            kind in {"acquire", "seal", "derive"} and len(items) > 1
        ):
            return False
        if kind == "receive":
            return self._allows_package(event)
        if kind == "reassign" and len({self.person(key) for key in event["signers"]}) < 2:
            return False
        if kind in {"split", "copy"}:
            return self._allows_parts(event)
        if kind == "accept" and not self._allows_acceptance(event, foreign=foreign):
            return False
        if kind == "adopt":
            fits = all(name.startswith(body["branch"] + "/") and name not in self.things for name in items)
            return fits and body["branch"] not in self.branches
        return all(self._allows_item(event, name, foreign=foreign) for name in items)

    def _allows_key(self, event: dict[str, Any], new_key: str | None) -> bool:
        body, actor = event["body"], event["actor"]["key"]
        if event["type"] == "key_add":
            signed = new_key in event["signers"][1:] and len({self.person(key) for key in event["signers"]}) > 1
            return signed and new_key not in self.keys and body.get("replaces", actor) == actor
        persons = {self.person(key) for key in event["signers"]}
        if self.person(body["key"]) != self.person(actor) != self.opener and len(persons) < 2:
            return False
        if event["type"] == "key_retire":
            return body["key"] not in self.spent
        return int(body["from_size"]) <= self.size

    def _allows_parts(self, event: dict[str, Any]) -> bool:
        parts = [part["item"] for part in event["body"]["parts"]]
        whole = self.things.get(event["items"][0])
        if event["items"][1:] != parts or whole is None or whole.ended or not self._keeps(whole, event):
            return False
        return all(name not in self.things and "/" not in name for name in parts)

    def _allows_acceptance(self, event: dict[str, Any], *, foreign: bool) -> bool:
        body, items = event["body"], event["items"]
        if not foreign:
            return {one["item"] for one in body.get("refused", [])} < set(items)
        return "message" in body and "offered_by" in body and self._names_each(event)

    def _names_each(self, event: dict[str, Any]) -> bool:
        body, items = event["body"], event["items"]
        named, refused = body.get("offered_as", items), {one["item"] for one in body.get("refused", [])}
        return len(named) == len(set(named)) == len(items) and not refused & set(named)

    def _allows_package(self, event: dict[str, Any]) -> bool:
        body, who = event["body"], self.person(event["actor"]["key"])
        if body["package"] in self.packages or body["log"]["origin"] == self.origin or not self._names_each(event):
            return False
        for name in event["items"]:
            thing = self.things.get(name)
            if thing is None and "/" in name:
                return False
            if thing is not None and (thing.ended or (thing.known and thing.holder != who)):
                return False
        return True

    def _keeps(self, thing: Thing, event: dict[str, Any]) -> bool:
        who, time = self.person(event["actor"]["key"]), event["occurred_at"]["time"]
        if not thing.known or thing.keeper == who:
            return True
        return time < thing.latest and thing.had_by(time) == who

    def _allows_item(self, event: dict[str, Any], name: str, *, foreign: bool) -> bool:
        kind, body, thing = event["type"], event["body"], self.things.get(name)
        who = self.person(event["actor"]["key"])
        if thing is None:
            begins = kind in {"identify", "collect", "acquire"} or (kind == "accept" and foreign)
            return begins and "/" not in name
        if kind == "receipt" and body["answered"] == "receive":
            return True
        if thing.ended:
            return kind in {"correct", "export", "verify"}
        if kind in KEEPER and not self._keeps(thing, event):
            return False
        if kind in HOLDER and thing.known and (thing.holder != who or thing.out is not None):
            return False
        if kind in HANDS and not thing.known:
            return True
        match kind:
            case "identify":
                return False
            case "collect":
                return thing.holder is None
            case "acquire":
                again = thing.holder is None or thing.acquired == thing.last[0]
                return thing.sealed is None and (again or self._keeps(thing, event))
            case "seal":
                return thing.sealed is None and (thing.acquired is not None or not thing.known)
            case "derive":
                return thing.sealed == body["base_root"]
            case "check_in" | "return":
                out = {"check_in": "check_out", "return": "loan"}[kind]
                return thing.out is not None and thing.out[0] == out and who in {thing.out[1], thing.holder}
            case "offer":
                return self.person(body["to"]["key"]) != who
            case "accept" if foreign:
                return thing.holder is not None and thing.holder == self.person(body["offered_by"]["key"])
            case "accept" | "refuse" | "receipt":
                by = self.person(body["answered_by"]["key"]) if kind == "receipt" else who
                return thing.offer == (int(body["offer"]["entry"]), by)
            case "hold":
                return body["hold"] not in thing.holds
            case "extend" | "hold_release":
                return body["hold"] in thing.holds or not thing.known
            case "dispose" | "release" | "erase":
                return not thing.holds
        return True

    # --- what it does ---------------------------------------------------------------------------------------------

    def _apply(self, event: dict[str, Any], new_key: str | None) -> None:
        kind, body, time = event["type"], event["body"], event["occurred_at"]["time"]
        actor = event["actor"]["key"]
        who = self.person(actor)
        if kind == "open":
            self.origin, self.opener = body["origin"], who
        elif kind == "key_add":
            assert new_key is not None
            self.keys.add(new_key)
            if "replaces" in body:
                self.first[new_key] = who
                self.spent.add(actor)
        elif kind in {"key_retire", "key_revoke"}:
            self.keys.add(body["key"])
            self.spent.add(body["key"])
        elif kind == "adopt":
            self.branches.add(body["branch"])
        elif kind == "receive":
            self.packages.add(body["package"])
        elif kind in {"split", "copy"}:
            whole = self.things[event["items"][0]]
            for part in body["parts"]:
                holds = [*whole.holds] if kind == "split" else []
                made = self.things[part["item"]] = Thing(whole.known, whole.holder, whole.out, holds=holds)
                if whole.known:
                    made.had = [(time, who) for who in (whole.holder, whole.keeper) if who is not None]
        for name in event["items"]:
            if kind not in {"split", "copy"}:
                self._move(self.things.setdefault(name, Thing()), event, name, who, time)

    def _move(self, thing: Thing, event: dict[str, Any], name: str, who: str, time: str) -> None:
        kind, body = event["type"], event["body"]
        if kind in HANDS and not thing.known:
            return
        is_refused = name in {one["item"] for one in body.get("refused", [])}
        match kind:
            case "collect" | "adopt":
                thing.give(who, time)
            case "receive" if thing.holder is None:
                thing.give(who, time)
            case "acquire":
                if thing.holder is None or thing.acquired == thing.last[0]:
                    thing.give(who, time)
                thing.acquired = self.size
            case "seal":
                thing.sealed = body["root"]
            case "check_out" | "loan":
                thing.offer, thing.out = None, (kind, self.person(body["to"]["key"]))
                thing.had.append((time, thing.out[1]))
            case "check_in" | "return":
                thing.give(thing.holder or "", time)
            case "offer":
                thing.offer = (self.size, self.person(body["to"]["key"]))
            case "accept":
                thing.offer = None
                if self.is_foreign(body) or not is_refused:
                    thing.give(who, time)
            case "refuse":
                thing.offer = None
            case "receipt" if body["answered"] != "receive":
                thing.offer = None
                if body["answered"] == "accept" and not is_refused:
                    thing.give(self.person(body["answered_by"]["key"]), time)
            case "reassign":
                thing.known, thing.offer = True, None
                thing.give(self.person(body["to"]["key"]), time)
            case "hold":
                thing.holds.append(body["hold"])
            case "hold_release":
                thing.holds = [one for one in thing.holds if one != body["hold"]]
            case "dispose" | "release":
                thing.ended, thing.offer = True, None
            case "erase" if body.get("whole"):
                thing.ended, thing.offer = True, None
