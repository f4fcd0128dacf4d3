"""Further ways to break rules that have a case already: another rule of the same code, one edit each.

`make_cases.py` takes them in. Source: the section that each finding names in specs/verification.md, 7.
"""

from __future__ import annotations

import base64
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from make_cases_custody import CHECKED, force, named, offer, put, signer
from make_cases_package import archive, carried, exported, parts_of, pb

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.event import NAMESPACE, encode_event

if TYPE_CHECKING:
    from make_cases import Bench

Spoil = Callable[["Bench"], object]
SPOILT: dict[str, tuple[str, str, Spoil]] = {}
"""Folder to code, reason and maker, as in make_cases.py."""
ORIGIN = "vectors.example/small"
NEXT = ["EX-002"]
"""An item that the case does not have yet."""


def spoilt(code: str, why: str, name: str) -> Callable[[Spoil], Spoil]:
    """Register a fixture of a code."""

    def register(function: Spoil) -> Spoil:
        SPOILT[f"{code}_{name}"] = (code, why, function)
        return function

    return register


def rewritten(code: str, why: str, name: str, place: str) -> Callable[[Callable[[bytes], bytes]], None]:
    """Register a fixture of which one file was written anew."""

    def register(change: Callable[[bytes], bytes]) -> None:
        @spoilt(code, why, name)
        def _(b: Bench) -> None:
            path = b.case / place
            path.write_bytes(change(path.read_bytes()))

    return register


def gone(code: str, why: str, name: str, place: str) -> None:
    """Register a fixture of which one file was taken away."""

    @spoilt(code, why, name)
    def _(b: Bench) -> None:
        (b.case / place).unlink()


# --- records and their form ----------------------------------------------------------------------------------------


@rewritten("E101", "a case file with a member twice", "member_twice", "case.json")
def _(data: bytes) -> bytes:
    return data.replace(b'"agency":"Unit 7"', b'"agency":"Unit 7","agency":"Unit 7"')


@rewritten("E101", "a case file that writes a letter as an escape", "needless_escape", "case.json")
def _(data: bytes) -> bytes:
    return data.replace(b'"Unit 7"', b'"\\u0055nit 7"')


@rewritten("E101", "a case file that begins with a byte order mark", "byte_order_mark", "case.json")
def _(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


@rewritten("E101", "a case file with a member that no schema has", "unknown_member", "case.json")
def _(data: bytes) -> bytes:
    return data[:-1] + b',"z":"1"}'


@rewritten("E101", "a case file that is not UTF-8", "not_utf8", "case.json")
def _(data: bytes) -> bytes:
    return data.replace(b"Unit 7", b"Unit \xff")


@rewritten("E101", "a case file with a space after a comma", "white_space", "case.json")
def _(data: bytes) -> bytes:
    return data.replace(b",", b", ", 1)


@rewritten("E101", "an entry that ends in a newline", "entry_with_newline", layout.entry_folder(3) + "/entry")
def _(data: bytes) -> bytes:
    return data + b"\n"


@spoilt("E104", "an event of another case", "event_of_another_case")
def _(b: Bench) -> None:
    b.enter(b.event(1, items=NEXT, case=base64.b64encode(bytes(16)).decode()))


# --- the log -------------------------------------------------------------------------------------------------------


@spoilt("E301", "a case that is opened a second time", "opened_twice")
def _(b: Bench) -> None:
    b.enter(b.event(0))


@spoilt("E301", "a hold released that nobody laid on the item", "no_such_hold")
def _(b: Bench) -> None:
    force(b, "hold_release", ["EX-001"], {"hold": "H-9", "authority": "order 12"})


@spoilt("E301", "an item returned that was not lent", "not_lent")
def _(b: Bench) -> None:
    force(b, "return", ["EX-001"], {"place": "Laboratory"})


@spoilt("E301", "something that nobody collected is stored", "unknown_item")
def _(b: Bench) -> None:
    force(b, "store", NEXT, {"place": "Room 4"})


@spoilt("E301", "an item collected a second time", "collected_twice")
def _(b: Bench) -> None:
    force(b, "collect", ["EX-001"], {"description": "a telephone"})


@spoilt("E301", "a sealed item that is acquired again", "acquired_again")
def _(b: Bench) -> None:
    b.enter(b.event(1))


@spoilt("E304", "a signer who has seen more of the log than there was", "seen_ahead")
def _(b: Bench) -> None:
    b.enter(b.event(1, items=NEXT, seen={"origin": ORIGIN, "root": "00" * 32, "size": "9"}))


@spoilt("E305", "an entry that names a checkpoint older than the entry before it did", "head_going_back")
def _(b: Bench) -> None:
    b.enter(b.event(1, items=NEXT), head=1)


@spoilt("E306", "an entry with another number than its folder", "index_of_another")
def _(b: Bench) -> None:
    b.enter(b.event(1, items=NEXT), index=7)


@spoilt("E302", "an entry that says its item is new, although it is not", "item_said_to_be_new")
def _(b: Bench) -> None:
    b.enter(b.event(3), items_prev=(None,))


@spoilt("E204", "an older checkpoint signed by the log's keys over another tree", "older_checkpoint")
def _(b: Bench) -> None:
    note = b.log_keys.sign_checkpoint(Checkpoint(ORIGIN, 3, bytes(32)))
    (b.case / layout.checkpoint_file(3)).write_bytes(note)


# --- custody -------------------------------------------------------------------------------------------------------


@spoilt("E311", "an item lent by somebody who does not have it", "lent_by_another")
def _(b: Bench) -> None:
    force(b, "loan", ["EX-001"], {"to": named("partner")}, by="other")


@spoilt("E311", "an item offered by somebody who does not have it", "offered_by_another")
def _(b: Bench) -> None:
    force(b, "offer", ["EX-001"], {"to": named("partner"), "purpose": "analysis"}, by="other")


@spoilt("E313", "an offer refused by somebody to whom nothing was offered", "refused_by_another")
def _(b: Bench) -> None:
    force(b, "refuse", ["EX-001"], {"offer": offer(b, "EX-001"), "reason": "no room"}, by="partner")


@spoilt("E314", "an answer to an offer that was refused before", "refused_before")
def _(b: Bench) -> None:
    offered = offer(b, "EX-001")
    put(b, "refuse", ["EX-001"], {"offer": offered, "reason": "no room"}, by="other")
    force(b, "accept", ["EX-001"], {"offer": offered} | CHECKED, by="other")


@spoilt("E315", "an item lent after it was destroyed", "lent_after_disposal")
def _(b: Bench) -> None:
    body = {"authority": "order 4", "method": "fire", "witness": [named("other")], "place": "Room 9"}
    put(b, "dispose", ["EX-001"], body)
    force(b, "loan", ["EX-001"], {"to": named("partner")})


@spoilt("E316", "an item given to its owner while a hold was open", "released_under_hold")
def _(b: Bench) -> None:
    put(b, "hold", ["EX-001"], {"hold": "H-7"})
    force(b, "release", ["EX-001"], {"to": "the owner"})


@spoilt("E308", "a countersignature of an event that is yet to come", "countersigns_the_future")
def _(b: Bench) -> None:
    force(b, "countersign", [], {"of": {"entry": "99", "event": "00" * 32}, "meaning": "seen"})


@spoilt("E310", "a key added without a signature by that key", "new_key_did_not_sign")
def _(b: Bench) -> None:
    new = (Path(__file__).parent / "cases/keys/other.pub").read_text().strip()
    force(b, "key_add", [], {"id": "other", "public_key": new, "reason": "a colleague"})


# --- signatures and notes ------------------------------------------------------------------------------------------


def signed_otherwise(code: str, why: str, name: str) -> Callable[[Callable[[Bench, bytes], bytes]], None]:
    """Register a fixture whose newest event is signed in another way than it has to be."""

    def register(sign: Callable[[Bench, bytes], bytes]) -> None:
        @spoilt(code, why, name)
        def _(b: Bench) -> None:
            data = encode_event(b.event(1, items=NEXT))
            b.enter(data, signatures=[sign(b, data)])

    return register


@signed_otherwise("E402", "a signature that was made for files, not for events", "other_namespace")
def _(b: Bench, data: bytes) -> bytes:
    made: bytes = b.signer.sign(data, "file")
    return made


@signed_otherwise("E402", "a signature with the line ends of another system", "other_line_ends")
def _(b: Bench, data: bytes) -> bytes:
    made: bytes = b.signer.sign(data, NAMESPACE)
    return made.replace(b"\n", b"\r\n")


@signed_otherwise("E402", "a signature over another event", "over_another_event")
def _(b: Bench, data: bytes) -> bytes:
    made: bytes = b.signer.sign(data + b" ", NAMESPACE)
    return made


NOTE = layout.checkpoint_file(4)


@rewritten("E405", "a checkpoint with a third line of signature", "third_line", NOTE)
def _(data: bytes) -> bytes:
    return data + data.splitlines(keepends=True)[-2]


@rewritten("E406", "a checkpoint whose ML-DSA signature has another last byte", "second_signature", NOTE)
def _(data: bytes) -> bytes:
    first, _, last = data.rstrip(b"\n").rpartition(b" ")
    raw = bytearray(base64.b64decode(last))
    raw[2000] ^= 1
    return first + b" " + base64.b64encode(raw) + b"\n"


@rewritten("E105", "a checkpoint of another origin", "other_origin", NOTE)
def _(data: bytes) -> bytes:
    return data.replace(ORIGIN.encode(), b"vectors.example/other", 1)


@rewritten("E105", "a checkpoint whose size has a zero in front", "size_with_zero", NOTE)
def _(data: bytes) -> bytes:
    return data.replace(b"\n4\n", b"\n04\n", 1)


@rewritten("E105", "a checkpoint with a line of an extension", "extension_line", NOTE)
def _(data: bytes) -> bytes:
    return data.replace(b"\n\n", b"\nextension\n\n", 1)


@rewritten("E105", "a checkpoint without its last line end", "no_line_end", NOTE)
def _(data: bytes) -> bytes:
    return data[:-1]


@spoilt("E408", "a policy that lets the signer sign files alone", "other_namespace")
def _(b: Bench) -> None:
    words = " ".join((Path(__file__).parent / "cases/keys/examiner.pub").read_text().split()[:2])
    b.policy(signers=f'examiner namespaces="file" {words}\n')


# --- files of the record -------------------------------------------------------------------------------------------

gone("E501", "an event that is not there", "event_gone", layout.event_file(1))
gone("E501", "an entry that is not there", "entry_gone", layout.entry_folder(2) + "/entry")
gone("E501", "a catalogue that is not there", "catalogue_gone", layout.manifest_file(1))
gone("E501", "no case file", "case_file_gone", "case.json")


@spoilt("E112", "a header whose bytes are one short", "bytes_short")
def _(b: Bench) -> None:
    header = b.header()
    header["totals"]["bytes"] = str(int(header["totals"]["bytes"]) - 1)
    b.rewrite(list, {b"evidencekit.header": pb.jcs(header)})


@spoilt("E108", "a header that names another case", "other_case")
def _(b: Bench) -> None:
    header = b.header() | {"case": base64.b64encode(bytes(16)).decode()}
    b.rewrite(list, {b"evidencekit.header": pb.jcs(header)})


@spoilt("E212", "another size in the column for searching", "other_size")
def _(b: Bench) -> None:
    b.rewrite(lambda rows: rows[-1].update(size=(rows[-1]["size"] or 0) + 1))


@spoilt("E109", "a row with the number of another", "index_twice")
def _(b: Bench) -> None:
    b.rewrite(lambda rows: rows[3].update(index=rows[2]["index"]))


@spoilt("E107", "the row of a folder taken away, whose files are there", "no_folder_row")
def _(b: Bench) -> None:
    b.rewrite(lambda rows: rows.remove(next(row for row in rows if row["path"] == b"docs")))


@spoilt("E507", "a file of the source that became a link", "other_kind")
def _(b: Bench) -> None:
    path = b.source() / "empty"
    path.unlink()
    path.symlink_to("docs/a.txt")


@spoilt("E201", "a file of the source with another byte", "source_altered")
def _(b: Bench) -> None:
    path = b.source() / "docs/a.txt"
    path.write_bytes(path.read_bytes().replace(b"first", b"First"))


# --- containers ----------------------------------------------------------------------------------------------------


def entered(code: str, why: str, name: str, path: str, kind: bytes = tarfile.REGTYPE) -> None:
    """Register a package as .tar with one entry more."""

    @spoilt(code, why, name)
    def _(b: Bench) -> None:
        place = archive(b, parts_of(b).closed(b.signer), "tar")
        with tarfile.open(place, "a", format=tarfile.PAX_FORMAT) as more:
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = kind, "package/README.txt" if kind == tarfile.LNKTYPE else ""
            more.addfile(entry, io.BytesIO())


entered("E153", "a tar with an absolute path", "absolute_path", "/package/evidence/x")
entered("E153", "a tar with a backslash in a name", "backslash", "package/evidence\\x")
entered("E153", "a tar with a drive in a name", "drive", "package/C:/x")
entered("E153", "a tar with a name that Windows reserves", "reserved_name", "package/evidence/con.txt")
entered("E153", "a tar with a name that ends in a dot", "dot_at_the_end", "package/evidence/x.")
entered("E153", "a tar with two folders at the top", "two_tops", "parcel/README.txt")
entered("E154", "a tar with a hard link", "hard_link", "package/evidence/x", tarfile.LNKTYPE)
entered("E154", "a tar with a device", "device", "package/evidence/x", tarfile.CHRTYPE)
entered("E154", "a tar with a FIFO", "fifo", "package/evidence/x", tarfile.FIFOTYPE)
entered("E155", "a tar in which a file is a folder, too", "file_and_folder", "package/README.txt/x")
entered("E155", "a tar with an entry twice", "entry_twice", "package/README.txt")


@spoilt("E155", "a tar with two names that are one after normalisation", "equal_after_nfc")
def _(b: Bench) -> None:
    files = parts_of(b).closed(b.signer)
    archive(b, files | {"data/EX-001/\u00e9": b"", "data/EX-001/e\u0301": b""}, "tar")


def zipped(code: str, why: str, name: str) -> Callable[[Callable[[bytearray], bytes]], None]:
    """Register a package as .zip, stored, with bytes of the archive changed."""

    def register(change: Callable[[bytearray], bytes]) -> None:
        @spoilt(code, why, name)
        def _(b: Bench) -> None:
            path = b.folder / "package.zip"
            b.options["package"] = path.name
            pb.write_zip(parts_of(b).closed(b.signer), path, method=zipfile.ZIP_STORED)
            path.write_bytes(change(bytearray(path.read_bytes())))

    return register


CENTRAL = b"PK\x01\x02"


@zipped("E151", "a zip that says an entry is encrypted", "encrypted_entry")
def _(data: bytearray) -> bytes:
    data[6] |= 1
    data[data.index(CENTRAL) + 8] |= 1
    return bytes(data)


@zipped("E151", "a zip with a comment", "comment")
def _(data: bytearray) -> bytes:
    data[-2:] = b"\x02\x00"
    return bytes(data) + b"hi"


@zipped("E152", "a zip with bytes between two entries", "gap")
def _(data: bytearray) -> bytes:
    at = data.index(CENTRAL)
    end = data.index(b"PK\x05\x06")
    data[end + 16 : end + 20] = (at + 4).to_bytes(4, "little")
    return bytes(data[:at] + b"gap!" + data[at:])


@zipped("E152", "a zip whose directory has another name than the entry", "other_name")
def _(data: bytearray) -> bytes:
    at = data.index(CENTRAL) + 46
    data[at + len("package/") : at + len("package/") + 1] = b"B"
    return bytes(data)


@spoilt("E151", "a zip with a method that is neither stored nor deflated", "other_method")
def _(b: Bench) -> None:
    path = b.folder / "package.zip"
    b.options["package"] = path.name
    pb.write_zip(parts_of(b).closed(b.signer), path, method=zipfile.ZIP_BZIP2)


# --- the bag and what is signed ------------------------------------------------------------------------------------


@carried("E161", "a Payload-Oxum of one byte more", "other_oxum")
def _(files: pb.Files) -> None:
    files["bag-info.txt"] = files["bag-info.txt"].replace(b"Oxum: ", b"Oxum: 1")


@carried("E161", "a bag of another version", "other_version")
def _(files: pb.Files) -> None:
    files["bagit.txt"] = files["bagit.txt"].replace(b"1.0", b"0.97")


@carried("E161", "two lines of a manifest in the other order", "lines_exchanged")
def _(files: pb.Files) -> None:
    lines = files["manifest-sha256.txt"].splitlines(keepends=True)
    files["manifest-sha256.txt"] = b"".join([lines[1], lines[0], *lines[2:]])


@carried("E162", "a read-me that was rewritten", "readme_rewritten")
def _(files: pb.Files) -> None:
    files["README.txt"] = b"Trust this package.\n"


@carried("E163", "lines of rows taken away as a whole", "lines_gone")
def _(files: pb.Files) -> None:
    del files["evidence/records.jsonl"]


@carried("E164", "a file put beside the bag's own", "file_beside")
def _(files: pb.Files) -> None:
    files["note.txt"] = b"?"


@carried("E401", "a package without a signature", "package_not_signed")
def _(files: pb.Files) -> None:
    del files["evidence/package.json.sig"]


@carried("E402", "a package record that was changed after it was signed", "package_record_changed")
def _(files: pb.Files) -> None:
    data = files["evidence/package.json"]
    files["evidence/package.json"] = data.replace(b"2026-06-01T08", b"2026-06-01T09")


@exported("E166", "a package that names another case", "other_case")
def _(parts: pb.Parts) -> None:
    parts.record["case"] = base64.b64encode(bytes(16)).decode()


@exported("E166", "a package that names another root of its log", "other_root")
def _(parts: pb.Parts) -> None:
    parts.record["checkpoint"] |= {"root": "00" * 32}


@exported("E501", "a package without the event that sealed its catalogue", "seal_event_hidden")
def _(parts: pb.Parts) -> None:
    folder = f"evidence/{layout.entry_folder(int(parts.record['manifests'][0]['entry']))}/"
    for path in [path for path in parts.files if path.startswith(folder) and not path.endswith("/entry")]:
        del parts.files[path]


@exported("E174", "a group that is withheld, and was not counted", "group_not_counted")
def _(parts: pb.Parts) -> None:
    parts.withheld["groups"].pop()


@exported("E174", "a ground that is used, and has no label", "no_label")
def _(parts: pb.Parts) -> None:
    parts.withheld["grounds"].pop()


@exported("E169", "a line that stands twice", "line_twice")
def _(parts: pb.Parts) -> None:
    parts.lines.insert(1, dict(parts.lines[1]))


@exported("E173", "a row that disowns its payload", "payload_disowned")
def _(parts: pb.Parts) -> None:
    next(line for line in parts.lines if line["payload"])["payload"] = None


@exported("E171", "a payload one byte longer than its row says", "payload_longer")
def _(parts: pb.Parts) -> None:
    said: dict[str, Any] = next(line for line in parts.lines if line["payload"])["payload"]
    parts.files[said["path"]] += b"."
    said["bytes"] = str(int(said["bytes"]) + 1)


@exported("E101", "a row with a group that is neither opened nor withheld", "group_forgotten")
def _(parts: pb.Parts) -> None:
    del parts.lines[0]["groups"]["metadata"]


@exported("E207", "a row at the place of another", "index_of_another")
def _(parts: pb.Parts) -> None:
    parts.lines[-1]["index"] = str(int(parts.lines[-1]["index"]) + 1)


@spoilt("E162", "a file of one package in another of the same case", "file_of_another_package")
def _(b: Bench) -> None:
    case = b.folder / "again"
    shutil.copytree(b.case, case, symlinks=True)
    files = parts_of(b).closed(b.signer)
    wanted = pb.Wanted(rows=[0], events={3: "security"})
    other = pb.evidence_of(case, lambda _: b"", wanted).closed(signer("examiner"))
    shutil.rmtree(case)
    files["evidence/records.jsonl"] = other["evidence/records.jsonl"]
    archive(b, files)
