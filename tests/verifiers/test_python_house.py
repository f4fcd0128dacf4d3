"""What verifiers/python/verify_evidence.py promises of itself: one file, the standard library, Python 3.8, nothing of ours."""

from __future__ import annotations

import ast
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "verifiers/python/verify_evidence.py"
PACKAGE = ROOT / "specs/vectors/packages/good/0.1_package"
MAX_LINES = 1_870
"""What an expert reads in an hour or so: whoever adds something leaves something out."""


def test_it_imports_the_standard_library_alone():
    tree = ast.parse(SCRIPT.read_text())
    names = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)
    assert not names & {"socket", "urllib", "http", "ssl", "subprocess", "ctypes", "pickle", "tarfile"}
    assert "__import__" not in SCRIPT.read_text()


def test_it_runs_where_nothing_else_is_installed(tmp_path):
    shutil.copy(SCRIPT, tmp_path / "v.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "v.py", str(PACKAGE / "package.zip"), "--json"],
        cwd=tmp_path, capture_output=True, check=False, env={"PATH": ""},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (7, b"")
    assert json.loads(done.stdout)["line"] == "INTEGRITY ONLY"
    assert [path.name for path in tmp_path.iterdir()] == ["v.py"], "nothing is written"


def test_python_3_8_is_enough_by_vermin():
    done = subprocess.run(
        [sys.executable, "-c", "import vermin; vermin.main()", "-t=3.8-", "--no-tips", str(SCRIPT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.trial
@pytest.mark.parametrize("version", ["3.8", "3.9", "3.13"])
def test_it_runs_under_other_versions(version):
    program = shutil.which(f"python{version}")
    environment = {"PATH": os.environ["PATH"], "PYENV_VERSION": version}
    if (
        program is None
        or subprocess.run([program, "-V"], capture_output=True, check=False, env=environment).returncode != 0
    ):
        pytest.skip(f"no python{version} here")
    command = shlex.join([program, str(SCRIPT)])
    done = subprocess.run(
        [sys.executable, str(ROOT / "verifiers/conformance.py"), f"other={command}"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_it_is_no_longer_than_it_says():
    assert len(SCRIPT.read_text().splitlines()) <= MAX_LINES
