"""The report for a court: its numbers are those of the sealed records and add up, its words are all there, it is text."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from htmlpage import Page
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import JUDGING

from evidencekit.core.finding import ASPECTS
from evidencekit.core.registry import ENTRIES
from evidencekit.errors import BadArgument
from evidencekit.journeys.report import recorded_of
from evidencekit.read.texts import REPORT_LANGUAGES, load_texts
from evidencekit.report.facts import facts_of
from evidencekit.report.report_bounds import LONGEST, bounded, ends, named
from evidencekit.report.report_page import SECTIONS, grouped, report_html
from evidencekit.report.report_saved import read_verification
from evidencekit.report.report_timeline import LEFT, RIGHT, timeline
from evidencekit.verify.package import verify_package
from evidencekit.verify.verifier import verify_case

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / "specs/vectors"
CASE = VECTORS / "cases/good/0.1_custody/case"
PACKAGE = VECTORS / "packages/good/0.1_package/package.zip"
NOW = 1_790_000_000_000_000_000
CATALOGUES = {name: json.loads((ROOT / f"specs/texts/{name}.json").read_text()) for name in REPORT_LANGUAGES}
HOSTILE = "<script>alert('x')</script> & \u202egpj.exe {{ 7 * 7 }} \x1b[2J"


def facts(path=CASE, policy=None, recorded=True):
    verify = verify_case if path.is_dir() else verify_package
    record = verify(path, policy=policy, now=NOW).as_record()
    told = recorded_of(path, NOW) if recorded and path.is_dir() else None
    return facts_of(record, name=path.name, now=NOW, program="evidencekit 9.9", recorded=told)


def html(found, language="en"):
    words = {name: load_texts(language, name) for name in SECTIONS}
    return report_html(found, words)


@pytest.fixture(scope="module")
def of_case():
    return facts(policy=CASE.parent / "policy")


def fields(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_all_languages_say_the_same(language):
    english, own = CATALOGUES["en"]["report"], CATALOGUES[language]["report"]
    assert list(own) == list(english) == sorted(english)
    assert {key: fields(text) for key, text in own.items()} == {key: fields(text) for key, text in english.items()}
    assert not [key for key, text in own.items() if not text.strip() or JUDGING.search(text)]
    assert language == "en" or not {key for key, text in own.items() if text == english[key]}


def test_no_template_judges():
    templates = [*(ROOT / "evidencekit/report").glob("report*")]
    assert templates
    assert not [path.name for path in templates if JUDGING.search(path.read_text())]


def test_numbers_are_those_of_the_sealed_records(of_case):
    """By another way: Arrow straight from the file, the log's JSON straight from its folders."""
    rows = pq.read_table(CASE / "manifests/00000001.parquet", columns=["kind", "size", "state"]).to_pylist()
    text = [{key: one.decode() if isinstance(one, bytes) else one for key, one in row.items()} for row in rows]
    files = [row for row in text if row["kind"] == "file"]
    catalogue = of_case["catalogue"]
    assert (catalogue["rows"], catalogue["files"]) == (len(text), len(files))
    assert catalogue["bytes"] == sum(row["size"] for row in files)
    for group, column in (("kinds", "kind"), ("states", "state")):
        counts = {one["name"]: one["count"] for one in catalogue[group]}
        assert counts == {name: [row[column] for row in text].count(name) for name in counts}
        assert sum(counts.values()) == len(text)
    events = [json.loads(path.read_text()) for path in sorted((CASE / "custody").glob("*/event.json"))]
    listed = of_case["custody"]["events"]
    assert (listed["total"], len(events)) == (len(listed["rows"]), of_case["custody"]["size"])
    assert [one["type"] for one in listed["rows"]] == [event["type"] for event in events]
    assert [one["items"]["rows"] for one in listed["rows"]] == [event["items"] for event in events]
    sealed = [event["body"] for event in events if event["type"] in {"seal", "derive"}]
    manifests = of_case["hashes"]["manifests"]["rows"]
    assert [(one["root"], one["file_sha256"], str(one["rows"])) for one in manifests] == [
        (body["root"], body["file_sha256"], body["rows"]) for body in sealed
    ]


def sums_of(found):
    v = found["verification"]
    yield v["rows"], sum(one["count"] for one in v["states"])
    yield v["findings"]["total"], sum(one["count"] for one in v["findings"]["by_code"]["rows"])
    yield v["files"]["total"], v["files"]["checked"] + v["files"]["not_checked"]
    for name in ("not_checked", "not_checked_first"):
        yield v[name]["total"], len(v[name]["rows"]) + v[name]["left"]
    catalogue = found["catalogue"]
    if catalogue is not None and "error" not in catalogue:
        for group, total in (("kinds", "rows"), ("states", "rows"), ("sizes", "files"), ("months", "files")):
            yield catalogue[total], sum(one["count"] for one in catalogue[group])
        yield v["rows"], catalogue["rows"] + catalogue["elsewhere"]
    if found["withheld"] is not None:
        withheld = found["withheld"]
        yield withheld["rows"], withheld["shown"] + withheld["hidden"]
        yield withheld["hidden"], sum(one["count"] for one in withheld["grounds"])


@pytest.mark.parametrize("path", [CASE, PACKAGE, VECTORS / "cases/good/0.1_erased/case"], ids=str)
def test_every_sum_is_that_of_its_parts(path):
    sums = list(sums_of(facts(path)))
    assert sums
    assert all(total == parts for total, parts in sums), sums


def invented(states, codes, skipped):
    return {
        "_t": "evidencekit/report/1", "subject": "case", "verdict": "FAILED", "scope": "record", "line": "FAILED",
        "reason": HOSTILE, "exit_code": 3, "checked": [], "checkpoint": None, "times": None,
        "aspects": {name: {"reason": HOSTILE, "status": "failed"} for name in ASPECTS},
        "counts": {"checked": {"rows": 1}, "files_of_record": {"checked": 1, "not_checked": 2, "total": 3},
                   "findings": {"by_code": codes, "total": sum(codes.values())}, "rows": sum(states.values()),
                   "states": states, "not_checked": skipped},
        "findings": [{"code": code, "expected": "", "found": HOSTILE, "severity": "error", "where": "x" * 4000}
                     for code in codes],
        "not_checked": [{"aspect": "record", "code": "other", "reason": HOSTILE, "what": "y" * 4000}] * skipped,
    }  # fmt: skip


COUNTS = st.integers(1, 10**12)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["complete", "changed", "erased"]), COUNTS),
    st.dictionaries(st.sampled_from(sorted(code for code in ENTRIES if code != "W999")), COUNTS),
    st.integers(0, 300),
)
def test_an_invented_verification_adds_up_and_stays_text(states, codes, skipped):
    record, _ = read_verification(json.dumps(invented(states, codes, skipped)).encode(), "file")
    found = facts_of(record, name="case", now=NOW, program="p")
    assert all(total == parts for total, parts in sums_of(found))
    page = html(found)
    for bad in ("<script", "\u202e", "\x1b", "x" * (LONGEST + 1)):
        assert bad not in page
    assert "{{ 7 * 7 }}" in page
    assert grouped(record["counts"]["rows"]) in page


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_a_page_in_each_language(of_case, language):
    page = html(of_case, language)
    read, texts = Page(page), CATALOGUES[language]["report"]
    assert ("html", {"lang": "zh-Hans" if language == "zh" else language,
                     "dir": "rtl" if language == "ar" else "ltr"}) in read.tags  # fmt: skip
    assert texts["verdict_verified"] in read.text
    assert texts["means_verified"] in read.text
    assert (texts["draft"] in read.text) == (language != "en")
    assert not re.search(r"\{[a-z_]+\}", read.text)
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in read.tags}
    assert not re.search(r"https?://|url\((?!#)", page)
    for part in of_case["verification"]["checkpoint"]["groups"]:
        assert part in read.text
    for tag, attributes in read.tags:
        if tag == "bdi" and attributes.get("class") in ("code", "num"):
            assert attributes["dir"] == "ltr"


def test_the_same_facts_are_the_same_bytes(of_case):
    assert html(of_case) == html(facts(policy=CASE.parent / "policy"))


def test_what_is_recorded_is_told_apart_from_what_was_verified(of_case):
    texts = load_texts("en", "report")
    assert of_case["basis"] == "checked"
    assert texts("basis_checked") in Page(html(of_case)).text
    broken = facts(VECTORS / "cases/bad/E201_event_changed/case") if (
        VECTORS / "cases/bad/E201_event_changed/case"
    ).is_dir() else facts(next(iter(sorted((VECTORS / "cases/bad").glob("E201*")))) / "case")  # fmt: skip
    assert broken["verification"]["verdict"] == "FAILED"
    assert broken["basis"] == "failed"
    said = Page(html(broken)).text
    assert texts("verdict_failed") in said
    assert texts("basis_checked") not in said


def test_a_record_that_cannot_be_read_is_said_and_not_left_out(tmp_path):
    import shutil

    case = tmp_path / "case"
    shutil.copytree(CASE, case)
    (case / "custody/00000003/event.json").write_text("{}")
    found = facts(case)
    assert found["verification"]["verdict"] == "FAILED"
    assert found["custody"].keys() == found["catalogue"].keys() == {"error"}
    assert load_texts("en", "report")("unreadable") in Page(html(found)).text


def test_a_package_says_what_it_withholds():
    found = facts(PACKAGE)
    assert (found["withheld"]["rows"], found["withheld"]["shown"], found["withheld"]["hidden"]) == (8, 4, 4)
    said = Page(html(found)).text
    assert found["verification"]["digest"] in said
    assert CATALOGUES["en"]["grounds"]["not_requested"] in said


def changed(**members):
    return json.dumps(invented({"complete": 1}, {"E201": 1}, 1) | members).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        changed(verdict="VERIFIED"),
        changed(subject="proof"),
        changed(findings=[{}]),
        changed(aspects={}),
        changed(checkpoint={"origin": "o", "root": "zz", "size": 1}),
        changed(counts=invented({"complete": 1}, {}, 0)["counts"] | {"rows": 2}),
        changed(package={}),
    ],
)
def test_what_is_no_verification_is_refused(data):
    with pytest.raises(BadArgument) as caught:
        read_verification(data, "file")
    assert caught.value.code == "U611"


def test_when_a_saved_verification_judged():
    line = "as of 2026-05-28T20:26:40.000000000Z, by --now, and not by this computer's clock"
    assert read_verification(changed(checked=[line]), "file")[1] == "2026-05-28T20:26:40.000000000Z"
    assert read_verification(changed(), "file")[1] is None


def test_lists_say_what_they_leave_out():
    assert bounded(range(5), 3) == {"rows": [0, 1, 2], "total": 5, "left": 2}
    assert ends(range(10), 4) == {"rows": [0, 1, 8, 9], "total": 10, "left": 6, "cut": 2}
    assert ends([1], 4)["left"] == 0
    assert named("n" * 4000).count("n") == LONGEST
    assert "[…3700…]" in named("n" * 4000)
    assert named("a\u202eb\n") == "a\\u{202e}b\\n"


def test_a_timeline_keeps_order_and_stays_inside():
    def at(hour):
        return f"2026-05-28T{hour:02d}:00:00.000000000Z"

    hands = [{"item": "E" * 64, "ended": None, "spans": [
        {"from": at(1), "to": at(2), "key": "k1", "name": "a"}, {"from": at(2), "to": None, "key": "k2", "name": "b"}
    ]}]  # fmt: skip
    lapses = [{"items": ["E" * 64], "start": "1990-01-01T00:00:00.000000000Z", "end": None}]
    stated = [
        {"item": "E" * 64, "at": at(1).replace("00:00.", f"{number // 2 * 30:02d}:00."), "letter": f"{number}"}
        for number in range(3)
    ]
    drawn = timeline(hands, [{"item": "E" * 64, "from": at(1), "to": at(2)}], [], lapses, stated, at(3))
    (lane,) = drawn["lanes"]
    first, second = lane["bars"]
    assert (first["x"], first["x"] + first["width"], second["x"]) == (LEFT, (LEFT + RIGHT) // 2, (LEFT + RIGHT) // 2)
    assert all(one["x"] >= LEFT and one["x"] + one["width"] <= RIGHT for one in (*lane["bars"], *lane["marks"]))
    assert [one["kind"] for one in lane["marks"]] == ["gap", "lapse"]
    assert [dot["letter"] for dot in lane["places"]] == ["0", None, "2"]  # no room for a second one at one place
    assert [dot["x"] for dot in lane["places"]] == [LEFT, LEFT, LEFT + (RIGHT - LEFT) // 4]
    assert len(lane["item"]) == 16
    assert timeline([], [], [], [], [], at(1)) is None
