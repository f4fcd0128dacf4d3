"""A hold can never lapse unseen: holds are opened, extended, parted, released and corrected while time passes.

The model walks hour by hour and notes each hour in which an open hold had ended; it never looks back, but where the
computer's clock was set back: then what followed the entry before may be hidden, and no more. At each moment the
register, computed anew from the log alone, has to have the same lapses, and every open hold on its list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace

import custodyevents as ce
import pytest
from deep import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evidencekit.cooperation.holds_register import register_of
from evidencekit.core.custody import Custody, advance
from evidencekit.core.values import format_instant, moment
from evidencekit.journeys.holds_told import due_document

HOUR = 3600 * 10**9
ITEMS = ["EX-001", "EX-002", "EX-003"]
NAMES = ["alpha-1", "beta-1"]

some_items = st.lists(st.sampled_from([*ITEMS, "EX-004"]), min_size=1, max_size=3, unique=True)
names = st.sampled_from(NAMES)
hours = st.integers(-40, 60)
set_back = st.just(0) | st.integers(1, 80)
"""By how many hours the computer's clock is wrong when something is entered."""


def at(hour: int) -> int:
    return ce.START + hour * HOUR


@dataclass
class Track:
    """One item under one hold, from its opening to its release."""

    name: str
    opened: int
    until: int | None
    is_open: bool = True
    lapsed: set[int] = field(default_factory=set)
    """Hours in which it had ended, and nobody had extended or released it."""

    def count_from(self, hour: int, until: int | None, now: int) -> None:
        """Take another end, or none, as if it had been entered at an hour that has passed."""
        self.lapsed = {one for one in self.lapsed if one < hour}
        if until is not None:
            self.until = until
            self.lapsed.update(range(max(hour, until), now))


class HoldsMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = 0
        self.entered = 0
        """The hour from which the newest entry counts: no clock puts it before another one."""
        self.custody = Custody()
        self.log = []
        self.tracks: dict[str, list[Track]] = {name: [] for name in [*ITEMS, "EX-004"]}
        self.known: set[str] = {*ITEMS}
        self.unknown: set[str] = set()
        """Items that a log of some other program named before they began."""
        self.left: set[int] = set()
        """Entries that cannot be followed."""

    def enter(self, kind, *items, occurred=0, back=0, **body):
        """Enter an event as a writer would; tell whether it was allowed. What a forged log has stays in it, too."""
        event = ce.event(kind, *items, when=moment(at(self.now + occurred)), **body)
        self.custody, remarks = advance(self.custody, event)
        entry, recorded = len(self.log), self.now - back
        self.entered = max(self.entered, recorded)
        self.log.append(
            SimpleNamespace(entry=entry, event=event, recorded_at=format_instant(at(recorded)), remarks=remarks)
        )
        allowed = not any(remark.forbids for remark in remarks)
        self.unknown |= {item for item in items if item not in self.known}
        if not allowed and kind in {"hold", "extend", "hold_release"}:
            self.left.add(entry)
        return allowed

    def about(self, items):
        """Items of a list; early on without the part, for once a log has named it none can be made of that name."""
        early = len(self.log) < 20
        return [item for item in items if item in self.known or not early] or ITEMS[:1]

    def under(self, item, name):
        return next((one for one in self.tracks[item] if one.is_open and one.name == name), None)

    @initialize()
    def begin(self):
        self.enter("open")
        for item in ITEMS:
            self.enter("collect", item)

    @rule(gone=st.integers(1, 50))
    def time_passes(self, gone):
        for hour in range(self.now, self.now + gone):
            for track in (one for tracks in self.tracks.values() for one in tracks):
                if track.is_open and track.until is not None and track.until <= hour:
                    track.lapsed.add(hour)
        self.now += gone

    @rule(items=some_items, name=names, ahead=st.none() | hours, occurred=st.integers(-50, 0), back=set_back)
    def hold(self, items, name, ahead, occurred, back):
        items, until = self.about(items), None if ahead is None else self.now + ahead
        stated = {} if until is None else {"until": moment(at(until))}
        there = {*items} <= self.known | self.unknown
        allowed = self.enter("hold", *items, occurred=occurred, back=back, hold=name, **stated)
        assert allowed == (there and not any(self.under(item, name) for item in items))
        if allowed:
            for item in items:
                track = Track(name, len(self.log) - 1, until)
                if until is not None:
                    track.lapsed.update(range(until, self.now))
                self.tracks[item].append(track)

    def followed(self, kind, items, **body):
        """Enter what is about open holds; return those that it changes. Of an unknown item nobody can say what is open."""
        items = self.about(items)
        tracks = {item: self.under(item, body["hold"]) for item in items}
        likely = all(track or item in self.unknown for item, track in tracks.items())
        allowed = self.enter(kind, *items, **body)
        assert allowed == likely
        if not all(tracks.values()):
            self.left.add(len(self.log) - 1)
        return [track for track in tracks.values() if allowed and track]

    @rule(items=some_items, name=names, ahead=hours, occurred=st.integers(-50, 0), back=set_back)
    def extend(self, items, name, ahead, occurred, back):
        until = self.now + ahead
        for track in self.followed("extend", items, occurred=occurred, back=back, hold=name, until=moment(at(until))):
            track.count_from(self.entered, until, self.now)

    @rule(items=some_items, name=names, back=set_back)
    def release(self, items, name, back):
        for track in self.followed("hold_release", items, back=back, hold=name):
            track.is_open = False
            track.count_from(self.entered, None, self.now)

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), ahead=hours, back=set_back)
    def extend_one(self, data, ahead, back):
        """What is allowed, also to an end that has passed."""
        item, track = data.draw(st.sampled_from(self.holds))
        assert self.enter("extend", item, back=back, hold=track.name, until=moment(at(self.now + ahead)))
        track.count_from(self.entered, self.now + ahead, self.now)

    @precondition(lambda self: self.holds and "EX-004" not in self.known | self.unknown)
    @rule(data=st.data())
    def split(self, data):
        """A part is under its parent's holds, with their past."""
        whole = data.draw(st.sampled_from(sorted({item for item, _ in self.holds})))
        self.known.add("EX-004")
        assert self.enter("split", whole, "EX-004", parts=[{"item": "EX-004"}])
        for track in self.tracks[whole]:
            if track.is_open:
                self.tracks["EX-004"].append(Track(track.name, track.opened, track.until, lapsed={*track.lapsed}))

    @rule(data=st.data(), text=st.sampled_from(["until: never", "it had been extended", "no lapse"]))
    def correct(self, data, text):
        """Words move no date."""
        about = data.draw(st.integers(1, len(self.log) - 1))
        self.enter(
            "correct", *self.log[about].event["items"][:1], corrects={"entry": str(about), "event": ce.H}, text=text
        )

    @rule(kind=st.sampled_from(["dispose", "release", "erase"]), item=st.sampled_from(ITEMS))
    def what_is_held_stays(self, kind, item):
        """Whatever the date is; where nothing is held nothing is tried, so that items live on."""
        if any(one.is_open for one in self.tracks[item]):
            assert not self.enter(kind, item)
            assert [remark.code for remark in self.log[-1].remarks] == ["E316"]

    @property
    def holds(self):
        return [(item, one) for item, tracks in self.tracks.items() for one in tracks if one.is_open]

    @invariant()
    def nothing_lapses_unseen(self):
        register = register_of(self.log)
        found = {(item, hold.name, hold.opening.entry): hold for hold in register.holds for item in hold.items}
        wanted = {(item, track.name, track.opened): track for item, tracks in self.tracks.items() for track in tracks}
        assert found.keys() == wanted.keys()
        assert sum(len(hold.items) for hold in register.holds) == len(wanted)
        for key, track in wanted.items():
            hold = found[key]
            lapses = hold.lapses(at(self.now))
            ends = [at(self.now) if lapse.end is None else lapse.end for lapse in lapses]
            told = [
                hour
                for lapse, end in zip(lapses, ends, strict=True)
                for hour in range((lapse.start - ce.START) // HOUR, (end - ce.START) // HOUR)
            ]
            assert told == sorted(track.lapsed), key
            has_lapsed = track.is_open and track.until is not None and track.until <= self.now
            assert any(lapse.end is None for lapse in lapses) == has_lapsed
            assert all(earlier.end < later.start for earlier, later in pairwise(lapses))
            assert all(lapse.end is None or lapse.start < lapse.end for lapse in lapses)
            assert (hold.is_open, hold.until) == (track.is_open, None if track.until is None else at(track.until))
            stage = hold.at(at(self.now)).stage
            assert (stage == "lapsed") == has_lapsed
            assert (stage == "released") == (not track.is_open)
            assert (stage == "no_end") == (track.is_open and track.until is None)
        of_holds = [one for one in register.not_followed if one.kind in {"hold", "extend", "hold_release"}]
        assert {one.entry for one in of_holds} == self.left

    @invariant()
    def every_open_hold_is_due(self):
        register = register_of(self.log)
        document = due_document([("log", register, ())], at(self.now))
        listed = {(item, one["hold"]) for one in document["holds"] if one["open"] for item in one["items"]}
        assert listed == {(item, track.name) for item, track in self.holds}
        shortest = {}
        for item, track in self.holds:
            shortest.setdefault(item, []).append(track.until)
        firsts = {item: min((one for one in ends if one is not None), default=None) for item, ends in shortest.items()}
        assert {one["item"]: one["until"] for one in document["items"]} == {
            item: None if first is None else format_instant(at(first)) for item, first in firsts.items()
        }
        custody = {(name, hold) for name, item in self.custody.items.items() for hold in item.holds}
        assert listed == custody


HoldsMachine.TestCase.settings = settings(max_examples=examples(250), stateful_step_count=40, deadline=None)
TestHolds = pytest.mark.deep(HoldsMachine.TestCase)
