"""When limits end, against `dateutil` and `holidays`: across zones, changes of clocks, leap days, month ends, weekends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest
from dateutil import rrule, tz
from dateutil.relativedelta import relativedelta
from deep import examples
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from evidencekit.cooperation.clocks import MAX_WORKING_DAYS, end_of, unsaid
from evidencekit.cooperation.law import Limit, Source, known_tables
from evidencekit.errors import BadArgument

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 10**9
ZONES = [
    *("UTC", "Europe/Prague", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca"),
    *("America/St_Johns", "Asia/Tehran", "America/Sao_Paulo", "Pacific/Chatham", "Asia/Beirut", "America/Havana"),
]
"""With changes of an hour, of half an hour, at midnight, and none."""
SOURCE = Source("Article 1", "unconfirmed", "1", date(1900, 1, 1), None)

zones = st.sampled_from(ZONES)
instants = st.integers(0, 2_050_000_000).map(lambda seconds: seconds * SECOND + 5)
"""From 1970 to 2034 (dateutil knows no change of a clock after 2037), and five nanoseconds, which must not get lost."""


def limit(amount: int, unit: str, **more) -> Limit:
    given = {"id": "x", "of": "hold", "bound": "least", "text": "so long", "source": SOURCE}
    return Limit(amount=amount, unit=unit, **(given | more))


def ns(text: str) -> int:
    since = datetime.fromisoformat(text).astimezone(UTC) - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000


def seen(zone: str, instant: int) -> datetime:
    """What a clock of the zone shows, by dateutil's own reading of the zone."""
    return (EPOCH + timedelta(seconds=instant // SECOND)).astimezone(tz.gettz(zone)).replace(tzinfo=None, fold=0)


def ends(text: str, amount: int, unit: str = "days", **more) -> int:
    return end_of(limit(amount, unit), ns(text), **more).until


# --- days ---------------------------------------------------------------------------------------------------------


@settings(max_examples=examples(900), deadline=None)
@given(start=instants, amount=st.integers(1, 800), zone=zones)
@example(start=ns("2026-01-28T02:30+01:00"), amount=60, zone="Europe/Prague")
@example(start=ns("2026-08-26T02:30+02:00"), amount=60, zone="Europe/Prague")
def test_days_keep_the_time_of_day_as_dateutil_has_it(start, amount, zone):
    until = end_of(limit(amount, "days"), start, zone=zone).until
    wanted = (seen(zone, start) + relativedelta(days=amount)).replace(tzinfo=tz.gettz(zone))
    if tz.datetime_exists(wanted):
        assert until % SECOND == start % SECOND
        assert until // SECOND == int((wanted.replace(fold=0) - EPOCH).total_seconds())
        if tz.datetime_ambiguous(wanted):
            assert until // SECOND < int((wanted.replace(fold=1).astimezone(UTC) - EPOCH).total_seconds())
    else:
        assert until % SECOND == 0
        assert seen(zone, until - SECOND) < wanted.replace(tzinfo=None) < seen(zone, until)


@settings(max_examples=examples(300), deadline=None)
@given(start=instants, amount=st.integers(1, 400), zone=zones)
def test_a_longer_limit_never_ends_earlier(start, amount, zone):
    until, later = (end_of(limit(count, "days"), start, zone=zone).until for count in (amount, amount + 1))
    assert start < until < later


@pytest.mark.parametrize(
    ("start", "amount", "zone", "until"),
    [
        ("2026-11-01T00:00Z", 60, "UTC", "2026-12-31T00:00Z"),
        ("2024-02-28T12:00Z", 1, "UTC", "2024-02-29T12:00Z"),
        ("2023-02-28T12:00Z", 1, "UTC", "2023-03-01T12:00Z"),
        ("2024-02-29T12:00Z", 366, "UTC", "2025-03-01T12:00Z"),
        ("2026-01-31T23:59:59Z", 30, "UTC", "2026-03-02T23:59:59Z"),
        # across changes of the clock: the time of day stays, an hour more or less has gone by
        ("2026-03-01T09:00+01:00", 60, "Europe/Prague", "2026-04-30T09:00+02:00"),
        ("2026-10-01T09:00+02:00", 60, "Europe/Prague", "2026-11-30T09:00+01:00"),
        # 02:30 is skipped on 29 March: the instant of the change
        ("2026-03-28T02:30+01:00", 1, "Europe/Prague", "2026-03-29T03:00+02:00"),
        # 02:30 is there twice on 25 October: the first
        ("2026-10-24T02:30+02:00", 1, "Europe/Prague", "2026-10-25T02:30+02:00"),
        # received at the second 02:30: the only one of the next day
        ("2026-10-25T02:30+01:00", 1, "Europe/Prague", "2026-10-26T02:30+01:00"),
        # midnight itself is skipped
        ("2018-11-03T00:00-03:00", 1, "America/Sao_Paulo", "2018-11-04T01:00-02:00"),
        # half an hour
        ("2026-10-03T02:15+10:30", 1, "Australia/Lord_Howe", "2026-10-04T02:30+11:00"),
        # a whole day was skipped: 30 December 2011
        ("2011-12-29T12:00-10:00", 1, "Pacific/Apia", "2011-12-31T00:00+14:00"),
        ("2011-12-29T12:00-10:00", 2, "Pacific/Apia", "2011-12-31T12:00+14:00"),
    ],
)
def test_days_by_hand(start, amount, zone, until):
    assert ends(start, amount, zone=zone) == ns(until)


def test_the_day_of_receipt_is_the_zones():
    """23:30 UTC is the next day in Prague: what changes there in between counts."""
    assert ends("2026-03-27T23:30Z", 1, zone="Europe/Prague") == ns("2026-03-29T00:30+01:00")
    assert ends("2026-03-28T23:30Z", 1, zone="Europe/Prague") == ns("2026-03-30T00:30+02:00")


# --- hours --------------------------------------------------------------------------------------------------------


@given(start=instants, amount=st.integers(1, 10_000), zone=zones)
def test_hours_are_elapsed_time(start, amount, zone):
    ending = end_of(limit(amount, "hours"), start, zone=zone)
    assert ending.until - start == amount * 3600 * SECOND
    assert (ending.skipped, ending.not_checked, ending.calendar) == ((), (), None)


# --- working days -------------------------------------------------------------------------------------------------


@settings(max_examples=examples(300), deadline=None)
@given(start=instants, amount=st.integers(1, 300), zone=zones)
def test_without_a_place_only_the_weekend_is_known_and_that_is_said(start, amount, zone):
    ending = end_of(limit(amount, "working_days"), start, zone=zone)
    week = (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR)
    day = seen(zone, start)
    last = rrule.rrule(rrule.DAILY, dtstart=day + timedelta(days=1), byweekday=week, count=amount)[-1]
    wanted = last.replace(tzinfo=tz.gettz(zone))
    if tz.datetime_exists(wanted):
        assert seen(zone, ending.until) == last
    assert seen(zone, ending.until).date() == last.date()
    assert (ending.calendar, ending.skipped) == (None, ())
    assert "no place was named" in ending.not_checked[0]


PLACES = ["CZ", "DE-BY", "US", "GB-SCT", "FR", "JP", "BR", "CN", "IL", "UA", "CA-QC", "EG", "AE", "BD", "NP"]
"""With weekends on Saturday and Sunday, Friday and Saturday, Saturday alone; with days worked instead."""


@settings(max_examples=examples(150), deadline=None)
@given(day=st.dates(date(2000, 1, 1), date(2050, 1, 1)), amount=st.integers(1, 60), place=st.sampled_from(PLACES))
@example(day=date(2026, 12, 23), amount=1, place="CZ")
@example(day=date(2025, 1, 24), amount=2, place="CN")
def test_working_days_as_holidays_counts_them(day, amount, place):
    country, _, part = place.partition("-")
    known = holidays.country_holidays(
        country, subdiv=part or None, language="en_US" if country in {"EG", "AE"} else None
    )
    last = known.get_nth_working_day(day, amount)
    between = [day + timedelta(days=number) for number in range(1, (last - day).days + 1)]
    names = [known.get(one, "") for one in between]
    assume(not any("estimated" in name for name in names))
    start = ns(f"{day}T15:30Z")
    ending = end_of(limit(amount, "working_days"), start, place=place)
    assert ending.until == ns(f"{last}T15:30Z")
    skipped = [one for one in between if one in known and not known.is_weekend(one)]
    assert [line[:10] for line in ending.skipped] == [str(one) for one in skipped if not known.is_working_day(one)]
    assert ending.calendar.startswith(f"{place}, holidays ")
    assert ending.not_checked == ()


def test_working_days_by_hand():
    """Wednesday 23 December 2026: three days of Christmas, a weekend; received on a Saturday, Monday is the first."""
    ending = end_of(limit(2, "working_days"), ns("2026-12-23T10:00+01:00"), zone="Europe/Prague", place="CZ")
    assert ending.until == ns("2026-12-29T10:00+01:00")
    assert ending.skipped == ("2026-12-24 Christmas Eve", "2026-12-25 Christmas Day")
    assert ends("2026-11-21T15:00Z", 1, "working_days", place="CZ") == ns("2026-11-23T15:00Z")
    assert ends("2026-11-20T15:00Z", 1, "working_days", place="IL") == ns("2026-11-22T15:00Z")  # Sunday is worked


def test_an_estimated_holiday_counts_as_a_working_day_and_is_named():
    """Eid al-Fitr 2030 is a guess: were it left out, the warning could be late."""
    ending = end_of(limit(3, "working_days"), ns("2030-02-01T09:00Z"), place="AE")
    assert ending.until == ns("2030-02-06T09:00Z")
    assert ending.skipped == ()
    assert len(ending.not_checked) == 3
    assert all("estimated" in text for text in ending.not_checked)
    both = end_of(limit(1, "working_days"), ns("2045-04-28T09:00Z"), place="MY")  # Labor Day is one without the other
    assert both.until == ns("2045-05-02T09:00Z")
    assert both.skipped == ("2045-05-01 Labor Day; Vesak Day (estimated)",)


def test_the_environment_changes_no_name(monkeypatch):
    monkeypatch.setenv("LANGUAGE", "uk")
    assert end_of(limit(1, "working_days"), ns("2026-12-23T10:00Z"), place="CZ").skipped[0].endswith("Christmas Eve")


def test_after_the_list_ends_that_is_said():
    ending = end_of(limit(2, "working_days"), ns("2100-12-30T09:00Z"), place="CZ")
    assert any("holidays after 2100" in text for text in ending.not_checked)


# --- what an end rests on -----------------------------------------------------------------------------------------


def test_a_rule_that_does_not_hold_then_is_told():
    source = Source("Article 2", "confirmed", "1", date(2026, 5, 1), date(2026, 5, 31))
    told = {
        day: end_of(limit(1, "days", source=source), ns(f"{day}T23:30Z"), zone="Europe/Prague").not_checked
        for day in ("2026-04-29", "2026-04-30", "2026-05-30", "2026-05-31")
    }
    assert ["not yet" in str(said) for said in told.values()] == [True, False, False, False]
    assert ["no longer" in str(said) for said in told.values()] == [False, False, False, True]
    unknown = Source("Article 3", "confirmed", "1", None, None)
    assert "not known" in end_of(limit(1, "hours", source=unknown), 0).not_checked[0]
    assert "service" in end_of(limit(1, "hours", start="service"), 0).not_checked[0]


def test_an_end_carries_its_limit_and_zone():
    rule = limit(3, "days")
    ending = end_of(rule, 7, zone="Asia/Kathmandu")
    assert (ending.limit, ending.limit.source.mark, ending.start, ending.zone) == (
        rule,
        "unconfirmed",
        7,
        "Asia/Kathmandu",
    )


def test_limits_that_were_not_counted_are_named():
    table = known_tables(Path(__file__).parent / "invented")["atlantis-3"]
    counted = table.limit("hold")
    (said,) = unsaid(counted, table.limits, lambda _: False)
    assert "urgent (most 8 hours, Atlantis, Article 3(2), unconfirmed) for a request with emergency" in said


# --- what cannot be -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/Praha", "", "../../etc/passwd", "right/Europe/Prague", "Europe", "posix/UTC"])
def test_no_such_zone(zone):
    with pytest.raises(BadArgument) as caught:
        end_of(limit(1, "days"), 0, zone=zone)
    assert caught.value.code == "U302"


@pytest.mark.parametrize("place", ["", "cz", "XX", "CZ-", "CZ-ZZ", "Czechia", "CZE", "HolidayBase"])
def test_no_such_place(place):
    with pytest.raises(BadArgument) as caught:
        end_of(limit(1, "working_days"), 0, place=place)
    assert caught.value.code == "U303"


@pytest.mark.parametrize(
    ("amount", "unit"),
    [(3_000_000, "days"), (10**30, "days"), (10**30, "hours"), (10**8, "hours"), (MAX_WORKING_DAYS + 1, "working_days"), (10**30, "working_days")],
)  # fmt: skip
def test_too_far_ahead(amount, unit):
    with pytest.raises(BadArgument) as caught:
        end_of(limit(amount, unit), 0)
    assert caught.value.code == "U304"


def test_the_last_day_is_refused_in_every_zone():
    for zone in ("UTC", "Pacific/Kiritimati", "Etc/GMT+12"):
        with pytest.raises(BadArgument) as caught:
            ends("9999-12-30T23:59:59Z", 1, zone=zone)
        assert caught.value.code == "U304"


def test_zones_are_those_of_the_system_or_of_tzdata():
    assert all(ZoneInfo(zone) for zone in ZONES)
