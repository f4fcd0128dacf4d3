"""Every single change to a package is found with its own code: by whoever carries it, and by whoever exports it."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jsonschema
import packagebuilder as pb
import pyrage
import pytest
from casebuilder import Builder, file_row, folder_row, jcs
from packagebuilder import Wanted

from evidencekit.errors import CannotFinish
from evidencekit.read.package_folder import FolderPackage
from evidencekit.verify import package_rows
from evidencekit.verify.package import verify_package

CONTENT = {b"a": b"aaa", b"b": b"bbb", b"d/b": b"yy", b"e\n": b""}
ROWS = (
    folder_row(), file_row("a", b"aaa"), file_row("b", b"bbb"), folder_row("d"), file_row("d/b", b"yy"),
    file_row("e\n", b""),
)  # fmt: skip
LINES, RECORD, SIGNATURE = "evidence/records.jsonl", "evidence/package.json", "evidence/package.json.sig"
A, B = "data/EX-001/a", "data/EX-001/b"
SOME = Wanted(rows=[1, 2, 4], withheld={4: {"name": "privacy"}}, events={3: "privacy"})


@dataclass
class Bench:
    """A case, and packages of it."""

    builder: Builder
    policy: object

    def parts(self, wanted=None):
        return pb.evidence_of(self.builder.case, CONTENT.__getitem__, wanted)

    def good(self, wanted=None):
        return self.parts(wanted).closed(self.builder.signer)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    builder = Builder(tmp_path_factory.mktemp("packages"))
    builder.seal(ROWS)
    builder.enter(builder.event("view", ["EX-001"], {"purpose": "test"}))
    return Bench(builder, builder.policy())


def codes(files, folder, bench, **more):
    report = verify_package(pb.write_folder(files, folder / "package"), policy=bench.policy, **more)
    assert (report.verdict == "FAILED") == any(finding.severity == "error" for finding in report.findings)
    return {finding.code for finding in report.findings if finding.severity == "error"}


@pytest.mark.parametrize("wanted", [None, SOME, Wanted(leaves=True), Wanted(payload=False)])
def test_a_good_package_has_no_errors(bench, tmp_path, wanted):
    assert codes(bench.good(wanted), tmp_path, bench) == set()


# --- whoever carries it: nothing can be signed again ------------------------------------------------------------------


def flip(path):
    def change(files):
        data = bytearray(files[path])
        data[len(data) // 2] ^= 1
        files[path] = bytes(data)

    return change


def delete(path):
    return lambda files: files.pop(path)


def add(path):
    return lambda files: files.update({path: b"added"})


def swap(one, other):
    return lambda files: files.update({one: files[other], other: files[one]})


def rename(one, other):
    return lambda files: files.update({other: files.pop(one)})


CARRIER = {
    "a flipped payload": (flip(A), {"E162", "E171"}),
    "a deleted payload": (delete(A), {"E163", "E161"}),
    "an added payload": (add("data/EX-001/z"), {"E164"}),
    "payloads swapped": (swap(A, B), {"E162", "E171"}),
    "a payload renamed": (rename(A, "data/EX-001/A1"), {"E163", "E164"}),
    "a flipped line": (flip(LINES), {"E162", "E201"}),
    "lines deleted": (delete(LINES), {"E163", "E501"}),
    "a flipped event": (flip("evidence/custody/00000001/event.json"), {"E162", "E201"}),
    "an event deleted": (delete("evidence/custody/00000001/event.json"), {"E163", "E501"}),
    "an entry flipped": (flip("evidence/custody/00000002/entry"), {"E162", "E201"}),
    "an entry deleted": (delete("evidence/custody/00000002/entry"), {"E163", "E501"}),
    "a checkpoint deleted": (delete("evidence/checkpoints/00000004"), {"E163", "E501", "E166"}),
    "a checkpoint flipped": (flip("evidence/checkpoints/00000004"), {"E162", "E201", "E166"}),
    "the record flipped": (flip(RECORD), {"E162"}),
    "the record deleted": (delete(RECORD), {"E163", "E501"}),
    "the signature flipped": (flip(SIGNATURE), {"E162", "E402"}),
    "the signature deleted": (delete(SIGNATURE), {"E163", "E401"}),
    "withheld.json deleted": (delete("evidence/withheld.json"), {"E163", "E501"}),
    "a file added beside": (add("evidence/note.txt"), {"E164", "E165"}),
    "a tag manifest deleted": (delete("tagmanifest-sha256.txt"), {"E501"}),
    "a tag manifest flipped": (flip("tagmanifest-sha512.txt"), {"E161", "E162", "E163"}),
    "a manifest flipped": (flip("manifest-sha256.txt"), {"E162", "E201"}),
    "bagit.txt flipped": (flip("bagit.txt"), {"E161", "E162", "E201"}),
    "bag-info.txt flipped": (flip("bag-info.txt"), {"E162", "E201"}),
    "the readme flipped": (flip("README.txt"), {"E162", "E201"}),
}


@pytest.mark.parametrize("name", CARRIER)
def test_a_change_on_the_way_is_found(name, bench, tmp_path):
    change, expected = CARRIER[name]
    files = bench.good()
    change(files)
    found = codes(files, tmp_path, bench)
    assert expected <= found or (expected & found and name.endswith("flipped")), found


@pytest.mark.parametrize("path", [A, LINES, "README.txt", "evidence/custody/00000001/entry"])
def test_a_carrier_who_makes_the_bag_anew_is_found_by_what_was_signed(path, bench, tmp_path):
    files = bench.good()
    flip(path)(files)
    payload = {name: data for name, data in files.items() if name.startswith("data/")}
    files |= {f"manifest-{one}.txt": pb.manifest(one, payload) for one in ("sha256", "sha512")}
    found = codes(pb.tagged(files), tmp_path, bench)
    assert found & {"E201", "E171"}
    assert "E162" not in found


def test_every_flipped_byte_of_what_proves_is_found(bench, tmp_path):
    good = bench.good()
    for number, path in enumerate(sorted(good)):
        files = dict(good)
        if files[path]:
            flip(path)(files)
            assert codes(files, tmp_path / str(number), bench), path
            shutil.rmtree(tmp_path / str(number))


# --- whoever exports: all is signed, and does not add up ---------------------------------------------------------------


def line(number, **changes):
    return lambda parts: parts.lines[number].update(changes)


def reorder(parts):
    parts.lines[0], parts.lines[1] = parts.lines[1], parts.lines[0]


def twice(parts):
    parts.lines.insert(1, parts.lines[0])


def drop(parts):
    parts.lines.pop()


def claim_hidden(parts):
    """One of the hidden rows is said to be shown."""
    one = parts.record["manifests"][0]
    one["shown"], one["hidden"] = str(int(one["shown"]) + 1), [{"count": "2", "ground": "not_requested"}]


def say_less(parts):
    parts.withheld["rows"][0]["count"] = "2"


def say_other_group(parts):
    parts.withheld["groups"][0]["group"] = "metadata"


def without_label(parts):
    parts.withheld["grounds"].pop()


def other_root(parts):
    parts.record["manifests"][0]["root"] = "11" * 32


def other_rows(parts):
    one = parts.record["manifests"][0]
    one["rows"], one["hidden"] = str(int(one["rows"]) + 1), [{"count": "4", "ground": "not_requested"}]


def other_checkpoint(parts):
    parts.record["checkpoint"] = parts.record["checkpoint"] | {"size": "3"}


def other_case(parts):
    parts.record["case"] = "AAAAAAAAAAAAAAAAAAAAAA=="


def other_proof(parts):
    parts.lines[0]["proof"] = parts.lines[1]["proof"]


def other_salt(parts):
    parts.lines[0]["groups"]["name"]["salt"] = parts.lines[1]["groups"]["name"]["salt"]


def other_leaf(parts):
    parts.lines[0]["leaf"] = parts.lines[1]["leaf"]


def other_payload(parts):
    parts.files[A] = b"xxx"


def moved_payload(parts):
    parts.files["data/EX-001/elsewhere"] = parts.files.pop(A)
    parts.lines[0]["payload"]["path"] = "data/EX-001/elsewhere"


def shared_payload(parts):
    parts.lines[1]["payload"] = parts.lines[0]["payload"]
    parts.files.pop(B)


def added_payload(parts):
    parts.files["data/EX-001/added"] = b"x"


def lost_payload(parts):
    parts.files.pop(A)


def hidden_there(parts):
    parts.files["evidence/custody/00000002/event.json"] = b"{}"


def hidden_opening(parts):
    parts.withheld["events"].insert(0, {"entry": "0", "ground": "privacy"})


def hidden_seal(parts):
    for path in [path for path in parts.files if path.startswith("evidence/custody/00000002/event")]:
        parts.files.pop(path)
    parts.withheld["events"] = [{"entry": "2", "ground": "privacy"}]


def hidden_unsaid(parts):
    parts.withheld["events"] = []


EXPORTER = {
    "lines reordered": (reorder, {"E169"}),
    "a line twice": (twice, {"E169", "E173", "E174"}),
    "a line left out": (drop, {"E174", "E173"}),
    "a hidden row claimed as shown": (claim_hidden, {"E174"}),
    "a wrong count": (say_less, {"E174"}),
    "a wrong count of groups": (say_other_group, {"E174"}),
    "a ground without label": (without_label, {"E174"}),
    "another root": (other_root, {"E166"}),
    "more rows than were sealed": (other_rows, {"E166"}),
    "an older checkpoint": (other_checkpoint, {"E166"}),
    "another case": (other_case, {"E166"}),
    "another row's proof": (other_proof, {"E207"}),
    "another row's salt": (other_salt, {"E201"}),
    "another row's leaf": (other_leaf, {"E201", "E207"}),
    "a row of another index": (line(0, index="0"), {"E207"}),
    "a row of another catalogue": (line(2, manifest="7"), {"E170"}),
    "no proof": (line(0, proof=None), {"E207"}),
    "another payload": (other_payload, {"E171"}),
    "a payload elsewhere": (moved_payload, {"E172"}),
    "a payload of two rows": (shared_payload, {"E173"}),
    "a payload of no row": (added_payload, {"E173"}),
    "a payload that is not there": (lost_payload, {"E163"}),
    "a hidden event that is there": (hidden_there, {"E167"}),
    "event 0 hidden": (hidden_opening, {"E167"}),
    "a hidden event that nobody admits": (hidden_unsaid, {"E501"}),
}


@pytest.mark.parametrize("name", EXPORTER)
def test_what_an_exporter_signs_has_to_add_up(name, bench, tmp_path):
    change, expected = EXPORTER[name]
    parts = json_copy(bench.parts(Wanted(rows=[1, 2, 4], withheld={4: {"name": "privacy"}}, events={3: "privacy"})))
    if name == "a hidden event that is there":
        parts.withheld["events"] = [{"entry": "2", "ground": "privacy"}]
    change(parts)
    found = codes(parts.closed(bench.builder.signer), tmp_path, bench)
    assert expected <= found, found
    assert not found & {"E162", "E164", "E165"}


def json_copy(parts):
    parts.record, parts.withheld = json.loads(jcs(parts.record)), json.loads(jcs(parts.withheld))
    parts.lines = [json.loads(jcs(one)) for one in parts.lines]
    return parts


def test_a_seal_event_that_is_hidden_proves_nothing(bench, tmp_path):
    parts = bench.parts(Wanted(rows=[1], events={3: "privacy"}))
    entry = int(parts.record["manifests"][0]["entry"])
    for path in [path for path in parts.files if path.startswith(f"evidence/custody/{entry:08d}/event")]:
        parts.files.pop(path)
    parts.withheld["events"].insert(0, {"entry": str(entry), "ground": "privacy"})
    assert {"E166", "E170"} <= codes(parts.closed(bench.builder.signer), tmp_path, bench)


def test_leaves_of_another_manifest_are_found(bench, tmp_path):
    parts = bench.parts(Wanted(leaves=True))
    leaves = bytearray(parts.files["evidence/leaves/00000001"])
    leaves[32 * 5] ^= 1
    parts.files["evidence/leaves/00000001"] = bytes(leaves)
    assert "E207" in codes(parts.closed(bench.builder.signer), tmp_path, bench)


def test_a_line_out_of_order_is_not_looked_up_among_the_leaves(bench, tmp_path):
    parts = bench.parts(Wanted(leaves=True))
    reorder(parts)
    found = codes(parts.closed(bench.builder.signer), tmp_path, bench)
    assert "E169" in found
    assert "E207" not in found


def test_two_packages_mixed_are_found(bench, tmp_path):
    one, other = bench.good(Wanted(rows=[1])), bench.good(Wanted(rows=[1, 2]))
    for path in (LINES, RECORD, "evidence/withheld.json"):
        files = dict(one)
        files[path] = other[path]
        assert codes(files, tmp_path / path.rpartition("/")[2], bench), path
    mixed = one | {path: data for path, data in other.items() if path.startswith("evidence/")}
    assert {"E162", "E163"} & codes(mixed, tmp_path / "all", bench)


def test_proofs_of_another_package_are_found(bench, tmp_path):
    builder = Builder(tmp_path)
    builder.seal((folder_row(), file_row("a", b"zzz")))
    theirs = pb.evidence_of(builder.case, {b"a": b"zzz"}.__getitem__, Wanted(rows=[1]))
    parts = bench.parts(Wanted(rows=[1]))
    parts.lines = theirs.lines
    assert {"E207", "E171"} <= codes(parts.closed(bench.builder.signer), tmp_path, bench)


def test_an_older_package_is_found_by_a_newer_checkpoint(bench, tmp_path):
    older = bench.good()
    where = tmp_path / "case"
    shutil.copytree(bench.builder.case, where)
    newest = (bench.builder.case / "checkpoints" / "00000004").read_bytes()
    builder = bench.builder
    index = builder.enter(builder.event("view", ["EX-001"], {"purpose": "later"}))
    newer = (builder.case / "checkpoints" / f"{index + 1:08d}").read_bytes()
    shutil.rmtree(builder.case)
    shutil.copytree(where, builder.case)
    assert codes(older, tmp_path / "same", bench, since=newest) == set()
    assert codes(older, tmp_path / "newer", bench, since=newer) == {"E503"}


def test_somebody_else_who_signs_is_not_the_exporter(bench, tmp_path):
    parts = bench.parts()
    assert "E403" in codes(parts.closed(bench.builder.other), tmp_path, bench)
    mine = parts.record["exporter"] | {"key": bench.builder.other.fingerprint}
    assert "E408" in codes(parts.closed(bench.builder.other, exporter=mine), tmp_path / "2", bench)


# --- what is hidden cannot make a package green ---------------------------------------------------------------------------


def judged(parts, builder, folder, *, signer=None, policy=None, **changes):
    files = parts.closed(signer or builder.signer, **changes)
    return verify_package(pb.write_folder(files, folder / "package"), policy=policy or builder.policy())


def errors_of(report):
    return {(finding.code, finding.where) for finding in report.findings if finding.severity == "error"}


@pytest.fixture
def builder(tmp_path):
    builder = Builder(tmp_path)
    builder.seal(ROWS)
    return builder


def test_an_item_that_no_event_is_about_is_none_of_the_log(builder, tmp_path):
    report = judged(pb.evidence_of(builder.case, CONTENT.__getitem__), builder, tmp_path, items=["EX-001", "EX-002"])
    assert errors_of(report) == {("E166", RECORD)}


def test_an_item_of_which_every_event_is_hidden_has_no_history(builder, tmp_path):
    builder.acquire("EX-002")
    builder.enter(builder.event("view", ["EX-002"], {"purpose": "test"}))
    parts = pb.evidence_of(builder.case, CONTENT.__getitem__, Wanted(events={3: "privacy", 4: "privacy"}))
    assert judged(parts, builder, tmp_path).verdict == "VERIFIED"
    report = judged(parts, builder, tmp_path / "2", items=["EX-001", "EX-002"])
    assert report.verdict == "NOT CHECKED"
    assert report.aspects["custody"].reason == "EX-002: no event that is shown is about EX-002"


def test_a_hidden_event_about_a_key_is_not_passed_over(builder, tmp_path):
    builder.enter(builder.event("key_revoke", [], {
        "from_size": "1", "key": builder.signer.fingerprint, "reason": "stolen",
    }))  # fmt: skip
    shown = judged(pb.evidence_of(builder.case, CONTENT.__getitem__), builder, tmp_path)
    assert "E312" in {code for code, _ in errors_of(shown)}
    parts = pb.evidence_of(builder.case, CONTENT.__getitem__, Wanted(events={3: "privacy"}))
    report = judged(parts, builder, tmp_path / "2")
    assert report.verdict == "NOT CHECKED"
    assert "one may say that a key is revoked" in report.aspects["custody"].reason


def test_an_exporter_whose_key_the_log_retired_is_found(builder, tmp_path):
    known = "".join(f"{name} {builder.public_key(name)}\n" for name in ("examiner", "other"))
    policy = builder.policy(signers=known)
    exporter = builder.actor(builder.other, "other")
    parts = pb.evidence_of(builder.case, CONTENT.__getitem__)
    before = judged(parts, builder, tmp_path, signer=builder.other, policy=policy, exporter=exporter)
    assert before.verdict == "VERIFIED"
    builder.enter(builder.event("key_retire", [], {"key": builder.other.fingerprint, "reason": "he left"}))
    parts = pb.evidence_of(builder.case, CONTENT.__getitem__)
    report = judged(parts, builder, tmp_path / "2", signer=builder.other, policy=policy, exporter=exporter)
    assert errors_of(report) == {("E312", SIGNATURE)}


def test_an_entry_behind_the_checkpoint_is_none_of_the_log(builder, tmp_path):
    parts = pb.evidence_of(builder.case, CONTENT.__getitem__)
    parts.files["evidence/custody/00000003/event.json"] = parts.files["evidence/custody/00000002/event.json"]
    assert errors_of(judged(parts, builder, tmp_path)) == {("E166", RECORD)}


def test_only_a_file_has_a_payload_whatever_is_withheld(tmp_path):
    builder = Builder(tmp_path)
    builder.seal((folder_row(), file_row("a", b"aaa") | {"kind": "symlink"}, file_row("b", b"bbb")))
    parts = pb.evidence_of(builder.case, CONTENT.__getitem__, Wanted(withheld={1: {"metadata": "privacy"}}))
    assert errors_of(judged(parts, builder, tmp_path)) == {("E171", f"{LINES}#1")}


def test_lines_that_are_none_are_named_up_to_a_number(bench, tmp_path):
    files = bench.good()
    files[LINES] = b"\n" * 20_000
    report = verify_package(pb.write_folder(files, tmp_path / "package"))
    assert report.counts["findings"]["by_code"]["E101"] == 10_000
    assert f"{LINES}#9999" in {one.where for one in report.not_checked}


def test_grounds_without_end_are_not_kept(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(package_rows, "_MAX_SUMS", 2)
    grounds = {row: {"name": f"x-{row}"} for row in range(5)}
    report = verify_package(pb.write_folder(bench.good(Wanted(withheld=grounds)), tmp_path / "package"))
    assert report.counts["findings"]["by_code"]["E174"] == 3


@pytest.mark.parametrize("is_lost", [False, True])
def test_lists_of_leaves_are_open_one_at_a_time_and_may_be_unreadable(is_lost, builder, tmp_path, monkeypatch):
    for number in (2, 3):
        builder.seal(ROWS, exhibit=f"EX-00{number}")
    wanted = Wanted(leaves=True, payload=False)
    parts, *others = (pb.evidence_of(builder.case, CONTENT.__getitem__, wanted, manifest=one) for one in "123")
    for other in others:
        parts.files |= other.files
        parts.lines += other.lines
        parts.record["manifests"] += other.record["manifests"]
        parts.record["items"] += other.record["items"]
    opened = []

    def watched(package, name, plain=FolderPackage.open):
        if not name.startswith("evidence/leaves/"):
            return plain(package, name)
        if is_lost:
            raise CannotFinish("it cannot be read", code="X403")
        assert all(file.closed for file in opened)
        opened.append(plain(package, name))
        return opened[-1]

    monkeypatch.setattr(FolderPackage, "open", watched)
    report = judged(parts, builder, tmp_path)
    assert errors_of(report) == set()
    assert report.verdict == ("NOT CHECKED" if is_lost else "VERIFIED")
    assert bool(opened) != is_lost


def test_what_cannot_be_read_is_not_checked_and_not_called_false(bench, tmp_path, monkeypatch):
    """The medium, or a permission: nobody changed anything."""
    folder = pb.write_folder(bench.good(Wanted(leaves=True)), tmp_path / "package")
    plain = FolderPackage.open
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        lost = path.relative_to(folder).as_posix()

        def unreadable(package, name, lost=lost):
            if name == lost:
                raise CannotFinish(f"{name} cannot be read", code="X403")
            return plain(package, name)

        monkeypatch.setattr(FolderPackage, "open", unreadable)
        report = verify_package(folder, policy=bench.policy)
        assert (lost, report.verdict, errors_of(report)) == (lost, "NOT CHECKED", set())
        assert [one.reason for one in report.not_checked if one.code == "internal_error"] == []
        assert lost in " ".join(f"{one.where} {one.reason}" for one in report.not_checked)


# --- with the sealed catalogues ------------------------------------------------------------------------------------------

CATALOGUE = "evidence/manifests/00000001.parquet"


def full(bench, change=lambda data: data):
    parts = bench.parts(Wanted(record={"full": True}))
    parts.files[CATALOGUE] = change((bench.builder.case / "manifests/00000001.parquet").read_bytes())
    return parts.closed(bench.builder.signer)


@pytest.mark.parametrize("kind", ["folder", "tar", "zip"])
def test_the_catalogues_of_a_full_package_are_checked_as_in_a_case(kind, bench, tmp_path):
    write = pb.WRITERS[kind] if kind != "zip" else partial(pb.write_zip, method=zipfile.ZIP_STORED)
    report = verify_package(write(full(bench), tmp_path / "good"), policy=bench.policy)
    assert report.verdict == "VERIFIED"
    assert report.checked["manifests"] == 1
    assert report.checked["rows"] == len(ROWS)
    cut = verify_package(write(full(bench, lambda data: data[:-100]), tmp_path / "cut"), policy=bench.policy)
    assert {"E106", "E201"} <= set(cut.counts["findings"]["by_code"])


def test_a_catalogue_that_is_deflated_is_not_checked(bench, tmp_path):
    report = verify_package(pb.write_zip(full(bench), tmp_path / "p.zip"), policy=bench.policy)
    assert report.verdict == "NOT CHECKED"
    assert "deflated" in report.aspects["record"].reason


def test_a_package_that_is_not_what_it_says_is_found(bench, tmp_path):
    parts = bench.parts(Wanted(record={"full": True}))
    assert codes(parts.closed(bench.builder.signer), tmp_path / "full", bench) >= {"E166"}
    parts = bench.parts(Wanted(record={"hash_only": True}))
    parts.record["hash_only"] = True
    assert codes(parts.closed(bench.builder.signer), tmp_path / "hash_only", bench) == {"E166"}


# --- the report, and the command ------------------------------------------------------------------------------------------


def test_a_report_of_a_package_is_of_its_form(bench, tmp_path):
    schema = json.loads((Path(__file__).parents[2] / "specs/report.schema.json").read_text())
    for number, files in enumerate([bench.good(), bench.good(SOME), {"evidence/package.json": b"{}"}]):
        report = verify_package(pb.write_folder(files, tmp_path / str(number)), policy=bench.policy)
        jsonschema.validate(json.loads(json.dumps(report.as_record())), schema)
    (tmp_path / "p.zip").write_bytes(b"PK\3\4")
    refused = verify_package(tmp_path / "p.zip")
    jsonschema.validate(json.loads(json.dumps(refused.as_record())), schema)
    assert refused.line == "FAILED"


def test_what_is_withheld_is_listed_with_its_ground(bench, tmp_path):
    report = verify_package(pb.write_zip(bench.good(SOME), tmp_path / "p.zip"), policy=bench.policy)
    said = [f"{one.where}: {one.reason}" for one in report.not_checked if one.code == "withheld"]
    assert said == [
        "catalogue 1 of EX-001: 3 rows: Not asked for (not_requested)",
        "catalogue 1 of EX-001: name of 1 rows that are shown: Privacy of persons (privacy)",
        "evidence/custody: 1 events: Privacy of persons (privacy)",
        "EX-001: 1 hidden event touches EX-001",
    ]
    assert report.verdict == "NOT CHECKED"
    assert report.aspects["record"].status == "ok"
    assert report.aspects["custody"].reason == "EX-001: 1 hidden event touches EX-001"


STOCK = {
    "tar": (["tar", "-cf", "OUT", "package"], "VERIFIED"),
    "tar, another owner": (["tar", "--owner=x:4000000000", "-cf", "OUT", "package"], "VERIFIED"),
    "tar, ustar": (["tar", "--format=ustar", "-cf", "OUT", "package"], "VERIFIED"),
    "tar, pax": (["tar", "--format=pax", "-cf", "OUT", "package"], "VERIFIED"),
    "tar of what is in it": (["tar", "-cf", "OUT", "-C", "package", "."], "E153"),
    "zip": (["zip", "-qr", "OUT", "package"], "VERIFIED"),
    "zip, stored": (["zip", "-qr0", "OUT", "package"], "VERIFIED"),
    "zip, without folders": (["zip", "-qrDX", "OUT", "package"], "VERIFIED"),
    "zip, into a pipe": (["sh", "-c", "zip -qr - package | cat > OUT"], "VERIFIED"),
}


@pytest.mark.judge("tar")
@pytest.mark.judge("zip")
@pytest.mark.parametrize("name", STOCK)
def test_a_partner_may_pack_the_folder_himself(name, tmp_path):
    """With the folders, times and owners that stock tools add."""
    builder = Builder(tmp_path)
    long = "l" * 60 + "/" + "m" * 60
    builder.seal((folder_row(), folder_row("l" * 60), file_row(long, b"long")))
    parts = pb.evidence_of(builder.case, lambda _: b"long")
    pb.write_folder(parts.closed(builder.signer), tmp_path / "package")
    command, expected = STOCK[name]
    subprocess.run(command, cwd=tmp_path, check=True)
    out = next(path for path in tmp_path.iterdir() if path.stem == "OUT")
    report = verify_package(out, policy=builder.policy())
    errors = [finding.code for finding in report.findings if finding.severity == "error"]
    assert expected in {report.verdict, *errors}


def test_whoever_compressed_it_hears_what_to_do(bench, tmp_path):
    path = tmp_path / "package.tar.gz"
    path.write_bytes(gzip.compress(pb.write_tar(bench.good(), tmp_path / "package.tar").read_bytes()))
    with pytest.raises(CannotFinish) as refused:
        verify_package(path)
    assert refused.value.code == "X485"
    assert "Unpack what is compressed" in refused.value.hint


def run_verify(*arguments):
    command = [sys.executable, "-m", "evidencekit", "verify", *map(str, arguments), "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.returncode, json.loads(answer.stdout)


def test_the_command_knows_a_package_by_its_content(bench, tmp_path):
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(key) + "\n")
    places = {kind: write(bench.good(), tmp_path / f"{kind}.bin") for kind, write in pb.WRITERS.items()}
    locked = tmp_path / "locked.bin"
    locked.write_bytes(pyrage.encrypt(places["tar"].read_bytes(), [key.to_public()]))
    for kind, place in places.items():
        code, record = run_verify(place, "--policy", bench.policy)
        assert (code, record["line"], record["package"]["container"]) == (0, "VERIFIED (package)", kind)
    code, record = run_verify(locked, "--policy", bench.policy, "--identity", tmp_path / "key")
    assert (code, record["line"]) == (0, "VERIFIED (package)")
    assert run_verify(locked)[1]["error"]["code"] == "U291"
    assert run_verify(places["zip"], "--source", tmp_path)[1]["error"]["code"] == "U232"
    places["zip"].write_bytes(places["zip"].read_bytes()[:-1])
    code, record = run_verify(places["zip"])
    assert (code, [one["code"] for one in record["findings"]]) == (3, ["E151"])
