"""verify_evidence.py under Debian 11's own Python 3.9, in a bare root, over every vector."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = "python3-minimal,libpython3-stdlib"


@pytest.fixture(scope="module")
def bullseye():
    """A bare Debian 11, with its Python and nothing else; made once, and kept."""
    done = subprocess.run(
        [ROOT / "packaging/debian-root.sh", "bullseye", PACKAGES],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.mark.long
@pytest.mark.judge("mmdebstrap")
@pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: a root of its own needs root")
def test_it_agrees_over_every_vector(bullseye):
    here = bullseye / "opt/evidencekit"
    shutil.rmtree(here, ignore_errors=True)
    (here / "specs").mkdir(parents=True)
    shutil.copytree(ROOT / "specs/vectors", here / "specs/vectors", symlinks=True)
    shutil.copytree(ROOT / "specs/texts", here / "specs/texts")
    (here / "verifiers").mkdir()
    for name in ("conformance.py", "python/verify_evidence.py"):
        shutil.copy(ROOT / "verifiers" / name, here / "verifiers")
    inside = ["chroot", bullseye, "/usr/bin/python3"]
    version = subprocess.run([*inside, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("Python 3.9.")
    command = "bare=/usr/bin/python3 /opt/evidencekit/verifiers/verify_evidence.py"
    done = subprocess.run(
        [*inside, "/opt/evidencekit/verifiers/conformance.py", command],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    shutil.rmtree(here)
    assert done.returncode == 0, done.stdout
    assert ", 0 disagrees" in done.stdout
