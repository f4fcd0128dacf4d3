"""What can stand in the way of the guide has words in its languages: codes that its functions can reach.

The syntax tree is walked from `evidencekit field` inward: a function reaches what its text names, whether it calls it,
passes it on or makes an object of it; a class reaches what its methods do. That is more than can happen, and not less,
as long as nothing is found by a name that is made while the program runs.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from pathlib import Path

import pytest

from evidencekit.core.refusals import REFUSALS

ROOT = Path(__file__).parents[2]
START = "evidencekit.cli.field_start"
SAID_OTHERWISE = {"X499"}
"""Stopping is said by a text of its own."""
CODE = re.compile(r"[FRUX][0-9]{3}")


class Module:
    """What a module defines at its top, and what its names mean that it imports anywhere."""

    def __init__(self, path: Path):
        self.defined: dict[str, list[ast.AST]] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        for top in ast.parse(path.read_text()).body:
            if isinstance(top, ast.If):  # seen by a type checker, or on another system
                continue
            nodes = list(ast.walk(top))
            if isinstance(top, ast.FunctionDef | ast.ClassDef):
                self.defined[top.name] = nodes
            elif isinstance(top, ast.Assign | ast.AnnAssign):
                names = (one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
                self.defined |= dict.fromkeys(names, nodes)
            for node in nodes:
                if isinstance(node, ast.ImportFrom):
                    self.imported |= {one.asname or one.name: (node.module or "", one.name) for one in node.names}


@functools.cache
def module(name: str) -> Module | None:
    path = ROOT.joinpath(*name.split("."))
    files = [path / "__init__.py", path.with_suffix(".py")] if name.startswith("evidencekit") else []
    return next((Module(file) for file in files if file.exists()), None)


@functools.cache
def found_in(place: str, name: str) -> tuple[str, str] | None:
    """Where something is defined that a module has under a name."""
    while (known := module(place)) is not None:
        if name in known.defined:
            return place, name
        if name not in known.imported:
            return None
        place, name = known.imported[name]
    return None


def named_in(place: str, nodes: list[ast.AST]) -> set[tuple[str, str]]:
    """What of ours a text names."""
    names = {(place, one.id) for one in nodes if isinstance(one, ast.Name)}
    for one in nodes:
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            source, name = module(place).imported.get(one.value.id, ("", ""))
            names |= {(f"{source}.{name}", one.attr)} if source else set()
    return {found for name in names if (found := found_in(*name)) is not None}


@functools.cache
def reached() -> dict[tuple[str, str], list[ast.AST]]:
    """Definitions that the guide can reach, and their nodes."""
    found: dict[tuple[str, str], list[ast.AST]] = {}
    todo = {(START, name) for name in module(START).defined}
    while todo:
        place, name = todo.pop()
        found[place, name] = module(place).defined[name]
        todo |= named_in(place, found[place, name]) - found.keys()
    return found


def codes_in(nodes: list[ast.AST]) -> set[str]:
    """Codes that are given to an exception, or stand as a default of `code`."""
    found = set()
    for one in nodes:
        if isinstance(one, ast.keyword) and one.arg == "code":
            found |= {text.value for text in ast.walk(one.value) if isinstance(text, ast.Constant)}
        elif isinstance(one, ast.arguments):
            pairs = zip(one.kwonlyargs, one.kw_defaults, strict=True)
            found |= {value.value for key, value in pairs if key.arg == "code" and isinstance(value, ast.Constant)}
    return {code for code in found if isinstance(code, str) and CODE.fullmatch(code)}


@functools.cache
def codes_of_the_guide() -> set[str]:
    return set().union(*map(codes_in, reached().values())) - SAID_OTHERWISE


def test_the_walk_gets_far_and_not_everywhere():
    assert {("evidencekit.read.handles", "unreachable"), ("evidencekit.seal.ledger", "Ledger")} <= reached().keys()
    assert ("evidencekit.journeys.erase", "erase") not in reached()
    codes = codes_of_the_guide()
    assert {"R506", "R507", "U201", "X412", "X421", "X430", "X473"} <= codes
    assert codes < REFUSALS.keys()


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar", "ru", "zh"])
def test_what_can_stand_in_the_way_has_words(language):
    section = json.loads((ROOT / f"specs/texts/{language}.json").read_text())["refusals"]
    assert list(section) == sorted(codes_of_the_guide())
    assert all(list(texts) == ["title", "do"] for texts in section.values())
