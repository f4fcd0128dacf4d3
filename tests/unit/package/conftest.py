"""A sealed case in path order and one in shuffled order: `tests/realcase.py` as the fixture `rc`."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def sealed(rc, tmp_path_factory):
    """Office and case: EX-001 in path order, EX-002 shuffled, EX-003 one file, EX-004 acquired but not sealed."""
    folder = tmp_path_factory.mktemp("proofs")
    office = rc.Office(folder / "office")
    case = folder / "case"
    office.open(case)
    source = rc.make_source(folder / "source")
    office.acquire(case, source)
    office.acquire(case, source, "EX-002", options=rc.Options(sensitive=True), types=False)
    office.acquire(case, source / "docs/01.txt", "EX-003", types=False)
    ledger = office.ledger(case)
    when = ledger.moment()
    body = {"acquisition_type": "logical", "digests": ["blake3", "sha256"], "tool": rc.PROGRAM}
    body |= {"started_at": when, "finished_at": when}
    ledger.append("acquire", ["EX-004"], body, actor=rc.actor(office.signer), signers=[office.signer])
    ledger.checkpoint()
    return office, case
