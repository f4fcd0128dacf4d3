"""The tables: every question and step has its texts, every answer its place, no name stands for two things."""

from __future__ import annotations

from collections import Counter

import pytest
from straight import TABLE

from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.field.answers import codes
from evidencekit.field.checklists import checklists
from evidencekit.field.machine import EARLIEST, Battery, battery, clock_is_before
from evidencekit.read.texts import LANGUAGES, load_texts

STEPS = {step for one in checklists().values() for step in one.steps}


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_tell_questions_apart(language):
    texts = load_texts(language)
    names = Counter(texts(f"n_{one.key}") for one in TABLE)
    assert [name for name, count in names.items() if count > 1] == []


def test_everything_has_its_texts():
    texts = load_texts("en")
    wanted = {f"{part}_{one.key}" for one in TABLE for part in "nqh"} | {f"k_{one.kind}" for one in TABLE}
    wanted |= {f"c_{code}" for one in TABLE if one.kind != "truth" for code in codes(one)} | {
        f"s_{step}" for step in STEPS
    }
    assert {key for key in wanted if key not in texts} == set()


def test_places_of_answers_are_fields_of_the_event():
    for question in TABLE:
        if question.body:
            assert question.body.partition(".")[0] in EVENT_TYPES["acquire"].fields


def test_what_is_asked_only_sometimes_hangs_on_what_is_asked_before():
    keys = [one.key for one in TABLE]
    for question in TABLE:
        for key, wanted in question.when:
            assert keys.index(key) < keys.index(question.key)
            assert wanted == ("*",) or set(wanted) <= set(codes(TABLE[key]))


def test_every_device_has_its_checklist():
    assert checklists().keys() == set(TABLE["device"].choices)
    assert not any(one.is_confirmed for one in checklists().values()), "none was read in the standard's own text yet"


def test_memory_comes_before_disks():
    steps = checklists()["computer"].steps
    order = [steps.index(one) for one in ("memory_first", "network_state", "disks", "remote_logs")]
    assert order == sorted(order)


# --- what this computer tells ------------------------------------------------------------------------------------------


def supply(folder, **files):
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text + "\n")


def test_the_battery_that_has_least(tmp_path):
    supply(tmp_path / "AC", type="Mains", online="0")
    supply(tmp_path / "BAT0", type="Battery", capacity="80", status="Discharging")
    supply(tmp_path / "BAT1", type="Battery", capacity="9", status="Charging")
    supply(tmp_path / "mouse", type="Battery", capacity="1", scope="Device", status="Discharging")
    supply(tmp_path / "odd", type="Battery", capacity="many")
    assert battery(tmp_path) == Battery(9, is_draining=False)


def test_no_battery(tmp_path):
    assert battery(tmp_path) is None
    assert battery(tmp_path / "gone") is None


def test_clocks_that_cannot_be_right():
    assert clock_is_before(EARLIEST - 1)
    assert not clock_is_before(EARLIEST)
    assert clock_is_before(EARLIEST + 5, EARLIEST + 6)
    assert not clock_is_before(EARLIEST + 5, 0)
