"""Received packages passed on: three hands, the first seal provable in each; what is changed on the way is found."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import pytest

from evidencekit.core import encoding
from evidencekit.core.bagit import ALGORITHMS, manifest_line, manifest_name
from evidencekit.core.package_records import SHOWN, encode_record
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.journeys import receive as receiving
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.custody_choice import Wanted
from evidencekit.journeys.export import export
from evidencekit.journeys.export_onward import Onward, export_onward, plan_onward
from evidencekit.journeys.export_plan import Request
from evidencekit.journeys.export_rows import Wanted as Rows
from evidencekit.journeys.export_rows import Withhold
from evidencekit.journeys.receive import examine, receive
from evidencekit.read.package import open_package
from evidencekit.verify.package import verify_package
from evidencekit.verify.verifier import verify_case

ORIGINS = {
    "lab": "lab.example/7",
    "partner": "partner.example/9",
    "court": "court.example/1",
    "appeal": "appeal.example/2",
}


class World:
    """Parties with a case each."""

    def __init__(self, rc, folder):
        self.rc, self.folder, self.offices = rc, folder, {}
        for name, origin in ORIGINS.items():
            self.offices[name] = rc.Office(folder / f"{name}keys", origin)
            self.offices[name].open(folder / name, identity=name.encode().ljust(16, b"."))
        source = folder / "source"
        (source / "docs").mkdir(parents=True)
        for name in ("a.txt", "A.TXT", "b.pdf", "docs/c.txt", "docs/CON", "docs/d.pdf"):
            (source / name).write_text(f"content of {name}")
        for exhibit in ("EX-001", "EX-002"):
            self.offices["lab"].acquire(folder / "lab", source, exhibit)

    def hand(self, who):
        office = self.offices[who]
        return Hand(office.ledger(self.folder / who), self.rc.actor(office.signer), [office.signer])

    def how(self):
        return {"verify": verify_package, "random": os.urandom, "cache_folder": self.folder / "cache"}

    def export(self, out, **wanted):
        request = Request(wanted=Rows(**wanted))
        return export(self.hand("lab"), request, self.folder / out, **self.how())

    def receive(self, who, name, **wanted):
        with open_package(self.folder / name) as package:
            return receive(self.hand(who), examine(package, name=name), Wanted(**wanted))

    def pass_on(self, who, digest, out, form="folder", **wanted):
        return export_onward(self.hand(who), Onward(digest[:16], **wanted), self.folder / out, form=form, **self.how())


@pytest.fixture(scope="module")
def world(rc, tmp_path_factory):
    """The laboratory's package is with the partner, its part with the court, and a part of that with the appeal."""
    world = World(rc, tmp_path_factory.mktemp("onward"))
    world.first = world.export("FIRST")
    world.receive("partner", "FIRST", names={"EX-001": "P-1", "EX-002": "P-2"})
    world.second = world.pass_on(
        "partner", world.first.digest, "SECOND.tar", form="tar", items=("P-1",), globs=("*.txt", "CON")
    )
    world.receive("court", "SECOND.tar", names={"P-1": "C-1"})
    world.third = world.pass_on("court", world.second.digest, "THIRD", items=("C-1",), globs=("c.txt",))
    world.receive("appeal", "THIRD")
    return world


def payload(folder):
    below = folder / "data"
    return {str(path.relative_to(below)): path.read_text() for path in below.rglob("*") if path.is_file()}


def test_the_first_seal_is_provable_in_every_hand(world):
    for out, rows in (("SECOND.tar", 3), ("THIRD", 1)):
        report = verify_package(world.folder / out)
        assert report.verdict == "INTEGRITY ONLY"
        assert (report.counts["rows"], report.aspects["evidence"].status) == (rows, "ok")
    assert payload(world.folder / "THIRD") == {"EX-001/docs/c.txt": "content of docs/c.txt"}
    for who in ("partner", "court", "appeal"):
        report = verify_case(world.folder / who)
        assert (report.verdict, report.aspects["custody"].status) == ("INTEGRITY ONLY", "ok")


def test_what_is_not_passed_on_is_not_there(world):
    for path in (world.folder / "THIRD").rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        for hidden in (b"b.pdf", b"d.pdf", b"A.TXT", b"content of a.txt", hashlib.sha256(b"content of b.pdf").digest()):
            assert hidden not in data, path


def test_whose_logs_have_to_be_admitted(world, rc, tmp_path):
    """The recipient's policy has to know the logs and the people of all hands."""
    folder = tmp_path / "policy"
    folder.mkdir()
    tables, keys, people = ["version = 1"], [], []
    for name in ("lab", "partner", "court"):
        office = world.offices[name]
        tables += [f'[[log]]\norigin = "{office.origin}"\nall_required_from = 0']
        keys += [f"log {vkey}" for vkey in office.keys.vkeys]
        key = " ".join((office.folder / "examiner.pub").read_text().split()[:2])
        people.append(f"examiner {key}")
    (folder / "policy.toml").write_text("\n".join(tables) + "\n")
    (folder / "logs.policy").write_text("\n".join([*keys, "quorum none", ""]))
    (folder / "allowed_signers").write_text("\n".join([*people, ""]))
    report = verify_package(world.folder / "THIRD", policy=folder)
    assert report.aspects["identity"].status == "ok", [one.as_record() for one in report.not_checked]
    (folder / "allowed_signers").write_text("\n".join([*people[1:], ""]))
    report = verify_package(world.folder / "THIRD", policy=folder)
    assert report.verdict == "FAILED"
    assert all("/previous/" in one.where for one in report.findings if one.severity == "error")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"digest": "0" * 64}, "U294"),
        ({"digest": "00"}, "U294"),
        ({"items": ("EX-001",)}, "U294"),
        ({"globs": ("*.doc",)}, "U295"),
    ],
)
def test_what_cannot_be_meant(world, wanted, code):
    before = sorted(os.listdir(world.folder))
    with pytest.raises(BadArgument) as caught:
        world.pass_on("partner", **({"digest": world.first.digest} | wanted), out="NONE")
    assert caught.value.code == code
    assert sorted(os.listdir(world.folder)) == before


def test_hashes_alone_can_be_passed_on(world, tmp_path):
    made = world.pass_on("partner", world.first.digest, tmp_path / "HASHES", items=("P-2",), hash_only=True)
    report = verify_package(tmp_path / "HASHES")
    assert (report.verdict, made.plan.files, report.counts["payload_compared"]) == ("INTEGRITY ONLY", 0, 0)
    assert report.counts["payload_left"] == 6


def test_content_that_is_not_what_was_sealed_is_not_passed_on(world, rc, tmp_path):
    shutil.copytree(world.folder / "partner", tmp_path / "partner")
    place = tmp_path / "partner/packages" / world.first.digest / "data/EX-001/b.pdf"
    place.write_text("content of b.pdx")
    office = world.offices["partner"]
    hand = Hand(office.ledger(tmp_path / "partner"), rc.actor(office.signer), [office.signer])
    with pytest.raises(CannotFinish) as caught:
        export_onward(hand, Onward(world.first.digest), tmp_path / "OUT", **world.how())
    assert caught.value.code == "X481"
    assert not [name for name in os.listdir(tmp_path) if name != "partner"]


# --- changed on the way, by who can sign the package anew ---------------------------------------------------------


def sealed_again(world, folder, who="court"):
    """Make manifests, package.json and its signature fit what lies in the folder: all that the last hand can do."""
    from evidencekit.core.package_records import NAMESPACE, PACKAGE, decode_record, encode_record

    paths = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    outside = ("data/", "manifest", "tagmanifest", "evidence/package.json")
    tags = [path for path in paths if not path.startswith(outside)]
    record = decode_record(PACKAGE, (folder / "evidence/package.json").read_bytes())
    for algorithm in ALGORITHMS:
        lines = [line(algorithm, folder, path) for path in paths if path.startswith("data/")]
        (folder / manifest_name(algorithm)).write_bytes(b"".join(lines))
    record["files"] = [
        {"bytes": str((folder / path).stat().st_size), "path": path,
         "sha256": hashlib.sha256((folder / path).read_bytes()).hexdigest()}
        for path in tags
    ]  # fmt: skip
    data = encode_record(PACKAGE, record)
    (folder / "evidence/package.json").write_bytes(data)
    signature = world.offices[who].signer.sign(data, NAMESPACE)
    (folder / "evidence/package.json.sig").write_bytes(signature)
    pinned = ["evidence/package.json", "evidence/package.json.sig", *map(manifest_name, ALGORITHMS)]
    tags = sorted([*tags, *pinned])
    for algorithm in ALGORITHMS:
        lines = b"".join(line(algorithm, folder, path) for path in tags)
        (folder / manifest_name(algorithm, of_tags=True)).write_bytes(lines)


def line(algorithm, folder, path):
    return manifest_line(hashlib.new(algorithm, (folder / path).read_bytes()).hexdigest(), path)


def first_of(world, folder):
    return folder / "evidence/previous" / world.second.digest / "previous" / world.first.digest


def test_what_the_first_hand_says_of_rows_that_it_hides_has_to_add_up(world, tmp_path, monkeypatch):
    """The receiver is in it, and asks nobody: whoever gets it from him is told."""
    shutil.copytree(world.folder / "FIRST", tmp_path / "FALSE")
    place = tmp_path / "FALSE/evidence/withheld.json"
    withheld = encoding.decode(place.read_bytes())
    place.write_bytes(encoding.encode(withheld | {"rows": [{"count": "1", "ground": "privacy", "manifest": "1"}]}))
    sealed_again(world, tmp_path / "FALSE", "lab")
    assert verify_package(tmp_path / "FALSE").verdict == "FAILED"
    believed = verify_package(world.folder / "FIRST")
    monkeypatch.setattr(receiving, "verify_opened", lambda *_, **__: believed)
    world.receive("court", tmp_path / "FALSE", names={"EX-001": "F-1", "EX-002": "F-2"})
    digest = hashlib.sha256((tmp_path / "FALSE/evidence/package.json").read_bytes()).hexdigest()
    how = world.how() | {"verify": lambda *_, **__: believed}
    export_onward(world.hand("court"), Onward(digest[:16], items=("F-1",)), tmp_path / "ON", form="folder", **how)
    told = [one for one in verify_package(tmp_path / "ON").findings if one.severity == "error"]
    assert {one.code for one in told} == {"E174"}
    assert {one.where for one in told} == {f"evidence/previous/{digest}/withheld.json"}


def test_the_first_log_is_not_to_be_shorter_than_the_policy_demands(world, tmp_path):
    (tmp_path / "policy.toml").write_text(f'version = 1\n[[log]]\norigin = "{ORIGINS["lab"]}"\nmin_size = 1000\n')
    (tmp_path / "allowed_signers").write_text("")
    (tmp_path / "logs.policy").write_text("quorum none\n")
    report = verify_package(world.folder / "THIRD", policy=tmp_path)
    found = {one.where for one in report.findings if one.code == "E503"}
    assert found == {f"evidence/previous/{world.second.digest}/previous/{world.first.digest}/policy min_size"}


def _other_line(world, folder):
    place = first_of(world, folder) / "records.jsonl"
    place.write_bytes(place.read_bytes().replace(b'"index":"', b'"index":"1', 1))


def _other_payload(world, folder):
    (folder / "data/EX-001/docs/c.txt").write_text("Content of docs/c.txt")


def _other_record(world, folder):
    place = first_of(world, folder) / "package.json"
    place.write_bytes(place.read_bytes().replace(b'"use_limits":null', b'"use_limits":"x"'))


def _no_custody(world, folder):
    (first_of(world, folder) / "custody/00000001/event.json").unlink()


def _another_file(world, folder):
    (first_of(world, folder) / "custody/note").write_text("x")


def _no_previous(world, folder):
    shutil.rmtree(folder / "evidence/previous" / world.second.digest)


def _no_first(world, folder):
    shutil.rmtree(first_of(world, folder))


def _another_previous(world, folder):
    shutil.copytree(first_of(world, folder), folder / "evidence/previous" / world.first.digest)


def _other_withheld(world, folder):
    (first_of(world, folder) / "withheld.json").write_bytes(b"{}")


def test_it_can_be_signed_again(world, tmp_path):
    shutil.copytree(world.folder / "THIRD", tmp_path / "P")
    sealed_again(world, tmp_path / "P")
    assert verify_package(tmp_path / "P").verdict == "INTEGRITY ONLY"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_other_line, "E207"),
        (_other_payload, "E171"),
        (_other_record, "E201"),
        (_no_custody, "E501"),
        (_another_file, "E165"),
        (_no_previous, "E501"),
        (_no_first, "E501"),
        (_another_previous, "E166"),
        (_other_withheld, "E201"),
    ],
)
def test_what_the_last_hand_changes_is_found(world, tmp_path, change, code):
    shutil.copytree(world.folder / "THIRD", tmp_path / "P")
    change(world, tmp_path / "P")
    sealed_again(world, tmp_path / "P")
    report = verify_package(tmp_path / "P")
    assert report.verdict == "FAILED"
    assert code in {finding.code for finding in report.findings}


# --- groups that are closed on the way ----------------------------------------------------------------------------------


def lines_of(world, folder):
    place = folder / "evidence/previous" / world.first.digest / "records.jsonl"
    return [json.loads(line) for line in place.read_bytes().splitlines()]


def test_groups_can_be_closed_and_the_rest_stays_provable(world, tmp_path):
    rules = (
        Withhold(("metadata",), "privacy"),
        Withhold(("name",), "x-own", "a.txt"),
        Withhold(("content",), "privilege", "b.pdf"),
        Withhold(("name", "content", "metadata"), "security", "docs/CON"),
    )
    made = world.pass_on("partner", world.first.digest, tmp_path / "CLOSED", items=("P-1",), withhold=rules)
    report = verify_package(tmp_path / "CLOSED")
    assert (report.verdict, report.aspects["record"].status) == ("INTEGRITY ONLY", "ok")
    facts = [line for line in lines_of(world, tmp_path / "CLOSED") if "opinion" not in line["groups"]]
    grounds = {line["index"]: line["grounds"] for line in facts}
    assert {json.dumps(one, sort_keys=True) for one in grounds.values()} == {
        '{"metadata": "privacy"}', '{"metadata": "privacy", "name": "x-own"}',
        '{"content": "privilege", "metadata": "privacy"}',
    }  # fmt: skip
    assert len(payload(tmp_path / "CLOSED")) == 4  # of six: CON was left out, b.pdf has no content
    (unnamed,) = (line for line in facts if "name" in line["grounds"])
    assert unnamed["payload"]["path"] == f"data/EX-001/^~row-{unnamed['index']}"
    assert (tmp_path / "CLOSED" / unnamed["payload"]["path"]).read_text() == "content of a.txt"
    assert made.plan.closed[("P-1", "name", "x-own")] == 1
    told = [one.reason for one in report.not_checked]
    assert "name of 1 rows was received open, and is not passed on: x-own" in told
    assert any("rows that were received are not passed on" in one for one in told)
    opinions = [line for line in lines_of(world, tmp_path / "CLOSED") if "opinion" in line["groups"]]
    assert len(opinions) == 4


def test_what_was_closed_stays_closed_in_the_next_hand(world, rc, tmp_path):
    rule = Withhold(("name",), "privacy", "*.pdf")
    made = world.pass_on("partner", world.first.digest, tmp_path / "CLOSED", items=("P-1",), withhold=(rule,))
    office = rc.Office(tmp_path / "keys", "next.example/1")
    office.open(tmp_path / "next", identity=b"the next of them")
    hand = Hand(office.ledger(tmp_path / "next"), rc.actor(office.signer), [office.signer])
    with open_package(tmp_path / "CLOSED") as package:
        receive(hand, examine(package, name="CLOSED"), Wanted())
    assert verify_case(tmp_path / "next").verdict == "INTEGRITY ONLY"
    for out, globs, files in (("ALL", (), 6), ("SOME", ("*.pdf",), 0)):
        wanted = Onward(made.digest, globs=globs)
        if not files:  # a name that nobody has matches no glob
            with pytest.raises(BadArgument) as caught:
                export_onward(hand, wanted, tmp_path / out, **world.how())
            assert caught.value.code == "U295"
            continue
        assert export_onward(hand, wanted, tmp_path / out, **world.how()).plan.files == files
        assert verify_package(tmp_path / out).verdict == "INTEGRITY ONLY"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Withhold(("name",), "privacy", "nosuch*"), "U281"),
        (Withhold(("name",), "because"), "U282"),
        (Withhold(("name", "content", "metadata")), "U295"),
    ],
)
def test_what_cannot_be_closed(world, tmp_path, rule, code):
    wanted, how = (
        Onward(world.first.digest, withhold=(rule,)),
        {"random": os.urandom, "cache_folder": tmp_path / "cache", "now": 0},
    )
    with pytest.raises(BadArgument) as caught:
        plan_onward(world.folder / "partner", wanted, **how)
    assert caught.value.code == code
    with pytest.raises(BadArgument) as caught:
        export_onward(world.hand("partner"), wanted, tmp_path / "NONE", **world.how())
    assert caught.value.code == code
    assert not (tmp_path / "NONE").exists()


def test_a_plan_says_what_would_be_passed_on_and_writes_nothing(world, rc, tmp_path):
    before = rc.snapshot(world.folder / "partner", whole=True)
    wanted = Onward(
        world.first.digest[:16],
        items=("P-1",),
        globs=("*.txt",),
        withhold=(Withhold(("content",), "privacy", "c.txt"),),
    )
    how = {"random": os.urandom, "cache_folder": tmp_path / "cache", "now": 0}
    plan = plan_onward(world.folder / "partner", wanted, **how)
    assert rc.snapshot(world.folder / "partner", whole=True) == before
    assert os.listdir(tmp_path) == ["cache"]
    assert os.listdir(tmp_path / "cache") == []
    assert (plan.items, plan.files, plan.previous) == (["P-1"], 1, world.first.digest)
    made = export_onward(world.hand("partner"), wanted, tmp_path / "OUT", **world.how())
    assert (made.plan.contents, made.plan.closed, made.plan.files) == (plan.contents, plan.closed, plan.files)
    assert list(payload(tmp_path / "OUT").values()) == ["content of a.txt"]


def test_items_of_which_nothing_is_passed_on_are_not_spoken_of(world, tmp_path):
    made = world.pass_on("partner", world.first.digest, tmp_path / "ONE", items=("P-2",))
    assert made.plan.items == ["P-2"]
    record = json.loads((tmp_path / "ONE/evidence/package.json").read_bytes())
    assert record["items"] == ["P-2"]


def _name_left(world, folder):
    """A name closed in the line, and left in the name of its payload."""
    place = folder / "evidence/previous" / world.first.digest / "records.jsonl"
    lines = []
    for line in lines_of(world, folder):
        if line["payload"]:
            del line["groups"]["name"]
            line["grounds"]["name"] = "privacy"
        lines.append(encode_record(SHOWN, line) + b"\n")
    place.write_bytes(b"".join(lines))


def _group_gone(world, folder):
    """A group that is neither open nor closed."""
    place = folder / "evidence/previous" / world.first.digest / "records.jsonl"
    lines = lines_of(world, folder)
    del lines[0]["groups"]["metadata"]
    text = "".join(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines)
    place.write_text(text)


@pytest.mark.parametrize(("change", "code"), [(_name_left, "E172"), (_group_gone, "E101")])
def test_a_group_that_was_closed_wrongly_is_found(world, tmp_path, change, code):
    world.pass_on("partner", world.first.digest, tmp_path / "P", items=("P-1",))
    change(world, tmp_path / "P")
    sealed_again(world, tmp_path / "P", who="partner")
    report = verify_package(tmp_path / "P")
    assert report.verdict == "FAILED"
    assert code in {finding.code for finding in report.findings}
