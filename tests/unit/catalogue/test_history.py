"""The story of the items: told of whatever a case holds, or refused with a code; never above the newest checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidencekit.catalogue.history import item_status, read_history
from evidencekit.errors import BadArgument, CannotFinish

VECTORS = Path(__file__).parents[3] / "specs/vectors"
CASES = sorted(path.parent for path in VECTORS.glob("*/*/*/case/case.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.parent.name)
def test_every_case_is_told_or_refused(case):
    try:
        history = read_history(case)
    except CannotFinish:
        return  # the record cannot be read, and that was said
    assert [one.entry for one in history.told] == list(range(history.size))
    for one in history.told:
        assert one.as_record()["entry"] == one.entry
    for name, item in history.custody.items.items():
        told = item_status(history, item, 0)
        assert told["item"] == name
        assert (told["holder"] is None) == (item.holder is None)
        assert {one.entry for one in read_history(case, name).told} <= set(range(history.size))


def test_nothing_above_the_newest_checkpoint(rc, tmp_path):
    office = rc.Office(tmp_path / "office")
    office.open(tmp_path / "case")
    ledger = office.ledger(tmp_path / "case")
    ledger.append("collect", ["EX-001"], {}, actor=rc.actor(office.signer), signers=[office.signer])
    history = read_history(tmp_path / "case")
    assert (history.size, history.unfinished, len(history.told)) == (1, True, 1)
    with pytest.raises(BadArgument) as caught:
        read_history(tmp_path / "case", "EX-001")
    assert caught.value.code == "U215"
    ledger.checkpoint()
    assert not read_history(tmp_path / "case", "EX-001").unfinished
