"""Every code that a program raises is explained, and every explanation is of a code that can be raised."""

from __future__ import annotations

import re
from pathlib import Path

from evidencekit.core.refusals import REFUSALS
from evidencekit.core.registry import ENTRIES

ROOM = Path(__file__).parents[2] / "evidencekit"
EXITS = {"U": "BadArgument", "X": "CannotFinish|Interrupted", "R": "Refused"}


def raised() -> dict[str, set[str]]:
    """Codes in the program's text, and the modules that name them in a raise."""
    found: dict[str, set[str]] = {}
    for path in ROOM.rglob("*.py"):
        if path.name in {"refusals.py", "registry.py"}:
            continue
        for code in re.findall(r'code="([FRUX][0-9]{3})"|code: str = "([FRUX][0-9]{3})"', path.read_text()):
            found.setdefault(code[0] or code[1], set()).add(path.name)
    return found


def test_every_code_that_is_raised_is_explained():
    assert set(raised()) - set(REFUSALS) == set()


def test_every_explained_refusal_can_happen():
    assert set(REFUSALS) - set(raised()) == set()


def test_findings_and_refusals_do_not_share_a_code():
    assert not set(ENTRIES) & set(REFUSALS)


def test_the_first_letter_gives_the_exception():
    for path in ROOM.rglob("*.py"):
        for kind, letter in re.findall(
            r'\b(BadArgument|CannotFinish|Interrupted|Refused)\((?:[^()]|\([^()]*\))*?code="([A-Z])', path.read_text()
        ):
            assert kind in EXITS[letter].split("|"), (path.name, kind, letter)
