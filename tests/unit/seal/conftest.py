"""Cases of the real writer: `tests/realcase.py` as the fixture `rc`, and one office a test."""

from __future__ import annotations

import pytest


@pytest.fixture
def office(rc, tmp_path):
    return rc.Office(tmp_path / "office")


@pytest.fixture
def case(office, tmp_path):
    """A case with event 0 alone."""
    office.open(tmp_path / "case")
    return tmp_path / "case"
