"""Lists of rows: a leaf that is not that of its row is the fault of the list that says it, whichever was read first."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evidencekit.verify.verifier import verify_case

GOOD = Path(__file__).parents[3] / "specs/vectors/cases/good/0.1_erased/case"


def lists_of(case):
    """Lists of rows by their paths, with the lines of each."""
    for path in sorted(case.glob("objects/sha256/*/*")):
        lines = path.read_bytes().split(b"\n")[:-1]
        if lines and lines[0].startswith(b'{"_t":"evidencekit/selected/1"'):
            yield path, [json.loads(line) for line in lines]


@pytest.mark.parametrize("which", [0, 1])
def test_the_list_that_says_another_leaf_is_named(tmp_path, which):
    case = tmp_path / "case"
    shutil.copytree(GOOD, case)
    lists = list(lists_of(case))
    assert len(lists) == 2
    (index,) = {line["index"] for line in lists[0][1]} & {line["index"] for line in lists[1][1]}
    path, lines = lists[which]
    wrong = [line | {"leaf": "11" * 32} if line["index"] == index else line for line in lines]
    path.write_bytes(
        b"".join(json.dumps(line, separators=(",", ":"), sort_keys=True).encode() + b"\n" for line in wrong)
    )
    found = {(one.code, one.where) for one in verify_case(case).findings if one.code in {"E118", "E119"}}
    assert found == {("E118", f"{path.relative_to(case).as_posix()}#{index}")}
