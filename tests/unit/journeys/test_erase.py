"""erase: what goes and what stays, what is refused before anything is written, and who can still read the case."""

from __future__ import annotations

import hashlib
import os
import shutil
import time

import pytest

from evidencekit.acquire.match import Asked
from evidencekit.acquire.options import Options
from evidencekit.catalogue.build import open_catalogue
from evidencekit.catalogue.listing import list_lines
from evidencekit.catalogue.query import find
from evidencekit.catalogue.summary import summarise
from evidencekit.core import layout
from evidencekit.core.event import decode_event
from evidencekit.core.reduced import GROUPS
from evidencekit.errors import BadArgument, CannotFinish, Refused
from evidencekit.journeys import erase as journey
from evidencekit.journeys.erase import Order, erase, finish_erasures
from evidencekit.journeys.match import ListMatch, match_list
from evidencekit.journeys.selection import select_rows
from evidencekit.package.row_proof import prove_row
from evidencekit.read.parquet import ManifestFile
from evidencekit.verify.verifier import verify_case, verify_proof
from evidencekit.write.mirror import mirror

BODY = {"authority": "order 7"}


def make_source(folder):
    (folder / "docs/sub").mkdir(parents=True)
    (folder / "docs/a.txt").write_text("the same\n")
    (folder / "docs/b.txt").write_text("the other\n")
    (folder / "docs/sub/c.bin").write_bytes(b"\0" * 9000)
    (folder / "z.txt").write_text("the same\n")
    return folder


@pytest.fixture(scope="module", params=[False, True], ids=["path", "shuffled"])
def made(rc, tmp_path_factory, request):
    """A sealed exhibit with copies, media types and a comparison with a list."""
    folder = tmp_path_factory.mktemp("made")
    office = rc.Office(folder / "office")
    office.open(folder / "case")
    make_source(folder / "source")
    options = Options(copies=True, sensitive=request.param)
    office.acquire(folder / "case", folder / "source", options=options)
    digest = hashlib.sha256(b"the other\n").hexdigest()
    (folder / "list").write_text(f"{digest}  docs/b.txt\n")
    with match_list(
        office.ledger(folder / "case"), ListMatch(Asked(folder / "list"), rc.PROGRAM), signer=office.signer,
        actor=rc.actor(office.signer), clock=time.time_ns, random=os.urandom, utc_offset_min=60,
    ):  # fmt: skip
        pass
    return folder, office


@pytest.fixture
def case(made, tmp_path):
    shutil.copytree(made[0] / "case", tmp_path / "case")
    return tmp_path / "case"


@pytest.fixture
def run(made, case, rc, tmp_path):
    """Erase rows of the case; the index lies in a folder of the test."""
    _, office = made

    def carry_out(*rows, item="EX-001", groups=GROUPS, yes=True, signer=None, ledger=None, body=BODY, plans=None):
        def confirm(plan):
            if plans is not None:
                plans.append(plan)
            return yes

        person = signer or office.signer
        return erase(
            ledger or office.ledger(case), Order(item, rows, not rows, groups, body), actor=rc.actor(person),
            signers=[person], random=os.urandom, cache_folder=tmp_path / "cache", confirm=confirm,
        )  # fmt: skip

    return carry_out


def index(case, path):
    with (case / layout.manifest_file(1)).open("rb") as file:
        return next(row.index for row in ManifestFile(file, "it").rows() if row.path == path)


def object_of(case, data):
    return case / layout.object_file(hashlib.sha256(data).hexdigest())


def rows(case, tmp_path, **criteria):
    with open_catalogue(case, cache_folder=tmp_path / "cache") as catalogue:
        return list(find(catalogue, **criteria)[0])


def judge(case, made, verdict="VERIFIED"):
    report = verify_case(case, policy=made[1].policy())
    assert report.verdict == verdict, report.reason
    return report


# --- what goes, what stays ------------------------------------------------------------------------------------------


def test_a_folder_goes_with_all_below_it_and_what_was_concluded_of_it(run, case, made, tmp_path):
    rows(case, tmp_path)  # makes the index
    before = judge(case, made)
    done = run("EX-001:docs")
    assert (done.plan.rows, done.plan.of, done.plan.opinions) == (5, 7, 6)
    assert set(done.plan.objects) == {hashlib.sha256(data).hexdigest() for data in (b"the other\n", b"\0" * 9000)}
    assert object_of(case, b"the same\n").exists()  # another row has this content
    assert not object_of(case, b"the other\n").exists()
    assert sorted(path.name for path in (case / "manifests").iterdir()) == [
        f"0000000{number}.r1.parquet" for number in (1, 2, 3)
    ]
    assert not list(case.glob("index.sqlite*"))
    event = decode_event((case / layout.event_file(done.entry)).read_bytes())
    assert event["body"]["whole"] is False
    assert event["body"]["objects"] == "2"
    assert [(one["manifest"], one["reduced"], one["rows"]) for one in event["body"]["manifests"]] == [
        ("1", "1", "5"), ("2", "1", "3"), ("3", "1", "3"),
    ]  # fmt: skip
    after = judge(case, made)
    assert after.counts["rows"] == before.counts["rows"]
    assert after.counts["states"]["erased"] == 5
    assert sum(after.counts["states"].values()) == after.counts["rows"]
    assert [one.code for one in after.not_checked].count("erased") == 3


def test_nothing_of_what_was_erased_is_left_in_any_file(run, case, tmp_path):
    rows(case, tmp_path)
    run("EX-001:docs/sub")
    held = b"".join(
        path.read_bytes() for path in [*case.rglob("*"), *(tmp_path / "cache").rglob("*")] if path.is_file()
    )
    assert b"c.bin" not in held
    assert hashlib.sha256(b"\0" * 9000).digest() not in held
    assert hashlib.sha256(b"\0" * 9000).hexdigest().encode() not in held


def test_everything_ends_the_items_custody(run, case, made):
    assert run().plan.is_whole
    assert made[1].ledger(case).custody.items["EX-001"].ended.kind == "erase"
    assert judge(case, made).counts["states"]["erased"] == 7


@pytest.mark.parametrize("group", GROUPS)
def test_one_group_alone(run, case, made, tmp_path, group):
    number = index(case, b"docs/b.txt")
    done = run(f"EX-001#{number}", groups=(group,))
    assert done.plan.opinions == (0 if group == "metadata" else 2)
    assert bool(done.plan.objects) == (group == "content")
    judge(case, made)
    row = next(row for row in rows(case, tmp_path) if row["index"] == number)
    assert row["erased"] == [group]
    assert (row["path"] is None) == (group == "name")
    assert (row["sha256"] is None) == (group == "content")
    assert (row["mtime_ns"] is None) == (group == "metadata")


def test_a_second_erasure_reduces_the_reduced_one(run, case, made):
    run("EX-001:docs/a.txt", groups=("content",))
    assert object_of(case, b"the same\n").exists()
    done = run("EX-001:docs/a.txt", "EX-001:z.txt")
    assert done.plan.rows == 2
    assert not object_of(case, b"the same\n").exists()  # now nobody has it any more
    names = sorted(path.name for path in (case / "manifests").iterdir())
    assert names == ["00000001.r2.parquet", "00000002.r2.parquet", "00000003.r2.parquet"]
    assert judge(case, made).counts["states"]["erased"] == 2


def test_globs_choose_by_name_alone(run):
    plans = []
    assert run("*.txt", plans=plans, yes=False) is None
    assert plans[0].rows == 3


def test_saying_no_leaves_everything(run, case, rc):
    before = rc.snapshot(case)
    assert run("EX-001:docs", yes=False) is None
    assert rc.snapshot(case) == before
    assert not list((case / "work").iterdir())


def test_content_of_another_exhibit_stays(run, case, made):
    folder, office = made
    office.acquire(case, folder / "source/docs", "EX-002", types=False, options=Options(copies=True))
    assert run().plan.objects == {}
    assert object_of(case, b"the other\n").exists()
    judge(case, made)


# --- refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selectors", "code"),
    [(("EX-001:nothing",), "U272"), (("EX-001#99",), "U272"), (("EX-002:docs",), "U271"), (("EX-001#+1",), "U271"),
     (("*.txt", "*.nothing"), "U272")],
)  # fmt: skip
def test_rows_that_are_not_there(run, case, rc, selectors, code):
    before = rc.snapshot(case)
    with pytest.raises(BadArgument) as caught:
        run(*selectors)
    assert caught.value.code == code
    assert rc.snapshot(case) == before


def test_no_row_and_not_all(made, case, rc, tmp_path):
    with pytest.raises(BadArgument) as caught:
        erase(
            made[1].ledger(case), Order("EX-001", body=BODY), actor=rc.actor(made[1].signer), signers=[made[1].signer],
            random=os.urandom, cache_folder=tmp_path, confirm=lambda _: True,
        )  # fmt: skip
    assert caught.value.code == "U270"


def test_an_unknown_group(run):
    with pytest.raises(BadArgument) as caught:
        run(groups=("names",))
    assert caught.value.code == "U273"


def test_nothing_left_to_erase(run, case, rc):
    number = index(case, b"docs/a.txt")
    run(f"EX-001#{number}")
    before = rc.snapshot(case)
    with pytest.raises(Refused) as caught:
        run(f"EX-001#{number}")
    assert caught.value.code == "R550"
    assert rc.snapshot(case) == before


def test_not_by_somebody_who_does_not_hold_it(run, made, case, rc):
    before = rc.snapshot(case)
    with pytest.raises(Refused) as caught:
        run("EX-001:docs", signer=made[1].other)
    assert caught.value.code == "R511"
    assert rc.snapshot(case) == before


def test_not_under_a_hold(run, made, case, rc):
    ledger, person = made[1].ledger(case), made[1].signer
    ledger.append("hold", ["EX-001"], {"hold": "H1"}, actor=rc.actor(person), signers=[person])
    ledger.checkpoint()
    with pytest.raises(Refused) as caught:
        run("EX-001:docs")
    assert (caught.value.code, "H1" in str(caught.value)) == ("R511", True)


def test_not_where_somebody_wrote_meanwhile(run, made, case, rc, monkeypatch):
    ledger, person = made[1].ledger(case), made[1].signer
    real = journey._plan

    def plan(*given):
        other = made[1].ledger(case)
        other.append("store", ["EX-001"], {"location": "5"}, actor=rc.actor(person), signers=[person])
        other.checkpoint()
        return real(*given)

    monkeypatch.setattr(journey, "_plan", plan)
    with pytest.raises(Refused) as caught:
        run("EX-001:docs", ledger=ledger)
    assert caught.value.code == "R552"
    judge(case, made)


def test_not_from_a_catalogue_that_is_not_the_sealed_one(run, case, rc):
    path = case / layout.manifest_file(1)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    before = rc.snapshot(case)
    with pytest.raises(CannotFinish) as caught:
        run("EX-001:docs")
    assert caught.value.code == "X441"
    assert rc.snapshot(case) == before


# --- reading what is left -------------------------------------------------------------------------------------------


def test_kept_rows_are_proved_and_erased_groups_are_refused(run, case, made):
    kept, gone = index(case, b"z.txt"), index(case, b"docs/a.txt")
    run("EX-001:docs")
    for name in ("EX-001:z.txt", f"EX-001#{kept}"):
        proof = prove_row(case, name, groups=GROUPS)
        assert verify_proof(proof.whole).verdict == "INTEGRITY ONLY"
    with pytest.raises(Refused) as caught:
        prove_row(case, f"EX-001#{gone}", groups=GROUPS)
    assert caught.value.code == "R553"
    bare = prove_row(case, f"EX-001#{gone}", groups=())
    assert verify_proof(bare.whole).verdict == "INTEGRITY ONLY"
    with pytest.raises(BadArgument) as caught:
        prove_row(case, "EX-001:docs/a.txt", groups=GROUPS)
    assert caught.value.code == "U234"


def test_the_catalogue_shows_what_is_left(run, case, tmp_path):
    run("EX-001:docs")
    found = rows(case, tmp_path, name="*")
    assert len(found) == 7
    assert sorted(row["path"] for row in found if row["path"] is not None) == ["", "z.txt"]
    assert all(row["state"] is None and row["erased"] == list(GROUPS) for row in found if row["path"] is None)
    assert [row["path"] for row in rows(case, tmp_path, name="*.txt", ignore_case=True)] == ["z.txt"]
    assert [row["path"] for row in rows(case, tmp_path, path_contains="Z", ignore_case=True)] == ["z.txt"]
    assert [row["path"] for row in rows(case, tmp_path, match="not_listed")] == ["z.txt"]
    (item,) = summarise(case)["items"]
    assert item["erased"] == 5
    listing = list_lines(case, "sha256sum")
    assert [line.split()[1] for line in listing.lines] == [b"z.txt"]
    assert listing.erased == 5
    assert len(list(b"".join(list_lines(case, "csv").lines).splitlines())) == 8


def test_the_source_is_compared_with_what_is_left(run, case, made):
    run("EX-001:docs")
    report = verify_case(case, sources={"EX-001": made[0] / "source"})
    assert not [one for one in report.findings if one.code in {"E505", "E506", "E507"}]
    assert report.aspects["evidence"].status == "not_checked"


@pytest.mark.parametrize("made", [False], indirect=True, ids=["path"])  # rows in no order of names are not compared
def test_what_is_left_of_the_source_is_still_held_against_it(run, case, tmp_path):
    source = make_source(tmp_path / "copy")
    (source / "z.txt").write_text("altered\n")
    (source / "zz").write_text("added\n")
    run("EX-001:docs")
    report = verify_case(case, sources={"EX-001": source}, as_copy=True)
    found = {(one.code, one.where) for one in report.findings}
    assert ("E201", "EX-001:z.txt") in found
    assert ("E506", "EX-001:zz") in found
    assert not any("docs" in where for _, where in found)


def test_no_new_opinions_about_what_is_left(run, case, made, rc):
    run("EX-001:docs")
    with pytest.raises(Refused) as caught, match_list(
        made[1].ledger(case), ListMatch(Asked(made[0] / "list"), rc.PROGRAM), signer=made[1].signer,
        actor=rc.actor(made[1].signer), clock=time.time_ns, random=os.urandom, utc_offset_min=60,
    ):  # fmt: skip
        pass
    assert caught.value.code == "R554"


# --- parts ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def divided(case, made, rc):
    """EX-001-1 has the folder docs."""
    person = made[1].signer
    selection = select_rows(case, "EX-001", ["EX-001:docs"])
    ledger = made[1].ledger(case)
    parts = [{"item": "EX-001-1", "selection": selection}]
    ledger.append("split", ["EX-001", "EX-001-1"], {"parts": parts}, actor=rc.actor(person), signers=[person])
    ledger.checkpoint()
    return case


def test_rows_of_a_part_are_erased_as_the_parts(run, divided, made):
    with pytest.raises(Refused) as caught:
        run("EX-001:docs/a.txt")
    assert caught.value.code == "R551"
    assert run("EX-001-1:docs/a.txt", item="EX-001-1").plan.rows == 1
    done = run(item="EX-001")
    assert (done.plan.rows, done.plan.is_whole) == (2, True)
    report = judge(divided, made)
    assert report.counts["states"]["erased"] == 3
    assert report.checked["selections"] == 1


# --- a recorded erasure that was not carried out --------------------------------------------------------------------


def test_what_is_still_there_is_said_and_removed(run, case, made, monkeypatch, tmp_path):
    monkeypatch.setattr(journey, "finish_erasures", lambda *_, **__: [])
    run("EX-001:docs")
    report = judge(case, made, "NOT CHECKED")
    found = {(one.code, one.where) for one in report.findings if one.code == "W902"}
    assert ("W902", "manifests/00000001.parquet") in found
    assert ("W902", layout.object_file(hashlib.sha256(b"the other\n").hexdigest())) in found
    with pytest.raises(Refused) as caught:
        made[1].ledger(case)
    assert caught.value.code == "R502"
    assert len(finish_erasures(case, cache_folder=tmp_path)) >= 5
    judge(case, made)
    made[1].ledger(case)
    assert finish_erasures(case, cache_folder=tmp_path) == []


@pytest.mark.parametrize("number", [1, 2])
def test_nothing_goes_unless_what_stands_for_it_is_there(run, case, made, monkeypatch, tmp_path, number):
    monkeypatch.setattr(journey, "finish_erasures", lambda *_, **__: [])
    run("EX-001:docs")
    (case / layout.manifest_file(number, 1)).write_bytes(b"x")
    before = {path: path.read_bytes() for path in case.rglob("*") if path.is_file()}
    with pytest.raises(CannotFinish) as caught:
        finish_erasures(case, cache_folder=tmp_path)
    assert caught.value.code == "X441"
    assert {path: path.read_bytes() for path in case.rglob("*") if path.is_file()} == before


def test_a_second_medium_is_refused_until_it_is_erased_there_too(run, case, tmp_path):
    mirror(case, tmp_path / "second")
    run("EX-001:docs")
    with pytest.raises(Refused, match="erasure") as caught:
        mirror(case, tmp_path / "second")
    assert caught.value.code == "R508"
    assert (tmp_path / "second/manifests/00000001.parquet").exists()
