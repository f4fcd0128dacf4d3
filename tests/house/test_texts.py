"""Texts: what the product must not say, what it must not give away, and what its pages promise."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("*.md"))
SPECS = sorted(path for path in (ROOT / "specs").rglob("*") if path.suffix in {".md", ".json"})
VERIFIERS = sorted(
    path
    for path in (ROOT / "verifiers").rglob("*")
    if path.suffix in {".py", ".ts", ".mjs", ".html", ".md"} and "node_modules" not in path.parts
)
PRODUCT = sorted(
    path for path in (ROOT / "evidencekit").rglob("*") if path.suffix in {".py", ".html", ".toml", ".json"}
)
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

BUILD_MACHINE = re.compile(r"/work/|/root/|/tmp/v\b|\.pyenv|/Users/")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_judging_is_left_to_judges():
    texts = (*PRODUCT, *VERIFIERS, ROOT / "README.md")
    assert [name_of(path) for path in texts if "admissib" in path.read_text().lower()] == []


def test_build_machine_does_not_show():
    texts = (*PRODUCT, *VERIFIERS, *PAGES, ROOT / "Makefile", ROOT / "pyproject.toml")
    found = {name_of(path): BUILD_MACHINE.findall(path.read_text()) for path in texts}
    assert {name: places for name, places in found.items() if places} == {}


def test_build_machine_does_not_show_in_specs_and_vectors():
    shown = {name_of(path) for path in SPECS if BUILD_MACHINE.search(path.read_text(errors="replace"))}
    assert not shown


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_commands_of_the_pages_are_in_the_makefile(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`|\$ )make ([a-z-]+)", path.read_text(), re.MULTILINE))
    assert named <= targets


CHECKS = ("assert", "check", "expect", "refuse", "verify", "raises", "warns", "fail")
"""How functions are called that raise when something is not so."""


def asserts(function: ast.AST, module: dict[str, ast.FunctionDef]) -> bool:
    """Whether a test can fail by itself: an assert, a check that raises, or a function of its module that has one."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name.lstrip("_").startswith(CHECKS):
                return True
            others = {key: value for key, value in module.items() if value is not function}
            if name in others and asserts(others[name], others):
                return True
    return False


def test_every_test_can_fail():
    hollow = []
    for path in TESTS:
        nodes = ast.walk(ast.parse(path.read_text()))
        module = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
        tests = [name for name in module if name.startswith("test_")]
        hollow += [f"{name_of(path)}::{name}" for name in tests if not asserts(module[name], module)]
    assert hollow == []
