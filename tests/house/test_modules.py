"""Modules: short, named for what they do, with a docstring, and nothing left over."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "evidencekit").rglob("*.py"))
SCRIPTS = sorted([*(ROOT / "verifiers").rglob("*.py"), *(ROOT / "specs").rglob("*.py")])

MAX_LINES = 300
TABLES = {"evidencekit/core/registry.py"}
"""Data, not code: these may be longer."""
EMPTY_NAMES = {"common", "data", "helper", "helpers", "info", "manager", "misc", "util", "utils"}
LEFTOVERS = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|NotImplementedError)\b")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_modules_are_short():
    lines = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > MAX_LINES and name not in TABLES} == {}


def test_modules_say_what_they_promise():
    assert [name_of(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_modules_are_named_for_what_they_do():
    assert [name_of(path) for path in MODULES if set(path.stem.split("_")) & EMPTY_NAMES] == []


def test_nothing_is_left_over():
    found = {name_of(path): LEFTOVERS.findall(path.read_text()) for path in (*MODULES, *SCRIPTS)}
    assert {name: words for name, words in found.items() if words} == {}
