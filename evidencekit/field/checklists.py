"""Checklists by type of device, the most volatile first.

Source: checklists.toml beside this module; RFC 3227 section 2.1; ISO/IEC 27037.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Checklist:
    """What to do, in order; each step the name of a text."""

    steps: tuple[str, ...]
    source: str
    is_confirmed: bool
    """The steps were read in the text of the source, word for word."""


@cache
def checklists() -> dict[str, Checklist]:
    """Return the list of each type of device."""
    data = tomllib.loads((Path(__file__).parent / "checklists.toml").read_text(encoding="utf-8"))
    return {
        device: Checklist(tuple(one["steps"]), one["source"], one["mark"] == "V")
        for one in data["list"]
        for device in one["devices"]
    }
