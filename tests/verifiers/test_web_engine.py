"""verify.mjs, the engine of the web verifier, under Node over every vector: verdict, codes, the place of each error.

What it does not check it says by `--limits`; there its verdict is at best NOT CHECKED (specs/verification.md, 8). What
agrees is for verifiers/conformance.py to say. Needs Node 18 and the packages that `npm ci` in verifiers/web installs.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from pagedriver import NODE, ROOT

VECTORS = ROOT / "specs" / "vectors"
FIXTURES = sorted(path.parent for path in VECTORS.glob("*/*/*/fixture.json"))
PACKAGE = VECTORS / "packages" / "good" / "0.1_branch_package"
DATED = VECTORS / "cases" / "bad" / "E409_outside_validity"
pytestmark = pytest.mark.judge(NODE)


@pytest.fixture(scope="session")
def engine(built):
    """The command that verifies."""
    return [NODE, str(built / "verify.mjs")]


@pytest.fixture(scope="session")
def limits(engine, conformance):
    return conformance.limits_of(engine)


def run(engine, arguments, **environment):
    return subprocess.run(
        [*engine, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


def asked(conformance, folder):
    """What `fixture.json` demands, and the arguments that verify the vector."""
    fixture = json.loads((folder / "fixture.json").read_bytes())
    return fixture, conformance.command_line(folder, fixture["options"])


@pytest.mark.trial
@pytest.mark.parametrize("folder", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_says_what_the_vector_says(engine, limits, conformance, folder):
    fixture, arguments = asked(conformance, folder)
    done = run(engine, arguments)
    report = json.loads(done.stdout)
    assert conformance.differences(fixture, report, done.returncode, limits) == []
    assert report["exit_code"] == done.returncode
    if report["verdict"] == "NOT CHECKED":
        assert folder.parent.name != "good", "a good case is whole"


def test_what_it_does_not_find_is_said_and_little(limits):
    assert set(limits) == {"E507@EX-*", "W906"}, (
        "extended attributes and holes of sources: neither Node nor a page reads them"
    )


def test_a_good_package_and_one_with_a_byte_changed(engine, limits, conformance, tmp_path):
    """The short form of the above, and of what no mutation may do: pass, or break the program."""
    fixture, arguments = asked(conformance, PACKAGE)
    done = run(engine, arguments)
    assert conformance.differences(fixture, json.loads(done.stdout), done.returncode, limits) == []
    assert fixture["verdict"] == "VERIFIED"
    whole = Path(arguments[0]).read_bytes()
    for place in (10, len(whole) // 3, len(whole) - 30):
        changed = bytearray(whole)
        changed[place] ^= 1
        (tmp_path / "package.zip").write_bytes(changed)
        assert json.loads(run(engine, [tmp_path / "package.zip", *arguments[1:]]).stdout)["verdict"] == "FAILED"


def dated(conformance, folder, date):
    """A copy of the vector in which a signer's key ends, with another date for that."""
    shutil.copytree(DATED, folder)
    signers = folder / "policy" / "allowed_signers"
    assert "20260501Z" in signers.read_text()
    signers.write_text(signers.read_text().replace("20260501Z", date))
    return asked(conformance, folder)


@pytest.mark.parametrize("date", ["20260501", "20260501000000", "20260501z", "20260230Z", "19700101Z"])
def test_a_date_of_some_local_clock_or_none_that_exists_is_refused(engine, conformance, tmp_path, date):
    _, arguments = dated(conformance, tmp_path / "dated", date)
    done = run(engine, arguments, TZ="Asia/Tokyo")
    assert done.returncode == 2
    assert "allowed_signers of the policy, line 1" in done.stderr


@pytest.mark.parametrize("date", ["20260501Z", "202605010000Z", "20260501000000Z"])
def test_dates_are_those_of_utc_wherever_it_runs(engine, conformance, tmp_path, date):
    fixture, arguments = dated(conformance, tmp_path / "dated", date)
    done = run(engine, arguments, TZ="Pacific/Kiritimati")
    assert conformance.differences(fixture, json.loads(done.stdout), done.returncode, {}) == []


@pytest.mark.trial
@pytest.mark.parametrize("seed", range(int(os.environ.get("EVIDENCEKIT_MUTATIONS", "20"))))
def test_mutations_never_pass_and_never_break_it(engine, conformance, tmp_path, seed):
    """A case with one byte of its record changed: never better than the whole one, and a report in any event."""
    chance = random.Random(seed)
    shutil.copytree(VECTORS / "cases" / "good" / "0.1_small" / "case", tmp_path / "case")
    files = sorted(path for path in (tmp_path / "case").rglob("*") if path.is_file() and path.suffix != ".tiles")
    path = chance.choice(files)
    content = bytearray(path.read_bytes())
    place = chance.randrange(len(content))
    content[place] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    report = json.loads(run(engine, conformance.command_line(tmp_path, {})).stdout)
    assert report["verdict"] in {"FAILED", "NOT CHECKED"}, path
    assert not [one for one in report["not_checked"] if one["code"] == "internal_error"]
