"""Packages changed at random, and by a fuzzer that follows the program's branches. What it finds becomes a vector."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packagefuzz import GOOD, Target

EDIT = st.tuples(st.binary(min_size=3, max_size=3), st.integers(0, 255), st.integers(0, 255)).map(
    lambda edit: edit[0] + bytes(edit[1:])
)
EDITS = st.lists(EDIT, min_size=1, max_size=4).map(b"".join)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return Target(tmp_path_factory.mktemp("fuzz"))


def test_what_is_not_changed_is_verified(target):
    assert target.one(b"\0" + (GOOD / "package.zip").read_bytes()) == "VERIFIED"
    for mode in (1, 2, 3):
        assert target.one(bytes([mode, 0])) == "VERIFIED"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3), st.integers(0, 255), EDITS)
def test_changes_at_random_are_never_a_mistake_and_never_green(target, mode, place, edits):
    assert target.one(bytes([mode, place]) + edits)


@pytest.mark.long
@settings(max_examples=1_500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3), st.integers(0, 255), EDITS)
def test_many_changes_at_random(target, mode, place, edits):
    assert target.one(bytes([mode, place]) + edits)


@pytest.mark.long
@pytest.mark.judge("atheris")
def test_a_fuzzer_finds_nothing(tmp_path):
    """EVIDENCEKIT_FUZZ_SECONDS says how long; inputs that it finds are left in the working folder."""
    seconds = os.environ.get("EVIDENCEKIT_FUZZ_SECONDS", "40")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for mode in range(4):
        (corpus / str(mode)).write_bytes(bytes([mode]) + bytes(range(11)))
    (corpus / "zip").write_bytes(b"\0" + (GOOD / "package.zip").read_bytes())
    command = [sys.executable, str(Path(__file__).parent / "packagefuzz.py"), f"-max_total_time={seconds}",
               "-timeout=30", "-rss_limit_mb=2048", str(corpus)]  # fmt: skip
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
