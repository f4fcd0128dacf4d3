"""Certificates: numbers and digests are those sealed, blanks stay blank, whatever the record says is text."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from htmlpage import Page
from judging import JUDGING

from evidencekit.errors import BadArgument, CannotFinish, Refused
from evidencekit.journeys.certificate import recorded_of_items
from evidencekit.read.texts import LANGUAGES, load_texts
from evidencekit.report.certificate import LISTED, Alone, certificate_facts
from evidencekit.report.certificate_page import SECTIONS, certificate_html
from evidencekit.report.form_file import known_forms, read_form
from evidencekit.report.report_catalogue import ITEMS
from evidencekit.report.slots import SLOTS
from evidencekit.verify.policy import read_policy
from evidencekit.verify.verifier import verify_case

VECTORS = Path(__file__).parents[3] / "specs/vectors/cases"
MATCH = VECTORS / "good/0.1_match"
SMALL = VECTORS / "good/0.1_small"
NOW = 1_790_000_000_000_000_000
FORMS = known_forms()
HOSTILE = "<script>alert('x')</script> {item.make} {{ 7 * 7 }} & \u202egpj.exe \x1b[2J"


@pytest.fixture
def cb(tiled):
    """tests/casebuilder.py, which that one loads."""
    return tiled.casebuilder


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
    return certificate_html(found, words, of_form)


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
    assert "not on this certificate, number: 1." in Page(html(found)).text
    for wrong in ("EX-009", "EX-001\u202e"):
        with pytest.raises(BadArgument) as caught:
            recorded(items=(wrong,))
        assert caught.value.code == "U215"


def test_what_nobody_recorded_is_said():
    found = facts("bsa-63-4-a", recorded(SMALL / "case"))
    (run,) = [run for run in runs_of(found) if run["slot"] == "item.make_model"]
    assert run["value"] is None
    said = Page(html(found)).text
    for label in ("Make & Model:", "Serial Number:", "IMEI/UIN/UID/MAC/Cloud ID (as applicable):"):
        assert re.search(f"{re.escape(label)} not recorded _{{10,}}", said), label
    assert "is does not apply: the item is not one file or one device; the hash report says" in said


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
        assert " ".join(own(key).split()) in page.text
    assert (load_texts(language, "report")("draft") in page.text) == (language != "en")
    assert not JUDGING.search(text)
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
    assert made["case"]["items.count"] == ITEMS
    assert len([part for part in made["parts"] if part["item"] is not None]) == 2 * ITEMS
    files = made["digests"]["total"]
    assert files == 5 * (ITEMS + 30)
    assert made["digests"]["left"] == files - len(made["digests"]["rows"])
    said = Page(html(made)).text
    assert "30 more items are not on this certificate" in said
    told = f"Digests of {made['digests']['left']:,}".replace(",", " ") + " more files are not listed in the hash report"
    assert said.count(told) == 3, "beside the wording, on top of the hash report, below the list"
    assert said.count("evidencekit list CASE --format csv") == 3
    assert len(made["digests"]["rows"]) <= LISTED


def test_the_same_record_gives_the_same_page():
    assert html(facts(verification=verified(MATCH))) == html(facts(verification=verified(MATCH)))


# --- what an item is, and what became of it


def built(tmp_path, cb, *rows):
    """A case whose one item has these rows, as somebody else's program could have sealed them."""
    made = cb.Builder(tmp_path)
    made.seal(list(rows))
    return recorded(made.case)


def slots_of(found):
    (item,) = facts("bsa-63-4-a", found)["items"]["rows"]
    return item


@pytest.mark.parametrize("kind", ["file", "block_device"])
def test_one_file_and_one_device_have_digests_of_their_own(tmp_path, cb, kind):
    found = built(tmp_path, cb, cb.file_row("", b"abc") | {"kind": kind})
    digest = hashlib.sha256(b"abc").hexdigest()
    assert (slots_of(found)["item.alone"], slots_of(found)["item.sha256"]) == ("one", digest)
    made = facts(found=found)
    assert (made["digests"]["total"], made["digests"]["left"]) == (1, 0)
    (row,) = made["digests"]["rows"]
    assert (row["kind"], row["path"], row["digests"]["sha256"]) == (kind, "", digest)
    assert f"SHA-256 of the item, if it is one file or one device {digest}" in Page(html(made)).text


def test_a_device_inside_a_folder_was_never_read(tmp_path, cb):
    found = built(tmp_path, cb, cb.folder_row(), cb.folder_row("dev", "block_device"), cb.file_row("e"))
    assert [row["path"] for row in found["rows"]] == [b"e"]
    assert facts(found=found)["digests"]["total"] == 1
    assert slots_of(found)["item.alone"] == "other"


@pytest.mark.parametrize(
    ("more", "state", "why"),
    [
        ({"path": "", "sha256": None, "blake3": None, "state": "not_read", "reason": "EACCES"}, "not_whole", "no digest of the"),
        ({"path": "", "state": "changed"}, "not_whole", "it was not wholly read, or it changed while it was read"),
        ({"kind": "directory", "path": ""}, "other", "the item is not one file or one device"),
    ],
)  # fmt: skip
def test_why_an_item_has_no_digest_of_its_own_is_said_as_it_is(tmp_path, cb, more, state, why):
    row = cb.folder_row() if more.get("kind") == "directory" else cb.file_row(**more)
    found = built(tmp_path, cb, row)
    item = slots_of(found)
    assert (item["item.alone"], item["item.sha256"], item["item.digests"]) == (state, None, None)
    page = Page(html(facts("bsa-63-4-a", found)))
    assert page.text.count(why) == 2, "in the wording, and in the hash report"


def test_an_erased_item_is_not_called_several_files():
    found = recorded(SMALL / "case") | {"alone": {"EX-001": Alone("erased")}}
    said = Page(html(facts("bsa-63-4-a", found))).text
    assert said.count("not stated: what was sealed of it was erased") == 2


def test_what_was_erased_is_said_and_the_digest_is_the_sealed_one():
    case = VECTORS / "good/0.1_erased/case"
    seal = json.loads((case / "custody/00000002/event.json").read_text())["body"]
    made = facts("fre-902-13", recorded(case))
    (item,) = made["items"]["rows"]
    assert item["item.file_sha256"] == seal["file_sha256"]
    (reduced,) = (case / "manifests").glob("00000001.*.parquet")
    assert item["item.reduced_file_sha256"] == hashlib.sha256(reduced.read_bytes()).hexdigest() != seal["file_sha256"]
    assert item["item.erased"] > 0
    said = Page(html(made)).text
    assert f"Rows of which something was erased since sealing, number: {item['item.erased']}." in said
    assert f"SHA-256 of the reduced file that stands now, after the erasure {item['item.reduced_file_sha256']}" in said
    assert "erased since sealing" not in Page(html(facts("fre-902-13", recorded(SMALL / "case")))).text


def test_a_stream_is_named_and_its_bytes_become_text(tmp_path, cb):
    stream = cb.file_row("a", b"zone")
    stream["name"] = stream["name"] | {"stream": "Zone\u202e.Identifier"}
    made = facts(found=built(tmp_path, cb, cb.folder_row(), cb.file_row("a", b"content"), stream))
    assert [(row["path"], row["stream"]) for row in made["digests"]["rows"]] == [
        ("a", None), ("a", "Zone\\u{202e}.Identifier"),
    ]  # fmt: skip
    assert json.loads(json.dumps(made)) == made
    assert "a named stream Zone\\u{202e}.Identifier sha256" in Page(html(made)).text.replace("blake3", "sha256")


def test_every_manifest_is_compared_with_its_digest_however_many_files_are_listed(tmp_path, cb):
    """The first item fills the list; the second's manifest was altered behind its header."""
    made = cb.Builder(tmp_path)
    made.seal([cb.folder_row(), *(cb.file_row(f"{number:04}") for number in range(LISTED + 1))], exhibit="EX-001")
    where = made.case / made.seal(exhibit="EX-002")
    assert len(recorded(made.case)["rows"]) == LISTED
    with where.open("r+b") as file:
        file.seek(4)
        byte = file.read(1)[0]
        file.seek(4)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(CannotFinish) as caught:
        recorded(made.case)
    assert caught.value.code == "X441"


def test_what_was_corrected_is_said_beside_the_slots_and_in_the_statement():
    found = with_seizure(corrected=(17, 19))
    made = facts(found=found)
    assert made["items"]["rows"][0]["item.corrected"] == "17, 19"
    said = Page(html(made)).text
    assert said.count("Corrected by later entries of the log, number: 17, 19") == 3
    assert "Read the correction before signing." in said
    assert "Corrected by" not in Page(html(facts())).text


def test_entries_above_the_newest_checkpoint_give_no_certificate(tmp_path, cb):
    made = cb.Builder(tmp_path)
    made.seal()
    max((made.case / "checkpoints").iterdir()).unlink()
    with pytest.raises(Refused) as caught:
        recorded(made.case)
    assert caught.value.code == "R502"
    assert "evidencekit checkpoint finish CASE" in caught.value.hint


def test_items_of_a_form_without_headings_stand_below_the_title():
    """A level of headings that is left out is a barrier, and no PDF/UA."""
    part = '[[part]]\neach = "item"\nblock = [{ text = "{item.exhibit}" }]\n'
    head = "\n".join(f'{name} = "en"' for name in ("id", "title", "language", "instrument", "citation", "version"))
    for before, level in (("", "h2"), ('[[part]]\nheading = "A"\nblock = [{ text = "x" }]\n', "h3")):
        form = read_form(f'{head}\nmark = "none"\n{before}{part}'.encode(), "own", own=True)
        text = html(certificate_facts(form, recorded(SMALL / "case"), None, now=NOW, program="evidencekit 9.9"))
        levels = [tag for tag, _ in Page(text).tags if tag in {"h1", "h2", "h3"}]
        assert levels[0] == "h1"
        assert (levels[1] if level == "h2" else levels[2]) == level
