"""Modules: short, named for what they do, with a docstring, and nothing left over."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

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


each_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


@each_module
def test_module_is_short(path):
    lines = len(path.read_text().splitlines())
    assert lines <= MAX_LINES or name_of(path) in TABLES


@each_module
def test_module_says_what_it_promises(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


@each_module
def test_module_is_named_for_what_it_does(path):
    assert not set(path.stem.split("_")) & EMPTY_NAMES


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=name_of)
def test_nothing_is_left_over(path):
    assert not LEFTOVERS.findall(path.read_text())
