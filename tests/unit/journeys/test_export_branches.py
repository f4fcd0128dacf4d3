"""Packages of exhibits of adopted cases, also inside each other, and of parts: what they show, and who can prove it."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter

import pytest

from evidencekit.catalogue.record import read_record
from evidencekit.core.layout import MAX_DEPTH
from evidencekit.errors import BadArgument, CannotFinish, Refused
from evidencekit.journeys import export_plan
from evidencekit.journeys.compare_packages import compare_exports
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.custody_adopt import adopt
from evidencekit.journeys.custody_choice import Wanted as Taken
from evidencekit.journeys.export import export
from evidencekit.journeys.export_custody import HideEvent
from evidencekit.journeys.export_logs import logs_of
from evidencekit.journeys.export_onward import Onward, export_onward
from evidencekit.journeys.export_plan import Request, make_plan
from evidencekit.journeys.export_rows import Wanted, Withhold
from evidencekit.journeys.receive import examine, receive
from evidencekit.journeys.selection import select_rows
from evidencekit.read.package import open_package
from evidencekit.read.store import Store
from evidencekit.verify.log_facts import Log, sealing_of
from evidencekit.verify.package import verify_package
from evidencekit.verify.package_parts import check_parts
from evidencekit.verify.run import Run
from evidencekit.verify.verifier import verify_case

ORIGINS = {name: f"{name}.example/1" for name in ("scene", "field", "lab", "court")}
FIELD, SCENE = "evidence/branches/field", "evidence/branches/field/branches/scene"


class World:
    """A team at the scene, one in the field that adopts its case, a laboratory that adopts theirs, and a court."""

    def __init__(self, rc, folder):
        self.rc, self.folder, self.offices = rc, folder, {}
        for name, origin in ORIGINS.items():
            self.offices[name] = rc.Office(folder / f"{name}keys", origin)
            self.offices[name].open(folder / name, identity=name.encode().ljust(16, b"."))
        for name in ("scene", "field", "lab"):
            source = folder / f"{name}-source"
            (source / "docs").mkdir(parents=True)
            for number in range(3):
                (source / f"docs/{number}.txt").write_text(f"{name} letter {number}")
            (source / "b.pdf").write_text(f"{name} pdf")
            self.offices[name].acquire(folder / name, source, "EX-001" if name != "lab" else "EX-100")
        self.divide("field", "EX-001")
        self.hand_over("scene", "field", ["EX-001"])
        self.hand_over("field", "lab", ["EX-001", "EX-001.1", "EX-001.3", "scene/EX-001"])
        self.divide("lab", "EX-100")

    def hand(self, who):
        office = self.offices[who]
        return Hand(office.ledger(self.folder / who), self.rc.actor(office.signer), [office.signer])

    def divide(self, who, item):
        """Make a part by rows, a copy by rows, and a part of the thing itself."""
        case = self.folder / who
        parts = [{"item": f"{item}.1", "selection": select_rows(case, item, [f"{item}:docs"])}, {"item": f"{item}.3"}]
        self.hand(who).record("split", [item, f"{item}.1", f"{item}.3"], {"parts": parts})
        copied = {"item": f"{item}.2", "selection": select_rows(case, item, [f"{item}:b.pdf"])}
        self.hand(who).record("copy", [item, f"{item}.2"], {"parts": [copied]})

    def hand_over(self, giver, taker, items):
        person = {"id": "examiner", "key": self.offices[taker].signer.fingerprint}
        self.hand(giver).record("offer", items, {"to": person})
        adopt(self.hand(taker), self.folder / giver, giver, stated={"purpose": "analysis"})

    def export(self, out, *, withhold=(), hide=(), full=False, form="folder", **wanted):
        request = Request(wanted=Wanted(**wanted), withhold=withhold, hide_events=hide, full=full)
        return export(
            self.hand("lab"), request, out, verify=verify_package, random=os.urandom, form=form,
            cache_folder=self.folder / "cache",
        )  # fmt: skip

    def plan(self, **wanted):
        request = Request(wanted=Wanted(**wanted))
        return make_plan(read_record(self.folder / "lab"), request, cache_folder=self.folder / "cache")


@pytest.fixture(scope="module")
def world(rc, tmp_path_factory):
    return World(rc, tmp_path_factory.mktemp("branches"))


def package(out):
    return json.loads((out / "evidence/package.json").read_bytes())


def payload(out):
    return {path.relative_to(out / "data").as_posix(): path.read_text() for path in (out / "data").rglob("*.*")
            if path.is_file()}  # fmt: skip


def codes(report):
    return {finding.code for finding in report.findings if finding.severity == "error"}


# --- adopted cases ---------------------------------------------------------------------------------------------------


def test_an_exhibit_of_an_adopted_case_comes_with_that_case(world, tmp_path):
    made = world.export(tmp_path / "out", items=("field/EX-001",))
    record = package(tmp_path / "out")
    assert record["items"] == made.plan.items == ["field/EX-001"]
    assert record["manifests"] == []
    (branch,) = record["branches"]
    assert (branch["name"], branch["items"], branch["checkpoint"]["origin"]) == (
        "field", ["EX-001"], ORIGINS["field"],
    )  # fmt: skip
    assert payload(tmp_path / "out") == {"field^2FEX-001/b.pdf": "field pdf"}
    report = verify_package(tmp_path / "out")
    assert (report.verdict, codes(report)) == ("INTEGRITY ONLY", set())
    assert report.aspects["custody"].status == report.aspects["evidence"].status == "ok"
    assert report.checked["branches"] == 1
    event = made.recorded
    assert event.items == ["field/EX-001"]
    body = json.loads((world.folder / f"lab/custody/{event.entry:08d}/event.json").read_bytes())["body"]
    assert {one["item"] for one in body["contents"]} == {"field/EX-001"}


def test_cases_inside_each_other(world, tmp_path):
    world.export(tmp_path / "out.zip", items=("field/scene/EX-001",), globs=("*.txt",), form="zip")
    with open_package(tmp_path / "out.zip") as opened:
        record = json.loads(opened.read("evidence/package.json", 1 << 20))
        names = {name for name in opened.names() if name.startswith("data/")}
    assert [(one["name"], one["items"], len(one["manifests"])) for one in record["branches"]] == [
        ("field", ["scene/EX-001"], 0), ("field/scene", ["EX-001"], 2),
    ]  # fmt: skip
    assert names == {f"data/field^2Fscene^2FEX-001/docs/{number}.txt" for number in range(3)}
    report = verify_package(tmp_path / "out.zip")
    assert (report.verdict, report.checked["branches"], report.counts["rows"]) == ("INTEGRITY ONLY", 2, 3)
    assert report.aspects["custody"].status == "ok"


def test_without_a_choice_it_is_all_that_is_held_here(world, tmp_path):
    made = world.export(tmp_path / "out", full=True)
    assert made.plan.items == [
        "EX-100", "EX-100.1", "field/EX-001", "field/EX-001.1", "field/scene/EX-001",
    ]  # fmt: skip
    report = verify_package(tmp_path / "out")
    assert codes(report) == set()
    assert report.counts["rows"] == sum(len(world.rc.rows(world.folder / who)) for who in ("scene", "field", "lab"))
    for place in ("evidence", FIELD, SCENE):
        assert list((tmp_path / "out" / place / "manifests").iterdir())
    damaged = next((tmp_path / "out" / SCENE / "manifests").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert "E201" in codes(verify_package(tmp_path / "out"))


def test_a_glob_is_looked_for_in_all_of_them(world):
    plan = world.plan(globs=("b.pdf",))
    assert plan.items == ["EX-100", "field/EX-001", "field/scene/EX-001"]
    assert [item for item, _ in plan.first] == plan.items
    digest = world.rc.rows(world.folder / "scene")[1].sha256
    assert world.plan(digests=(digest.hex() if isinstance(digest, bytes) else digest,)).files == 1
    for wanted in ({"globs": ("nosuch",)}, {"digests": ("0" * 64,)}):
        with pytest.raises(BadArgument) as caught:
            world.plan(**wanted)
        assert caught.value.code == "U281"


def test_rows_of_an_adopted_exhibit_by_name_and_number(world):
    plan = world.plan(rows=("field/EX-001:b.pdf", "field/scene/EX-001#1"))
    assert plan.items == ["field/EX-001", "field/scene/EX-001"]
    assert Counter(item for item, _ in plan.first) == Counter(plan.items)
    with pytest.raises(Refused) as caught:
        world.plan(rows=("field/EX-001:docs/0.txt",))
    assert caught.value.code == "R551"  # it is that of the part


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("field/EX-009", "U215"),
        ("nobody/EX-001", "U215"),
        ("field/EX-001.2", "U215"),  # it was not offered
        ("scene/EX-001", "U215"),
        ("EX-100.3", "R560"),
        ("field/EX-001.3", "R560"),
    ],
)
def test_what_has_no_rows_here_is_refused(world, item, code):
    with pytest.raises((BadArgument, Refused)) as caught:
        world.plan(items=(item,))
    assert caught.value.code == code
    assert code != "R560" or "EX-001" in caught.value.message or "EX-100" in caught.value.message


def test_what_is_withheld_is_counted_where_it_belongs(world, tmp_path):
    rules = [Withhold(("metadata",), "privacy"), Withhold(("name", "content", "metadata"), "privilege", "b.pdf")]
    hide = [HideEvent("offer", "security"), HideEvent("field/scene/seal", "order")]
    with pytest.raises(BadArgument) as caught:  # seals are always shown
        world.export(tmp_path / "out", items=("EX-100", "field/scene/EX-001"), withhold=rules, hide=hide)
    assert caught.value.code == "U283"
    world.export(tmp_path / "out", items=("EX-100", "field/scene/EX-001"), withhold=rules, hide=hide[:1])
    own, scene = (
        json.loads((tmp_path / "out" / place / "withheld.json").read_bytes()) for place in ("evidence", SCENE)
    )
    assert {one["ground"] for one in scene["rows"]} == {"privilege"}
    assert {one["ground"] for one in own["events"]} <= {"not_requested"}
    assert {one["ground"] for one in scene["events"]} == {"security"}
    report = verify_package(tmp_path / "out")
    assert codes(report) == set()
    hidden = [one for one in report.not_checked if (one.aspect, one.code) == ("custody", "withheld")]
    assert {one.where for one in hidden} == {"field/scene/EX-001"}
    assert report.aspects["custody"].status == "not_checked"


def test_an_event_of_an_adopted_case_is_hidden_by_its_number(world, tmp_path):
    world.export(tmp_path / "out", items=("field/EX-001",), hide=[HideEvent("field/4")])
    (hidden,) = (
        one["entry"]
        for one in json.loads((tmp_path / "out" / FIELD / "withheld.json").read_bytes())["events"]
        if one["ground"] == "not_stated"
    )
    assert hidden == "4"
    assert codes(verify_package(tmp_path / "out")) == set()


def test_a_branch_that_is_not_what_was_adopted_is_not_exported(world, tmp_path):
    shutil.copytree(world.folder / "lab", tmp_path / "lab")
    note = max((tmp_path / "lab/branches/field/checkpoints").iterdir())
    note.unlink()
    with pytest.raises(CannotFinish) as caught:
        logs_of(read_record(tmp_path / "lab"))
    assert caught.value.code == "X446"
    assert MAX_DEPTH == 4


def test_a_source_can_be_named_for_an_adopted_exhibit(world, tmp_path):
    shutil.move(world.folder / "scene-source", tmp_path / "moved")
    try:
        with pytest.raises(CannotFinish) as caught:
            world.export(tmp_path / "out", items=("field/scene/EX-001",))
        assert caught.value.code == "X480"
        request = Request(
            wanted=Wanted(items=("field/scene/EX-001",)), sources={"field/scene/EX-001": tmp_path / "moved"}
        )
        made = export(
            world.hand("lab"), request, tmp_path / "out", verify=verify_package, random=os.urandom,
            cache_folder=world.folder / "cache",
        )  # fmt: skip
        assert made.plan.files == 4
    finally:
        shutil.move(tmp_path / "moved", world.folder / "scene-source")


# --- parts -----------------------------------------------------------------------------------------------------------


def test_a_part_comes_with_what_it_was_taken_from(world, tmp_path):
    made = world.export(tmp_path / "out", items=("EX-100.1",))
    assert made.plan.items == package(tmp_path / "out")["items"] == ["EX-100", "EX-100.1"]
    assert payload(tmp_path / "out") == {f"EX-100/docs/{n}.txt": f"lab letter {n}" for n in range(3)}
    (facts, _) = package(tmp_path / "out")["manifests"]
    assert (facts["item"], facts["shown"], facts["hidden"]) == (
        "EX-100", "4", [{"count": "2", "ground": "not_requested"}],
    )  # fmt: skip
    report = verify_package(tmp_path / "out")
    assert (codes(report), report.aspects["custody"].status) == (set(), "ok")
    assert "field" not in json.dumps(package(tmp_path / "out")["items"])


def test_a_copy_has_the_rows_that_its_item_keeps(world):
    plan = world.plan(items=("EX-100.2",))
    assert plan.items == ["EX-100", "EX-100.2"]
    assert [said.path for _, said in plan.first] == [b"b.pdf"]
    assert b"b.pdf" in {said.path for _, said in world.plan(items=("EX-100",)).first}


def test_a_part_that_was_adopted_without_its_exhibit_s_name(world, tmp_path):
    world.export(tmp_path / "out", items=("field/EX-001.1",), globs=("0.txt",))
    record = package(tmp_path / "out")
    assert record["items"] == ["field/EX-001", "field/EX-001.1"]
    assert record["branches"][0]["items"] == ["EX-001", "EX-001.1"]
    assert payload(tmp_path / "out") == {"field^2FEX-001/docs/0.txt": "field letter 0"}
    assert codes(verify_package(tmp_path / "out")) == set()


def test_a_full_package_has_no_part_alone(world, tmp_path):
    for items in (("EX-100",), ("EX-100.1",)):
        with pytest.raises(BadArgument) as caught:
            world.export(tmp_path / "out", items=items, full=True)
        assert caught.value.code == "U284"
    made = world.export(tmp_path / "out", items=("EX-100", "EX-100.1"), full=True)
    assert made.report.verdict == "INTEGRITY ONLY"


# --- onward ----------------------------------------------------------------------------------------------------------


def test_it_is_received_and_passed_on(world, tmp_path):
    made = world.export(tmp_path / "first", items=("field/scene/EX-001", "EX-100.1"))
    with open_package(tmp_path / "first") as opened:
        incoming = examine(opened, name="first")
        with pytest.raises(BadArgument) as caught:
            receive(world.hand("court"), incoming, Taken())
        assert caught.value.code == "U263"  # it says which name it could have here
        receive(world.hand("court"), incoming, Taken(names={"field/scene/EX-001": "C-1"}))
    report = verify_case(world.folder / "court")
    assert (report.verdict, report.counts["packages"], codes(report)) == ("INTEGRITY ONLY", 1, set())
    event = json.loads((world.folder / "court/custody/00000001/event.json").read_bytes())
    assert event["items"] == ["EX-100", "EX-100.1", "C-1"]
    assert event["body"]["offered_as"] == ["EX-100", "EX-100.1", "field/scene/EX-001"]
    passed = export_onward(
        world.hand("court"), Onward(made.digest[:16], items=("C-1",), globs=("1.txt",)), tmp_path / "second",
        verify=verify_package, random=os.urandom, cache_folder=tmp_path / "cache",
    )  # fmt: skip
    assert passed.report.verdict == "INTEGRITY ONLY"
    assert payload(tmp_path / "second") == {"field^2Fscene^2FEX-001/docs/1.txt": "scene letter 1"}
    report = verify_package(tmp_path / "second")
    assert (report.counts["rows"], report.checked["branches"]) == (1, 2)
    lost = tmp_path / "second/evidence/previous" / made.digest / "branches/field/branches/scene/custody/00000003/entry"
    lost.unlink()
    assert "E501" in codes(verify_package(tmp_path / "second"))


def test_two_packages_are_compared_by_each_log(world, tmp_path):
    world.export(tmp_path / "a", items=("EX-100", "field/EX-001"), globs=("b.pdf",))
    world.export(tmp_path / "b", items=("field/EX-001", "field/scene/EX-001"))
    found = compare_exports(tmp_path / "a", tmp_path / "b")
    assert found.items == {"added": ["field/scene/EX-001"], "removed": ["EX-100"]}
    told = {(one["what"], one["where"]) for one in found.listed}
    assert {("removed", "EX-100:b.pdf"), ("added", "field/scene/EX-001:b.pdf"), ("added", "field/EX-001:")} <= told
    assert found.counts["equal"] == 2  # b.pdf of field/EX-001, and what is said of it
    whole = compare_exports(tmp_path / "a", world.folder / "lab")
    assert whole.items["removed"] == []
    assert "field/EX-001.1" in whole.items["added"]
    assert not whole.manifests["removed"]
    same = compare_exports(tmp_path / "a", tmp_path / "a")
    assert {kind for kind, number in same.counts.items() if number} == {"equal"}


def test_the_list_of_a_part_is_checked(world, tmp_path):
    world.export(tmp_path / "out", items=("EX-100.1",))
    report = verify_package(tmp_path / "out")
    assert report.checked["selections"] == 2  # of the part, and of the copy that was made of the same exhibit
    told = [one.reason for one in report.not_checked if one.code == "missing_base"]
    assert any("EX-100.1" in reason for reason in told)
    found = Run(store=Store(world.folder / "lab"))
    log = Log(0, sealings=[], splits=[])
    split = read_record(world.folder / "lab").splits[0]
    other = split._replace(parts=tuple(part._replace(rows=part.rows + 1) for part in split.parts))
    sealing = sealing_of(1, {
        "type": "seal", "items": ["EX-100"], "body": {
            "manifest": "1", "root": "00" * 32, "rows": "6", "file_sha256": "00" * 32, "header": "00" * 32,
        },
    }, None)  # fmt: skip
    log.splits, log.sealings = [other], [sealing]
    check_parts(found, log)
    assert found.findings.counts == {"E117": 1, "E118": 1}


@pytest.mark.parametrize(
    ("items", "names"),
    [
        (("EX-100",), {"b.pdf"}),
        (("EX-100.1",), {"0.txt", "1.txt", "2.txt"}),
        (("EX-100.2",), {"b.pdf"}),
        (("EX-100", "EX-100.1"), {"b.pdf", "0.txt", "1.txt", "2.txt"}),
        (("F-1",), {"0.txt", "1.txt", "2.txt"}),
    ],
)
def test_a_part_is_passed_on_alone(parts_at_the_court, tmp_path, items, names):
    digest, court = parts_at_the_court
    passed = export_onward(
        court(), Onward(digest[:16], items=items), tmp_path / "out", verify=verify_package, random=os.urandom,
        cache_folder=tmp_path / "cache",
    )  # fmt: skip
    assert {path.rpartition("/")[2] for path in payload(tmp_path / "out")} == names
    assert passed.plan.items == sorted(items)
    assert passed.report.verdict == "INTEGRITY ONLY"


@pytest.fixture(scope="module")
def parts_at_the_court(world, rc, tmp_path_factory):
    """A package with an exhibit, a part and a copy, and a part of an adopted exhibit, received by a second court."""
    folder = tmp_path_factory.mktemp("court")
    made = world.export(folder / "first", items=("EX-100", "EX-100.1", "EX-100.2", "field/EX-001.1"))
    office = rc.Office(folder / "keys", "court2.example/1")
    office.open(folder / "court")

    def court():
        return Hand(office.ledger(folder / "court"), rc.actor(office.signer), [office.signer])

    with open_package(folder / "first") as opened:
        names = {"field/EX-001": "F-0", "field/EX-001.1": "F-1"}
        receive(court(), examine(opened, name="first"), Taken(names=names))
    return made.digest, court


def test_more_adopted_cases_than_a_package_can_name(world, monkeypatch):
    monkeypatch.setattr(export_plan, "MAX_BRANCHES", 1)
    assert len(world.plan(items=("field/EX-001",)).shares) == 2
    with pytest.raises(Refused) as caught:
        world.plan(items=("field/scene/EX-001",))
    assert caught.value.code == "R561"
