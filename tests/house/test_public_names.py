"""The public names: what `__all__` promises is there, costs nothing until it is used, and is all there is."""

from __future__ import annotations

import subprocess
import sys

import pytest

import evidencekit

PUBLIC = {
    *("BadArgument", "CannotFinish", "EvidenceError", "FormatError", "Interrupted", "Refused"),
    *("__version__", "verify_case", "verify_proof", "verify_published"),
}


def test_public_names_are_these():
    assert set(evidencekit.__all__) == PUBLIC
    assert dir(evidencekit) == sorted(PUBLIC)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_name_is_there(name):
    assert getattr(evidencekit, name)


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="verify_everything"):
        _ = evidencekit.verify_everything


def test_importing_the_package_loads_nothing_else_of_ours():
    program = "import sys, evidencekit; print([name for name in sys.modules if name.startswith('evidencekit')])"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "['evidencekit']"
