"""The custody state machine against a second reading of its table (`custodymodel.py`): any events, in any order.

The model and `advance` have to agree on what is allowed, and on who holds, who keeps, what is offered, out, held and
ended; nothing invalid gets in, nothing valid is refused; in short runs through the real log, too, with signatures.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from copy import deepcopy
from hashlib import sha256
from pathlib import Path

import custodyevents as ce
import pytest
from deep import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evidencekit.core.custody import Custody, advance
from evidencekit.core.event import decode_event, encode_event
from evidencekit.errors import Refused
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.logkeys import new_log_keys
from evidencekit.seal.opening import open_case
from evidencekit.seal.sign import load_signer, new_key
from evidencekit.verify.verifier import verify_case

_spec = importlib.util.spec_from_file_location("custodymodel", Path(__file__).with_name("custodymodel.py"))
custodymodel = sys.modules["custodymodel"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(custodymodel)

PEOPLE = [ce.someone(name) for name in ("anna", "ben", "carl")]
SPARE = [ce.someone(f"spare {number}") for number in range(4)]
"""Keys that come by `key_add`."""
LINES = {one.line: one.key for one in (*PEOPLE, *SPARE)}
NAMES = ["EX-001", "EX-002", "EX-003", "field/EX-001"]
KINDS = sorted({*ce.BODIES, *custodymodel.LATER} - {"anchor"})
OFTEN = ["offer", "offer", "loan", "check_out", "hold", "store", "split", "dispose", "erase", "seal", "acquire"]
"""Types that are tried more often: others follow from them, or are ruled out by them."""

exhibits = st.lists(st.sampled_from(NAMES), max_size=3, unique=True)
people = st.sampled_from(PEOPLE)
everybody = st.sampled_from([*PEOPLE, *SPARE])
minutes = st.integers(0, 6)


@st.composite
def details(draw, kind: str, items: list[str], size: int):
    """What an event of a type says, as far as the rules look at it."""
    entry, to = str(draw(st.integers(0, size))), draw(people)
    is_own = draw(st.sampled_from([True, True, False]))
    offer = {"entry": entry, "event": ce.H, "origin": ce.ORIGIN if is_own else ce.OTHER}
    refused = [{"item": name, "reason": ""} for name in draw(st.lists(st.sampled_from(NAMES), max_size=1))]
    some = {"refused": refused} if refused else {}
    match kind:
        case "accept":
            with_message = {"message": {"bytes": "1", "sha256": ce.H}, "offered_by": to.named}
            named = {"offered_as": draw(exhibits.filter(len))} if draw(st.booleans()) else {}
            return {"offer": offer, **some, **(with_message if draw(st.booleans()) else {}), **named}
        case "refuse":
            return {"offer": offer} | ({"message": {"bytes": "1", "sha256": ce.H}} if draw(st.booleans()) else {})
        case "receipt":
            answered = draw(st.sampled_from(["accept", "refuse", "receive"]))
            named, other = ("export", "offer") if answered == "receive" else ("offer", "export")
            stated = {named: {"entry": entry, "event": ce.H}, "answered": answered, "answered_by": to.named}
            return stated | some | {"without": (other,)}
        case "receive":
            log = {"origin": ce.OTHER if draw(st.integers(0, 5)) else ce.ORIGIN, "root": ce.H, "size": "1"}
            named = {"offered_as": draw(exhibits.filter(len))} if not draw(st.integers(0, 3)) else {}
            return {"package": draw(st.sampled_from("abcd")) * 64, "log": log, "sent_by": to.named, **some, **named}
        case "check_out" | "loan" | "offer" | "reassign":
            return {"to": to.named}
        case "split" | "copy":
            parts = items[1:] if draw(st.integers(0, 3)) else draw(exhibits)
            return {"parts": [{"item": name} for name in parts or ["EX-003"]]}
        case "seal":
            return {"root": draw(st.sampled_from(["1" * 64, "2" * 64]))}
        case "hold" | "extend" | "hold_release":
            return {"hold": draw(st.sampled_from(["H1", "H2"]))}
        case "erase":
            return {"whole": draw(st.booleans())}
        case "adopt":
            return {"branch": draw(st.sampled_from(["field", "lab"]))}
        case "key_add":
            new, replaces = draw(everybody), draw(st.sampled_from([None, *PEOPLE, *SPARE]))
            return {"public_key": new.line, "id": new.id} | ({"replaces": replaces.key} if replaces else {})
        case "key_retire":
            return {"key": draw(everybody).key}
        case "key_revoke":
            return {"key": draw(everybody).key, "from_size": entry}
    return {}


class CustodyMachine(RuleBasedStateMachine):
    """Tries events, likely ones and unlikely ones."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.model = Custody(), custodymodel.Model()
        self.clock = 0

    def try_event(self, kind, items, minute=0, version=1, **more):
        self.clock += 1
        when = ce.at(max(0, self.clock - (minute if minute > 3 else 0)))  # late entries are rare
        event = decode_event(encode_event(ce.event(kind, *items, when=when, version=version, **more)))
        assert self.state.places(event["items"], event) == self.places(event)
        before = dict(self.state.items)
        state, remarks = advance(self.state, event)
        assert dict(self.state.items) == before  # the state before is as it was
        self.state = state
        broken = [remark for remark in remarks if remark.forbids]
        allowed = self.model.take(event, LINES.get(event["body"].get("public_key")))
        assert allowed == (not broken), (event, broken)

    def places(self, event):
        divides = event["type"] in {"split", "copy"} and event["body"]["_t"].endswith("/1")
        return tuple(
            "{}/{}".format(*self.model.things[name].last)
            if name in self.model.things
            else (f"{self.model.size}/0" if divides and place else None)
            for place, name in enumerate(event["items"])
        )

    @initialize(by=people, is_open=st.integers(0, 9))
    def begin(self, by, is_open):
        self.try_event("open" if is_open else "store", [], by=by)
        if is_open:
            for name in NAMES[:2]:
                self.try_event("collect", [name], by=by)

    @rule(data=st.data(), kind=st.one_of(st.sampled_from(KINDS), st.sampled_from(OFTEN)), items=exhibits,
          by=everybody, also=st.lists(everybody, max_size=1), minute=minutes)  # fmt: skip
    def anything(self, data, kind, items, by, also, minute):
        items = [] if kind in ce.NAMELESS and minute else items
        also = tuple(one for one in also if one != by)
        body = data.draw(details(kind, items, self.state.size)) if kind in ce.BODIES else {}
        self.try_event(kind, items, minute, by=by, also=also, **body)

    @rule(data=st.data(), kind=st.one_of(st.sampled_from(KINDS), st.sampled_from(OFTEN)), minute=minutes)
    def by_who_has_it(self, data, kind, minute):
        """What is likely to be allowed."""
        held = [name for name, item in self.state.items.items() if item.keeper is not None]
        if not held or kind in ce.NAMELESS:
            return
        name = data.draw(st.sampled_from(held))
        keeper = self.state.items[name].keeper.key
        by = data.draw(
            st.sampled_from(
                [one for one in (*PEOPLE, *SPARE) if self.state.person(one.key) == self.state.person(keeper)]
            )
        )
        part = next(one for one in reversed(NAMES[:3]) if one != name)
        items = [name, part] if kind in {"split", "copy"} else [name]
        body = data.draw(details(kind, items, self.state.size)) if kind in ce.BODIES else {}
        self.try_event(kind, items, minute, by=by, **body)

    @precondition(lambda self: any(item.offer for item in self.state.items.values()))
    @rule(
        data=st.data(),
        kind=st.sampled_from(["accept", "refuse", "receipt"]),
        answered=st.sampled_from(["accept", "refuse"]),
        slip=st.sampled_from(["", "", "", "entry", "person", "items"]),
    )
    def answer(self, data, kind, answered, slip):
        """An answer by whom it was offered to, or its receipt by who holds the item; sometimes with one slip."""
        name = data.draw(st.sampled_from([name for name, item in self.state.items.items() if item.offer]))
        item, everyone = self.state.items[name], (*PEOPLE, *SPARE)
        to = item.offer.to.key if slip != "person" else data.draw(people).key
        to = next(one for one in everyone if one.key == to)
        reference = {"entry": str(item.offer.entry - (slip == "entry")), "event": ce.H}
        items = [name, "EX-002"] if slip == "items" and name != "EX-002" else [name]
        if kind == "receipt":
            by = next(one for one in everyone if one.key == item.holder.key)
            self.try_event(kind, items, by=by, offer=reference, answered=answered, answered_by=to.named)
        else:
            self.try_event(kind, items, by=to, offer=reference | {"origin": ce.ORIGIN})

    @rule(data=st.data(), kind=st.sampled_from(["offer", "dispose", "hold", "release"]), back=st.booleans())
    def hand_over(self, data, kind, back):
        """What ends in another's hands, or in nobody's: an offer that is answered at once, an end, after it a try."""
        held = [name for name, item in self.state.items.items() if item.holder and not item.out]
        if not held:
            return
        name = data.draw(st.sampled_from(held))
        by = next(one for one in (*PEOPLE, *SPARE) if one.key == self.state.items[name].holder.key)
        entry = self.state.size
        self.try_event(kind, [name], by=by, **data.draw(details(kind, [name], entry)))
        offer = self.state.items[name].offer
        if kind == "offer" and offer is not None:
            to = next(one for one in (*PEOPLE, *SPARE) if one.key == offer.to.key)
            for at in [offer.entry - 1, offer.entry, offer.entry][1 - back : 2 + back]:
                self.try_event("accept", [name], by=to, offer=ce.offer_of(at))
        elif back:
            self.try_event(data.draw(st.sampled_from(["store", "dispose", "release"])), [name], by=by)

    @rule(data=st.data(), by=people, new=st.sampled_from(SPARE))
    def rotate(self, data, by, new):
        self.try_event("key_add", [], by=by, also=(new,), public_key=new.line, id=by.id, replaces=by.key)

    @rule(kind=st.sampled_from(["store", "seal", "acquire"]), items=exhibits, by=everybody)
    def later_version(self, kind, items, by):
        self.try_event(kind, items, version=2, by=by)

    @invariant()
    def they_agree(self):
        assert [*self.state.items] == [*self.model.things] or set(self.state.items) == set(self.model.things)
        for name, thing in self.model.things.items():
            item = self.state.items[name]
            person = lambda one: None if one is None else self.state.person(one.key)  # noqa: E731
            assert item.unknown == (not thing.known)
            assert person(item.holder) == thing.holder
            assert person(item.keeper) == thing.keeper
            assert (item.out and item.out.kind) == (thing.out and thing.out[0])
            assert (item.offer and (item.offer.entry, person(item.offer.to))) == thing.offer
            assert list(item.holds) == thing.holds
            assert (item.ended is not None) == thing.ended
            assert (item.acquired, item.root) == (thing.acquired, thing.sealed)
            assert item.last == thing.last
        assert set(self.state.branches) == self.model.branches
        assert set(self.state.packages) == self.model.packages


CustodyMachine.TestCase.settings = settings(max_examples=examples(100), stateful_step_count=40, deadline=None)
TestCustody = pytest.mark.deep(CustodyMachine.TestCase)


# --- through the real log -----------------------------------------------------------------------------------------


def steps_of(draw):
    """A few events with their actors, most of them by somebody who may."""
    kinds = ["collect", "offer", "accept", "refuse", "loan", "return", "check_out", "check_in", "store", "split",
             "physical_seal", "hold", "hold_release", "dispose", "reassign", "key_retire", "incident"]  # fmt: skip
    return [(draw(st.sampled_from(kinds)), draw(st.integers(0, 1)), draw(st.integers(0, 1))) for _ in range(10)]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_the_real_log_takes_what_the_model_allows(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    signers, persons = [], []
    for name in ("anna", "ben"):
        new_key(folder / name, comment=name, passphrase=None)
        signers.append(load_signer(folder / name, ask_passphrase=None))
        persons.append(ce.Someone(name, signers[-1].fingerprint, (folder / f"{name}.pub").read_text().strip()))
    keys, case, clock = new_log_keys(ce.ORIGIN), folder / "case", Clock()
    actors = [{"id": one.id, "key": one.key, "organisation": None, "role": None} for one in persons]
    open_case(
        case, identity=bytes(16), reference="", agency="", signer=signers[0], actor=actors[0], keys=keys, clock=clock,
        random=os.urandom, utc_offset_min=None,
    )  # fmt: skip
    ledger = Ledger(case, keys=keys, clock=clock, random=os.urandom, utc_offset_min=None)
    model = custodymodel.Model()
    assert model.take(ce.event("open", by=persons[0]))
    for kind, who, other in steps_of(data.draw):
        model = try_in_the_log(ledger, model, kind, signers, persons, actors, who, other)
    ledger.checkpoint()
    report = verify_case(case)
    assert not [finding for finding in report.findings if finding.severity == "error"]
    assert report.aspects["custody"].status == "ok"
    assert Ledger(case, keys=keys, clock=clock, random=os.urandom, utc_offset_min=None).custody == ledger.custody


class Clock:
    """A second later each time that it is asked."""

    def __init__(self) -> None:
        self.at = ce.START

    def __call__(self) -> int:
        self.at += 10**9
        return self.at


def try_in_the_log(ledger, model, kind, signers, persons, actors, who, other):
    """Try one event; it must be entered where the model allows it, and leave nothing where not. Return the model."""
    store, size, item = ledger.store, ledger.log.size, "EX-001"
    offer = next((one.offer.entry for one in ledger.custody.items.values() if one.offer), 0)
    reference = {
        "entry": str(offer),
        "event": sha256((store.path / f"custody/{offer:08d}/event.json").read_bytes()).hexdigest(),
    }
    body = {
        "accept": {"offer": reference | {"origin": ce.ORIGIN}},
        "refuse": {"offer": reference | {"origin": ce.ORIGIN}},
        "key_retire": {"key": persons[other].key},
        "split": {"parts": [{"item": f"EX-{size}"}]},
        **{name: {"to": persons[other].named} for name in ("offer", "loan", "check_out", "reassign")},
    }.get(kind, {})
    items = [] if kind in ce.NAMELESS else [item, f"EX-{size}"] if kind == "split" else [item]
    also = (1 - who,) if kind == "reassign" and other else ()
    event = ce.event(
        kind, *items, by=persons[who], also=tuple(persons[one] for one in also), when=ledger.moment(), **body
    )
    after = deepcopy(model)
    allowed = after.take(event)

    def enter():
        return ledger.append(
            kind, items, {name: value for name, value in event["body"].items() if name != "_t"}, actor=actors[who],
            signers=[signers[who], *(signers[one] for one in also)], occurred_at=event["occurred_at"],
        )  # fmt: skip

    if allowed:
        assert enter() == size
        return after
    with pytest.raises(Refused) as caught:
        enter()
    assert (caught.value.code, ledger.log.size) == ("R511", size)
    return model
