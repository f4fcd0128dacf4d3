"""The engine of the web verifier, run in Node over every vector: verdict, codes, and the place of each error.

What it does not check it says by `--limits`; there its verdict is at best NOT CHECKED (specs/verification.md, 8). Needs
Node 18 and the packages that `npm ci` in verifiers/web installs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
WEB = ROOT / "verifiers" / "web"
VECTORS = ROOT / "specs" / "vectors"
CLOCK = "2026-05-28T20:26:40Z"
FIXTURES = sorted(path.parent for path in VECTORS.glob("*/*/*/fixture.json"))
CODES = {0: "VERIFIED", 3: "FAILED", 4: "NOT CHECKED", 7: "INTEGRITY ONLY"}


@pytest.fixture(scope="session")
def engine(tmp_path_factory, judge):
    judge("node")
    judge(str(WEB / "node_modules" / ".bin" / "esbuild"))
    out = tmp_path_factory.mktemp("engine") / "verify.mjs"
    esbuild = ["node_modules/.bin/esbuild", "src/node.ts", "--bundle", "--platform=node", "--target=node18"]
    subprocess.run([*esbuild, "--format=esm", "--log-level=warning", f"--outfile={out}"], cwd=WEB, check=True)
    return out


def verify(engine, *arguments):
    done = subprocess.run(
        ["node", str(engine), *map(str, arguments), "--json"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode in CODES, done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == CODES[done.returncode] == CODES[report["exit_code"]]
    return report


def errors(report):
    return {(one["code"], one["where"]) for one in report["findings"] if one["severity"] == "error"}


def arguments(folder):
    fixture = json.loads((folder / "fixture.json").read_bytes())
    options = fixture["options"]
    name = next((options[kind] for kind in ("package", "proof", "published") if kind in options), "case")
    found = [folder / name, "--now", options.get("now", CLOCK)]
    found += ["--policy", folder / "policy"] if options.get("policy") else []
    found += ["--since", options["since"]] if "since" in options else []
    found += ["--source", f"{options['source']}={folder / 'source'}"] if "source" in options else []
    found += ["--as-copy"] if options.get("as_copy") else []
    return fixture, found


@pytest.mark.long
@pytest.mark.parametrize("folder", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_says_what_the_vector_says(engine, folder):
    limits = json.loads(subprocess.run(["node", str(engine), "--limits"], capture_output=True, check=True).stdout)[
        "codes"
    ]
    fixture, words = arguments(folder)
    report = verify(engine, *words)
    assert errors(report) <= {tuple(one) for one in fixture["errors"]}
    if report["verdict"] == "NOT CHECKED" != fixture["verdict"]:
        assert report["not_checked"], "what was not checked is said"
        assert folder.parent.name == "bad" or folder.name == "0.1_erased", "a good case is whole"
        return
    missing = {tuple(one) for one in fixture["errors"]} - errors(report)
    assert all(code in limits for code, _ in missing), missing
    codes = {one["code"] for one in report["findings"]}
    assert codes == {code for code in fixture["codes"] if code in codes or code not in limits}
    assert report["verdict"] == fixture["verdict"]


def test_a_good_package_and_one_with_a_byte_changed(engine, tmp_path):
    """The short form of the above, and of what no mutation may do: pass, or break the program."""
    fixture, words = arguments(VECTORS / "packages" / "good" / "0.1_branch_package")
    assert verify(engine, *words)["verdict"] == fixture["verdict"] == "VERIFIED"
    whole = words[0].read_bytes()
    for place in (10, len(whole) // 3, len(whole) - 30):
        changed = bytearray(whole)
        changed[place] ^= 1
        (tmp_path / "package.zip").write_bytes(changed)
        assert verify(engine, tmp_path / "package.zip", *words[1:])["verdict"] == "FAILED"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(int(os.environ.get("EVIDENCEKIT_MUTATIONS", "20"))))
def test_mutations_never_pass_and_never_break_it(engine, tmp_path, seed):
    """A case with one byte of its record changed: never better than the whole one, and a report in any event."""
    import random

    chance = random.Random(seed)
    shutil.copytree(VECTORS / "cases" / "good" / "0.1_small" / "case", tmp_path / "case")
    files = sorted(path for path in (tmp_path / "case").rglob("*") if path.is_file() and path.suffix != ".tiles")
    path = chance.choice(files)
    content = bytearray(path.read_bytes())
    place = chance.randrange(len(content))
    content[place] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    report = verify(engine, tmp_path / "case", "--now", CLOCK)
    assert report["verdict"] in {"FAILED", "NOT CHECKED"}, path
    assert not [one for one in report["not_checked"] if one["code"] == "internal_error"]
