"""`evidencekit hold` as a person types it, while a clock that the tests move goes on; tables of law are invented ones."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import vobject
from click.testing import CliRunner

from evidencekit.cli import surroundings
from evidencekit.cli.main import evidencekit
from evidencekit.errors import BadArgument, FormatError, Refused

LAW = Path(__file__).parents[1] / "unit" / "cooperation" / "invented"
TABLE = (LAW / "atlantis-3.toml").read_text()


class Desk:
    """A case, who sits at it, and what time it is."""

    def __init__(self, folder: Path):
        self.folder, self.case, self.now = folder, folder / "case", 0

    def clock(self) -> int:
        self.now += 1000
        return self.now

    def at(self, text: str) -> Desk:
        self.now = int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 10**9
        return self

    def say(self, *arguments, code=0):
        done = CliRunner().invoke(evidencekit, [str(one) for one in arguments], standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        assert (done.return_value or 0) == code, done.output
        return done.output

    def hold(self, command, *arguments, signed=True):
        signing = ["--signer", self.folder / "key"] if signed else []
        law = ["--law", LAW] if command in {"open", "extend"} else []
        return self.say("hold", command, self.case, *arguments, *law, *signing)

    def open(self, *arguments, item="EX-001", instrument="atlantis-3", **more):
        more = {"received": "2026-11-01T00:00:00Z"} | more
        options = [word for name, value in more.items() for word in (f"--{name}", value) if value is not None]
        named = [] if instrument is None else ["--instrument", instrument]
        return json.loads(self.hold("open", "--item", item, *named, *options, *arguments, "--json"))

    def extend(self, *arguments, name="atlantis-3-1"):
        return json.loads(self.hold("extend", "--name", name, *arguments, "--json"))

    def release(self, *arguments, name="atlantis-3-1"):
        return json.loads(self.hold("release", "--name", name, "--authority", "letter", *arguments, "--json"))

    def due(self, *more):
        return json.loads(self.say("hold", "due", self.case, "--json", *more))

    def entries(self):
        return len([*(self.case / "custody").iterdir()])


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """A case with two items, on 2 November 2026; with its log keys."""
    folder = tmp_path_factory.mktemp("office")
    with pytest.MonkeyPatch.context() as patch:
        desk = sit_down(folder, patch)
        desk.say("key", "new", folder / "key", "--no-passphrase", "--name", "examiner")
        signing = ("--signer", folder / "key")
        desk.say("init", desk.case, "--reference", "1", "--agency", "A", "--origin", "a.example/1", *signing)
        for item in ("EX-001", "EX-002"):
            desk.say("custody", "add", desk.case, "collect", "--item", item, "--description", "d", *signing)
    return folder


def sit_down(folder, patch) -> Desk:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        patch.setenv(name, str(folder / "home"))
    desk = Desk(folder).at("2026-11-02T09:00Z")
    patch.setattr(surroundings, "clock", desk.clock)
    return desk


@pytest.fixture
def desk(office, tmp_path, monkeypatch):
    """A copy of the case, and its clock."""
    shutil.copytree(office, tmp_path / "desk", symlinks=True)
    return sit_down(tmp_path / "desk", monkeypatch).at("2026-11-02T10:00Z")


def refused(code, kind, function, *arguments, **more):
    with pytest.raises(kind) as caught:
        function(*arguments, **more)
    assert caught.value.code == code, caught.value
    return str(caught.value)


# --- open ---------------------------------------------------------------------------------------------------------


def test_the_end_is_counted_from_receipt_and_carries_what_it_rests_on(desk):
    told = desk.open()
    assert (told["hold"], told["until"]["time"]) == ("atlantis-3-1", "2026-12-31T00:00:00.000000000Z")
    basis = told["basis"]
    assert (basis["citation"], basis["mark"], basis["zone"]) == ("Atlantis, Article 3(1)", "confirmed", "UTC")
    assert basis["not_checked"][0] == "atlantis-3 is a table of one's own: it did not come with the program"
    assert "urgent (most 8 hours, Atlantis, Article 3(2), unconfirmed)" in basis["not_checked"][1]
    assert told["warnings"] == []
    assert desk.open()["hold"] == "atlantis-3-2"
    assert desk.open(name="mine")["hold"] == "mine"


def test_an_unconfirmed_rule_says_so_wherever_it_is_shown(desk):
    said = desk.hold(
        "open", "--item", "EX-001", "--instrument", "lemuria-9", "--received", "2026-11-10", "--calendar", "CZ"
    )
    assert "rests on  Lemuria, section 9(1), 1999 (UNCONFIRMED)" in said
    assert "left out  2026-11-17 Struggle for Freedom" in said
    assert "beware: received_at is a day, and counts as it begins" in said
    assert "Lemuria, section 9(1), 1999 (UNCONFIRMED)" in desk.say("hold", "due", desk.case)
    assert "rests on Lemuria, section 9(1), 1999 (UNCONFIRMED)" in desk.say("custody", "log", desk.case)
    assert desk.due()["holds"][0]["source"]["mark"] == "unconfirmed"


def test_without_a_place_nobody_knows_holidays_and_that_is_recorded(desk):
    told = desk.open(instrument="lemuria-9")
    assert "no place was named" in told["basis"]["not_checked"][0]
    assert any("no place was named" in text for text in desk.due()["holds"][0]["not_checked"])


def test_a_condition_that_somebody_speaks_of(desk):
    told = desk.open("--when", "emergency", received="2026-11-02T08:00+01:00")
    assert (told["basis"]["limit"], told["until"]["time"][:16]) == ("urgent", "2026-11-02T15:00")
    assert desk.open("--limit", "hold")["basis"]["limit"] == "hold"


def test_a_zone_moves_the_end_with_the_clock(desk):
    told = desk.open("--zone", "Europe/Prague", received="2026-10-01T09:00+02:00")
    assert told["until"]["time"][:16] == "2026-11-30T08:00"


def test_a_stated_end_is_recorded_as_stated_and_held_against_the_table(desk):
    told = desk.open("--until", "2026-12-01T00:00Z", "--authority", "order 7")
    assert told["basis"] is None
    assert told["warnings"] == [
        "the stated end is earlier than 2026-12-31T00:00:00.000000000Z: least 60 days (Atlantis, Article 3(1), confirmed)"
    ]
    late = desk.open("--until", "2027-12-01T00:00Z", instrument="lemuria-9")["warnings"]
    assert late[0].endswith("most 10 working_days (Lemuria, section 9(1), unconfirmed)")
    (first, _) = desk.due()["holds"]
    assert first["source"] is None
    assert any("stated by a person" in text for text in first["not_checked"])


def test_an_instrument_without_a_table_is_a_text(desk):
    refused("U300", BadArgument, desk.open, instrument="mu-1")
    told = desk.open("--until", "2027-01-01T00:00Z", instrument="letter of 5 May")
    assert (told["hold"], told["basis"]) == ("letter of 5 May-1", None)
    assert "no table of law has the instrument" in told["warnings"][0]


def test_a_hold_without_an_end_is_said_loudly(desk):
    told = desk.open(instrument=None, received=None)
    assert told["hold"] == "hold-1"
    assert told["warnings"][0].startswith("NO END")
    assert "until" in told["not_stated"]
    assert desk.due()["counts"]["no_end"] == 1


def test_received_ahead_and_lapsed_at_once_are_said(desk):
    assert desk.open(received="2026-11-03T00:00Z")["warnings"] == ["receipt lies ahead of this computer's clock"]
    assert "has LAPSED" in desk.open(received="2026-01-01T00:00Z")["warnings"][0]


def test_the_request_is_bound_by_its_digest(desk):
    file = desk.folder / "request.json"
    file.write_text("{}")
    desk.open("--request", file)
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert desk.due()["holds"][0]["opened"]["request"] == digest


@pytest.mark.parametrize(
    ("code", "more", "given"),
    [
        ("U301", [], {"received": None}),
        ("U302", ["--zone", "Europe/Praha"], {}),
        ("U303", ["--calendar", "XX"], {"instrument": "lemuria-9"}),
        ("U300", ["--limit", "extension"], {}),
        ("U300", ["--limit", "hold", "--until", "2027-01-01"], {"instrument": None}),
        ("U304", [], {"received": "9999-12-01"}),
        ("U260", [], {"received": "soon"}),
        ("U260", ["--until", "later"], {}),
        ("U266", ["--item", "EX-001"], {}),
    ],
)
def test_what_cannot_be_opened(desk, code, more, given):
    before = desk.entries()
    refused(code, BadArgument, desk.open, *more, **given)
    assert desk.entries() == before


def test_a_table_that_only_extends_gives_no_hold(desk, tmp_path):
    law = tmp_path / "law"
    law.mkdir()
    head, _, rest = TABLE.replace("atlantis-3", "mu-2").partition("[[limit]]")
    (law / "mu-2.toml").write_text(head + "[[limit]]" + rest.rpartition("[[limit]]")[2])
    command = ("hold", "open", desk.case, "--item", "EX-001", "--instrument", "mu-2", "--received", "2026-11-01")
    said = refused("U301", BadArgument, desk.say, *command, "--law", law, "--signer", desk.folder / "key")
    assert "mu-2 says nothing of how long a hold lasts" in said


def test_a_table_of_law_that_is_none(desk, tmp_path):
    (tmp_path / "x-1.toml").write_text("id = 7\n")
    command = ("hold", "open", desk.case, "--item", "EX-001", "--law", tmp_path, "--signer", desk.folder / "key")
    refused("F100", FormatError, desk.say, *command)


def test_calendars_that_count_for_nothing_are_said(desk):
    assert "holidays of CZ do not count here" in desk.open("--calendar", "CZ")["warnings"][0]


# --- extend -------------------------------------------------------------------------------------------------------


def test_an_extension_runs_from_the_end_that_stands(desk):
    desk.open()
    told = desk.at("2026-12-20T00:00Z").extend()
    assert (told["until"]["time"][:10], told["basis"]["start"][:10]) == ("2027-01-30", "2026-12-31")
    assert (told["had_lapsed"], told["warnings"]) == ([], [])
    (hold,) = desk.due()["holds"]
    assert (len(hold["extensions"]), hold["lapses"]) == (1, [])
    assert hold["source"] == {"citation": "Atlantis, Article 3(3)", "mark": "unconfirmed", "version": "2001-01-01"}


def test_a_lapse_is_said_and_stays(desk):
    desk.open()
    desk.at("2027-01-05T12:00Z")
    assert desk.due()["holds"][0]["stage"] == "lapsed"
    said = desk.hold("extend", "--name", "atlantis-3-1")
    assert "LAPSED: atlantis-3-1 of EX-001 had ended at 2026-12-31 00:00:00 UTC; that stays on record" in said
    (hold,) = desk.due()["holds"]
    assert hold["stage"] != "lapsed"
    (lapse,) = hold["lapses"]
    assert (lapse["from"][:10], lapse["to"][:16]) == ("2026-12-31", "2027-01-05T12:00")
    desk.at("2027-01-06T00:00Z").release()
    said = desk.say("hold", "due", desk.case)
    assert "LAPSED      atlantis-3-1 of EX-001: from 2026-12-31 00:00:00 to 2027-01-05 12:00:00 (entry 4)" in said
    assert "0 open holds; 1 released" in said


def test_as_often_as_the_table_allows_and_beyond_by_an_authority(desk):
    desk.open()
    desk.extend()
    desk.extend()
    before = desk.entries()
    said = refused("R580", Refused, desk.extend)
    assert "Extensions of the hold atlantis-3-1: 2, and Atlantis, Article 3(3) (unconfirmed) allows 2." in said
    assert desk.entries() == before
    refused("R580", Refused, desk.extend, "--until", "2028-01-01")
    assert desk.extend("--authority", "order 9 of the court")["until"]["time"][:10] == "2027-03-31"
    assert desk.due()["holds"][0]["extensions"][2]["authority"] == "order 9 of the court"


def test_the_item_that_was_extended_most_often_counts(desk):
    desk.open("--item", "EX-002")
    for _ in range(2):
        desk.extend("--item", "EX-002")
    refused("R580", Refused, desk.extend, "--until", "2028-01-01")
    assert desk.extend("--item", "EX-001")["items"] == ["EX-001"]


def test_what_is_not_renewable(desk):
    desk.open(instrument="lemuria-9")
    said = refused("R581", Refused, desk.extend, name="lemuria-9-1")
    assert "is not renewable: Lemuria, section 9(1) (unconfirmed)" in said
    told = desk.extend("--authority", "order 9", name="lemuria-9-1")
    assert told["basis"]["amount"] == "5"


def test_zone_and_place_go_on_unless_others_are_named(desk):
    desk.open("--calendar", "CZ", "--zone", "Europe/Prague", instrument="lemuria-9")
    told = desk.extend("--authority", "x", name="lemuria-9-1")["basis"]
    assert (told["zone"], told["calendar"].partition(",")[0]) == ("Europe/Prague", "CZ")
    told = desk.extend("--authority", "x", "--calendar", "DE-BY", "--zone", "UTC", name="lemuria-9-1")["basis"]
    assert (told["zone"], told["calendar"].partition(",")[0]) == ("UTC", "DE-BY")


def test_an_end_that_is_not_later_is_said(desk):
    desk.open()
    told = desk.extend("--until", "2026-12-31T00:00Z")
    assert told["warnings"][-1].startswith("the new end is not later than the one before, 2026-12-31")
    desk.at("2027-01-01T00:00Z")
    assert "has LAPSED" in desk.extend("--until", "2026-12-31T12:00Z")["warnings"][-1]


def test_what_is_not_open_is_not_extended_and_not_released(desk):
    desk.open()
    before = desk.entries()
    assert "Open are: atlantis-3-1." in refused("R582", Refused, desk.extend, name="atlantis-3-7")
    assert "of EX-002 is open" in refused("R582", Refused, desk.extend, "--item", "EX-002")
    refused("R582", Refused, desk.release, name="atlantis-3-7")
    refused("U266", BadArgument, desk.extend, "--item", "EX-001", "--item", "EX-001")
    assert desk.entries() == before
    desk.release()
    refused("R582", Refused, desk.extend)


def test_items_that_end_at_different_times_are_extended_apart(desk):
    desk.open("--item", "EX-002")
    desk.extend("--item", "EX-002")
    refused("U305", BadArgument, desk.extend)
    assert desk.extend("--item", "EX-001")["until"]["time"][:10] == "2027-01-30"
    assert desk.extend("--until", "2027-06-01")["items"] == ["EX-001", "EX-002"]


def test_without_a_table_the_end_has_to_be_stated(desk):
    desk.open("--until", "2026-12-01", instrument=None, received=None)
    refused("U301", BadArgument, desk.extend, name="hold-1")
    told = desk.extend("--until", "2026-12-09", name="hold-1")
    assert "no table of law says whether, and how often" in told["warnings"][0]


def test_a_hold_without_an_end_gets_one_by_stating_it(desk):
    desk.say("custody", "add", desk.case, "hold", "--item", "EX-001", "--hold", "H", "--instrument", "atlantis-3",
             "--signer", desk.folder / "key")  # fmt: skip
    assert "has had no end so far" in refused("U301", BadArgument, desk.extend, name="H")
    assert desk.extend("--until", "2026-12-09", name="H")["basis"] is None


# --- what is under hold stays -------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["2026-11-03T00:00Z", "2031-01-01T00:00Z"])
def test_nothing_under_hold_is_disposed_of_released_or_erased(desk, moment):
    """Also long after the date: a date ends no hold."""
    (desk.folder / "source").mkdir()
    (desk.folder / "source/letter").write_text("dear all")
    signing = ("--signer", desk.folder / "key")
    desk.say("acquire", desk.case, desk.folder / "source", "--exhibit", "EX-009", *signing, "--no-identify")
    desk.open(item="EX-009")
    desk.at(moment)
    add = ("custody", "add", desk.case)
    before = {path: path.read_bytes() for path in desk.case.rglob("*") if path.is_file()}
    ends = {
        "dispose": ("--place", "P", "--authority", "A", "--method", "M", "--witness", "W"),
        "release": ("--to", "the owner"),
        "erase": ("--authority", "A", "--all", "--yes"),
    }
    for kind, more in ends.items():
        said = refused("R511", Refused, desk.say, *add, kind, "--item", "EX-009", *more, *signing)
        assert "atlantis-3-1" in said, said
    assert {path: path.read_bytes() for path in desk.case.rglob("*") if path.is_file()} == before
    desk.release()
    desk.say(*add, "dispose", "--item", "EX-009", *ends["dispose"], *signing)


# --- due, status, calendar ----------------------------------------------------------------------------------------


def test_what_is_due_first_stands_first(desk):
    desk.open("--item", "EX-002")
    desk.open("--until", "2026-12-24T06:00:00Z", instrument=None, received=None)
    document = desk.due("--now", "2026-12-24T00:00:00Z")
    assert document["now"] == "2026-12-24T00:00:00.000000000Z"
    assert [(one["hold"], one["stage"], one["left_s"]) for one in document["holds"]] == [
        ("hold-1", "day", 6 * 3600), ("atlantis-3-1", "week", 7 * 86_400)
    ]  # fmt: skip
    assert [(one["item"], one["hold"]) for one in document["items"]] == [
        ("EX-001", "hold-1"),
        ("EX-002", "atlantis-3-1"),
    ]
    assert document["counts"] == dict.fromkeys(document["counts"], 0) | {"day": 1, "week": 1}
    said = desk.say("hold", "due", desk.case, "--now", "2026-12-24T00:00:00Z").splitlines()
    assert said[0].split() == ["due", "left", "stage", "hold", "items", "received", "rests", "on"]
    assert said[1].startswith("2026-12-24 06:00:00  6 h   last day")
    assert "2 open holds: 1 last week, 1 last day; 0 released" in said


def test_several_cases(desk):
    desk.open()
    other = Desk(desk.folder)
    other.case = desk.folder / "other"
    opening = ("--reference", "2", "--agency", "A", "--origin", "b.example/2", "--signer", desk.folder / "key")
    desk.say("init", other.case, *opening)
    said = desk.say("hold", "due", desk.case, other.case).splitlines()
    assert said[1].startswith("a.example/1  2026-12-31 00:00:00")


def test_released_holds_are_shown_when_asked_for(desk):
    desk.open()
    desk.release()
    assert "atlantis-3-1" not in desk.say("hold", "due", desk.case)
    assert "atlantis-3-1" in desk.say("hold", "due", desk.case, "--all")
    assert desk.due()["counts"]["released"] == 1


def test_status_names_holds_with_their_ends(desk):
    desk.open()
    say = lambda: desk.say("custody", "status", desk.case)  # noqa: E731
    assert "on hold   atlantis-3-1 until 2026-12-31 00:00:00 (running): not to be disposed of" in say()
    desk.at("2027-01-05T00:00Z")
    assert "on hold   atlantis-3-1 until 2026-12-31 00:00:00 (lapsed): LAPSED, and not to be disposed of" in say()
    desk.extend()
    assert "on hold   atlantis-3-1 until 2027-01-30 00:00:00 (running): lapsed before; not to be disposed of" in say()
    (item, _) = json.loads(desk.say("custody", "status", desk.case, "--json"))["items"]
    assert (item["holds"], item["hold_clocks"][0]["stage"]) == (["atlantis-3-1"], "running")


def test_the_calendar_is_written_once_and_outside_of_the_case(desk):
    desk.open()
    desk.open(instrument=None, received=None)
    out = desk.folder / "holds.ics"
    told = json.loads(desk.say("hold", "calendar", desk.case, "-o", out, "--json"))
    assert (told["events"], told["no_end"]) == (1, ["hold-1"])
    event = vobject.readOne(out.read_text()).vevent
    assert event.dtstart.value == datetime(2026, 12, 31, tzinfo=UTC)
    refused("R501", Refused, desk.say, "hold", "calendar", desk.case, "-o", out)
    refused("R506", Refused, desk.say, "hold", "calendar", desk.case, "-o", desk.case / "holds.ics")
    refused("U233", BadArgument, desk.say, "hold", "calendar", desk.case)


def test_what_was_recorded_verifies(desk):
    desk.open("--calendar", "CZ", "--zone", "Europe/Prague", instrument="lemuria-9")
    desk.extend("--authority", "order 9", name="lemuria-9-1")
    desk.release(name="lemuria-9-1")
    (desk.folder / "source").mkdir()
    desk.say("acquire", desk.case, desk.folder / "source", "--exhibit", "EX-009", "--signer", desk.folder / "key")
    told = json.loads(desk.say("verify", desk.case, "--json", code=7))
    assert {one["code"] for one in told["findings"]} <= {"W903"}, "particulars that nobody stated"
    assert told["aspects"]["custody"]["status"] == "ok"
