"""The log against what is known from outside."""

from __future__ import annotations

import base64

import casebuilder as cb
import pytest

from evidencekit.core import layout
from evidencekit.errors import BadArgument
from evidencekit.verify.outside import parse_known_head
from evidencekit.verify.verifier import verify_case


def codes(report) -> set[str]:
    return {f.code for f in report.findings if f.severity == "error"}


def spellings(origin: str, size: int, root: bytes) -> list[str]:
    text, hexed = base64.b64encode(root).decode(), root.hex()
    groups = " ".join(hexed[at : at + 4] for at in range(0, 64, 4))
    return [f"{origin}\n{size}\n{text}\n", f"{size} {text}", f" {size}\n{hexed.upper()} ", f"{origin} {size} {groups}"]


def test_every_spelling_says_the_same(sealed):
    note = (sealed.case / layout.checkpoint_file(2)).read_bytes()
    root = sealed.root(2)
    assert parse_known_head(note).root == root
    for text in spellings(cb.ORIGIN, 2, root):
        head = parse_known_head(text.encode())
        assert (head.size, head.root) == (2, root)
        report = verify_case(sealed.case, since=text.encode())
        assert (codes(report), report.aspects["completeness"].status) == (set(), "ok")


@pytest.mark.parametrize(
    "data",
    [b"", b"3", b"x y", b"3 abcd", b"-1 " + b"0" * 64, b"03 " + b"0" * 64, b"3 " + b"0" * 63, b"\xff\xfe", "— x".encode(), b"a.b/ 3 " + b"0" * 64],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(sealed, data):
    with pytest.raises(BadArgument) as caught:
        verify_case(sealed.case, since=data)
    assert caught.value.code == "U223"


def test_a_larger_one_shows_a_cut_tail(sealed):
    report = verify_case(sealed.case, since=b"9 " + b"0" * 64)
    assert (codes(report), report.verdict) == ({"E503"}, "FAILED")


def test_another_root_is_a_fork(sealed):
    assert codes(verify_case(sealed.case, since=b"2 " + b"0" * 64)) == {"E206"}


def test_another_log(sealed):
    report = verify_case(sealed.case, since=b"other.example/x 2 " + b"0" * 64)
    assert codes(report) == {"E104"}


def test_a_root_behind_a_gap_cannot_be_compared(sealed):
    (sealed.case / layout.entry_file(1)).unlink()
    report = verify_case(sealed.case, since=b"3 " + b"0" * 64)
    assert "E206" not in codes(report)
    assert any(item.aspect == "completeness" for item in report.not_checked)


@pytest.mark.parametrize(("least", "expected"), [(3, set()), (4, {"E503"})])
def test_the_policys_least_size(sealed, least, expected):
    policy = sealed.policy(f'[[log]]\norigin = "{cb.ORIGIN}"\nmin_size = {least}\n')
    report = verify_case(sealed.case, policy=policy)
    assert codes(report) == expected
    assert report.aspects["completeness"].status == ("failed" if expected else "ok")


def test_a_stray_keeps_completeness_from_being_ok(sealed):
    (sealed.case / "x").write_text("x")
    report = verify_case(sealed.case, since=f"3 {sealed.root().hex()}".encode())
    assert report.aspects["completeness"].status == "not_checked"
