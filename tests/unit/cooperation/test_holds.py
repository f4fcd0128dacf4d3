"""Where a hold stands, what it says of itself, what is not followed; calendars, read by other libraries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import custodyevents as ce
import ics
import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.cooperation.calendar_file import encode_calendar
from evidencekit.cooperation.holds import STAGES, Lapse
from evidencekit.cooperation.holds_register import register_of
from evidencekit.core.custody import Custody, advance
from evidencekit.core.values import format_instant, moment
from evidencekit.journeys.holds_told import due_document

HOUR = 3600 * 10**9
DAY = 24 * HOUR
BASIS = {
    "amount": "60", "bound": "least", "citation": "Atlantis, Article 3(1)", "instrument": "atlantis-3", "limit": "hold",
    "mark": "unconfirmed", "not_checked": ["holidays"], "skipped": [], "start": format_instant(ce.START), "unit": "days",
    "version": "2001-01-01", "zone": "UTC",
}  # fmt: skip


def at(days: float) -> int:
    return ce.START + int(days * DAY)


class Log:
    """A log that grows, an event a day unless said otherwise."""

    def __init__(self, *items):
        self.custody, self.told = Custody(), []
        self.enter(0, "open")
        for item in items or ("EX-001",):
            self.enter(0, "collect", item)

    def enter(self, day, kind, *items, recorded=None, **more):
        event = ce.event(kind, *items, when=moment(at(day)), **more)
        self.custody, remarks = advance(self.custody, event)
        entry = len(self.told)
        when = format_instant(at(day if recorded is None else recorded))
        self.told.append(SimpleNamespace(entry=entry, event=event, recorded_at=when, remarks=remarks))
        return entry

    def hold(self, day, *items, until=None, received=None, hold="H1", **more):
        times = {"until": until, "received_at": received}
        body = {name: moment(at(when)) for name, when in times.items() if when is not None}
        return self.enter(day, "hold", *(items or ("EX-001",)), hold=hold, **body, **more)

    def extend(self, day, until, *items, **more):
        return self.enter(day, "extend", *(items or ("EX-001",)), until=moment(at(until)), **({"hold": "H1"} | more))

    def release(self, day, *items, **more):
        return self.enter(day, "hold_release", *(items or ("EX-001",)), **({"hold": "H1"} | more))

    @property
    def register(self):
        return register_of(self.told)

    @property
    def one(self):
        (hold,) = self.register.holds
        return hold

    def document(self, day):
        return due_document([(ce.ORIGIN, self.register, ())], at(day))


# --- stages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "stage", "share", "left"),
    [
        (-1, "running", 0, 61 * 86_400),
        (0, "running", 0, 60 * 86_400),
        (30 - 1e-9, "running", 49, 30 * 86_400),
        (30, "half", 50, 30 * 86_400),
        (45 - 1e-9, "half", 74, 15 * 86_400),
        (45, "three_quarters", 75, 15 * 86_400),
        (53 - 1e-9, "three_quarters", 88, 7 * 86_400),
        (53, "week", 88, 7 * 86_400),
        (59, "day", 98, 86_400),
        (60 - 1e-9, "day", 99, 0),
        (60, "lapsed", 100, 0),
        (61, "lapsed", 100, -86_400),
    ],
)
def test_stages_of_sixty_days(days, stage, share, left):
    log = Log()
    log.hold(0, received=0, until=60)
    clock = log.one.at(at(days))
    assert (clock.stage, clock.share) == (stage, share)
    assert clock.left_s == pytest.approx(left, abs=1)


def test_half_a_nanosecond_is_not_early():
    log = Log()
    log.enter(0, "hold", "EX-001", hold="H1", received_at=moment(at(0)), until=moment(at(61) + 1))
    points = log.one.warnings()
    for name, share in (("half", 50), ("three_quarters", 75)):
        on, before = log.one.at(points[name]), log.one.at(points[name] - 1)
        assert (on.stage, on.share) == (name, share)
        assert (before.stage != name, before.share) == (True, share - 1)
    assert [*points] == [name for name in STAGES if name in points]


def test_short_limits_are_in_their_last_day_from_the_start():
    log = Log()
    log.hold(0, received=0, until=8 / 24)
    assert log.one.at(at(0)).stage == "day"
    log = Log()
    log.hold(0, received=0, until=10)
    assert [log.one.at(at(day)).stage for day in (2, 3, 5, 9, 10)] == ["running", "week", "week", "day", "lapsed"]


def test_a_period_begins_with_receipt_and_each_later_one_with_its_extension():
    log = Log()
    log.hold(2, received=0, until=60)
    assert log.one.period == (at(0), at(60))
    log.extend(50, 120)
    assert log.one.period == (at(50), at(120))
    assert log.one.at(at(84)).stage == "running"
    assert log.one.at(at(85)).stage == "half"


def test_without_receipt_the_period_begins_when_it_was_done_and_that_is_told():
    log = Log()
    log.hold(4, until=60, recorded=6)
    assert log.one.period == (at(4), at(60))
    assert "when the request was received: not stated" in log.one.said()


def test_a_hold_without_an_end_is_on_the_list():
    log = Log()
    log.hold(0)
    assert (log.one.at(at(999)).stage, log.one.at(at(999)).left_s, log.one.lapses(at(999))) == ("no_end", None, ())
    document = log.document(5)
    assert document["counts"]["no_end"] == 1
    assert document["items"] == [{"case": ce.ORIGIN, "hold": None, "item": "EX-001", "no_end": ["H1"], "until": None}]
    assert "when it ends: not stated" in document["holds"][0]["not_checked"]
    log.extend(7, 9)
    assert log.one.at(at(8)).stage == "day"
    assert log.one.lapses(at(8)) == ()


def test_an_end_on_a_day_counts_as_the_day_begins():
    log = Log()
    end = moment(at(10), utc_offset_min=60, precision="day")
    log.enter(0, "hold", "EX-001", until=end)
    assert format_instant(log.one.until) == end["time"]
    assert log.one.at(log.one.until).stage == "lapsed"


@given(received=st.integers(-400, 400), until=st.integers(-400, 400), now=st.integers(-500, 900))
def test_any_dates_have_a_stage(received, until, now):
    log = Log()
    log.hold(0, received=received / 8, until=until / 8)
    clock = log.one.at(at(now / 8))
    assert 0 <= clock.share <= 100
    assert (clock.stage == "lapsed") == (clock.left_s <= 0) == (now >= until)


# --- lapses -------------------------------------------------------------------------------------------------------


def test_a_lapse_stays_after_an_extension_and_a_release():
    log = Log()
    log.hold(0, received=0, until=60)
    assert log.one.lapses(at(60) - 1) == ()
    assert log.one.lapses(at(60)) == (Lapse(at(60), None, None),)
    extended = log.extend(65, 100)
    assert log.one.lapses(at(66)) == (Lapse(at(60), at(65), extended),)
    released = log.release(103)
    wanted = (Lapse(at(60), at(65), extended), Lapse(at(100), at(103), released))
    assert log.one.lapses(at(104)) == log.one.lapses(at(9999)) == wanted
    assert log.one.at(at(104)).stage == "released"
    assert log.document(104)["holds"][0]["lapses"][1] == {
        "by": released, "from": format_instant(at(100)), "to": format_instant(at(103))
    }  # fmt: skip


def test_extended_in_the_very_instant_it_has_not_lapsed():
    log = Log()
    log.hold(0, until=60)
    log.extend(60, 90)
    assert log.one.lapses(at(61)) == ()


def test_an_extension_that_is_entered_late_hides_nothing():
    """It says that it was granted in time; it was not in the log, so on day 62 everybody was told that it had lapsed."""
    log = Log()
    log.hold(0, until=60)
    entry = log.extend(58, 120, recorded=65)
    assert log.one.lapses(at(66)) == (Lapse(at(60), at(65), entry),)
    told = log.document(66)["holds"][0]["extensions"][0]
    assert (told["occurred_at"]["time"], told["recorded_at"]) == (format_instant(at(58)), format_instant(at(65)))


def test_a_clock_that_was_set_back_hides_nothing_that_others_saw():
    log = Log()
    log.hold(0, until=60)
    log.enter(64, "store", "EX-001")
    entry = log.extend(59, 120, recorded=59)
    assert log.one.lapses(at(66)) == (Lapse(at(60), at(64), entry),)


def test_an_extension_to_an_end_that_has_passed_ends_no_lapse():
    log = Log()
    log.hold(0, until=60)
    log.extend(70, 65)
    assert log.one.lapses(at(71)) == (Lapse(at(60), None, None),)
    entry = log.extend(80, 90)
    assert log.one.lapses(at(81)) == (Lapse(at(60), at(80), entry),)


def test_a_hold_that_was_entered_after_its_end_had_lapsed_then():
    log = Log()
    log.hold(70, received=0, until=60)
    assert log.one.lapses(at(70)) == (Lapse(at(60), None, None),)


def test_a_shorter_end_counts():
    log = Log()
    log.hold(0, until=60)
    log.extend(10, 20)
    assert (log.one.until, log.one.at(at(20)).stage) == (at(20), "lapsed")


def test_a_correction_stands_beside_and_moves_nothing():
    log = Log()
    hold = log.hold(0, until=60)
    entry = log.enter(70, "correct", "EX-001", corrects={"entry": str(hold), "event": ce.H}, text="until was day 90")
    told = log.document(71)["holds"][0]
    assert told["corrections"] == [{"corrects": hold, "entry": entry, "text": "until was day 90"}]
    assert (told["stage"], len(told["lapses"])) == ("lapsed", 1)


# --- items and names ----------------------------------------------------------------------------------------------


def test_an_event_about_some_items_parts_them():
    log = Log("EX-001", "EX-002", "EX-003")
    log.hold(0, "EX-001", "EX-002", "EX-003", until=60)
    assert log.one.items == ("EX-001", "EX-002", "EX-003")
    log.extend(10, 90, "EX-002")
    log.release(11, "EX-003")
    told = [(hold.items, hold.until, hold.is_open) for hold in log.register.holds]
    assert told == [(("EX-001",), at(60), True), (("EX-002",), at(90), True), (("EX-003",), at(60), False)]


def test_the_shortest_clock_wins():
    log = Log()
    log.hold(0, until=60)
    log.hold(0, until=20, hold="H2")
    log.hold(0, hold="H3")
    (due,) = log.register.due()
    assert (due.item, due.until, due.hold, due.no_end) == ("EX-001", at(20), "H2", ("H3",))
    log.release(5, hold="H2")
    assert log.register.due()[0].until == at(60)
    assert [hold.name for hold in log.register.holds] == ["H1", "H3", "H2"]


def test_a_name_that_is_used_again_is_another_hold():
    log = Log()
    first = log.hold(0, until=60)
    log.release(5)
    second = log.hold(6, until=90)
    assert {hold.opening.entry: hold.is_open for hold in log.register.holds} == {first: False, second: True}


def test_parts_are_under_the_holds_of_what_they_were_split_from():
    log = Log()
    log.hold(0, until=60)
    log.enter(70, "split", "EX-001", "EX-001.1", parts=[{"item": "EX-001.1"}])
    assert log.one.items == ("EX-001", "EX-001.1")
    log.release(71, "EX-001")
    (still, _) = log.register.holds
    assert (still.items, still.lapses(at(72))) == (("EX-001.1",), (Lapse(at(60), None, None),))


# --- what is told of what is incomplete ---------------------------------------------------------------------------


def test_what_an_end_rests_on_is_told_with_its_mark():
    log = Log()
    log.hold(0, received=0, until=60, basis=BASIS, instrument="atlantis-3", request="a" * 64)
    told = log.document(1)["holds"][0]
    assert told["source"] == {"citation": "Atlantis, Article 3(1)", "mark": "unconfirmed", "version": "2001-01-01"}
    assert (told["not_checked"], told["opened"]["request"], told["instrument"]) == (
        ["holidays"],
        "a" * 64,
        "atlantis-3",
    )
    log.extend(5, 99)
    told = log.document(6)["holds"][0]
    assert told["source"] is None
    assert told["not_checked"] == ["holidays", "the end that entry 3 names was stated by a person, not computed"]


def test_what_is_not_followed_is_listed():
    log = Log("EX-001", "EX-002")
    broken = log.extend(1, 9)
    newer = log.enter(2, "hold", "EX-002", version=2, hold="H9")
    odd = log.enter(3, "hold", "EX-002", version=3, hold={"a": 1})
    orphan = log.release(4, "EX-002", hold="H9")
    told = log.document(5)["not_followed"]
    assert [(one["entry"], one["type"], one["items"], one["hold"]) for one in told] == [
        (broken, "extend", ["EX-001"], "H1"),
        (newer, "hold", ["EX-002"], "H9"),
        (odd, "hold", ["EX-002"], None),
        (orphan, "hold_release", ["EX-002"], "H9"),
    ]
    assert told[0]["reason"].startswith("E301: expected an open hold H1")
    assert "form that this version does not know" in told[1]["reason"]
    assert "does not show where" in told[3]["reason"]


def test_several_cases_and_what_they_adopted():
    one, other = Log(), Log()
    one.hold(0, until=60)
    other.hold(0, until=30)
    document = due_document([("a.example/1", one.register, ["field"]), ("b.example/2", other.register, ())], at(1))
    assert [hold["case"] for hold in document["holds"]] == ["b.example/2", "a.example/1"]
    assert [item["case"] for item in document["items"]] == ["b.example/2", "a.example/1"]
    assert document["not_checked"] == ["holds of the case field, which a.example/1 adopted: they stand in its own log"]


# --- the calendar -------------------------------------------------------------------------------------------------

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def when(days: float) -> datetime:
    return EPOCH + timedelta(seconds=at(days) // 10**9)


def calendar(log, day) -> bytes:
    return encode_calendar([(ce.ORIGIN, log.register.holds)], at(day))


@pytest.fixture
def held():
    log = Log("EX-001", "EX-002")
    log.hold(0, "EX-001", "EX-002", received=0, until=60, instrument="atlantis-3", basis=BASIS, purpose="private words")
    return log


def test_vobject_reads_the_end_and_an_alarm_at_each_warning(held):
    event = vobject.readOne(calendar(held, 1).decode()).vevent
    assert event.dtstart.value == when(60)
    triggers = [alarm.trigger.value for alarm in event.valarm_list]
    days = [timedelta(days=number) for number in (-30, -15, -7, -1, 0)]
    assert triggers == days
    assert event.summary.value == "Hold ends: H1 (EX-001, EX-002)"
    assert "Atlantis, Article 3(1), 2001-01-01 (unconfirmed)" in event.description.value
    assert "not checked: holidays" in event.description.value


def test_ics_reads_it_too(held):
    (event,) = ics.Calendar(calendar(held, 1).decode()).events
    assert event.begin.datetime == when(60)
    assert len(event.alarms) == 5


def test_nobody_is_named(held):
    text = calendar(held, 1).decode()
    assert "anna" not in text
    assert "private words" not in text


def test_warnings_before_the_beginning_are_left_out():
    log = Log()
    log.hold(0, received=0, until=8 / 24)
    event = vobject.readOne(calendar(log, 0).decode()).vevent
    assert [alarm.trigger.value for alarm in event.valarm_list] == [
        timedelta(hours=-4),
        timedelta(hours=-2),
        timedelta(0),
    ]


def test_a_uid_lasts_over_extensions_and_the_release_cancels(held):
    first = vobject.readOne(calendar(held, 1).decode()).vevent
    held.extend(50, 90, "EX-001", "EX-002")
    second = vobject.readOne(calendar(held, 51).decode()).vevent
    held.release(95, "EX-001", "EX-002")
    third = vobject.readOne(calendar(held, 96).decode()).vevent
    assert first.uid.value == second.uid.value == third.uid.value
    assert [one.sequence.value for one in (first, second, third)] == ["0", "1", "2"]
    assert [one.status.value for one in (first, second, third)] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert second.dtstart.value == when(90)
    assert not hasattr(third, "valarm")


def test_uids_differ_between_holds_logs_and_parted_items(held):
    held.hold(1, "EX-001", until=9, hold="H2")
    held.extend(2, 70, "EX-001")
    logs = [(ce.ORIGIN, held.register.holds), (ce.OTHER, held.register.holds)]
    events = vobject.readOne(encode_calendar(logs, at(3)).decode()).vevent_list
    assert len({event.uid.value for event in events}) == len(events) == 6


def test_a_lapse_is_said_and_odd_names_stay_one_line():
    log = Log()
    log.hold(0, until=60, hold="a;b,c\nATTENDEE:mailto:x\u202e")
    log.hold(0, hold="H2")
    data = calendar(log, 61)
    (event,) = vobject.readOne(data.decode()).vevent_list
    assert event.summary.value == "Hold HAS LAPSED: a;b,c\\nATTENDEE:mailto:x\\u{202e} (EX-001)"
    assert b"\nATTENDEE" not in data
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
