"""Whoever verifies, one process or several: the report is the same, to the last member."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("severalhands.py")
VECTORS = Path(__file__).parents[2] / "specs/vectors"
FIXTURES = sorted(path.parent for path in VECTORS.glob("*/*/*/fixture.json"))
USUAL = {("die", "rows"), ("memory", "opinions"), ("lie", "part"), ("die", "part")}
"""Faults of workers that `make test` tries: each fault, each kind of job; `make test-long` tries the others."""


def both_ways(abouts, *fault):
    answer = subprocess.run(
        [sys.executable, PROGRAM, *fault], input="".join(json.dumps(about) + "\n" for about in abouts), capture_output=True,
        text=True, check=False, timeout=500,
    )  # fmt: skip
    assert (answer.returncode, answer.stderr) == (0, "")
    return [json.loads(line) for line in answer.stdout.splitlines()]


@pytest.fixture(scope="module")
def abouts():
    """Each fixture's name to what is to be verified."""
    abouts = {}
    for folder in FIXTURES:
        options = json.loads((folder / "fixture.json").read_text())["options"]
        if not {"package", "proof", "published"} & set(options):
            abouts[folder.name] = {
                "case": str(folder / "case"),
                "policy": str(folder / "policy") if options.get("policy") else None,
                "source": str(folder / "source") if "source" in options else None,
                "exhibit": options.get("source", ""),
                "as_copy": options.get("as_copy", False),
                "since": options.get("since"),
            }
    return abouts


@pytest.fixture(scope="module")
def pairs(abouts):
    """Each fixture's name to both reports."""
    return dict(zip(abouts, both_ways(list(abouts.values())), strict=True))


@pytest.mark.parametrize("name", [folder.name for folder in FIXTURES])
def test_a_fixture(pairs, name):
    if name not in pairs:
        options = json.loads(next(VECTORS.glob(f"*/*/{name}/fixture.json")).read_text())["options"]
        assert {"package", "proof", "published"} & set(options)
        return
    assert pairs[name]["one"] == pairs[name]["three"]
    expected = json.loads(next(VECTORS.glob(f"*/*/{name}/fixture.json")).read_text())
    assert pairs[name]["three"]["verdict"] == expected["verdict"]


def test_the_workers_were_there(pairs):
    done = {name: pair["jobs"] for name, pair in pairs.items()}
    assert all(pair["is_there"] for pair in pairs.values())
    assert sum(number > 0 for number in done.values()) > len(done) // 2
    assert all(number > 1 for name, number in done.items() if name.startswith(("E505", "E506", "E507", "W906")))


@pytest.mark.skipif(
    sys.platform != "linux", reason="NOT RUN: workers elsewhere do not inherit what this test does to them"
)
@pytest.mark.parametrize(
    ("fault", "where"),
    [
        pytest.param(fault, where, id=f"{fault}-{where}", marks=() if (fault, where) in USUAL else pytest.mark.long)
        for fault, where in itertools.product(["die", "memory", "lie"], ["rows", "opinions", "part"])
    ],
)
def test_workers_that_fail_change_nothing(abouts, fault, where):
    several = [about for about in abouts.values() if about["source"]]
    assert len(several) > 3
    for pair in both_ways(several * 3, fault, where):
        assert pair["one"] == pair["three"]
        assert pair["one"]["counts"]["not_checked"] == 0
