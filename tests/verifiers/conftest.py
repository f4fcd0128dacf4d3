"""The single-file verifier as a module: it is no package, and stands outside evidencekit."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "verifiers/python/verify_evidence.py"


@pytest.fixture(scope="session")
def verifier():
    spec = importlib.util.spec_from_file_location("verify_evidence", SCRIPT)
    module = sys.modules["verify_evidence"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
