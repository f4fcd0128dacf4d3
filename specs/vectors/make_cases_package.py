"""Packages: a good one, and one for each way of being wrong. `make_cases.py` takes them in.

Each is one archive, since what is wrong is often the archive. They are made by tests/packagebuilder.py, which shares
nothing with the exporter. Source: specs/package.md.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
import packagebuilder as pb
from make_cases_custody import named, put

if TYPE_CHECKING:
    from make_cases import Bench

Spoil = Callable[["Bench"], object]
SPOILT: dict[str, tuple[str, str, Spoil]] = {}
"""Folder to code, reason and maker, as in make_cases.py."""
SOURCE = Path(__file__).parent / "cases/source"
WITHHELD = {2: {"name": "privacy"}, 4: {"metadata": "third_party"}}
Change = Callable[[pb.Parts], object]


def spoilt(code: str, why: str, name: str) -> Callable[[Spoil], Spoil]:
    """Register a fixture of a code."""

    def register(function: Spoil) -> Spoil:
        SPOILT[f"{code}_{name}"] = (code, why, function)
        return function

    return register


def content(path: bytes) -> bytes:
    """The bytes of a file of the source."""
    return (SOURCE / path.decode()).read_bytes()


def parts_of(b: Bench, hidden: Mapping[int, str] | None = None) -> pb.Parts:
    """What a package of the good case has: four rows of eight, two of them not wholly, and an event hidden."""
    wanted = pb.Wanted(rows=[0, 2, 3, 4], withheld=WITHHELD, events={3: "security"} if hidden is None else hidden)
    parts = pb.evidence_of(b.case, content, wanted)
    shutil.rmtree(b.case)
    return parts


def archive(b: Bench, files: pb.Files, kind: str = "zip") -> Path:
    """Write the fixture's package."""
    b.options["package"] = f"package.{kind}"
    return pb.WRITERS[kind](files, b.folder / f"package.{kind}")


def make_package(b: Bench) -> None:
    """The good one."""
    archive(b, parts_of(b, hidden={}).closed(b.signer))
    b.policy()


def carried(code: str, why: str, name: str) -> Callable[[Callable[[pb.Files], object]], None]:
    """Register a fixture of which somebody changed a file on its way."""

    def register(change: Callable[[pb.Files], object]) -> None:
        @spoilt(code, why, name)
        def _(b: Bench) -> None:
            files = parts_of(b).closed(b.signer)
            change(files)
            archive(b, files)

    return register


def exported(code: str, why: str, name: str) -> Callable[[Change], None]:
    """Register a fixture that its exporter signed, although it does not add up."""

    def register(change: Change) -> None:
        @spoilt(code, why, name)
        def _(b: Bench) -> None:
            parts = parts_of(b)
            change(parts)
            archive(b, parts.closed(b.signer))

    return register


def payload(files: pb.Files) -> str:
    """The first file below data/."""
    return min(path for path in files if path.startswith("data/"))


# --- the container -------------------------------------------------------------------------------------------------


@spoilt("E151", "an archive that was cut off", "bad_container")
def _(b: Bench) -> None:
    path = archive(b, parts_of(b).closed(b.signer))
    path.write_bytes(path.read_bytes()[:-10])


@spoilt(
    "E152", "a zip whose first entry has another size in its own header than in the directory", "container_contradicts"
)
def _(b: Bench) -> None:
    path = archive(b, parts_of(b).closed(b.signer))
    data = bytearray(path.read_bytes())
    data[22] ^= 1
    path.write_bytes(data)


def _planted(b: Bench, name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
    path = archive(b, parts_of(b).closed(b.signer), "tar")
    with tarfile.open(path, "a", format=tarfile.PAX_FORMAT) as more:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, link
        more.addfile(entry, io.BytesIO())


@spoilt("E153", "a tar with an entry that leads out of it", "unsafe_name")
def _(b: Bench) -> None:
    _planted(b, "package/../../evil")


@spoilt("E154", "a tar with a link in it", "not_a_plain_file")
def _(b: Bench) -> None:
    _planted(b, "package/evidence/link", tarfile.SYMTYPE, "/etc/passwd")


@spoilt("E155", "a tar with a name that differs from another in case alone", "name_twice")
def _(b: Bench) -> None:
    _planted(b, "package/readme.TXT")


@spoilt("E156", "a tar with a file under more folders than a package may have", "container_too_large")
def _(b: Bench) -> None:
    _planted(b, "package/" + "d/" * 70 + "f")


@spoilt("E157", "a zip of which one entry has another checksum than its content", "entry_damaged")
def _(b: Bench) -> None:
    files = parts_of(b).closed(b.signer)
    path = b.folder / "package.zip"
    b.options["package"] = path.name
    pb.write_zip(files, path, method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.index(files["README.txt"])
    data[at] ^= 1
    path.write_bytes(data)


# --- the bag ---------------------------------------------------------------------------------------------------------


@carried("E161", "a line of one manifest taken away", "bad_bag")
def _(files: pb.Files) -> None:
    lines = files["manifest-sha512.txt"].split(b"\n")
    files["manifest-sha512.txt"] = b"\n".join(lines[1:])


@carried("E162", "a file below data/ changed", "bag_differs")
def _(files: pb.Files) -> None:
    files[payload(files)] += b"."


@carried("E163", "a file below data/ taken away", "bag_file_missing")
def _(files: pb.Files) -> None:
    del files[payload(files)]


@carried("E164", "a file put below data/", "bag_file_unlisted")
def _(files: pb.Files) -> None:
    files["data/EX-001/planted"] = b"?"


@spoilt("E165", "a file added, and named by the bag, that the exporter did not sign for", "package_file_unlisted")
def _(b: Bench) -> None:
    files = parts_of(b).closed(b.signer)
    files["evidence/planted"] = b"?"
    archive(b, pb.tagged(files))


# --- what is signed ------------------------------------------------------------------------------------------------


@exported("E166", "a package that says that fewer rows were sealed", "package_contradicts")
def _(parts: pb.Parts) -> None:
    one = parts.record["manifests"][0]
    one["rows"] = one["shown"]
    one["hidden"], parts.withheld["rows"] = [], []
    parts.withheld["grounds"] = [one for one in parts.withheld["grounds"] if one["ground"] != "not_requested"]


@exported("E167", "an event that is said to be withheld is there", "withheld_contradicts")
def _(parts: pb.Parts) -> None:
    parts.files["evidence/custody/00000003/event.json"] = b"{}"


@exported("E169", "two lines in the other order", "lines_out_of_order")
def _(parts: pb.Parts) -> None:
    parts.lines[1], parts.lines[2] = parts.lines[2], parts.lines[1]


@exported("E170", "a line of a catalogue that the package does not name", "line_of_nothing")
def _(parts: pb.Parts) -> None:
    parts.lines[-1]["manifest"] = "9"


def _with_payload(parts: pb.Parts) -> dict[str, Any]:
    return next(line for line in parts.lines if line["payload"] is not None)


@exported("E171", "other bytes than those that were sealed, in a bag that fits them", "payload_differs")
def _(parts: pb.Parts) -> None:
    path = _with_payload(parts)["payload"]["path"]
    parts.files[path] = hashlib.sha256(parts.files[path]).digest()[: len(parts.files[path])]


@exported("E172", "the bytes of a row under a name that is not its own", "payload_misnamed")
def _(parts: pb.Parts) -> None:
    line = _with_payload(parts)
    parts.files["data/EX-001/other.txt"] = parts.files.pop(line["payload"]["path"])
    line["payload"]["path"] = "data/EX-001/other.txt"


@exported("E173", "a file below data/ that no row is about", "payload_unclaimed")
def _(parts: pb.Parts) -> None:
    parts.files["data/EX-001/planted"] = b"?"


@exported("E174", "a hidden row counted as shown", "package_counts_differ")
def _(parts: pb.Parts) -> None:
    one = parts.record["manifests"][0]
    one["shown"] = str(int(one["shown"]) + 1)
    one["hidden"][0]["count"] = parts.withheld["rows"][0]["count"] = str(int(one["hidden"][0]["count"]) - 1)


@exported("E207", "a row under the proof of another one", "proof_of_another_row")
def _(parts: pb.Parts) -> None:
    parts.lines[1]["proof"] = parts.lines[2]["proof"]


@exported("E201", "a group of another row, with its salt", "group_of_another_row")
def _(parts: pb.Parts) -> None:
    parts.lines[3]["groups"]["name"] = parts.lines[2]["groups"]["name"]


@spoilt("E403", "a package that somebody else signed", "package_signed_by_another")
def _(b: Bench) -> None:
    archive(b, parts_of(b).closed(b.other))


@spoilt("E166", "a package of an item that no event of its log is about", "item_of_no_event")
def _(b: Bench) -> None:
    parts = parts_of(b, hidden={})
    archive(b, parts.closed(b.signer, items=[*parts.record["items"], "EX-999"]))


@exported("E166", "an event and its entry behind the checkpoint, which the log does not have", "entry_behind")
def _(parts: pb.Parts) -> None:
    last = max(path for path in parts.files if path.startswith("evidence/custody/") and path.endswith("/entry"))
    parts.files["evidence/custody/00000099/entry"] = parts.files[last]


@spoilt("E312", "a package by a key that its log retired before", "package_by_retired_key")
def _(b: Bench) -> None:
    key = named("other")["key"]
    put(b, "key_retire", [], {"key": key, "reason": "he left"})
    parts = parts_of(b, hidden={})
    archive(b, parts.closed(b.other, exporter=parts.record["exporter"] | {"key": key}))
