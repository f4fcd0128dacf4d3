"""report/receipt.py and html.py: what the record says and nothing else, as text, in the direction of its language."""

from __future__ import annotations

import re

import pytest
from htmlpage import Page, codes_in_picture, print_in_chromium

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.paper import parse_typed
from evidencekit.core.values import moment
from evidencekit.read.texts import LANGUAGES, load_texts
from evidencekit.report.html import receipt_html
from evidencekit.report.receipt import receipt_of, shown_moment

TREE = Checkpoint("unit7.example/24-117", 1204, bytes(range(32)))
NOW = 1_780_000_000_000_000_000
CASE = {"agency": "Unit 7", "reference": "24-117"}
KEY = "SHA256:" + "A" * 43
HOSTILE = "<script>alert('x')</script> & \u202egpj.exe {{ 7 * 7 }}"


def at(minutes=0, **more):
    return moment(NOW + minutes * 60 * 10**9, **more)


def taken(item="EX-001", **body):
    actor = {"id": "officer", "key": KEY, "organisation": "Unit 7", "role": None}
    return {"actor": actor, "body": body, "items": [item], "occurred_at": at(), "time_class": "device"}


FULL = {
    "authority": {"date": at(precision="day"), "issuer": "District Court", "number": "12", "scope": "media",
                  "type": "warrant", "valid_until": at(60 * 24 * 30, precision="day")},
    "bag": "B-1",
    "condition": "cracked",
    "description": "USB stick",
    "identifiers": ["IMEI 490154203237518"],
    "legal_channel": "order",
    "make": "SanDisk",
    "measure": "seize",
    "model": "Ultra",
    "owner_present": False,
    "physical_seals": ["S-1", "S-2"],
    "place": "12 Example Street",
    "quantity": "1",
    "seized_at": {"end": at(15, utc_offset_min=60, precision="s"), "start": at(utc_offset_min=60, precision="s")},
    "seized_by": ["A. Examiner"],
    "seized_from": "B. Holder",
    "serial": "4C530001",
    "witnesses": ["C. Witness", "D. Witness"],
}  # fmt: skip


def receipt(*events, seals=None):
    return receipt_of(CASE, events, TREE, seals=lambda _: seals, now=NOW, program="evidencekit 9.9")


def page(made, language="en"):
    return Page(receipt_html(made, load_texts(language)))


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        (moment(NOW, precision="s"), "2026-05-28 20:26:40 UTC"),
        (moment(NOW, precision="min"), "2026-05-28 20:26 UTC"),
        (moment(NOW, utc_offset_min=60), "2026-05-28 20:26:40 UTC (21:26:40 UTC+01:00)"),
        (moment(NOW, utc_offset_min=-210), "2026-05-28 20:26:40 UTC (16:56:40 UTC-03:30)"),
        (moment(NOW, utc_offset_min=345), "2026-05-28 20:26:40 UTC (2026-05-29 02:11:40 UTC+05:45)"),
        (moment(NOW, precision="day"), "2026-05-28"),
        (moment(NOW, precision="day", utc_offset_min=345), "2026-05-29"),
    ],
)
def test_times_are_in_utc_and_as_the_clock_showed(record, shown):
    assert shown_moment(record) == shown


def test_all_that_was_stated_is_on_the_paper():
    said = page(receipt(taken(**FULL))).text
    for word in (
        *("24-117", "Unit 7", "EX-001", "USB stick", "SanDisk Ultra", "4C530001", "S-1, S-2", "B-1", "cracked"),
        *(
            "IMEI 490154203237518",
            "warrant, 12, District Court",
            "media",
            "12 Example Street",
            "A. Examiner",
            "B. Holder",
        ),
        *(
            "C. Witness, D. Witness",
            "2026-05-28 20:26:40 UTC (21:26:40 UTC+01:00)",
            "2026-06-27",
            "officer, Unit 7",
            KEY,
        ),
        *(
            "by the clock of the recording computer",
            "unit7.example/24-117",
            "1204",
            "00010203 04050607",
            "evidencekit 9.9",
        ),
    ):
        assert word in said, word
    assert "not stated" not in said


def test_what_nobody_stated_is_named():
    said = page(receipt(taken())).text
    assert said.count("not stated") >= 6
    for label in ("By what right", "When it was taken", "Taken from", "Owner present", "Witnesses"):
        assert re.search(f"not stated .*{label}", said), label


def test_what_was_corrected_is_said():
    made = receipt_of(
        CASE, [taken(), taken("EX-002")], TREE, seals=lambda _: None, now=NOW, program="p", corrected={"EX-002": (17,)}
    )
    assert page(made).text.count("Corrected by entry") == 1
    assert "EX-002 Corrected by entry 17" in page(made).text


def test_an_answer_of_no_is_not_the_same_as_none():
    assert "Owner present no" in page(receipt(taken(owner_present=False))).text
    assert "Owner present yes" in page(receipt(taken(owner_present=True))).text


def test_recorded_is_never_called_verified():
    said = page(receipt(taken(**FULL))).text
    assert "Nothing was verified" in said
    assert "verified" not in said.replace("Nothing was verified", "").lower()


def test_later_seals_are_those_that_count():
    ((_, (item,)),) = receipt(taken(**FULL), seals=("S-9",)).seizures
    assert item.seals == "S-9"
    ((_, (item,)),) = receipt(taken(**FULL), seals=()).seizures
    assert item.seals is None


def test_a_collected_thing_has_its_order_in_parts():
    ((seizure, _),) = receipt(taken(authority="the order", legal_authority=FULL["authority"])).seizures
    assert seizure.authority == "warrant, 12, District Court"
    ((seizure, _),) = receipt(taken(authority="the order")).seizures
    assert seizure.authority == "the order"


def test_items_of_one_seizure_stand_together():
    same = {name: FULL[name] for name in ("authority", "place", "seized_at", "seized_by")}
    made = receipt(taken(**same, serial="1"), taken("EX-002", **same, serial="2"), taken("EX-003", place="elsewhere"))
    assert [[item.exhibit for item in items] for _, items in made.seizures] == [["EX-001", "EX-002"], ["EX-003"]]
    assert page(made).text.count("12 Example Street") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_the_record_says_is_text(language):
    body = {
        name: HOSTILE
        for name, value in FULL.items()
        if isinstance(value, str) and name not in {"legal_channel", "measure"}
    }
    event = taken(HOSTILE, **body, seized_by=[HOSTILE], authority={"type": HOSTILE}, witnesses=[HOSTILE])
    event["actor"]["id"] = HOSTILE
    made = receipt_of(
        {"agency": HOSTILE, "reference": HOSTILE}, [event], TREE, seals=lambda _: [HOSTILE], now=NOW, program="p"
    )
    found = page(made, language)
    assert not {"script", "img", "link", "iframe", "object", "a", "form"} & {tag for tag, _ in found.tags}
    assert not [
        name for _, attributes in found.tags for name in attributes if name.startswith("on") or name in {"src", "href"}
    ]
    assert "<script>" in found.text
    assert "\\u{202e}gpj.exe" in found.text
    assert "\u202e" not in found.text
    assert "{{ 7 * 7 }}" in found.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_direction_and_isolates(language):
    found = page(receipt(taken(**FULL)), language)
    (root,) = [attributes for tag, attributes in found.tags if tag == "html"]
    assert root["dir"] == ("rtl" if language == "ar" else "ltr")
    assert root["lang"].startswith(language)
    html = receipt_html(receipt(taken(**FULL)), load_texts(language))
    for value in ("EX-001", "4C530001", "S-1, S-2", KEY, "unit7.example/24-117", "00010203 04050607 08090a0b 0c0d0e0f"):
        assert f'<bdi dir="ltr" class="code">{value}</bdi>' in html, value
    assert "<bdi>USB stick</bdi>" in html
    draft = load_texts(language)("draft")
    assert (draft in found.text) == (language != "en")


def test_nothing_is_loaded_from_anywhere():
    html = receipt_html(receipt(taken(**FULL)), load_texts("en"))
    assert "default-src 'none'; style-src 'unsafe-inline'" in html.partition("<style>")[0]
    addresses = set(re.findall(r"[a-z]+://[^\s\"'<]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "url(" not in html
    assert "@import" not in html


def test_there_is_room_for_two_persons_to_sign():
    said = page(receipt(taken())).text
    assert said.count("Signature") == 2
    assert said.count("Date and time") == 2


@pytest.mark.long
@pytest.mark.judge("chromium")
@pytest.mark.judge("zbarimg")
@pytest.mark.parametrize("language", ["en", "ar", "zh"])
def test_it_prints_on_one_page_with_a_code_that_can_be_read(tmp_path, language):
    made = receipt(taken(**FULL), taken("EX-002", **FULL))
    (tmp_path / "receipt.html").write_text(receipt_html(made, load_texts(language)))
    print_in_chromium(tmp_path / "receipt.html", "--window-size=900,1200")
    assert re.findall(rb"/Count (\d+)", (tmp_path / "page.pdf").read_bytes()) == [b"1"]
    head = parse_typed(codes_in_picture(tmp_path))
    assert (head.origin, head.size, head.root) == (TREE.origin, TREE.size, TREE.root)
