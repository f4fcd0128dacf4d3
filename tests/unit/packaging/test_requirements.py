"""The lock files of the binaries hold everything that pyproject.toml asks for: `packaging/lock.py` was run again."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCKS = sorted((ROOT / "packaging/requirements").glob("*.txt"))
PINNED = re.compile(r"([a-z0-9._-]+)==([0-9][^ ]*) --hash=sha256:[0-9a-f]{64}")


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def asked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    yield from [*project["project"]["dependencies"], *project["dependency-groups"]["build"]]


def pinned(lock):
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
    assert all(PINNED.fullmatch(line) for line in lines)
    return {plain(match[1]): match[2] for match in map(PINNED.fullmatch, lines)}


def number(version):
    return [int(part) for part in re.findall(r"\d+", version)]


def test_every_platform_has_a_lock():
    assert [lock.stem for lock in LOCKS] == ["linux-aarch64", "linux-x86_64", "macos-arm64", "windows-amd64"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_what_is_asked_for_is_pinned(lock):
    found = pinned(lock)
    assert len(found) > 20
    for line in asked():
        if "win32" in line and lock.stem.startswith("windows"):
            continue
        name, least = re.match(r"([\w-]+)(?:\[[\w,-]+\])?>=([\d.]+)", line).groups()
        assert number(found[plain(name)]) >= number(least), line
