"""Packages taken over: every name and byte comes back; what fails leaves nothing; receipts close one transfer, once."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from evidencekit.core import encoding
from evidencekit.core.encoding import PROOF
from evidencekit.core.values import read_name
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.journeys import receive as journey
from evidencekit.journeys import receive_receipt as answer
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.custody_choice import Wanted
from evidencekit.journeys.custody_messages import message_of
from evidencekit.journeys.export import export
from evidencekit.journeys.export_plan import Request
from evidencekit.journeys.export_rows import Wanted as Rows
from evidencekit.journeys.receive import examine, receive
from evidencekit.journeys.receive_receipt import enter_receipt
from evidencekit.read.message import check_message
from evidencekit.read.package import open_package
from evidencekit.verify.package import verify_package
from evidencekit.verify.verifier import verify_case
from evidencekit.write.mirror import mirror

LAB, PARTNER = "lab.example/7", "partner.example/9"
NAMES = [
    b"a.txt", b"A.TXT", b"new\nline", b"100%.txt", b"dot.", b"space ", b"CON", b"con.txt", b" lead", b".hidden",
    b"Thumbs.db", b"x.tiles", b".tmp-1", b"empty", b"back\\slash", b'q?*:<>|"', b"\x01ctl", b"bad\xff\xfe", b"%41",
    "العربية.txt".encode(), "证据.txt".encode(), ("文" * 80).encode(), "é.txt".encode(), "é.txt".encode(),
]  # fmt: skip


@pytest.fixture(scope="module")
def parties(rc, tmp_path_factory):
    """A laboratory that has sealed every oddity, and a partner with a case of his own."""
    folder = tmp_path_factory.mktemp("parties")
    offices = {}
    for name, origin in (("lab", LAB), ("partner", PARTNER)):
        offices[name] = rc.Office(folder / f"{name}keys", origin)
        offices[name].open(folder / name, identity=name.encode().ljust(16, b"."))
    source = os.fsencode(folder / "source")
    for below in (b"", b"/docs", b"/docs/CON"):
        os.mkdir(source + below)
        for number, name in enumerate(NAMES):
            if below + b"/" + name != b"/docs/CON":
                with open(source + below + b"/" + name, "wb") as file:
                    file.write(b"" if name == b"empty" else b"%d of %s" % (number, below))
    offices["lab"].acquire(folder / "lab", folder / "source", "EX-001", types=False)
    offices["lab"].acquire(folder / "lab", folder / "source", "EX-002", types=False)
    return folder, offices


class Desk:
    """Copies of both cases, and who sits there."""

    def __init__(self, rc, folder, offices, source):
        self.rc, self.folder, self.offices, self.source = rc, folder, offices, source

    def hand(self, who):
        office = self.offices[who]
        return Hand(office.ledger(self.folder / who), self.rc.actor(office.signer), [office.signer])

    def export(self, name="OUT", items=("EX-001",), **more):
        sources = dict.fromkeys(("EX-001", "EX-002"), self.source)
        request = Request(wanted=Rows(items=items), sources=sources)
        return export(
            self.hand("lab"), request, self.folder / name, verify=verify_package, random=os.urandom,
            cache_folder=self.folder / "cache", **more,
        )  # fmt: skip

    def receive(self, name="OUT", wanted=None, **more):
        with open_package(self.folder / name) as package:
            return receive(self.hand("partner"), examine(package, name=name), wanted or Wanted(), **more)

    def receipt(self, entry):
        return message_of(self.hand("partner").ledger.store, entry)

    def enter(self, data):
        return enter_receipt(self.hand("lab"), data, check_message(data), {})

    def events(self, who):
        folder = self.folder / who / "custody"
        return [json.loads((path / "event.json").read_bytes()) for path in sorted(folder.iterdir())]


@pytest.fixture
def desk(rc, parties, tmp_path):
    folder, offices = parties
    for name in ("lab", "partner"):
        shutil.copytree(folder / name, tmp_path / name)
    return Desk(rc, tmp_path, offices, folder / "source")


def tree(folder):
    """Every file below a folder, by its name as bytes."""
    found = {}
    for place, _, names in os.walk(os.fsencode(folder)):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, os.fsencode(folder))] = file.read()
    return found


def shown(package):
    """Every payload of a package by the name that it had in the source, which the lines tell."""
    found = {}
    for line in (package / "evidence/records.jsonl").read_bytes().split(b"\n")[:-1]:
        record = encoding.decode(line, PROOF)
        if record["payload"] is not None:
            name = encoding.decode(record["groups"]["name"]["bytes"].encode())
            found[read_name(name, "path")] = (package / record["payload"]["path"]).read_bytes()
    return found


@pytest.mark.parametrize(
    ("place", "is_there"), [("work", True), ("work/DRAFT", True), ("packages", False), ("packages/DIGEST", True)]
)
def test_a_link_in_the_case_leads_nothing_out_of_it(desk, place, is_there):
    made, elsewhere = desk.export(), desk.folder / "elsewhere"
    case = desk.folder / "partner"
    link = case / place.replace("DRAFT", f".tmp-package-{made.digest[:16]}").replace("DIGEST", made.digest)
    shutil.rmtree(link, ignore_errors=True)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere)
    if is_there:
        shutil.copytree(desk.folder / "OUT", elsewhere)
    before, events = tree(desk.folder / "elsewhere"), desk.events("partner")
    with pytest.raises(CannotFinish) as refused:
        desk.receive()
    assert refused.value.code == "X423"
    assert tree(elsewhere) == before
    assert desk.events("partner") == events


@pytest.mark.parametrize(("name", "form"), [("OUT", "folder"), ("OUT.tar", "tar"), ("OUT.zip", "zip")])
def test_every_name_and_byte_comes_back(desk, parties, name, form):
    made = desk.export(name, form=form)
    desk.export("FOLDER")  # another transfer, the same content
    done = desk.receive(name)
    kept = desk.folder / "partner/packages" / made.digest
    assert shown(kept) == tree(parties[0] / "source")
    assert done.copied.files == len(tree(kept))
    if form == "folder":
        assert tree(kept) == tree(desk.folder / name)
    with open_package(desk.folder / name) as package:
        for one in package.names():
            with package.open(one) as file:
                assert file.read() == (kept / one).read_bytes()
    report = verify_case(desk.folder / "partner")
    assert (report.verdict, report.aspects["evidence"].status) == ("INTEGRITY ONLY", "ok")
    assert report.counts["packages"] == 1
    assert not list((desk.folder / "partner/work").iterdir())


def test_what_the_event_says(desk):
    made = desk.export(items=("EX-001", "EX-002"))
    wanted = Wanted(refused={"EX-002": "not asked for"}, names={"EX-001": "P-7"}, stated={"place": "Room 4"})
    done = desk.receive(wanted=wanted)
    event = desk.events("partner")[-1]
    body = event["body"]
    assert (event["items"], body["offered_as"]) == (["P-7"], ["EX-001"])
    assert body["refused"] == [{"item": "EX-002", "reason": "not asked for"}]
    assert (body["package"], body["transfer"], body["place"]) == (made.digest, made.transfer, "Room 4")
    assert (body["log"]["origin"], body["policy"], body["verdict"]) == (LAB, None, "INTEGRITY ONLY")
    assert body["checked"]["record"] == "ok"
    assert body["checked"]["identity"] == "not_checked"
    assert done.recorded.not_stated == ["authority", "purpose"]
    assert desk.hand("partner").ledger.custody.items["P-7"].holder.key == event["actor"]["key"]


def test_accepting_one_refuses_the_others(desk):
    desk.export(items=("EX-001", "EX-002"))
    desk.receive(wanted=Wanted(only=["EX-002"]))
    event = desk.events("partner")[-1]
    assert (event["items"], event["body"]["refused"][0]["item"]) == (["EX-002"], "EX-001")


def test_what_is_refused_as_a_whole_is_not_kept(desk):
    desk.export()
    done = desk.receive(wanted=Wanted(refused={"EX-001": "the wrong case"}))
    assert (done.copied, done.recorded.items) == (None, [])
    assert not (desk.folder / "partner/packages").exists()
    assert "W902" not in {finding.code for finding in verify_case(desk.folder / "partner").findings}
    entered = desk.enter(desk.receipt(1))
    assert desk.events("lab")[entered.entry]["body"]["refused"] == [{"item": "EX-001", "reason": "the wrong case"}]


def test_a_package_that_fails_is_not_taken(desk):
    desk.export()
    with (desk.folder / "OUT/data/EX-001/证据.txt").open("ab") as file:
        file.write(b"!")
    before = tree(desk.folder / "partner")
    with pytest.raises(FormatError, match=r"FAILED.*verifies|verifies.*FAILED"):
        desk.receive()
    assert tree(desk.folder / "partner") == before


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Wanted(only=["EX-009"]), "U264"),
        (Wanted(refused={"EX-009": ""}), "U264"),
        (Wanted(names={"EX-001": "../x"}), "U263"),
        (Wanted(names={"EX-001": "field/EX-001"}), "U263"),
    ],
)
def test_what_cannot_be_meant(desk, wanted, code):
    desk.export()
    before = tree(desk.folder / "partner")
    with pytest.raises(BadArgument) as caught:
        desk.receive(wanted=wanted)
    assert caught.value.code == code
    assert tree(desk.folder / "partner") == before


def test_once_and_not_by_who_sent_it(desk):
    desk.export()
    desk.receive()
    with pytest.raises(Refused) as caught:
        desk.receive()
    assert caught.value.code == "R571"
    with open_package(desk.folder / "OUT") as package, pytest.raises(Refused) as own:
        receive(desk.hand("lab"), examine(package, name="OUT"), Wanted())
    assert own.value.code == "R570"


def test_more_of_an_item_comes_later(desk):
    desk.export()
    desk.export("SECOND")
    desk.receive()
    desk.receive("SECOND")
    report = verify_case(desk.folder / "partner")
    assert (report.verdict, report.counts["packages"]) == ("INTEGRITY ONLY", 2)


def test_a_package_that_is_changed_meanwhile(desk, monkeypatch):
    desk.export()
    whole = journey.unpack

    def unpack(files, target, **more):
        done = whole(files, target, **more)
        with (target / "data/EX-001/证据.txt").open("ab") as file:
            file.write(b"!")
        return done

    monkeypatch.setattr(journey, "unpack", unpack)
    with pytest.raises(CannotFinish) as caught:
        desk.receive()
    assert caught.value.code == "X492"
    assert [event["type"] for event in desk.events("partner")] == ["open"]
    assert not list((desk.folder / "partner/work").iterdir())


# --- receipts -----------------------------------------------------------------------------------------------------


def test_the_receipt_closes_the_transfer_once(desk):
    made = desk.export()
    desk.receive()
    data = desk.receipt(1)
    before = desk.hand("lab").ledger.custody.items["EX-001"].holder
    entered = desk.enter(data)
    event = desk.events("lab")[entered.entry]
    assert (event["type"], event["items"], event["body"]["answered"]) == ("receipt", ["EX-001"], "receive")
    assert event["body"]["export"]["entry"] == str(made.recorded.entry)
    assert desk.hand("lab").ledger.custody.items["EX-001"].holder == before
    report = verify_case(desk.folder / "lab")
    assert not [finding for finding in report.findings if finding.severity == "error"]
    with pytest.raises(Refused) as caught:
        desk.enter(data)
    assert caught.value.code == "R573"


def test_receipts_of_something_else(desk, rc, parties):
    first, second = desk.export(), desk.export("SECOND")
    assert first.transfer != second.transfer
    desk.receive("SECOND")
    desk.enter(desk.receipt(1))
    desk.receive()
    shutil.rmtree(desk.folder / "lab")
    shutil.copytree(parties[0] / "lab", desk.folder / "lab")  # a case that never exported anything
    with pytest.raises(Refused) as caught:
        desk.enter(desk.receipt(2))
    assert caught.value.code == "R572"


FORGED = {
    "transfer": {"transfer": "AAAAAAAAAAAAAAAAAAAAAA=="},
    "another case": {"case": "AAAAAAAAAAAAAAAAAAAAAA=="},
    "mallory": {"sent_by": {"id": "mallory", "key": "SHA256:" + "A" * 43}},
}


@pytest.mark.parametrize("why", FORGED)
def test_a_receipt_that_says_something_else_of_the_transfer(desk, why):
    desk.export()
    keep = Hand.record

    def record(hand, kind, items, stated, **more):
        return keep(hand, kind, items, stated | FORGED[why], **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hand, "record", record)
        desk.receive()
    data = desk.receipt(1)
    with pytest.raises(Refused, match=why) as caught:
        desk.enter(data)
    assert caught.value.code == "R572"
    with pytest.MonkeyPatch.context() as patch:  # a writer that believes it
        export = next(journey.events_of(desk.hand("lab").ledger.store, "export"))
        patch.setattr(answer, "_export_of", lambda *_: export)
        desk.enter(data)
    assert {code for code, _ in codes(desk.folder / "lab") if code[0] == "E"} == {"E309"}


# --- verified with the case ---------------------------------------------------------------------------------------


def codes(folder):
    return {(finding.code, finding.where.partition("/")[2]) for finding in verify_case(folder).findings}


def test_a_received_package_is_verified_with_the_case(desk, parties):
    made = desk.export()
    desk.receive()
    case, place = desk.folder / "partner", desk.folder / "partner/packages" / made.digest
    short = made.digest[:16]
    with (place / "data/EX-001/证据.txt").open("ab") as file:
        file.write(b"!")
    report = verify_case(case)
    assert report.verdict == "FAILED"
    assert all(one.where.startswith(f"packages/{short}/") for one in report.findings if one.severity == "error")
    shutil.rmtree(place)
    assert ("E501", made.digest) in codes(case)
    shutil.copytree(desk.folder / "OUT", place)
    (place / "data/EX-001/stray").write_text("")
    assert verify_case(case).verdict == "FAILED"


def test_another_package_in_its_place(desk):
    made = desk.export()
    desk.export("SECOND")
    desk.receive()
    case, place = desk.folder / "partner", desk.folder / "partner/packages" / made.digest
    shutil.rmtree(place)
    shutil.copytree(desk.folder / "SECOND", place)
    assert ("E201", f"{made.digest[:16]}/evidence/package.json") in codes(case)


def test_a_link_and_a_package_that_nobody_received(desk):
    made = desk.export()
    desk.receive()
    case, place = desk.folder / "partner", desk.folder / "partner/packages" / made.digest
    shutil.rmtree(place)
    place.symlink_to(desk.folder / "OUT")
    assert ("E501", made.digest) in codes(case)
    shutil.copytree(desk.folder / "OUT", case / "packages" / ("0" * 64))
    assert ("W902", "0" * 64) in codes(case)


def test_an_event_that_says_something_else_of_the_package(desk):
    desk.export()
    keep = Hand.record

    def record(hand, kind, items, stated, **more):
        return keep(hand, kind, items, stated | {"transfer": "AAAAAAAAAAAAAAAAAAAAAA=="}, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hand, "record", record)
        desk.receive()
    assert ("E309", "00000001/event.json") in codes(desk.folder / "partner")


def test_the_second_medium_has_every_file_of_it(desk, tmp_path):
    """Also those that would be droppings, or disposable, elsewhere."""
    made = desk.export()
    desk.receive()
    mirror(desk.folder / "partner", tmp_path / "mirror")
    assert tree(tmp_path / "mirror/packages" / made.digest) == tree(desk.folder / "OUT")
    report = verify_case(tmp_path / "mirror")
    assert (report.verdict, report.counts["packages"]) == ("INTEGRITY ONLY", 1)
    (tmp_path / "mirror/packages" / made.digest / "data/EX-001/Thumbs.db").unlink()
    assert verify_case(tmp_path / "mirror").verdict == "FAILED"
    mirror(desk.folder / "partner", tmp_path / "mirror")
    assert verify_case(tmp_path / "mirror").verdict == "INTEGRITY ONLY"
