"""A power cut, and a full disk, at every step of taking a package over: the case is as before, unfinished, or finished.

What must never be: FAILED; a package under its name that is not whole; an event that names one that is not there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil

import pytest

from evidencekit.core import layout
from evidencekit.errors import CannotFinish, Refused
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.custody_choice import Wanted
from evidencekit.journeys.custody_messages import message_of
from evidencekit.journeys.export import export
from evidencekit.journeys.export_plan import Request
from evidencekit.journeys.export_rows import Wanted as Rows
from evidencekit.journeys.receive import examine, receive
from evidencekit.read.package import open_package
from evidencekit.read.store import Store
from evidencekit.verify.package import verify_package
from evidencekit.verify.verifier import verify_case


@pytest.fixture(scope="module")
def transfer(rc, base, in_memory):
    """A package of a sealed case, and a case of somebody else's."""
    case = in_memory / "sender"
    shutil.copytree(base.case, case)
    base.office.acquire(case, base.source, types=False)
    hand = Hand(base.office.ledger(case), rc.actor(base.office.signer), [base.office.signer])
    made = export(
        hand, Request(wanted=Rows(globs=("docs/0", "hard"))), in_memory / "PACKAGE", verify=verify_package,
        random=os.urandom, cache_folder=in_memory / "cache",
    )  # fmt: skip
    office = rc.Office(in_memory / "partner", "partner.example/1")
    office.open(in_memory / "receiver", identity=b"p" * 16)
    return in_memory, office, made


@pytest.fixture
def take_over(rc, transfer):
    folder, office, _ = transfer

    def run(case):
        hand = Hand(office.ledger(case), rc.actor(office.signer), [office.signer])
        with open_package(folder / "PACKAGE") as package:
            return receive(hand, examine(package, name="PACKAGE"), Wanted())

    return run


def fresh(transfer, tmp_path):
    case = tmp_path / "case"
    shutil.rmtree(case, ignore_errors=True)
    shutil.copytree(transfer[0] / "receiver", case)
    return case


def count_steps(transfer, tmp_path, disk, take_over):
    case = fresh(transfer, tmp_path)
    with disk(tmp_path) as counted:
        take_over(case)
    return len(counted.log)


@pytest.mark.long
def test_power_cut_at_every_step(rc, transfer, disk, power_cut, take_over, tmp_path):
    folder, office, made = transfer
    steps = count_steps(transfer, tmp_path, disk, take_over)
    assert steps > 80
    kept = layout.package_folder(made.digest)
    seen = set()
    for step in range(1, steps + 1):
        case = fresh(transfer, tmp_path)
        with disk(tmp_path, step), pytest.raises(power_cut):
            take_over(case)
        report = verify_case(case)
        codes = {finding.code for finding in report.findings}
        assert codes <= {"W901", "W902", "W903"}, (step, [one.as_record() for one in report.findings])
        if (case / kept).exists():
            assert rc.snapshot(case / kept) == rc.snapshot(folder / "PACKAGE")
        seen |= codes & {"W901", "W902"} or {report.verdict}
        office.finish(case)
        if not Store(case).newest_entry() > 1:
            take_over(case)
        else:
            with pytest.raises(Refused, match="received by entry 1"):
                take_over(case)
        assert message_of(Store(case), 1)
        assert verify_case(case).verdict == "INTEGRITY ONLY"
    assert seen == {"W901", "W902", "NOT CHECKED", "INTEGRITY ONLY"}


def full():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_disk_at_every_step(rc, transfer, disk, take_over, tmp_path):
    steps = count_steps(transfer, tmp_path, disk, take_over)
    before = rc.snapshot(fresh(transfer, tmp_path))
    for step in range(1, steps + 1):
        case = fresh(transfer, tmp_path)
        with disk(tmp_path, step, full), contextlib.suppress(CannotFinish):  # work/ that cannot be cleaned is no error
            take_over(case)
        codes = {finding.code for finding in verify_case(case).findings}
        assert codes <= {"W901", "W902", "W903"}
        if not {"W901", "W902"} & codes and "packages" not in os.listdir(case):
            assert rc.snapshot(case) == before
