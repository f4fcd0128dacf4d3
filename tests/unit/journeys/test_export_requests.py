"""Packages of cases with requests: who asked and who answered is shown, what was asked and answered stays with the case."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from evidencekit.core import layout
from evidencekit.core.event_forms import object_record
from evidencekit.errors import BadArgument
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.custody_adopt import adopt
from evidencekit.journeys.custody_choice import Wanted as Taken
from evidencekit.journeys.custody_messages import message_of
from evidencekit.journeys.export import export
from evidencekit.journeys.export_custody import HideEvent
from evidencekit.journeys.export_plan import Request
from evidencekit.journeys.export_rows import Wanted
from evidencekit.journeys.receive import examine, receive
from evidencekit.read.message import check_message
from evidencekit.read.package import open_package
from evidencekit.read.store import Store
from evidencekit.verify.package import verify_package
from evidencekit.verify.verifier import verify_case

ABOUT_REQUESTS = ["request_received", "request_answered", "acknowledge", "request_sent", "request_withdrawn"]
SECRET = b"what nobody else is to read"


def hand(rc, office, case):
    return Hand(office.ledger(case), rc.actor(office.signer), [office.signer])


def objects_in(folder):
    return [path for path in folder.rglob("*") if path.is_file() and layout.OBJECTS in path.relative_to(folder).parts]


class World:
    """Somebody who asks, a contact point that has sealed an exhibit and answered, and a laboratory that adopts its case."""

    def __init__(self, rc, folder):
        self.rc, self.folder, self.offices = rc, folder, {}
        for number, name in enumerate(("asker", "point", "lab")):
            self.offices[name] = rc.Office(folder / f"{name}-office", f"{name}.example/1")
            self.offices[name].open(folder / name, identity=bytes([number]) * 16)
        (folder / "source").mkdir()
        (folder / "source/letter").write_text("dear all")
        self.offices["point"].acquire(folder / "point", folder / "source", types=False)
        self.exchange()
        to = {"id": "examiner", "key": self.offices["lab"].signer.fingerprint}
        self.record("point", "offer", ["EX-001"], {"to": to})
        adopt(hand(rc, self.offices["lab"], folder / "lab"), folder / "point", "field", stated={})
        self.size = Store(folder / "point").newest_entry()

    def record(self, who, kind, items, body, *objects):
        """Record an event; return its file for the other side, and how events here and there name it."""
        recorded = hand(self.rc, self.offices[who], self.folder / who).record(kind, items, body, objects=objects)
        if kind == "acknowledge" or items:
            return None
        data = message_of(Store(self.folder / who), recorded.entry)
        here = {"entry": str(recorded.entry), "event": check_message(data).digest}
        return data, here, here | {"origin": f"{who}.example/1"}

    def exchange(self):
        """One event of each type in the point's log."""
        request = {"instrument": "xx-1", "request": object_record(SECRET)}
        data, here, sent = self.record("asker", "request_sent", [], request, SECRET)
        at = json.loads((self.folder / "point/case.json").read_bytes())["created_at"]
        came = {"message": object_record(data), "received_at": at, "sent": sent}
        _, received, _ = self.record("point", "request_received", [], came, data)
        answered = {"answer": object_record(SECRET + b"!"), "received": received, "sent": sent}
        self.record("point", "request_answered", [], answered, SECRET + b"!")
        withdrawal, _, _ = self.record("asker", "request_withdrawn", [], {"sent": here})
        self.record(
            "point", "acknowledge", [], {"message": object_record(withdrawal), "received": received}, withdrawal
        )
        _, own, _ = self.record("point", "request_sent", [], request, SECRET)
        self.record("point", "request_withdrawn", [], {"sent": own, "reason": "a reason that is shown"})

    def export(self, who, out, **more):
        case = self.folder / who
        request = Request(wanted=Wanted(items=("EX-001",) if who == "point" else ("field/EX-001",)), **more)
        return export(
            hand(self.rc, self.offices[who], case), request, out, verify=verify_package, random=os.urandom, form="folder",
            cache_folder=self.folder / "cache",
        )  # fmt: skip

    def about_requests(self, prefix=""):
        """The places of all events about requests in the point's log, as far as it was adopted."""
        case, found = self.folder / "point", []
        for entry in range(self.size):
            kind = json.loads((case / layout.event_file(entry)).read_bytes())["type"]
            found += [(f"{prefix}{layout.event_file(entry)}", kind)] if kind in ABOUT_REQUESTS else []
        return found


@pytest.fixture(scope="module")
def world(rc, tmp_path_factory):
    return World(rc, tmp_path_factory.mktemp("requests"))


def elsewhere(report):
    return [(one.where, one.found) for one in report.findings if one.code == "W908"]


def test_the_cases_themselves_verify(world):
    for name in ("asker", "point", "lab"):
        report = verify_case(world.folder / name)
        assert {one.code for one in report.findings} <= {"W903", "W911"}, name


def test_a_package_shows_that_somebody_asked_and_nothing_of_it(world, tmp_path):
    world.export("point", tmp_path / "out")
    report = verify_package(tmp_path / "out", policy=world.offices["point"].policy())
    assert report.verdict == "VERIFIED"
    assert elsewhere(report) == world.about_requests("evidence/")
    assert sorted(kind for _, kind in elsewhere(report)) == sorted(ABOUT_REQUESTS)
    assert {one.severity for one in report.findings if one.code == "W908"} == {"note"}
    assert report.aspects["custody"].status == "ok"
    assert json.loads((tmp_path / "out/evidence/withheld.json").read_bytes())["events"] == []
    assert objects_in(tmp_path / "out") == []
    data = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert SECRET not in data
    assert b"a reason that is shown" in data


def test_a_package_of_an_adopted_case_likewise(world, tmp_path):
    world.export("lab", tmp_path / "out")
    report = verify_package(tmp_path / "out")
    assert (report.verdict, report.aspects["custody"].status) == ("INTEGRITY ONLY", "ok")
    assert elsewhere(report) == world.about_requests("evidence/branches/field/")
    assert objects_in(tmp_path / "out") == []


def test_a_package_is_received_as_any_other(world, rc, tmp_path):
    """Also by who asked: his case verifies with it, and misses nothing."""
    world.export("point", tmp_path / "out")
    case = shutil.copytree(world.folder / "asker", tmp_path / "asker")
    with open_package(tmp_path / "out") as opened:
        taken = receive(hand(rc, world.offices["asker"], case), examine(opened, name="out"), Taken())
    assert taken.recorded.items == ["EX-001"]
    report = verify_case(case)
    assert (report.verdict, report.counts["packages"]) == ("INTEGRITY ONLY", 1)
    assert not {one.code for one in report.findings if one.severity == "error"}


def test_events_about_requests_cannot_be_hidden(world, tmp_path):
    """Since a hidden event without items might be one about keys."""
    for kind in ABOUT_REQUESTS:
        with pytest.raises(BadArgument) as caught:
            world.export("point", tmp_path / "out", hide_events=(HideEvent(kind),))
        assert caught.value.code == "U283"
        assert "requests are always shown" in " ".join(caught.value.hint.split())


@pytest.mark.parametrize("change", ["taken away", "changed"])
def test_what_is_said_of_requests_is_under_the_log(world, tmp_path, change):
    """An event about a request that is not there, or says something else, is found as any other."""
    world.export("point", tmp_path / "out")
    path = tmp_path / "out" / world.about_requests("evidence/")[-1][0]
    if change == "changed":
        path.write_bytes(path.read_bytes().replace(b"a reason", b"another"))
    else:
        path.unlink()
    report = verify_package(tmp_path / "out")
    assert report.verdict == "FAILED"
    assert any(
        one.where == path.relative_to(tmp_path / "out").as_posix() for one in report.findings if one.severity == "error"
    )
