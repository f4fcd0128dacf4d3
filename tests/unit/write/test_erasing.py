"""Removing: group after group, what is not there is no error, what cannot go is said."""

from __future__ import annotations

import pytest

from evidencekit.errors import CannotFinish
from evidencekit.write.erasing import remove


def test_what_is_named_first_goes_first(tmp_path):
    for name in "abc":
        (tmp_path / name).write_text(name)
    gone = remove([[tmp_path / "b", tmp_path / "none"], [tmp_path / "a"]])
    assert [path.name for path in gone] == ["b", "a"]
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_what_cannot_go_leaves_what_comes_after(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "last").write_text("x")
    with pytest.raises(CannotFinish) as caught:
        remove([[tmp_path / "folder"], [tmp_path / "last"]])
    assert "checkpoint finish" in caught.value.hint
    assert (tmp_path / "last").exists()
