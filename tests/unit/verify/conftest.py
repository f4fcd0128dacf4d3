"""Cases for the verifier's tests: one builder a test; `tests/casebuilder.py` as a module."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


def _load():
    if "casebuilder" not in sys.modules:
        path = Path(__file__).parents[2] / "casebuilder.py"
        spec = importlib.util.spec_from_file_location("casebuilder", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules["casebuilder"] = module
        spec.loader.exec_module(module)
    return sys.modules["casebuilder"]


cb = _load()


@pytest.fixture
def build(tmp_path):
    """A case with event 0 and nothing sealed."""
    return cb.Builder(tmp_path)


@pytest.fixture
def sealed(build):
    """A case with one small sealed exhibit."""
    build.seal()
    return build
