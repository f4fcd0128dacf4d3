"""The questions of a sitting, as data: what is asked, in which order, under which condition, where answers go.

Source: questions.toml beside this module; specs/field.md section 2.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ANY = "*"
"""In a condition: whatever the answer is, where it is known."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question."""

    key: str
    scope: str
    """`case`, `sitting` or `exhibit`."""
    kind: str
    need: str
    """`essential`, `M` or `R`."""
    choices: tuple[str, ...] = ()
    body: str = ""
    """Member of the `acquire` event, with a dot where it is within one; empty where it goes elsewhere."""
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Other questions and their answers of which one has to be given: all of these."""
    suggestion: str = ""
    """`last`, or the name of what the guide suggests."""
    late: bool = False
    """It may be changed once the thing is recorded, until its content is."""


@dataclass(frozen=True, slots=True)
class Table:
    """All questions, in order."""

    questions: tuple[Question, ...]

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __getitem__(self, key: str) -> Question:
        """Return a question. Raises KeyError where there is none."""
        for question in self.questions:
            if question.key == key:
                return question
        raise KeyError(key)


@cache
def questions() -> Table:
    """Return the table that comes with the program."""
    return read_table(tomllib.loads((Path(__file__).parent / "questions.toml").read_text(encoding="utf-8")))


def read_table(data: Mapping[str, Any]) -> Table:
    """Return a table from TOML. Raises KeyError or TypeError where it is not one: a fault of the program."""
    found = []
    for one in data["question"]:
        fields = dict(one)
        conditions = fields.pop("when", {})
        found.append(
            Question(
                suggestion=fields.pop("from", ""),
                choices=tuple(data["choices"][fields.pop("choices")]) if "choices" in fields else (),
                when=tuple((key, _answers(wanted, data["groups"])) for key, wanted in conditions.items()),
                **fields,
            )
        )
    return Table(tuple(found))


def _answers(wanted: str | list[str], groups: Mapping[str, list[str]]) -> tuple[str, ...]:
    if isinstance(wanted, str):
        return tuple(groups[wanted[1:]]) if wanted.startswith("@") else (wanted,)
    return tuple(wanted)
