"""verifiers/python/verify_evidence.py comes to what every fixture demands, but for what it says that it does not check."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
FIXTURES = sorted(path.parent for path in (ROOT / "specs/vectors").glob("*/*/*/fixture.json"))
SCHEMA = Draft202012Validator(json.loads((ROOT / "specs/report.schema.json").read_text()))
CLOCK = "2026-05-28T20:26:40Z"
CATALOGUE = "rows of catalogues (Parquet) are not read"
TOKEN = "time-stamp tokens are not read"
PART = "lists of rows of parts are not read"
ROWS = "what only rows name in objects/ is not known"
SOURCE = "sources are not compared"
WARNING = "warnings of custody are not looked for"
UNCHECKED = [
    (r"E(106|107|108|109|110|111|112|113|114|115|201|202|211|212) manifests/.*", CATALOGUE),
    (r"W907 .*|E11[46] custody/.*", CATALOGUE),
    (r"E42[1-9] .*|E409 custody/00000005/event.json|W931 .*", TOKEN),
    (r"E43[1-3] .*|W935 .*", "cosignatures are not read"),
    (r"E11[789] .*", PART),
    (r"E501 objects/.*|W902 .*", ROWS),
    (r"(E50[567]|E201) EX-001:.*|W906 .*", SOURCE),
    (r"E435 .*", "published logs are not read"),
    (r"E404 custody/00000004/event.json.sig", "a certificate"),
    (r"E309 .*", "messages of other logs are not read"),
    (r"E31[78] .*|E314 evidence/custody/00000001/event.json", "adopted cases are not read"),
    (r"W91[1-9] .*|W920 .*", WARNING),
]
"""Code and place of what it does not find, each with the reason: all that a fixture may have and a report lacks."""


def checked(code, where=""):
    return not any(re.fullmatch(pattern, f"{code} {where}") for pattern, _ in UNCHECKED)


def verify(verifier, folder, options):
    named = [options[kind] for kind in ("proof", "package", "published") if kind in options]
    clock = datetime.fromisoformat(options.get("now", CLOCK)[:19] + "+00:00")
    policy = str(folder / "policy") if options.get("policy") else None
    path = folder / (named or ["case"])[0]
    return verifier.verify(str(path), policy, options.get("since"), int(clock.timestamp()) * 10**9)


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_fixture(verifier, folder):
    fixture = json.loads((folder / "fixture.json").read_text())
    report = json.loads(json.dumps(verify(verifier, folder, fixture["options"])))
    SCHEMA.validate(report)
    assert not [one for one in report["not_checked"] if one["code"] == "internal_error"]
    found = {(one["code"], one["where"]) for one in report["findings"] if one["severity"] == "error"}
    wanted = {(code, where) for code, where in fixture["errors"] if checked(code, where)}
    if "branch" in folder.name and "package" in fixture["options"]:
        assert not found
        assert report["verdict"] == "NOT CHECKED", "adopted cases are not read"
        return
    assert found == wanted
    minor = {one["code"] for one in report["findings"]} - {code for code, _ in found}
    assert minor == {
        code for code in fixture["codes"] if code not in {each for each, _ in fixture["errors"]} and checked(code)
    }
    if wanted:
        assert report["verdict"] == "FAILED"
    elif fixture["verdict"] == "FAILED" or not set(fixture["options"]) & {"package", "proof"}:
        assert report["verdict"] == "NOT CHECKED", "a catalogue was not read, so nothing better may be said"
        assert report["aspects"]["record"]["status"] != "ok" or report["aspects"]["time"]["status"] != "ok"
    else:
        assert report["verdict"] == fixture["verdict"]


def test_what_is_not_checked_is_said_by_limits(verifier):
    limits = {code for words, _ in verifier.LIMITS for code in words.split()}
    lacking = set()
    for folder in FIXTURES:
        fixture = json.loads((folder / "fixture.json").read_text())
        lacking |= {code for code, where in fixture["errors"] if not checked(code, where)}
        lacking |= {code for code in fixture["codes"] if code.startswith("W") and not checked(code)}
    assert lacking <= limits
