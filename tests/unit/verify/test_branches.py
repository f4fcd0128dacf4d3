"""verify/branches.py against specs/verification.md, step 17: adopted cases."""

from __future__ import annotations

import shutil

import casebuilder as cb
import pytest

from evidencekit.core import layout
from evidencekit.core.values import encode_base64
from evidencekit.verify import branches
from evidencekit.verify.verifier import verify_case

FIELD = layout.branch_folder("field")
ADOPT = layout.event_file(1)


def person(signer, name="examiner"):
    return {"id": name, "key": signer.fingerprint}


def found(report) -> list[tuple[str, str]]:
    return [(f.code, f.where) for f in report.findings if f.code not in {"W903", "W914", "W906"}]


@pytest.fixture
def field(tmp_path, build):
    """Another case with one sealed exhibit, which is offered to the examiner of the first."""
    (tmp_path / "field").mkdir()
    made = cb.Builder(tmp_path / "field")
    made.seal()
    made.enter(made.event("offer", ["EX-001"], {"to": person(build.signer)}))
    return made


def adopt(build, field, *, items=("EX-001",), copy=True, name="field", **changes):
    size = len(field.leaves())
    body = {
        "branch": name,
        "case": encode_base64(cb.IDENTITY),
        "log": {"origin": cb.ORIGIN, "root": field.root().hex(), "size": str(size)},
    } | changes
    build.enter(build.event("adopt", [f"{name}/{item}" for item in items], body))
    if copy:
        shutil.copytree(field.case, build.case / layout.branch_folder(name))


def test_an_adopted_case_is_part_of_the_whole(build, field):
    adopt(build, field)
    report = verify_case(build.case)
    assert found(report) == []
    assert (report.verdict, report.aspects["custody"].status) == ("INTEGRITY ONLY", "ok")
    alone = verify_case(field.case)
    assert found(alone) == [("W911", layout.event_file(3))]  # the adoption is the answer
    assert report.counts["rows"] == alone.counts["rows"] == len(cb.PLAIN)
    assert (report.counts["entries"], report.counts["exhibits"]) == (2 + 4, 1)
    assert report.checked["branches"] == 1
    assert report.checkpoint.size == 2


def test_a_source_is_compared_with_the_branch_s_exhibit(build, field, tmp_path):
    adopt(build, field)
    (tmp_path / "source").mkdir()
    report = verify_case(build.case, sources={"field/EX-001": tmp_path / "source"})
    assert ("E505", f"{FIELD}/EX-001:a") in found(report)
    assert not report.reason.startswith("the source of")


def test_what_is_wrong_in_a_branch_is_named_by_its_place_in_the_whole(build, field):
    adopt(build, field)
    (build.case / FIELD / layout.signature_file(2, 0)).unlink()
    (build.case / FIELD / "x").write_text("x")
    assert set(found(verify_case(build.case))) == {
        ("E401", f"{FIELD}/{layout.signature_file(2, 0)}"),
        ("E501", f"{FIELD}/{layout.signature_file(2, 0)}"),
        ("W902", f"{FIELD}/x"),
    }


def test_a_branch_that_is_not_there(build, field):
    adopt(build, field, copy=False)
    assert found(verify_case(build.case)) == [("E501", FIELD)]


def test_a_link_is_no_branch(build, field):
    adopt(build, field, copy=False)
    (build.case / "branches").mkdir()
    (build.case / FIELD).symlink_to(field.case)
    assert set(found(verify_case(build.case))) == {("E501", FIELD), ("W902", FIELD)}
    (build.case / FIELD).unlink()
    (build.case / "branches").rmdir()
    (field.folder / "field").mkdir()
    shutil.move(field.case, field.folder / "field/field")
    (build.case / "branches").symlink_to(field.folder / "field")
    assert set(found(verify_case(build.case))) == {("E501", FIELD), ("W902", "branches")}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"case": encode_base64(bytes(16))}, "case.json"),
        ({"log": {"origin": cb.ORIGIN, "root": "00" * 32, "size": "4"}}, layout.checkpoint_file(4)),
        ({"log": {"origin": cb.ORIGIN, "root": "00" * 32, "size": "5"}}, layout.checkpoint_file(5)),
        ({"log": {"origin": "other.example/1", "root": "00" * 32, "size": "4"}}, layout.checkpoint_file(4)),
    ],
)
def test_a_branch_that_is_not_what_was_adopted(build, field, changes, where):
    adopt(build, field, **changes)
    assert ("E317", f"{FIELD}/{where}") in found(verify_case(build.case))


def test_a_branch_without_any_checkpoint(build, field):
    adopt(build, field)
    shutil.rmtree(build.case / FIELD / "checkpoints")
    assert ("E317", f"{FIELD}/{layout.checkpoint_file(4)}") in found(verify_case(build.case))


def test_an_item_that_goes_on_where_it_was_adopted_from(build, field):
    adopt(build, field, copy=False)
    field.enter(field.event("store", ["EX-001"], {}))
    shutil.copytree(field.case, build.case / FIELD)
    newest = f"{FIELD}/{layout.checkpoint_file(5)}"
    forked = ("E318", f"{FIELD}/{layout.event_file(4)}")
    assert set(found(verify_case(build.case))) == {("W902", newest), forked}


def test_a_branch_that_goes_on_with_other_items(build, field):
    adopt(build, field, copy=False)
    field.enter(field.event("collect", ["EX-002"], {}))
    shutil.copytree(field.case, build.case / FIELD)
    assert found(verify_case(build.case)) == [("W902", f"{FIELD}/{layout.checkpoint_file(5)}")]


def test_what_nobody_offered(build, field):
    field.enter(field.event("collect", ["EX-002"], {}))
    adopt(build, field, items=("EX-001", "EX-002", "EX-003"))
    assert found(verify_case(build.case)) == [("E314", ADOPT)] * 2


def test_what_was_offered_to_somebody_else(build, field):
    field.enter(field.event("offer", ["EX-001"], {"to": person(build.other, "other")}))
    adopt(build, field)
    report = verify_case(build.case)
    assert ("E314", ADOPT) in found(report)


def test_a_part_of_what_was_offered(build, field):
    field.enter(field.event("collect", ["EX-002"], {}))
    field.enter(field.event("offer", ["EX-001", "EX-002"], {"to": person(build.signer)}))
    adopt(build, field)
    assert ("E314", ADOPT) in found(verify_case(build.case))


def test_branches_in_branches(build, field, tmp_path):
    (tmp_path / "deep").mkdir()
    deep = cb.Builder(tmp_path / "deep")
    deep.seal()
    deep.enter(deep.event("offer", ["EX-001"], {"to": person(field.signer)}))
    adopt(field, deep, name="deep")
    field.enter(field.event("offer", ["deep/EX-001"], {"to": person(build.signer)}))
    adopt(build, field, items=("EX-001", "deep/EX-001"))
    report = verify_case(build.case)
    assert found(report) == []
    assert (report.checked["branches"], report.counts["rows"]) == (2, 2 * len(cb.PLAIN))
    (build.case / FIELD / "branches/deep/x").write_text("x")
    assert found(verify_case(build.case)) == [("W902", f"{FIELD}/branches/deep/x")]


def test_branches_are_bounded(build, field, monkeypatch):
    monkeypatch.setattr(branches, "MAX_BRANCHES", 0)
    adopt(build, field)
    report = verify_case(build.case)
    assert report.aspects["record"].status == "not_checked"
    assert report.verdict == "NOT CHECKED"


def test_a_mistake_of_the_program_in_a_branch_is_never_green(build, field, monkeypatch):
    adopt(build, field)
    monkeypatch.setattr(branches, "is_what_was_adopted", lambda *_: 1 / 0)
    assert verify_case(build.case).verdict == "NOT CHECKED"
