"""Received packages passed on: three hands, the first seal provable in each; what is changed on the way is found."""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest

from evidencekit.core.bagit import ALGORITHMS, manifest_line, manifest_name
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.custody_choice import Wanted
from evidencekit.journeys.export import export
from evidencekit.journeys.export_onward import Onward, export_onward
from evidencekit.journeys.export_plan import Request
from evidencekit.journeys.export_rows import Wanted as Rows
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
        return {"verify": verify_package, "random": os.urandom}

    def export(self, out, **wanted):
        request = Request(wanted=Rows(**wanted))
        return export(self.hand("lab"), request, self.folder / out, cache_folder=self.folder / "cache", **self.how())

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
    assert (report.verdict, made.files, report.counts["payload_compared"]) == ("INTEGRITY ONLY", 0, 0)
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
    tags = [path for path in paths if not path.startswith(("data/", "tagmanifest", "evidence/package.json"))]
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
    tags = sorted([*tags, "evidence/package.json", "evidence/package.json.sig"])
    for algorithm in ALGORITHMS:
        lines = b"".join(line(algorithm, folder, path) for path in tags)
        (folder / manifest_name(algorithm, of_tags=True)).write_bytes(lines)


def line(algorithm, folder, path):
    return manifest_line(hashlib.new(algorithm, (folder / path).read_bytes()).hexdigest(), path)


def first_of(world, folder):
    return folder / "evidence/previous" / world.second.digest / "previous" / world.first.digest


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
