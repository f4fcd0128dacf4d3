"""The verifiers under test, which are no packages and stand outside evidencekit: one as a module, one built."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

VERIFIERS = Path(__file__).parents[2] / "verifiers"
sys.path.insert(0, str(Path(__file__).parent))
from beside import Script, Web  # noqa: E402
from differential import subjects  # noqa: E402
from pagedriver import ESBUILD, NODE, build  # noqa: E402


def module_at(path: Path):
    """The script at `path` as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def verifier():
    """verify_evidence.py."""
    return module_at(VERIFIERS / "python" / "verify_evidence.py")


@pytest.fixture(scope="session")
def conformance():
    """conformance.py: how a vector is asked, and what counts as agreement."""
    return module_at(VERIFIERS / "conformance.py")


@pytest.fixture(scope="session")
def built(tmp_path_factory, judge):
    """The folder with verify.html and verify.mjs, built once."""
    judge(NODE)
    judge(str(ESBUILD))
    out = tmp_path_factory.mktemp("web")
    build(out)
    return out


@pytest.fixture(scope="session")
def others(judge, tmp_path_factory):
    """The two that share nothing with evidencekit."""
    judge(NODE)
    judge(str(ESBUILD))
    both = [Script(), Web(tmp_path_factory.mktemp("engine"))]
    yield both
    for one in both:
        one.close()


@pytest.fixture(scope="session")
def vectors():
    """Good vectors by name, as files in memory."""
    return subjects()
