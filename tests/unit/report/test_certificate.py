"""Certificates: numbers and digests are those sealed, blanks stay blank, whatever the record says is text."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from htmlpage import Page

from evidencekit.core.registry import ENTRIES
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.journeys.certificate import recorded_of_items
from evidencekit.read.texts import LANGUAGES, load_texts
from evidencekit.report.certificate import LISTED, certificate_facts
from evidencekit.report.certificate_page import SECTIONS, certificate_html
from evidencekit.report.form_file import known_forms
from evidencekit.report.report_catalogue import ITEMS
from evidencekit.report.slots import SLOTS
from evidencekit.verify.policy import read_policy
from evidencekit.verify.verifier import verify_case

VECTORS = Path(__file__).parents[3] / "specs/vectors/cases"
MATCH = VECTORS / "good/0.1_match"
SMALL = VECTORS / "good/0.1_small"
NOW = 1_790_000_000_000_000_000
FORMS = known_forms()
FORBIDDEN = re.compile(r"admissib|admisib|recevab|допустим|приемлем|مقبول|可采", re.IGNORECASE)
HOSTILE = "<script>alert('x')</script> {item.make} {{ 7 * 7 }} & \u202egpj.exe \x1b[2J"


def recorded(case=MATCH / "case", items=()):
    return recorded_of_items(case, items, now=NOW, program="evidencekit 9.9")


def facts(form="generic", found=None, verification=None):
    given = recorded() if found is None else found
    return certificate_facts(FORMS[form], given, verification, now=NOW, program="evidencekit 9.9")


def verified(place, policy=True):
    policy = read_policy(place / "policy") if policy else None
    return verify_case(place / "case", policy=policy, now=NOW).as_record()


def html(found, language="en"):
    words, of_form = ({name: load_texts(one, name) for name in SECTIONS} for one in (language, "en"))
    return certificate_html(found, words, of_form, {code: words["report"].finding(code) for code in ENTRIES})


def blocks_of(found):
    return [
        (part, group["kind"], block) for part in found["parts"] for group in part["groups"] for block in group["blocks"]
    ]


def runs_of(found):
    return [run for _, _, block in blocks_of(found) for run in block["runs"]]


def test_digests_and_numbers_are_those_of_the_sealed_files():
    """By another way: Arrow straight from the manifests, the log's JSON straight from its folders."""
    found = facts()
    events = [json.loads(path.read_text()) for path in sorted((MATCH / "case/custody").glob("*/event.json"))]
    seals = {event["items"][0]: event["body"] for event in events if event["type"] == "seal"}
    assert [item["item.exhibit"] for item in found["items"]["rows"]] == sorted(seals)
    listed = iter(found["digests"]["rows"])
    for item in found["items"]["rows"]:
        body = seals[item["item.exhibit"]]
        assert (item["item.root"], item["item.file_sha256"]) == (body["root"], body["file_sha256"])
        columns = ["kind", "path", "sha256", "size", "state"]
        table = pq.read_table(MATCH / f"case/manifests/{int(body['manifest']):08}.parquet", columns=columns).to_pylist()
        files = [row for row in table if row["kind"] == "file"]
        assert (item["item.rows"], item["item.files"]) == (len(table), len(files))
        assert item["item.bytes"] == sum(row["size"] for row in files)
        assert item["item.omitted"] == sum(row["state"] != "complete" for row in table)
        for row, told in zip(files, listed, strict=False):
            assert told["path"] == row["path"].decode()
            assert told["digests"]["sha256"] == row["sha256"].hex()
            assert list(told["digests"]) == item["item.algorithms"]
    assert next(listed, None) is None
    assert found["digests"]["total"] == sum(item["item.files"] for item in found["items"]["rows"])
    assert found["case"]["log.size"] == len(events)
    manifests = found["statement"]["hashes"]["manifests"]["rows"]
    sealed = [event["body"] for event in events if event["type"] in {"seal", "derive"}]
    assert [one["file_sha256"] for one in manifests] == [body["file_sha256"] for body in sealed]
    page = html(found)
    for body in sealed:
        assert body["root"] in page
        assert body["file_sha256"] in page


@pytest.mark.parametrize("form", FORMS)
def test_what_a_person_states_is_blank(form):
    found = facts(form, verification=verified(MATCH))
    persons = [run for run in runs_of(found) if run["kind"] == "person"]
    assert persons
    assert not [run for run in persons if run["value"] is not None or run["text"]]
    for _, kind, block in blocks_of(found):
        if kind == "blank":
            assert SLOTS[block["slot"]].kind == "person"
            assert not block["runs"]
        if kind == "choose":
            assert not any(box["ticked"] for box in block["boxes"])
    signatures = [block["label"] for _, kind, block in blocks_of(found) if block["slot"] == "person.signature"]
    assert len(signatures) == 1
    assert f"{signatures[0]}</bdi> <span></span></p>" in html(found)


@pytest.mark.parametrize("form", ["bsa-63-4-a", "bsa-63-4-b"])
def test_only_digests_that_were_taken_are_ticked(form):
    found = facts(form)
    ticked = {
        part["item"]: {box["label"] for box in block["boxes"] if box["ticked"]}
        for part, kind, block in blocks_of(found)
        if kind == "recorded"
    }
    other = "Other (Legally acceptable standard) blake3"
    assert ticked == {"EX-001": {"SHA256", other}, "EX-002": {"SHA256", "MD5", other}}
    assert "Ticked by the program: the record says" in Page(html(found)).text


def test_a_heading_stands_once_above_its_items():
    found = facts()
    parts = [part for part in found["parts"] if part["item"] is not None]
    assert [(part["item"], bool(part["heading"])) for part in parts] == [("EX-001", True), ("EX-002", False)]


def test_some_items_alone():
    found = facts(found=recorded(items=("EX-002",)))
    assert [item["item.exhibit"] for item in found["items"]["rows"]] == ["EX-002"]
    assert found["others"] == 1
    assert {one["item"] for one in found["statement"]["hashes"]["manifests"]["rows"]} == {"EX-002"}
    assert {one["item"] for one in found["digests"]["rows"]} == {"EX-002"}
    assert "not on this certificate: 1." in Page(html(found)).text
    for wrong in ("EX-009", "EX-001\u202e"):
        with pytest.raises(BadArgument) as caught:
            recorded(items=(wrong,))
        assert caught.value.code == "U215"


def test_what_nobody_recorded_is_said():
    found = facts("bsa-63-4-a", recorded(SMALL / "case"))
    (run,) = [run for run in runs_of(found) if run["slot"] == "item.make_model"]
    assert run["value"] is None
    said = Page(html(found)).text
    assert "Make & Model: not recorded" in said
    assert "Serial Number: not recorded" in said
    assert "is not one file: as stated in the hash report below , obtained" in said


def test_particulars_are_those_of_the_record():
    found = with_seizure(
        make="SanDisk", model="Ultra", serial="4C530001", identifiers="IMEI 4", description="USB stick"
    )
    said = Page(html(facts("bsa-63-4-a", found))).text
    for words in ("Make & Model: SanDisk Ultra", "Serial Number: 4C530001", "IMEI 4", "EX-001 : USB stick"):
        assert words in said, words


def with_seizure(case=SMALL / "case", **values):
    """The record of a case, as if its items had these particulars."""
    found = recorded(case)
    (seizure, items), *_ = found["receipt"].seizures
    changed = tuple(dataclasses.replace(item, **values) for item in items)
    return found | {"receipt": dataclasses.replace(found["receipt"], seizures=((seizure, changed),))}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_whatever_the_record_says_is_text(form, language):
    names = ("description", "make", "model", "serial", "identifiers", "quantity", "condition", "seals")
    found = with_seizure(**dict.fromkeys(names, HOSTILE + "x" * 4000))
    found["summary"] |= {"reference": HOSTILE, "agency": HOSTILE}
    found["rows"] = [row | {"path": HOSTILE.encode()} for row in found["rows"]]
    text = html(facts(form, found, verified(SMALL)), language)
    page = Page(text)
    assert not {"script", "img", "link", "iframe", "object", "a", "form", "input"} & {tag for tag, _ in page.tags}
    assert not [
        name for _, attributes in page.tags for name in attributes if name.startswith("on") or name in {"src", "href"}
    ]
    assert "<script>" in page.text
    assert "{item.make} {{ 7 * 7 }}" in page.text
    assert "\\u{202e}gpj.exe" in page.text
    assert not {"\u202e", "\x1b"} & set(text)
    assert "x" * 400 not in text
    assert "[…" in page.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMS)
def test_every_language_and_the_wording_in_its_own(form, language):
    found = facts(form, verification=verified(MATCH))
    text = html(found, language)
    page = Page(text)
    (root,) = [attributes for tag, attributes in page.tags if tag == "html"]
    assert root["dir"] == ("rtl" if language == "ar" else "ltr")
    assert root["lang"].startswith(language)
    (wording,) = [attributes for tag, attributes in page.tags if attributes.get("class") == "form"]
    assert (wording["lang"], wording["dir"]) == ("en", "ltr")
    for run in runs_of(found):
        assert " ".join(run["text"].split()) in page.text
    own = load_texts(language, "certificate")
    mark = "mark_none" if form == "generic" else "mark_unconfirmed"
    for key in (mark, "how_to_read", "s_statement", "statement_of_program", "never_checked", "footer", "s_hash_report"):
        assert own(key) in page.text
    assert (load_texts(language, "report")("draft") in page.text) == (language != "en")
    assert not FORBIDDEN.search(text)
    assert "http://" not in text
    assert "https://" not in text


def test_without_a_verification_it_says_so():
    said = Page(html(facts())).text
    assert said.count("Nothing was verified for this certificate") == 3
    assert "VERIFIED" not in said
    assert "Result:" not in said


def test_a_verification_is_stated_with_what_was_not_checked():
    record = verified(MATCH)
    found = facts(verification=record)
    assert found["statement"]["verification"]["basis"] == "checked"
    said = Page(html(found)).text
    assert "Result: VERIFIED" in said
    assert record["not_checked"]
    for one in record["not_checked"]:
        assert one["reason"] in said
    assert "Nothing was verified" not in said


def test_integrity_alone_is_not_called_more():
    said = Page(html(facts(verification=verified(MATCH, policy=False)))).text
    assert "Result: INTEGRITY ONLY" in said
    assert "VERIFIED" not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_damaged_case_is_said_to_have_failed(tmp_path, language):
    """Somebody's signature is gone: all can still be read, and be filled in."""
    shutil.copytree(SMALL, tmp_path / "0.1")
    (tmp_path / "0.1/case/custody/00000002/event.json.sig").write_text("nobody's")
    record = verified(tmp_path / "0.1")
    assert record["verdict"] == "FAILED"
    found = facts("fre-902-14", recorded(tmp_path / "0.1/case"), record)
    assert found["statement"]["verification"]["basis"] == "failed"
    text = Page(html(found, language)).text
    own, words = load_texts(language, "certificate"), load_texts(language, "report")
    assert text.count(own("verification_failed")) == 2
    assert words("verdict_failed") in text
    for good in (words("verdict_verified"), words("means_verified"), own("verification_checked")):
        assert good not in text
    if language == "en":
        assert not re.search(r"\bverified\b", text, re.IGNORECASE)
    assert {one["code"] for one in record["findings"] if one["severity"] == "error"} <= {
        one["code"] for one in found["statement"]["verification"]["findings"]["listed"]["rows"]
    }


def test_a_manifest_that_is_not_the_sealed_one_gives_no_digests(tmp_path):
    shutil.copytree(SMALL / "case", tmp_path / "case")
    manifest = tmp_path / "case/manifests/00000001.parquet"
    data = bytearray(manifest.read_bytes())
    data[len(data) // 2] ^= 1
    manifest.write_bytes(data)
    with pytest.raises(CannotFinish) as caught:
        recorded(tmp_path / "case")
    assert caught.value.code in {"X441", "X443"}


def test_lists_are_bounded_and_say_what_is_left_out():
    found = recorded(SMALL / "case")
    (item,) = found["summary"]["items"]
    many = [item | {"item": f"EX-{number:04}"} for number in range(ITEMS + 30)]
    ((seizure, (taken,)),) = found["receipt"].seizures
    all_taken = tuple(dataclasses.replace(taken, exhibit=one["item"]) for one in many)
    found["summary"] |= {"items": many}
    found["receipt"] = dataclasses.replace(found["receipt"], seizures=((seizure, all_taken),))
    made = facts("bsa-63-4-a", found)
    assert (len(made["items"]["rows"]), made["items"]["left"], made["items"]["total"]) == (ITEMS, 30, ITEMS + 30)
    assert made["case"]["items.count"] == ITEMS + 30
    assert len([part for part in made["parts"] if part["item"] is not None]) == 2 * ITEMS
    files = made["digests"]["total"]
    assert files == 5 * (ITEMS + 30)
    assert made["digests"]["left"] == files - len(made["digests"]["rows"])
    said = Page(html(made)).text
    assert "30 more items are not on this certificate" in said
    assert f"{made['digests']['left']:,}".replace(",", " ") + " more files are not listed here" in said
    assert "evidencekit list CASE --format sha256sum" in said
    assert len(made["digests"]["rows"]) <= LISTED


def test_the_same_record_gives_the_same_page():
    assert html(facts(verification=verified(MATCH))) == html(facts(verification=verified(MATCH)))
