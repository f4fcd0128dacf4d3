"""Two States over eight months: at each date every clock and record says what it should, and in the end both cases verify."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from datetime import datetime

import pytest
from two_states import BOB, FACTS, JANE, NECESSITY, PEOPLE, RELATION, SIDES, Cooperation
from two_states_dates import DAY, ENTRIES, FIRST, HOLDS, OLD, REQUESTS, SECOND, TIMES

from evidencekit.cli import surroundings
from evidencekit.core import layout


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        cooperation = Cooperation(tmp_path_factory.mktemp("cooperation"))
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            patch.setenv(name, str(cooperation.folder / "home"))
        patch.setattr(surroundings, "clock", cooperation.clock)
        cooperation.build()
        yield cooperation


def short(instant):
    return None if instant is None else instant[:16]


def seconds(start, end):
    return int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def canonical(record):
    return json.dumps(record, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def of(played, name, side):
    return played.seen[name][side]["status"]["requests"]


# --- at each date -------------------------------------------------------------------------------------------------


def test_each_date_was_looked_at(played):
    assert list(played.seen) == list(HOLDS) == list(REQUESTS)
    assert TIMES.keys() == HOLDS.keys()


@pytest.mark.parametrize("name", HOLDS)
def test_holds(played, name):
    date, wanted = HOLDS[name]
    due = played.seen[name]["due"]
    assert short(due["now"]) == date
    assert [(one["hold"], short(one["until"]), one["stage"], one["share"]) for one in due["holds"]] == wanted
    left = {one["hold"]: one["left_s"] for one in due["holds"]}
    # The story's clock is some microseconds past the minute.
    assert left == {hold: None if stage == "released" else seconds(date, until) - 1 for hold, until, stage, _ in wanted}
    stages = {hold: stage for hold, _, stage, _ in wanted}
    named = {one["hold"]: one["stage"] for request in of(played, name, "asked") for one in request["holds"]}
    assert named == stages
    is_open = [(hold, until) for hold, until, stage, _ in wanted if stage != "released"]
    assert [("EX-001", *one) for one in is_open[:1]] == [
        (one["item"], one["hold"], short(one["until"])) for one in due["items"]
    ]


@pytest.mark.parametrize("name", list(HOLDS)[1:])
def test_the_days_without_a_hold_that_runs_stay_visible_for_ever(played, name):
    lapses = {
        one["hold"]: [
            (short(lapse["from"]), short(lapse["to"]), lapse["by"] and str(lapse["by"])) for lapse in one["lapses"]
        ]
        for one in played.seen[name]["due"]["holds"]
    }
    order = list(HOLDS)
    lapsed = order.index(name) - order.index("lapsed")
    first = [] if lapsed < 0 else [("2026-10-31T13:30", None, None)] if lapsed == 0 else OLD
    assert lapses == {hold: [] for hold in lapses} | {"budapest-29-1": first}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_on_both_sides(played, name):
    asking, asked = of(played, name, "asking"), of(played, name, "asked")
    states = [(one["state"], one["outcome"], one["open"]) for one in asking]
    assert states == REQUESTS[name]
    shared = (
        "state",
        "outcome",
        "open",
        "sha256",
        "reference",
        "instrument",
        "status",
        "received_at",
        "authority",
        "to",
    )
    came = [one for one in asking if one["state"] != "sent"]
    assert [{key: one[key] for key in shared} for one in asked] == [{key: one[key] for key in shared} for one in came]
    assert {one["by"]["id"] for one in asking + asked} == {PEOPLE["lyon"]}
    for side in SIDES:
        assert played.seen[name][side]["status"]["not_followed"] == []


@pytest.mark.parametrize("name", TIMES)
def test_figures_of_both_sides(played, name):
    requests = of(played, name, "asking")
    for side, direction, (first, outcome) in zip(("asked", "asking"), ("received", "sent"), TIMES[name], strict=True):
        figures = played.seen[name][side]["stats"]
        own, other = figures["requests"][direction], figures["requests"]["sent" if side == "asked" else "received"]
        assert (figures["least"], figures["cases"], other["total"]["requests"]) == (1, 1, 0)
        known = [one for one in requests if side == "asking" or one["state"] != "sent"]
        assert own["total"] | {"answer_s": None, "first_answer_s": None} == {
            "answer_s": None, "first_answer_s": None, "requests": len(known),
            "extensions": sum(one["status"] == "extension" for one in known),
            "withdrawn": sum(one["state"] == "withdrawn" for one in known),
        }  # fmt: skip
        medians = [times and times["median"] for times in (own["total"]["first_answer_s"], own["total"]["answer_s"])]
        assert medians == [first, outcome]
        outcomes = [one["outcome"] if one["outcome"] not in {None, "received"} else "none" for one in known]
        assert {row["outcome"]: row["requests"] for row in own["by_outcome"]} == {
            one: outcomes.count(one) for one in outcomes
        }
    holds = played.seen[name]["asked"]["stats"]["holds"]["total"]
    order = list(HOLDS).index
    assert (holds["holds"], holds["lapsed"], holds["released"]) == (
        len(HOLDS[name][1]), int(order(name) >= order("lapsed")), 2 * (order(name) >= order("withdrawn"))
    )  # fmt: skip
    extended = sum(
        order(name) >= order(one) for one in ("extended", "extended again", "by the table", "by an authority")
    )
    assert holds["extensions"] == extended


def test_an_answer_is_due_by_the_limit_of_its_table_alone(played):
    for name in REQUESTS:
        for side in SIDES:
            for one in of(played, name, side):
                if one["instrument"] != "eu-production":
                    assert (one["answer_due"]["until"], one["answer_due"]["source"]) == (None, None)
    left = {"ordered": 10 * DAY - 1, "overdue": -DAY - 1, "refused": None, "by an authority": None}
    for name, wanted in left.items():
        for side in SIDES:
            due = of(played, name, side)[-1]["answer_due"]
            assert (short(due["until"]), due["left_s"]) == ("2027-03-11T09:00", wanted)
            assert due["source"]["citation"] == "Regulation (EU) 2023/1543, Article 10"
            assert any("emergency" in text for text in due["not_checked"])


def test_what_each_request_came_to(played):
    asked, asking = of(played, "by an authority", "asked"), of(played, "by an authority", "asking")
    assert [[extended["entry"] for extended in asking if extended["entry"] in one["extends"]] for one in asking] == [
        [], [1], [1], [], [], [],
    ]  # fmt: skip
    assert [[hold["hold"] for hold in one["holds"]] for one in asked] == [
        *[["budapest-29-1"]] * 3, ["un-42-1"], ["eu-preservation-1"], [],
    ]  # fmt: skip
    assert [(one["returns"], one["exports"]) for one in asked] == [
        ([{"entry": 12, "items": ["EX-002"]}], [{"entry": 14, "items": ["EX-002"]}]) if one["instrument"] == "un-42" else ([], [])
        for one in asked
    ]  # fmt: skip
    (first,) = asking[0]["answers"]
    assert (first["by"]["id"], first["record"]["ticket"]) == (PEOPLE["bucharest"], "RO-77")
    assert [(hold["name"], short(hold["until"]["time"])) for hold in first["record"]["holds"]] == [FIRST]
    (longer,) = asking[1]["answers"]
    assert [(hold["name"], short(hold["until"]["time"])) for hold in longer["record"]["holds"]] == [SECOND]


@pytest.mark.parametrize(
    ("now", "stage"),
    [
        ("2027-04-28T10:00:00Z", "running"),
        ("2027-05-15T08:59:59Z", "running"),
        ("2027-05-15T09:00:01Z", "half"),
        ("2027-05-23T21:00:01Z", "three_quarters"),
        ("2027-05-25T09:00:00Z", "week"),
        ("2027-05-31T08:59:59Z", "week"),
        ("2027-05-31T09:00:00Z", "day"),
        ("2027-06-01T08:59:59Z", "day"),
        ("2027-06-01T09:00:00Z", "lapsed"),
        ("2031-01-01T00:00:00Z", "lapsed"),
    ],
)
def test_the_last_hold_warns_as_its_end_comes(played, now, stage):
    (hold,) = (one for one in played.json("hold", "due", played.case("asked"), "--now", now)["holds"] if one["open"])
    assert (hold["hold"], hold["stage"]) == ("eu-preservation-1", stage)
    assert [(short(one["from"]), one["to"]) for one in hold["lapses"]] == [("2027-06-01T09:00", None)] * (
        stage == "lapsed"
    )


# --- what came back -----------------------------------------------------------------------------------------------


def test_the_account_that_the_provider_does_not_know_is_told(played):
    returned = played.sealed["returned"]
    assert {one["value"]: one["found"] for one in returned["identifiers"]} == {JANE: True, BOB: False}
    assert (returned["reference"], returned["named_by_acquisition"]) == ("24-117/4", True)
    assert (returned["period"]["times"], returned["period"]["inside"]) == (2, 2)
    record = of(played, "by an authority", "asking")[3]["answers"][-1]["record"]
    assert (record["outcome"], record["ground"]) == ("partial", f"Example Mail knows no account {BOB}")
    assert {one["value"]: one["state"] for one in record["identifiers"]} == {JANE: "produced", BOB: "not_found"}
    assert record["packages"] == [played.package]


def test_the_package_names_the_request_that_lyon_sent(played):
    record = (played.path("asking/other.record.json")).read_bytes()
    assert record == played.record("other").read_bytes()
    digest = hashlib.sha256(record).hexdigest()
    with tarfile.open(played.path("wire/EX-002.tar")) as package:
        (name,) = (one for one in package.getnames() if one.endswith("/package.json"))
        said = json.load(package.extractfile(name))
    assert said["request"] == digest == of(played, "by an authority", "asking")[3]["sha256"]


def test_lyon_holds_the_package_and_bucharest_has_its_receipt(played):
    (item,) = played.json("custody", "status", played.case("asking"))["items"]
    assert (item["item"], item["holder"]["name"]) == ("EX-002", PEOPLE["lyon"])
    for side, kinds in ENTRIES.items():
        folders = sorted((played.case(side) / "custody").iterdir())
        assert [json.loads((one / "event.json").read_bytes())["type"] for one in folders] == kinds


# --- the instruments of the Union -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "reference"), [("union", "24-117/5"), ("order", "24-117/6")])
def test_no_record_of_the_union_says_what_the_case_is_about_or_can_be_linked(played, tmp_path, name, reference):
    checked, working = played.checked[name], played.path(f"asking/{name}.draft.json")
    assert sorted(one["field"] for one in checked["left_out"]) == ["facts", "necessity", "relation"]
    sent = played.path(f"asking/{name}.record.json").read_bytes()
    assert not any(text.encode() in sent for text in (FACTS, NECESSITY, RELATION))
    full_path = tmp_path / "full.json"
    played.run("request", "check", working, "--instrument", "budapest-29", "-o", full_path)
    full, kept = json.loads(full_path.read_bytes()), json.loads(sent)
    assert full["reference"] == kept["reference"] == reference
    assert {key for key in full if key not in kept} == {"facts", "necessity", "relation"}
    assert {key for key in kept if full[key] != kept[key]} == {"nonce"}
    assert hashlib.sha256(sent).hexdigest() == played.sha256[name]
    # Whoever guesses all that was left out still lacks the nonce: what he makes of it has another digest.
    assert canonical(full) == full_path.read_bytes()
    assert len({canonical(full), canonical(full | {"nonce": kept["nonce"]}), canonical(kept)}) == 3


@pytest.mark.parametrize("form", [(), ("--html",)])
@pytest.mark.parametrize(
    ("instrument", "tells"),
    [("budapest-29", True), ("un-42", True), ("eu-preservation", False), ("eu-production", False)],
)
def test_paper(played, tmp_path, instrument, tells, form):
    out = tmp_path / "paper"
    working = played.path("asking/union.draft.json")
    played.run("request", "render", working, "--instrument", instrument, "--lang", "en", *form, "-o", out)
    paper = " ".join(out.read_text().split())
    assert [text in paper for text in (FACTS, NECESSITY, RELATION)] == [tells] * 3
    assert JANE in paper
    assert (played.sha256["union"] in paper) == (instrument == "eu-preservation")


# --- in the end -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", SIDES)
@pytest.mark.parametrize("side", SIDES)
def test_each_case_verifies_for_both_sides(played, side, policy):
    source = ["--source", f"EX-002={played.path('returned')}"] if side == "asked" else []
    report = played.verify(f"{side}/case", f"{policy}/policy", *source)
    assert report["verdict"] == "VERIFIED"
    aspects = {name: aspect["status"] for name, aspect in report["aspects"].items()}
    unknown = dict.fromkeys(("time", "witness", "completeness"), "not_checked")
    assert aspects == dict.fromkeys(("record", "evidence", "identity", "custody"), "ok") | unknown
    count = len(ENTRIES[side])
    # Lyon's case has the package, with 14 entries of Bucharest's log, of which 9 events are shown.
    package = (14, 9) if side == "asking" else (0, 0)
    checked = report["counts"]["checked"]
    assert (checked["entries"], checked["events"], checked["rules"]) == (count + package[0], *[count + package[1]] * 2)
    assert checked["persons"] == checked["person_signatures"]
    codes = report["counts"]["findings"]["by_code"]
    assert codes == ({"W903": 2, "W908": 6} if side == "asking" else {"W903": 12})
    assert [finding["severity"] for finding in report["findings"]].count("error") == 0


@pytest.mark.parametrize("policy", SIDES)
def test_the_package_verifies_for_both_sides(played, policy):
    report = played.verify("wire/EX-002.tar", f"{policy}/policy", "--digest", played.package)
    assert (report["verdict"], report["scope"]) == ("VERIFIED", "package")
    assert report["package"]["request"] == played.sha256["other"]
    assert report["package"]["recipient"]["id"] == PEOPLE["lyon"]
    found = [(finding["code"], finding["where"].split("/")[-2]) for finding in report["findings"]]
    # What the six events about requests name is not in it: that is told of each.
    assert found == [*(("W908", f"{entry:08}") for entry in (2, 4, 5, 7, 8, 10)), ("W903", f"{12:08}")]


def test_without_a_policy_nobody_of_the_other_side_is_believed(played):
    report = played.verify("asked/case", None, code=7)
    foreign = [one for one in report["not_checked"] if one["code"] == "foreign_log"]
    assert len(foreign) == 8  # six requests, a withdrawal, a receipt


@pytest.mark.judge("ssh-keygen")
@pytest.mark.parametrize("side", SIDES)
def test_ssh_keygen_verifies_every_event_by_the_policy_of_the_other_side(played, side):
    (other,) = SIDES.keys() - {side}
    folders = sorted((played.case(side) / "custody").iterdir())
    assert len(folders) == len(ENTRIES[side])
    for folder in folders:
        subprocess.run(
            ["ssh-keygen", "-Y", "verify", "-f", played.path(f"{other}/policy/allowed_signers"), "-I", PEOPLE[SIDES[side]],
             "-n", "evidencekit-event", "-s", folder / layout.signature_name(0)],
            input=(folder / "event.json").read_bytes(), check=True, capture_output=True,
        )  # fmt: skip


def test_figures_of_both_together_pool_what_is_few(played):
    figures = played.json("stats", *(played.case(side) for side in SIDES))
    for direction in ("received", "sent"):
        found = figures["requests"][direction]
        assert found["total"]["requests"] == 6
        assert (found["total"]["withdrawn"], found["total"]["extensions"], found["total"]["answer_s"]) == (
            None,
            None,
            None,
        )
        for group in ("month", "instrument", "outcome"):
            assert [(row[group], row["requests"]) for row in found[f"by_{group}"]] == [("other", 6)]
    told = played.run("stats", *(played.case(side) for side in SIDES), "--chart", played.path("chart.svg"))
    shown = told + played.path("chart.svg").read_text() + json.dumps(figures)
    assert "received 6 requests: withdrawn not given, extensions not given" in told
    for secret in (*PEOPLE.values(), JANE, "24-117", "lyon", "EX-00", *played.sha256.values()):
        assert secret not in shown.replace(str(played.folder), "")
