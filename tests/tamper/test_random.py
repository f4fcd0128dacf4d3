"""Anything, anywhere in a case, at random: never a crash, never green unless nothing was changed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from deep import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidencekit.core import layout
from evidencekit.verify.verifier import verify_case

OPERATIONS = ("flip", "zero", "cut", "insert", "delete", "duplicate", "swap", "rename", "append", "copy over")


def apply(case: Path, names: list[str], operation: str, first: int, second: int, place: float, byte: int) -> None:
    path, other = case / names[first % len(names)], case / names[second % len(names)]
    if not path.is_file():
        return
    data = bytearray(path.read_bytes())
    at = int(place * len(data))
    match operation:
        case "flip" if data:
            data[min(at, len(data) - 1)] ^= byte or 1
        case "zero":
            data[at : at + 16] = bytes(len(data[at : at + 16]))
        case "cut":
            del data[at : at + 1 + byte]
        case "insert":
            data[at:at] = bytes([byte])
        case "append":
            data += bytes([byte])
        case "delete":
            path.unlink()
            return
        case "duplicate":
            path.with_name(f"{byte:08d}").write_bytes(data)
            return
        case "swap" if other.is_file():
            mine, theirs = path.read_bytes(), other.read_bytes()
            path.write_bytes(theirs)
            other.write_bytes(mine)
            return
        case "copy over" if other.is_file():
            path.write_bytes(other.read_bytes())
            return
        case "rename":
            path.rename(path.with_name(f"{byte:08d}"))
            return
    path.write_bytes(data)


def snapshot(case: Path) -> dict[str, bytes]:
    """Return the files of the record; what is disposable is never judged."""
    files = ((str(path.relative_to(case)), path) for path in sorted(case.rglob("*")) if path.is_file())
    return {name: path.read_bytes() for name, path in files if not layout.is_disposable(name)}


def tail_only(before: dict[str, bytes], after: dict[str, bytes]) -> bool:
    """The one change that nothing inside shows: whole steps missing at the end, and nothing else."""
    return after.items() <= before.items() and layout.checkpoint_file(1) in after


@pytest.mark.deep
@settings(
    max_examples=int(os.environ.get("EVIDENCEKIT_EXAMPLES", examples(120))),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(OPERATIONS),
            st.integers(0, 40),
            st.integers(0, 40),
            st.floats(0, 1, exclude_max=True),
            st.integers(0, 255),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_random_tampering_is_found(sealed, steps):
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case"
        shutil.copytree(sealed.path, case)
        before = snapshot(case)
        for step in steps:
            apply(case, sorted(before), *step)
        after = snapshot(case)
        report = verify_case(case)
        assert report.as_record()["verdict"] == report.verdict
        if after == before:
            assert report.verdict == "INTEGRITY ONLY"
        elif not tail_only(before, after):
            assert report.verdict in {"FAILED", "NOT CHECKED"}, (steps, report.findings)
            assert report.findings
        assert not any("internal error" in str(item).lower() for item in report.as_record()["not_checked"]), steps
