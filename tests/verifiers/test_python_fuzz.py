"""A bounded run of tests/verifiers/differential.py; a longer one on demand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.trial
def test_random_mutations_find_no_disagreement():
    script = Path(__file__).with_name("differential.py")
    done = subprocess.run([sys.executable, str(script), "--seconds", "40"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
