"""Forms of certificates: read strictly; no member, slot or brace that is not understood is left out or run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from judging import JUDGING

from evidencekit.errors import BadArgument
from evidencekit.report.form_file import MAX_FORM, known_forms, read_form
from evidencekit.report.slots import SLOTS

ROOT = Path(__file__).parents[3]
FORMS = sorted((ROOT / "evidencekit/report/forms").glob("*.toml"))
HEAD = """
id = "mine"
title = "Mine"
language = "en"
instrument = "None"
citation = "None"
version = "1"
mark = "none"
"""
PART = '[[part]]\neach = "item"\nblock = [{ text = "Make: {item.make}." }]\n'


def form(text):
    return read_form(text.encode(), "mine.toml", own=True)


def fault(text):
    with pytest.raises(BadArgument) as caught:
        form(text)
    assert caught.value.code == "U621"
    return caught.value.message


def test_a_form_of_ones_own():
    found = form(HEAD + PART)
    assert (found.id, found.own, found.note) == ("mine", True, "")
    (part,) = found.parts
    assert part.each_item
    assert [(run.text, run.slot) for run in part.blocks[0].runs] == [("Make: ", None), ("", "item.make"), (".", None)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("id = [", "file"),
        (HEAD.replace('"Mine"', '"Mi\u202ene"') + PART, "title"),
        (HEAD + PART.replace("Make", "Ma\\u0000ke"), "part[0].block[0].text"),
        (HEAD + PART.replace("Make", "Ma\u2066ke"), "part[0].block[0].text"),
        (HEAD, "part"),
        (HEAD.replace('"1"', '" "') + PART, "version"),
        (HEAD.replace('"none"', '"sure"') + PART, "mark"),
        (HEAD.replace('id = "mine"', 'id = "../mine"') + PART, "id"),
        (HEAD.replace('"en"', '"en\\" onload=\\""') + PART, "language"),
        (HEAD + 'oath = "I swear"\n' + PART, "oath"),
        (HEAD + PART.replace('each = "item"', 'each = "case"'), "part[0].each"),
        (HEAD + PART.replace("Make", "Make}"), "part[0].block[0].text"),
        (HEAD + PART.replace("{item.make}", "{item.colour}"), "part[0].block[0].text"),
        (HEAD + PART.replace("{item.make}", "{{ 7 * 7 }}"), "part[0].block[0].text"),
        (HEAD + PART.replace("{item.make}", "{ item.make }"), "part[0].block[0].text"),
        (HEAD + PART.replace("{item.make}", "{table.items}"), "part[0].block[0].text"),
        (HEAD + PART.replace('each = "item"\n', ""), "part[0].block[0].text"),
        (HEAD + PART.replace("{ text =", "{ label = 'x', text ="), "part[0].block[0].label"),
        (HEAD + PART.replace("{ text =", "{ choose = ['x'], text ="), "part[0].block[0]"),
        (HEAD + PART.replace("text =", "script ="), "part[0].block[0]"),
        (HEAD + '[[part]]\nblock = [{ blank = "case.reference", label = "x" }]\n', "part[0].block[0].blank"),
        (HEAD + '[[part]]\nblock = [{ table = "person.name" }]\n', "part[0].block[0].table"),
        (HEAD + '[[part]]\nblock = [{ recorded = "item.algorithms", boxes = [["a"]], other = "x" }]\n', "boxes[0]"),
        (HEAD + '[[part]]\nblock = ["text"]\n', "part[0].block[0]"),
        (HEAD + "[[part]]\nblock = []\n", "part[0].block"),
    ],
)
def test_what_is_not_understood_is_refused_and_named(text, place):
    assert place in fault(text)


def test_a_file_that_is_no_text_or_too_large():
    for data, why in ((b"\xff\xfe", "TOML in UTF-8"), (b"#" * (MAX_FORM + 1), "found more")):
        with pytest.raises(BadArgument, match=why):
            read_form(data, "x.toml")


def test_the_forms_that_come_with_the_program():
    forms = known_forms()
    assert list(forms) == sorted(path.stem for path in FORMS)
    assert set(forms) == {"bsa-63-4-a", "bsa-63-4-b", "fre-902-13", "fre-902-14", "generic"}
    assert {form.mark for name, form in forms.items() if name != "generic"} == {"unconfirmed"}
    assert not any(form.own for form in forms.values())
    assert not [path.name for path in FORMS if JUDGING.search(path.read_text())]


@pytest.mark.parametrize("name", [path.stem for path in FORMS])
def test_each_form_has_its_blanks_for_the_person(name):
    blocks = [block for part in known_forms()[name].parts for block in part.blocks]
    blanks = {block.slot for block in blocks if block.kind == "blank"}
    inline = {run.slot for block in blocks for run in block.runs}
    assert {"person.signature", "person.date", "person.place"} <= blanks
    assert "person.name" in inline | blanks


@pytest.mark.parametrize("name", ["fre-902-13", "fre-902-14"])
def test_both_declarations_are_there_to_choose_from(name):
    choices = [box for part in known_forms()[name].parts for block in part.blocks for box in block.boxes]
    within, without = (label for value, label in choices if not value)
    assert within.startswith("If executed within the United States")
    assert without.startswith("If executed without the United States")
    for declaration in (within, without):
        assert re.search(r": I declare under penalty of perjury .*Executed on _+\.$", declaration)
    assert "under the laws of the United States of America" in without
    assert "under the laws of" not in within


def test_the_schedule_of_the_adhiniyam():
    a, b = (known_forms()[f"bsa-63-4-{part}"] for part in "ab")
    for form_, who in ((a, "Party"), (b, "Expert")):
        words = " ".join(run.text for part in form_.parts for block in part.blocks for run in block.runs)
        assert f"(To be filled by the {who})" in words
        assert "do hereby solemnly affirm and sincerely state and submit as follows" in words
        assert "HASH value/s of the electronic/digital record/s is" in words
        assert ("lawful control" in words) == (who == "Party")
        boxes = [label for part in form_.parts for block in part.blocks for value, label in block.boxes if not value]
        assert boxes[:8] == [
            *("Computer / Storage Media", "DVR", "Mobile", "Flash Drive", "CD/DVD", "Server", "Cloud", "Other"),
        ]
        assert boxes[8:] == (["Owned", "Maintained", "Managed", "Operated"] if who == "Party" else [])


def test_the_table_of_slots_is_the_specification():
    section = (ROOT / "specs/reporting.md").read_text().partition("## 5.")[2].partition("## 6.")[0]
    rows = re.findall(r"^\| `([a-z]+\.[a-z_0-9]+)` \| (\w+) \| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    shown = {"not_recorded": "not recorded", "alone": "why there is none"}
    texts = [
        (slot.name, slot.kind, slot.source, "a blank" if slot.kind == "person" else shown[slot.absent])
        for slot in SLOTS.values()
    ]
    assert rows == texts
