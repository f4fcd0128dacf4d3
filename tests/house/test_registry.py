"""Codes and events: what the code says is what the specs print, and nothing else speaks of codes that do not exist."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.finding import ASPECTS, SEVERITIES, Finding
from evidencekit.core.registry import ENTRIES, REFUSALS, lookup
from evidencekit.verify.findings import NOT_CHECKED

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("make_tables", SPECS / "vectors" / "make_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_findings_json_is_printed_from_the_registry(tables):
    assert (SPECS / "findings.json").read_text() == tables.findings()
    assert json.loads(tables.findings()).keys() == ENTRIES.keys()


def test_events_json_is_printed_from_the_types(tables):
    assert (SPECS / "events.json").read_text() == tables.events()
    assert json.loads(tables.events())["types"].keys() == EVENT_TYPES.keys()


def test_table_of_the_specs_is_printed_from_the_registry(tables):
    page = (SPECS / "verification.md").read_text()
    assert tables.filled(page) == page
    assert set(re.findall(r"^\| ([EW]\d{3}) \|", page, re.MULTILINE)) == ENTRIES.keys()


def test_what_is_not_checked_has_the_codes_of_the_specs():
    """Other verifiers have more reasons of their own; each code of any of them has its words."""
    page = (SPECS / "verification.md").read_text()
    listed = page.partition("Each thing not checked has one of these codes")[2].partition("`counts.checked`")[0]
    codes = set(re.search(r"^`([a-z_ \n]+)`", listed, re.MULTILINE)[1].split())
    assert codes >= NOT_CHECKED.keys()
    assert codes == json.loads((SPECS / "texts" / "en.json").read_text())["not_checked"].keys()


def test_a_page_without_its_markers_is_refused(tables):
    with pytest.raises(SystemExit):
        tables.filled("no table here")


@pytest.mark.parametrize("code", sorted(ENTRIES))
def test_entry_is_complete(code):
    entry = ENTRIES[code]
    assert re.fullmatch(r"[EW][1-9][0-9]{2}", code)
    assert entry.severity in SEVERITIES
    assert (entry.severity == "error") == code.startswith("E") or code == "E103"  # a newer version is no fault
    assert entry.aspect in ASPECTS
    assert re.fullmatch(r"[a-z0-9_]+", entry.name)
    for text in (entry.title, entry.means, entry.means_not, entry.do):
        assert text
    for text in (entry.means, entry.means_not, entry.do):
        assert text.endswith(".")
    page = SPECS / (entry.section.split(" ")[0])
    assert page.exists()
    assert Finding(code, "x").title == entry.title


def test_names_and_codes_stand_once():
    names = [entry.name for entry in ENTRIES.values()]
    assert len(set(names)) == len(names)
    assert not ENTRIES.keys() & REFUSALS.keys()
    assert lookup("E101") is ENTRIES["E101"]
    assert lookup("E000") is None


def test_specs_and_verifier_name_no_code_that_does_not_exist():
    for path in [*SPECS.glob("*.md"), *(ROOT / "evidencekit" / "verify").glob("*.py")]:
        named = set(re.findall(r"\b[EW][1-9][0-9]{2}\b", path.read_text()))
        assert named <= ENTRIES.keys(), path.name


def test_every_code_is_given_by_the_verifier():
    room = ROOT / "evidencekit"
    modules = [
        *(room / "verify").glob("*.py"),
        *(room / "core").glob("custody*.py"),
        *(room / "read").glob("token*.py"),
        *(room / "read").glob("package*.py"),
    ]
    text = "".join(path.read_text() for path in modules)
    given = set(re.findall(r"\"([EW][1-9][0-9]{2})\"", text))
    assert ENTRIES.keys() <= given


def test_aspect_and_severity_can_be_lowered_or_moved():
    assert Finding("E201", "x").aspect == "record"
    assert Finding("E201", "x", of_evidence=True).aspect == "evidence"
    assert Finding("E507", "x", lowered=True).severity == "warning"
