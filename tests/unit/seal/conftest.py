"""Cases of the real writer: `tests/realcase.py` as the fixture `rc`, and one office a test."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


def load(name: str):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def rc():
    return load("realcase")


@pytest.fixture
def office(rc, tmp_path):
    return rc.Office(tmp_path / "office")


@pytest.fixture
def case(office, tmp_path):
    """A case with event 0 alone."""
    office.open(tmp_path / "case")
    return tmp_path / "case"
