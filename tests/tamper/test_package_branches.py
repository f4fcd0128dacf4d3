"""Packages that show an exhibit of an adopted case: each change to the record of that case is found, whoever made it."""

from __future__ import annotations

import copy
import shutil
from dataclasses import dataclass

import casebuilder as cb
import packagebuilder as pb
import pytest
from packagebuilder import Wanted

from evidencekit.core import layout
from evidencekit.core.values import encode_base64
from evidencekit.verify import package_branches
from evidencekit.verify.package import verify_package

CONTENT = {b"a": b"aaa", b"b": b"bbb"}
ROWS = (cb.folder_row(), cb.file_row("a", b"aaa"), cb.file_row("b", b"bbb"))
RECORD, BRANCH = "evidence/package.json", "evidence/branches/field/"
A = "data/field^2FEX-001/a"
PARTS = Wanted(rows=[1, 2], withheld={2: {"name": "privacy"}})


@dataclass
class Bench:
    """The case that adopts, the one that is adopted, and packages of the first that show an exhibit of the second."""

    lab: cb.Builder
    field: cb.Builder

    def parts(self, wanted=PARTS):
        return pb.adopting(self.lab.case, CONTENT.__getitem__, wanted)

    def close(self, parts):
        return parts.closed(self.lab.signer)

    def policy(self, *logs):
        signers = "".join(f"examiner {one.public_key()}\n" for one in (self.lab, self.field))
        keys = "".join(f"log {key}\n" for log in logs for key in log.keys.vkeys)
        return self.lab.policy(signers=signers, logs=f"{keys}quorum none\n")


def adopt(lab, field, items=("EX-001",)):
    size = len(field.leaves())
    body = {
        "branch": "field", "case": encode_base64(cb.IDENTITY),
        "log": {"origin": cb.ORIGIN, "root": field.root().hex(), "size": str(size)},
    }  # fmt: skip
    lab.enter(lab.event("adopt", [f"field/{item}" for item in items], body))
    shutil.copytree(field.case, lab.case / layout.branch_folder("field"))


def builders(folder):
    for name in ("lab", "field"):
        (folder / name).mkdir(parents=True)
        yield cb.Builder(folder / name)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    lab, field = builders(tmp_path_factory.mktemp("branches"))
    field.seal(ROWS)
    field.enter(field.event("view", ["EX-001"], {"purpose": "test"}))
    field.enter(field.event("offer", ["EX-001"], {"to": {"id": "examiner", "key": lab.signer.fingerprint}}))
    adopt(lab, field)
    return Bench(lab, field)


def verify(files, folder, **more):
    return verify_package(pb.write_folder(files, folder / "package"), **more)


def errors(report):
    return {(one.code, one.where) for one in report.findings if one.severity == "error"}


def codes(report):
    return {code for code, _ in errors(report)}


def test_a_good_one(bench, tmp_path):
    report = verify(bench.close(bench.parts()), tmp_path, policy=bench.policy(bench.lab, bench.field))
    assert errors(report) == set()
    assert (report.verdict, report.aspects["custody"].status) == ("VERIFIED", "ok")
    assert (report.checked["branches"], report.counts["rows"]) == (1, 2)
    assert report.package["branches"][0]["name"] == "field"


def test_the_policy_has_to_admit_the_log_of_the_adopted_case(bench, tmp_path):
    report = verify(bench.close(bench.parts()), tmp_path, policy=bench.policy(bench.lab))
    assert {code for code, where in errors(report) if where.startswith(BRANCH)} == {"E407"}
    assert codes(report) == {"E407"}


def test_every_flipped_byte_of_what_proves_is_found(bench, tmp_path):
    good = bench.close(bench.parts())
    for number, path in enumerate(sorted(good)):
        files, data = dict(good), bytearray(good[path])
        if data and path.startswith((BRANCH, "data/", RECORD)):
            data[len(data) // 2] ^= 1
            files[path] = bytes(data)
            assert errors(verify(files, tmp_path / str(number))), path
            shutil.rmtree(tmp_path / str(number))


def at(path):
    return BRANCH + path


def test_nothing_is_said_of_branches_where_package_json_cannot_be_read(bench, tmp_path):
    good = bench.close(bench.parts())
    found = errors(verify(good | {RECORD: b"{}"}, tmp_path))
    assert ("E101", RECORD) in found
    assert not {code for code, where in found if code == "E166" or where.startswith(BRANCH)}


def test_without_event_0_the_log_is_read_by_what_package_json_says_of_it(bench, tmp_path):
    files = bench.close(bench.parts()) | {at("custody/00000000/event.json"): b"{}"}
    found = errors(verify(files, tmp_path))
    assert {("E101", at("custody/00000000/event.json")), ("E201", at("custody/00000000/event.json"))} <= found
    assert not {code for code, _ in found} & {"E166", "E170", "E173", "E317"}


def test_an_item_whose_event_cannot_be_read_may_be_one_of_the_log(bench, tmp_path):
    good = bench.close(bench.parts())
    gone = "evidence/custody/00000001/event.json"
    report = verify({path: data for path, data in good.items() if path != gone}, tmp_path)
    assert ("E501", gone) in errors(report)
    assert "items that events of the log name" not in {one.expected for one in report.findings}
    assert any("no event that is shown is about field/EX-001" in one.reason for one in report.not_checked)


def record(**changes):
    return lambda parts: parts.branches["field"].record.update(changes)


def without_a_row(parts):
    parts.branches["field"].lines.pop()


def another_proof(parts):
    lines = parts.branches["field"].lines
    lines[0]["proof"] = lines[1]["proof"]


def payload_of_the_own_case(parts):
    branch = parts.branches["field"]
    branch.files["data/EX-001/a"] = branch.files.pop(A)
    branch.lines[0]["payload"]["path"] = "data/EX-001/a"


def manifest(**changes):
    return lambda parts: parts.branches["field"].record["manifests"][0].update(changes)


def one_row_more(parts):
    one = parts.branches["field"].record["manifests"][0]
    one["shown"], one["hidden"] = "3", []
    parts.branches["field"].withheld["rows"] = []
    parts.branches["field"].withheld["grounds"] = [{"ground": "privacy", "label": "x"}]


def an_event_that_is_there(parts):
    parts.branches["field"].withheld["events"] = [{"entry": "3", "ground": "privacy"}]


def no_withheld(parts):
    del parts.branches["field"].withheld["events"]


def inner_alone(parts):
    """Another one inside a branch that nobody names."""
    parts.branches["gone/inner"] = inner = copy.deepcopy(parts.branches["field"])
    inner.record["name"] = "gone/inner"
    inner.files = {path: data for path, data in inner.files.items() if not path.startswith("data/")}
    inner.lines.clear()


def hidden_adoption(parts):
    for path in [path for path in parts.files if path.startswith("evidence/custody/00000001/event")]:
        del parts.files[path]
    parts.withheld["events"] = [{"entry": "1", "ground": "privacy"}]
    parts.withheld["grounds"] = [{"ground": "privacy", "label": "x"}]


EXPORTER = {
    "the case": (record(case="AAAAAAAAAAAAAAAAAAAAAA=="), "E166", RECORD),
    "the keys": (record(log_keys=["a+b+c", "d+e+f"]), "E166", RECORD),
    "an older checkpoint": (
        lambda parts: parts.branches["field"].record["checkpoint"].update(size="4"), "E166", RECORD,
    ),
    "items": (record(items=["EX-002"]), "E166", RECORD),
    "further items": (record(items=["EX-001", "EX-002"]), "E166", RECORD),
    "another root": (manifest(root="11" * 32), "E166", RECORD),
    "another seal": (manifest(entry="3"), "E166", RECORD),
    "a row less": (without_a_row, "E174", RECORD),
    "a row more": (one_row_more, "E174", RECORD),
    "another row's proof": (another_proof, "E207", at("records.jsonl#0")),
    "a payload of the own case": (payload_of_the_own_case, "E172", at("records.jsonl#0")),
    "an event that is there": (an_event_that_is_there, "E167", at("custody/00000003/event.json")),
    "a record in another form": (no_withheld, "E101", at("withheld.json")),
    "a branch inside none": (inner_alone, "E166", RECORD),
    "a hidden adoption": (hidden_adoption, "E166", RECORD),
    "a name of five": (record(name="a/b/c/d/e"), "E101", RECORD),
    "a name that leads out": (record(name="../field"), "E101", RECORD),
    "a catalogue that full would have": (
        lambda parts: parts.branches["field"].files.update({"evidence/manifests/00000001.parquet": b"x"}), "E166", RECORD,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTER)
def test_what_an_exporter_signs_has_to_add_up(name, bench, tmp_path):
    change, code, where = EXPORTER[name]
    parts = copy.deepcopy(bench.parts())
    change(parts)
    found = errors(verify(bench.close(parts), tmp_path))
    assert (code, where) in found, found
    assert not {code for code, _ in found} & {"E162", "E164", "E165"}


@pytest.mark.parametrize(
    "path", ["custody/00000002/entry", "custody/00000001/event.json", "withheld.json", "records.jsonl"]
)
def test_a_file_of_the_branch_that_is_gone(path, bench, tmp_path):
    files = bench.close(bench.parts())
    del files[at(path)]
    assert ("E501", at(path)) in errors(verify(files, tmp_path)) or path == "custody/00000002/entry"
    assert "E501" in codes(verify_package(tmp_path / "package"))


def test_more_than_a_hundred_are_refused(bench, tmp_path):
    parts = bench.parts()
    one = parts.branches["field"].record
    named = [one | {"name": f"n{number:03d}"} for number in range(101)]
    files = parts.closed(bench.lab.signer, branches=sorted([one, *named[1:]], key=lambda one: one["name"]))
    assert ("E101", RECORD) in errors(verify(files, tmp_path))


def test_hidden_events_of_the_adopted_case_are_told(bench, tmp_path):
    """That the item was offered cannot be seen then: it is not checked, and no finding."""
    parts = bench.parts(Wanted(rows=[1], events={4: "privacy"}))
    report = verify(bench.close(parts), tmp_path)
    assert codes(report) == set()
    assert report.aspects["custody"].status == "not_checked"
    assert [one.where for one in report.not_checked if one.aspect == "custody"] == ["field/EX-001"]


def test_what_was_offered_together_is_adopted_together(tmp_path):
    lab, field = builders(tmp_path)
    field.seal(ROWS)
    field.enter(field.event("identify", ["EX-002"], {"description": "a bag"}))
    to = {"id": "examiner", "key": lab.signer.fingerprint}
    field.enter(field.event("collect", ["EX-002"], {}))
    field.enter(field.event("offer", ["EX-001", "EX-002"], {"to": to}))
    adopt(lab, field)
    bench = Bench(lab, field)
    report = verify(bench.close(bench.parts()), tmp_path)
    assert codes(report) == set(), "EX-002 is not shown: of it nobody can say that it was offered still"
    parts = bench.parts()
    parts.branches["field"].record["items"] = ["EX-001", "EX-002"]
    shutil.rmtree(tmp_path / "package")
    assert errors(verify(bench.close(parts), tmp_path)) == {("E314", "evidence/custody/00000001/event.json")}


def test_a_part_is_named_with_what_it_was_taken_from(tmp_path):
    _, case = builders(tmp_path)
    case.seal(ROWS)
    case.enter(case.event("split", ["EX-001", "EX-001.1"], {"parts": [{"item": "EX-001.1"}]}))
    parts = pb.evidence_of(case.case, CONTENT.__getitem__)
    for items, expected in (
        (["EX-001", "EX-001.1"], set()),
        (["EX-001"], set()),
        (["EX-001.1"], {("E166", RECORD)}),
    ):
        shutil.rmtree(tmp_path / "package", ignore_errors=True)
        assert errors(verify(parts.closed(case.signer, items=items), tmp_path)) == expected


def test_a_mistake_of_the_program_is_never_green(bench, tmp_path, monkeypatch):
    def fails(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(package_branches, "_check_items", fails)
    report = verify(bench.close(bench.parts()), tmp_path)
    assert report.verdict == "NOT CHECKED"
