"""Labels and the transfer form: what the record says and nothing else, cut to its room, in every language."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from htmlpage import Page, codes_in_picture, print_in_chromium

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.label import ELSEWHERE, Label, TypedLabel, parse_label
from evidencekit.core.values import moment
from evidencekit.read.texts import LANGUAGES, load_texts
from evidencekit.report import label as label_module
from evidencekit.report.label import SHEETS, answer_of, stickers_of
from evidencekit.report.paper_page import Words, labels_html, transfer_html
from evidencekit.report.things import things_of
from evidencekit.report.transfer import Matter, Party, givers_of, handed_of, matters_of, offered_of, transfer_of

ROOM = Path(label_module.__file__).parent
ORIGIN, ROOT = "unit7.example/24-117", bytes(range(32)).hex()
TREE = Checkpoint(ORIGIN, 1204, bytes(range(32)))
NOW = 1_780_000_000_000_000_000
CASE = {"agency": "Unit 7", "reference": "24-117"}
KEY, OTHER = "SHA256:" + "A" * 43, "SHA256:" + "B" * 43
HOSTILE = "<script>alert('x')</script> & \u202egpj.exe {{ 7 * 7 }}"
MADE = {"made_at": "2026-05-28 20:26:40 UTC", "program": "evidencekit 9.9"}
LONG = "x" * 4000


def event(kind="collect", item="EX-001", *, who="officer", **body):
    actor = {"id": who, "key": KEY, "organisation": "Unit 7", "role": None}
    return {
        "actor": actor, "body": body, "items": [item], "occurred_at": moment(NOW), "time_class": "device", "type": kind,
        "seen": {"origin": ORIGIN, "root": ROOT, "size": "1"},
    }  # fmt: skip


FULL = {
    "description": "USB stick", "make": "SanDisk", "model": "Ultra", "serial": "4C530001", "seized_by": ["A. Examiner"],
    "seized_at": {"start": moment(NOW, precision="min"), "end": moment(NOW)}, "bag": "B-1", "seized_from": "B. Owner",
    "place": "12 Example Street", "condition_after": "scratched",
}  # fmt: skip


def things(*events, seals=None, case=CASE):
    items = dict.fromkeys(item for one in events for item in one["items"])
    return things_of(case, enumerate(events), items, TREE, lambda _: seals)


def words(language="en"):
    return Words(load_texts(language), load_texts(language, "paper"))


PLAIN = things(event())["EX-001"]


def corrections(*entries, item="EX-001"):
    """The item as it is where these entries correct what is said of it."""
    corrects = [event("correct", item, corrects={"entry": "0"}) for _ in entries]
    events = {0: event(item=item), **dict(zip(entries, corrects, strict=True))}
    return things_of(CASE, events.items(), [item], TREE, lambda _: None)[item]


def stickers(*events, seals=None, case=CASE, root=ROOT):
    return stickers_of(case, ORIGIN, [(thing, root) for thing in things(*events, seals=seals).values()])


def labels(made, language="en", size="small", **more):
    return labels_html(made, SHEETS[size], words(language), **MADE, **more)


def status(item="EX-001", **more):
    nothing = dict.fromkeys(("away", "condition", "ended", "out", "seals"))
    holder = {"name": "officer", "key": KEY}
    return nothing | {
        "item": item, "holder": holder, "holds": [], "lapsed": set(), "open_offers": [], "findings": [], "unknown": False,
    } | more  # fmt: skip


def form(*events, statuses=None, matters=(), offer=None, case=CASE):
    found = things(*events)
    statuses = statuses or [status(item) for item in found]
    handed = [handed_of(thing, one) for thing, one in zip(found.values(), statuses, strict=True)]
    return transfer_of(case, handed, givers_of(statuses), matters, TREE, offer=offer, **MADE)


def page(made, language="en"):
    return Page(transfer_html(made, words(language)))


# --- what the record says of an item


def test_what_several_events_say_is_put_together():
    found = things(
        event("identify", description="a stick"),
        event("collect", who="collector", serial="1", bag="B-1"),
        event("physical_seal", who="sealer", bag="B-2", notes="not about the thing"),
        event("acquire", who="examiner", description="USB stick", serial="2"),
    )["EX-001"]
    assert (found.said.description, found.said.serial, found.said.bag) == ("USB stick", "2", "B-2")
    assert found.said.seizure.recorded_by == "examiner, Unit 7"
    assert found.was_taken
    assert found.entries == {0, 1, 2, 3}


def test_a_part_has_its_own_description_and_was_not_taken():
    split = event("split", parts=[{"item": "EX-001-A", "description": "the card in it"}, {"item": "EX-001-B"}])
    split["items"] = ["EX-001", "EX-001-A", "EX-001-B"]
    found = things(event(**FULL), split)
    assert found["EX-001"].said.description == "USB stick"
    assert (found["EX-001-A"].said.description, found["EX-001-A"].was_taken) == ("the card in it", False)
    assert found["EX-001-B"].said.description is None


def test_a_received_item_says_nothing_that_its_event_said_of_the_handover():
    body = {"place": "the lab", "condition_after": "torn", "description": "not a field of it", "offer": FOREIGN}
    found = things(event("accept", **body))["EX-001"]
    assert (found.said.description, found.said.condition, found.said.seizure.place) == (None, None, None)
    assert found.said.recorded_at == "2026-05-28 20:26:40 UTC"


FOREIGN = {"origin": "field.example/9", "entry": "3", "event": "e" * 64}


@pytest.mark.parametrize(
    ("kind", "body"),
    [("adopt", {"log": FOREIGN}), ("receive", {"log": FOREIGN}), ("accept", {"offer": FOREIGN})],
)
def test_what_came_from_another_log_has_its_history_there(kind, body):
    split = event("split", parts=[{"item": "EX-001-A"}])
    split["items"] = ["EX-001", "EX-001-A"]
    found = things(event(kind, **body), event("collect", description="a stick"), split)
    assert [found[item].elsewhere for item in ("EX-001", "EX-001-A")] == ["field.example/9"] * 2
    assert found["EX-001"].said.description == "a stick"


def test_an_offer_that_was_accepted_in_the_same_log_brings_nothing():
    assert things(event("accept", offer=FOREIGN | {"origin": ORIGIN}))["EX-001"].elsewhere is None


def test_corrections_of_what_was_read_are_followed_and_of_others_not():
    both = event("collect", description="a stick")
    both["items"] = ["EX-001", "EX-002"]
    events = [
        both,
        event("view", notes="says nothing of the thing"),
        event("correct", corrects={"entry": "1"}, text="of the view"),
        event("correct", corrects={"entry": "0"}, text="a card"),
        event("correct", corrects={"entry": "3"}, text="a stick after all"),
    ]
    found = things(*events)
    assert found["EX-001"].said.corrected == (3, 4)
    assert found["EX-001"].entries == {0}
    assert found["EX-002"].said.corrected == ()


# --- labels


def test_a_label_says_what_it_is_and_how_it_was_taken():
    (made,) = stickers(event(**FULL), seals=("S-1", "S-2"))
    assert made.label == Label(ORIGIN, "EX-001", ROOT)
    said = Page(labels([made])).text
    for word in ("EX-001", "24-117", "Unit 7", "USB stick SanDisk Ultra", "4C530001", "S-1, S-2", "Taken by A. Examiner",
                 "2026-05-28 20:26 UTC", f"check {made.label.check}", "recorded, not verified"):  # fmt: skip
        assert word in said, word


def test_neither_the_label_nor_its_code_names_from_whom_it_was_taken():
    (made,) = stickers(event(**FULL))
    said = Page(labels([made])).text + str(made.label)
    assert "B. Owner" not in said
    assert "Example Street" not in said
    assert "Examiner" not in str(made.label)


def test_what_was_not_taken_here_was_recorded():
    (made,) = stickers(event("identify", description="a server"))
    assert "Recorded by officer, Unit 7 2026-05-28 20:26:40 UTC" in Page(labels([made])).text


def test_who_recorded_it_is_not_said_to_have_taken_it():
    body = {name: FULL[name] for name in FULL.keys() - {"seized_by"}}
    said = Page(labels(stickers(event(**body)))).text
    assert "Recorded by officer, Unit 7 When it was taken 2026-05-28 20:26 UTC" in said
    assert "Taken by" not in said
    said = Page(labels(stickers(event(seized_by=["A. Examiner"])))).text
    assert "Taken by A. Examiner Recorded 2026-05-28 20:26:40 UTC" in said


def test_what_another_log_knows_is_not_called_unstated():
    (made,) = stickers(event("adopt", log=FOREIGN), root=ELSEWHERE)
    assert made.elsewhere == "field.example/9"
    assert str(made.label).splitlines()[3] == "?"
    assert "not stated in this log: it came from another one" in Page(labels([made])).text


def test_a_label_says_what_corrects_it():
    made = stickers_of(CASE, ORIGIN, [(corrections(4, 9), ROOT)])
    assert "Corrected by entry 4, 9" in Page(labels(made)).text
    assert "Corrected" not in Page(labels(stickers(event(**FULL)))).text


def test_nothing_recorded_is_said():
    (made,) = stickers(event(), root=None)
    assert (made.description, made.serial, made.seals) == (None, None, None)
    assert "not stated" in Page(labels([made])).text
    assert str(made.label).splitlines()[3] == "-"


def test_long_texts_are_cut_with_a_sign():
    body = dict.fromkeys(("description", "serial", "make", "model"), LONG) | {"seized_by": [LONG]}
    (made,) = stickers(event(**body), seals=(LONG,), case={"agency": LONG, "reference": LONG})
    for text in (made.reference, made.agency, made.description, made.serial, made.seals, made.by):
        assert len(text) <= 160
        assert text.endswith("…")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SHEETS)
def test_whatever_the_record_says_is_text_on_labels(language, size):
    body = {name: HOSTILE for name, value in FULL.items() if isinstance(value, str)} | {"seized_by": [HOSTILE]}
    made = stickers(event(**body), seals=(HOSTILE,), case={"agency": HOSTILE, "reference": HOSTILE})
    found = Page(labels(made, language, size))
    assert not {"script", "img", "link", "iframe", "a"} & {tag for tag, _ in found.tags}
    assert "<script>" in found.text
    assert "\\u{202e}gpj.exe" in found.text
    assert "\u202e" not in found.text
    (root,) = [attributes for tag, attributes in found.tags if tag == "html"]
    assert root["dir"] == ("rtl" if language == "ar" else "ltr")


def places(html):
    """Of each sheet: which of its places have a label."""
    return [
        re.findall(r'<div class="(label)">|<div></div>', sheet) for sheet in html.split('<section class="sheet">')[1:]
    ]


def test_a_partly_used_sheet_is_used_up():
    made = stickers(*(event(item=f"EX-{number:03d}") for number in range(13)))
    assert [len(sheet) for sheet in places(labels(made))] == [13]
    first, second = places(labels(made, skip=3))
    assert first == ["", "", "", *["label"] * 11]
    assert second == ["label", "label"]
    assert [len(sheet) for sheet in places(labels(made, size="large"))] == [8, 5]


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_labels_fit_on_their_sheet(sheet):
    assert 2 * sheet.side + sheet.columns * sheet.width + (sheet.columns - 1) * sheet.gap == pytest.approx(210)
    assert 2 * sheet.top + sheet.rows * sheet.height == pytest.approx(297)
    assert sheet.labels == (8 if sheet.is_large else 14)


ROOTS = {"EX-001": ROOT, "EX-002": None, "EX-004": ELSEWHERE}


@pytest.mark.parametrize(
    ("label", "answer", "typed_answer"),
    [
        (Label(ORIGIN, "EX-001", ROOT), "same", "same"),
        (Label(ORIGIN, "EX-002", None), "same", "same"),
        (Label(ORIGIN, "EX-001", None), "before_sealing", "before_sealing"),
        (Label(ORIGIN, "EX-004", ELSEWHERE), "same", "same"),
        (Label(ORIGIN, "EX-001", ELSEWHERE), "before_sealing", "before_sealing"),
        (Label(ORIGIN, "EX-004", None), "another_root", "another_code"),
        (Label(ORIGIN, "EX-004", ROOT), "another_root", "another_code"),
        (Label("unit8.example/24-117", "EX-001", ROOT), "another_case", "another_code"),
        (Label(ORIGIN, "EX-003", ROOT), "no_such_item", "no_such_item"),
        (Label(ORIGIN, "EX-001", "f" * 64), "another_root", "another_code"),
        (Label(ORIGIN, "EX-002", ROOT), "another_root", "another_code"),
    ],
)
def test_whose_label_it_is(label, answer, typed_answer):
    assert answer_of(TypedLabel(label.item, label.check, label), ORIGIN, ROOTS) == answer
    assert answer_of(TypedLabel(label.item, label.check, None), ORIGIN, ROOTS) == typed_answer


# --- the transfer form


def test_the_form_says_who_holds_what_and_leaves_blanks():
    said = page(form(event(**FULL))).text
    for word in ("24-117", "Unit 7", "officer", KEY, "EX-001", "USB stick SanDisk Ultra", "4C530001", "B-1", "scratched",
                 "Number seen; seal intact?", "Condition seen", "What for", "Place", "Nothing is recorded: no other",
                 "evidencekit custody offer CASE --item EX-001 --to RECEIVER.pub", "00010203 04050607", "1204",
                 "What counts is what both sides record"):  # fmt: skip
        assert word in said, word
    assert said.count("Signature") == 2
    assert "verified" not in said.replace("Nothing was verified", "").lower()


def test_what_was_last_stated_counts():
    (item,) = form(event(**FULL), statuses=[status(seals=["S-9"], condition="wet")]).items
    assert (item.seals, item.condition) == ("S-9", "wet")
    made = form(event(**FULL), statuses=[status(seals=[])])
    assert made.items[0].seals == ""
    assert "none, as stated" in page(made).text


def test_several_holders_are_named_with_what_each_holds():
    other = {"name": "keeper", "key": OTHER}
    both = [status("EX-001"), status("EX-002", holder=other), status("EX-003")]
    assert givers_of(both) == (Party("officer", KEY, ("EX-001", "EX-003")), Party("keeper", OTHER, ("EX-002",)))
    assert givers_of(both[:1]) == (Party("officer", KEY),)
    assert givers_of([status(holder=None)]) == ()
    assert "Nobody is recorded as the holder." in page(form(event(), statuses=[status(holder=None)])).text


def test_what_stands_open_is_named_each_once():
    to = {"name": "keeper", "key": OTHER}
    found = list(
        matters_of(
            status(
                open_offers=[{"entry": 7, "since": "", "to": to}],
                out={"due": "2026-01-02T00:00:00.000000000Z", "entry": 8, "kind": "loan", "overdue": True, "to": to},
                holds=["H-1", "H-2"],
                lapsed={"H-1"},
                findings=[
                    {"code": "W912", "entry": 3},
                    {"code": "W911", "entry": 4},
                    {"code": "W911", "entry": 7},
                    {"code": "W919", "entry": 8},
                ],
            ),
            corrections(9),
            None,
        )
    )
    assert [(one.code, one.entry) for one in found] == [
        ("offered", 7), ("overdue", 8), ("lapsed", None), ("hold", None), ("W912", 3), ("W911", 4), ("corrected", 9),
    ]  # fmt: skip
    said = page(form(event(), matters=found)).text
    for word in (
        f"keeper {OTHER} (2026-01-02 00:00:00 UTC)",
        "H-2",
        "W912 Time in nobody's hands",
        "overdue",
        "the end of the hold has passed: it has lapsed H-1",
    ):
        assert word in said, word


def test_an_end_and_custody_elsewhere_are_named():
    codes = [
        one.code
        for each in (
            status(ended={"entry": 5, "kind": "dispose"}, away="lab.example/7"),
            status(holder=None),
            status(holder=None, unknown=True),
        )
        for one in matters_of(each, PLAIN, None)
    ]
    assert codes == ["ended", "away", "nobody", "unknown"]


def test_an_earlier_history_in_another_log_is_named():
    found = things(event("receive", log=FOREIGN))["EX-001"]
    (matter,) = matters_of(status(), found, None)
    assert (matter.code, matter.detail, matter.entry) == ("history", "field.example/9", 0)
    said = page(form(event("receive", log=FOREIGN), matters=[matter])).text
    for word in ("its earlier history is in another log, which was not read field.example/9", "not stated in this log"):
        assert word in said, word
    assert "Nothing is recorded" not in said


def test_the_offer_of_the_form_is_not_among_what_stands_open_but_its_end_is():
    open_one = [{"entry": 7, "since": "", "to": {"name": "keeper", "key": OTHER}}]
    assert list(matters_of(status(open_offers=open_one), PLAIN, 7)) == []
    assert [one.code for one in matters_of(status(open_offers=open_one), PLAIN, 6)] == ["answered", "offered"]


def test_the_tree_of_an_offer_is_not_called_this_case_s():
    words_of_tree = load_texts("en", "paper")("form_tree_of_offer")
    made = transfer_of(CASE, [], (), [], TREE, offer=None, tree_of_offer=True, **MADE)
    assert words_of_tree in page(made).text
    assert words_of_tree not in page(form(event())).text


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("offer.json", "offer.json"),
        ("my offer.json", "'my offer.json'"),
        ("-x; rm.json", "'./-x; rm.json'"),
        ("-x", "./-x"),
        ("a\u202eb", "OFFER.json"),
        ("back\\slash", "OFFER.json"),
        ("bad\udcff", "OFFER.json"),
    ],
)
def test_a_command_names_the_file_as_a_shell_takes_it(file, shown):
    offered = event("offer", to={"id": "keeper", "key": OTHER})
    made = form(event(), offer=(offered, offered_of(offered, "e" * 64, 5), file))
    assert made.commands == (f"evidencekit custody accept CASE {shown} --signer KEY --out answer.json",)


OFFER = {
    "to": {"id": "keeper", "key": OTHER}, "purpose": "analysis", "place": "Room 4", "legal_channel": "mla",
    "authority": "order 7", "use_limits": "this case", "onward_transfer": "none", "confidentiality": "court only",
    "carrier": "a courier", "tracking": "T-1", "bag": "B-9", "notes": "fragile", "handed_over_at": moment(NOW),
}  # fmt: skip


def test_all_that_an_offer_states_is_on_the_form():
    offered = event("offer", **OFFER)
    made = form(event(**FULL), offer=(offered, offered_of(offered, "e" * 64, 5), "my offer.json"))
    assert made.receiver == Party("keeper", OTHER)
    said = page(made).text
    for word in ("analysis", "Room 4", "mutual legal assistance", "By what right order 7", "Limits of use this case",
                 "Passing on to others none", "Confidentiality court only", "Carried by a courier", "T-1", "Bag B-9", "fragile", "e" * 64,
                 f"keeper {OTHER}", "An offer has no date on which it ends",
                 "evidencekit custody accept CASE 'my offer.json' --signer KEY"):  # fmt: skip
        assert word in said, word
    assert "--to RECEIVER.pub" not in said


def test_the_form_is_bounded():
    many = [event(item=f"EX-{number}", description=LONG, serial=LONG) for number in range(30)]
    made = form(*many, matters=[Matter("EX-1", "hold", "H", None)] * 130)
    assert (made.matters["total"], made.matters["left"]) == (130, 30)
    assert "Not shown for want of room: 30" in page(made).text
    assert max(len(item.description) for item in made.items) < 330
    assert made.commands[0].count("--item") == 20
    assert " … --to" in made.commands[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_the_record_says_is_text_on_the_form(language):
    body = {name: HOSTILE for name, value in FULL.items() if isinstance(value, str)}
    offered = event("offer", **{name: HOSTILE for name, value in OFFER.items() if isinstance(value, str)})
    offered["body"] |= {"to": {"id": HOSTILE, "key": OTHER}, "legal_channel": "order"}
    matters = [Matter("EX-001", code, HOSTILE, 3) for code in ("hold", "W912", "E311")]
    made = form(
        event(**body, seized_by=[HOSTILE]), matters=matters, case={"agency": HOSTILE, "reference": HOSTILE},
        statuses=[status(seals=[HOSTILE], condition=HOSTILE, holder={"name": HOSTILE, "key": KEY})],
        offer=(offered, offered_of(offered, "e" * 64, None), HOSTILE),
    )  # fmt: skip
    found = page(made, language)
    assert not {"script", "img", "link", "iframe", "a"} & {tag for tag, _ in found.tags}
    assert "<script>" in found.text
    assert "\\u{202e}gpj.exe" in found.text
    (root,) = [attributes for tag, attributes in found.tags if tag == "html"]
    assert root["dir"] == ("rtl" if language == "ar" else "ltr")
    assert load_texts(language, "paper")("matter_hold") in found.text


# --- words, and print


def test_every_text_is_used_and_every_used_one_is_there():
    pages = "".join((ROOM / name).read_text() for name in ("label.html", "transfer.html"))
    named = set(re.findall(r'paper\("([a-z_]+[a-z])"\)', pages)) | {"form_sign_giver", "form_sign_receiver"}
    source = (ROOM / "transfer.py").read_text() + (ROOM.parent / "journeys" / "custody_paper.py").read_text()
    named |= {f"matter_{code}" for code in re.findall(r'Matter\(item, "([a-z]+)"', source)}
    named |= {"matter_overdue", "matter_out", "matter_lapsed", "matter_hold"}
    receipt = load_texts("en")
    named |= {
        f"form_{name}" for name in OFFER.keys() - {"to", "place", "legal_channel"} if f"receipt_{name}" not in receipt
    }
    texts = json.loads((ROOM.parents[1] / "specs" / "texts" / "en.json").read_text())["paper"]
    assert set(texts) == named


@pytest.mark.long
@pytest.mark.judge("chromium")
@pytest.mark.judge("zbarimg")
@pytest.mark.parametrize("language", ["en", "ar", "ru"])
@pytest.mark.parametrize("size", SHEETS)
def test_labels_print_on_their_sheets_with_codes_that_can_be_read(tmp_path, language, size):
    body = dict.fromkeys(("description", "serial"), LONG) | {"seized_by": [LONG]}
    events = [event(**FULL), *(event(item=f"EX-{number:03d}", **body) for number in range(2, SHEETS[size].labels + 1))]
    made = stickers(*events, seals=(LONG,), case={"agency": LONG, "reference": LONG})
    (tmp_path / "labels.html").write_text(labels(made, language, size))
    print_in_chromium(tmp_path / "labels.html", "--window-size=900,1300", "--force-device-scale-factor=2")
    assert re.findall(rb"/Count (\d+)", (tmp_path / "page.pdf").read_bytes()) == [b"1"]
    codes = ["evidencekit-label/1" + code for code in codes_in_picture(tmp_path).split("evidencekit-label/1")[1:]]
    assert {parse_label(code).label for code in codes} == {one.label for one in made}
