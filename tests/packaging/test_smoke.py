"""packaging/smoke does not call a program well that is not. `make binaries` and `make binaries-quick` run it on those that are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / "packaging/smoke"
USAGE = 2


def smoke(*words):
    command = [sys.executable, SMOKE, *words, "--workstation", Path(sys.executable).with_name("evidencekit")]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


@pytest.fixture
def liar(tmp_path):
    """Binaries that say nothing, and that all is done."""
    for name in ("evidencekit", "evidencekit-verify"):
        for program in (tmp_path / name / name, tmp_path / f"{name}-onefile"):
            program.parent.mkdir(exist_ok=True)
            program.write_text("#!/bin/sh\nexit 0\n")
            program.chmod(0o755)
    return tmp_path


def test_without_binaries_it_says_so(tmp_path):
    done = smoke(tmp_path)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "make binaries" in done.stderr


@pytest.mark.trial
@pytest.mark.judge("mmdebstrap")
@pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: only root can enter a bare root")
def test_a_program_that_only_says_that_all_is_well_fails(liar):
    done = smoke(liar, "--root", "bookworm", "--check", "whole case, both ways", "--check", "read-only")
    assert done.returncode == 1, done.stdout
    found = [line.split()[0] for line in done.stdout.split("\n\n")[1].splitlines()]
    assert found == ["ok", *["FAILED"] * 4], done.stdout
