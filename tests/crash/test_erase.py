"""A power cut at every step of an erasure: afterwards all is there, or the erasure is unfinished and can be finished.

What must never be: FAILED; something gone that no event under a checkpoint says is gone; an erasure that is recorded,
not carried out, and not said.
"""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

from evidencekit.acquire.options import Options
from evidencekit.core import layout
from evidencekit.errors import Refused
from evidencekit.journeys.erase import Order, erase, finish_erasures
from evidencekit.verify.verifier import verify_case

ORDER = Order("EX-001", ("EX-001:docs",), body={"authority": "order 7"})


@pytest.fixture(scope="module")
def sealed(base, in_memory):
    """A sealed exhibit with copies and media types."""
    case = in_memory / "to-erase"
    shutil.copytree(base.case, case)
    base.office.acquire(case, base.source, options=Options(copies=True))
    return case


@pytest.fixture
def carry_out(rc, base):
    def run(case, **more):
        given = {"actor": rc.actor(base.office.signer), "signers": [base.office.signer], "random": os.urandom}
        given |= {"cache_folder": case.parent / "cache", "confirm": lambda _: True}
        return erase(base.office.ledger(case), ORDER, **(given | more))

    return run


def fresh(sealed, tmp_path):
    case = tmp_path / "case"
    shutil.rmtree(case, ignore_errors=True)
    shutil.copytree(sealed, case)
    return case


def is_checkpointed(case):
    return max(int(path.name) for path in (case / layout.CHECKPOINTS).iterdir() if path.name.isdigit()) == 5


@pytest.mark.long
def test_power_cut_at_every_step(rc, base, sealed, disk, power_cut, carry_out, after, tmp_path):
    case = fresh(sealed, tmp_path)
    with disk(tmp_path) as counted:
        carry_out(case)
    whole = rc.snapshot(case)
    steps = len(counted.log)
    assert steps > 25
    seen = set()
    before = rc.snapshot(sealed)
    for step in range(1, steps + 1):
        case = fresh(sealed, tmp_path)
        with disk(tmp_path, step), pytest.raises(power_cut):
            carry_out(case)
        after.check_every_file_is_whole(rc, case)
        found = rc.snapshot(case)
        report = verify_case(case, policy=base.office.policy())
        codes = {finding.code for finding in report.findings}
        assert codes <= {"W901", "W902", "W903"}, (step, [one.as_record() for one in report.findings])
        if not is_checkpointed(case):  # nothing that was there is gone
            assert {place: found[place] for place in before} == before
        clean = not codes & {"W901", "W902"}
        assert report.verdict == ("VERIFIED" if clean else "NOT CHECKED")
        with contextlib.nullcontext() if clean else pytest.raises(Refused, match="unfinished"):
            base.office.ledger(case)
        if clean:
            seen.add("done" if is_checkpointed(case) else "old")
        else:
            seen.add("W901" if "W901" in codes else "W902")
        base.office.finish(case)
        finish_erasures(case, cache_folder=tmp_path / "cache")
        assert verify_case(case, policy=base.office.policy()).verdict == "VERIFIED"
        if rc.snapshot(case) == before:
            carry_out(case)
        after_all = rc.snapshot(case)
        assert {place for place in after_all if not place.startswith("custody")} == {
            place for place in whole if not place.startswith("custody")
        }
    assert seen >= {"old", "W901", "W902", "done"}
