"""The custody state machine against a model that forgets nothing: any events, in any order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from evidencekit.core.custody import Custody, advance
from evidencekit.core.event import decode_event, encode_event, new_event
from evidencekit.core.note import ED25519, MLDSA44, VerifierKey, format_vkey
from evidencekit.core.opinions import OPINION_KINDS

ORIGIN = "unit7.example/24-117"
TIME = {"precision": "ns", "time": "2026-11-22T09:15:02.123456789Z", "utc_offset_min": None}
NONCE = "AAAAAAAAAAAAAAAAAAAAAA=="
ACTORS = {"a": "SHA256:" + "a" * 43, "b": "SHA256:" + "b" * 43}
BODIES = {
    "open": {
        "agency": "",
        "created_at": TIME,
        "log_keys": [
            format_vkey(VerifierKey(ORIGIN, ED25519, bytes(32))),
            format_vkey(VerifierKey(ORIGIN, MLDSA44, bytes(1312))),
        ],
        "origin": ORIGIN,
        "reference": "",
    },
    "acquire": {
        "acquisition_type": "logical",
        "digests": ["blake3", "sha256"],
        "finished_at": TIME,
        "started_at": TIME,
        "tool": {"name": "", "parts": {}, "version": ""},
    },
    "seal": {"file_sha256": "0" * 64, "header": "0" * 64, "manifest": "1", "root": "1" * 64, "rows": "1"},
    "derive": {
        "base_root": "1" * 64,
        "engine": {"data_sha256": None, "name": "", "version": ""},
        "file_sha256": "0" * 64,
        "header": "0" * 64,
        "kind": "media-type",
        "manifest": "2",
        "root": "0" * 64,
        "rows": "1",
    },
}

EXHIBIT = st.sampled_from(["EX-001", "EX-002", "EX-003", "field/EX-001"])
EXHIBITS = st.lists(EXHIBIT, max_size=4, unique=True)
ACTOR = st.sampled_from(sorted(ACTORS))
ROOT = st.sampled_from(["1" * 64, "2" * 64])


class CustodyMachine(RuleBasedStateMachine):
    """Applies events; remembers by itself who last touched, sealed and acquired what."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Custody()
        self.last: dict[str, str] = {}
        self.sealed: dict[str, tuple[int, str]] = {}
        self.typed: dict[str, int] = {}
        self.broken: tuple = ()

    def apply(self, kind: str, items: list[str], actor: str, /, version: int = 1, **body: object) -> None:
        event = new_event(
            kind=kind if kind in BODIES else "seal",
            items=items,
            body=BODIES.get(kind, BODIES["seal"]) | body,
            case=NONCE,
            actor={"id": actor, "key": ACTORS[actor], "organisation": None, "role": None},
            signers=[ACTORS[actor]],
            seen={"origin": ORIGIN, "root": "0" * 64, "size": "0"},
            nonce=NONCE,
            occurred_at=TIME,
        )
        if kind not in BODIES or version > 1:
            event |= {"type": kind, "body": {"_t": f"evidencekit/{kind}/{version}"}, "not_stated": []}
        event = decode_event(encode_event(event))
        index, before = self.state.size, dict(self.state.items)
        assert self.state.places(items) == tuple(self.last.get(item) for item in items)
        state, self.broken = advance(self.state, event)
        assert dict(self.state.items) == before  # the state before is as it was
        self.state = state
        self.last |= {item: f"{index}/{position}" for position, item in enumerate(items)}

    @rule(items=EXHIBITS, actor=ACTOR)
    def open(self, items, actor):
        first = self.state.size == 0
        self.apply("open", items, actor)
        assert bool(self.broken) == (not first or bool(items))

    @rule(items=EXHIBITS, actor=ACTOR)
    def acquire(self, items, actor):
        allowed = self.state.size > 0 and len(items) == 1 and items[0] not in self.sealed
        self.apply("acquire", items, actor)
        assert bool(self.broken) == (not allowed)
        if allowed:
            assert self.state.items[items[0]].holder_key == ACTORS[actor]

    @rule(item=EXHIBIT, actor=ACTOR, root=ROOT)
    def seal(self, item, actor, root):
        index, before = self.state.size, self.state.items.get(item)
        self.apply("seal", [item], actor, root=root)
        if item in self.sealed or before is None or index == 0:
            assert self.broken
        else:
            assert bool(self.broken) == (before.holder_key not in {None, ACTORS[actor]})
        if before is not None and item not in self.sealed:
            self.sealed[item] = (index, root)

    @rule(item=EXHIBIT, actor=ACTOR, root=ROOT, kind=st.sampled_from(list(OPINION_KINDS)))
    def derive(self, item, actor, root, kind):
        index = self.state.size
        allowed = item in self.sealed and self.sealed[item][1] == root and index > 0
        self.apply("derive", [item], actor, base_root=root, kind=kind)
        assert bool(self.broken) == (not allowed)
        if item in self.sealed:
            assert self.state.items[item].derived == index
            if kind == "media-type":
                self.typed[item] = index

    @rule(kind=st.sampled_from(["offer", "hold", "seal", "acquire"]), items=EXHIBITS, actor=ACTOR)
    def later(self, kind, items, actor):
        first = self.state.size == 0
        self.apply(kind, items, actor, version=2)
        assert bool(self.broken) == first
        assert all(self.state.items[item].holder_key is None for item in items)

    @invariant()
    def items_are_those_that_events_named(self):
        assert list(self.state.items) == list(self.last)
        assert {item: str(self.state.items[item].last) for item in self.last} == self.last

    @invariant()
    def a_comparison_types_nothing(self):
        assert {name: item.typed for name, item in self.state.items.items() if item.typed is not None} == self.typed

    @invariant()
    def a_seal_is_for_ever(self):
        items = self.state.items
        assert {name: (items[name].sealed, items[name].root) for name in self.sealed} == self.sealed
        assert all((items[name].sealed is None) == (name not in self.sealed) for name in items)


CustodyMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestCustody = CustodyMachine.TestCase
