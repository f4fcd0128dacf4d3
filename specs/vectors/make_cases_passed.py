"""Packages that were received: kept in a case, and passed on in part; and packages with more than proofs of rows.

The good case sends; a laboratory receives, and passes on. `make_cases.py` takes them in. Source: specs/package.md 7,
specs/store.md 10, specs/verification.md 1.18.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from make_cases_custody import Clock, actor, named, open_ledger, signer
from make_cases_package import Spoil, archive, content, pb

from evidencekit.core.digest import sha256
from evidencekit.core.values import encode_base64
from evidencekit.seal.logkeys import LogKeys, new_log_keys
from evidencekit.seal.opening import open_case

if TYPE_CHECKING:
    from make_cases import Bench

SPOILT: dict[str, tuple[str, str, Spoil]] = {}
"""Folder to code, reason and maker, as in make_cases.py."""
ORIGIN = "lab.vectors.example/9"
ITEM = "GOT-1"
PACKAGE = "evidence/package.json"
ASPECTS = ("completeness", "custody", "evidence", "identity", "record", "time", "witness")
Edit = Callable[["Passing"], object]


def spoilt(code: str, why: str, name: str) -> Callable[[Spoil], Spoil]:
    """Register a fixture of a code."""

    def register(function: Spoil) -> Spoil:
        SPOILT[f"{code}_{name}"] = (code, why, function)
        return function

    return register


@dataclass
class Laboratory:
    """The case of whoever received a package, and what came in it."""

    case: Path
    keys: LogKeys
    files: pb.Files
    begins: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.files[PACKAGE]).hexdigest()

    @property
    def kept(self) -> Path:
        """Where the case keeps it."""
        return self.case / "packages" / self.digest


def receive(b: Bench, folder: str, **changes: Any) -> Laboratory:
    """Let the laboratory receive a package of the good case; `changes` are members of what its event says."""
    parts = pb.evidence_of(b.case, content, pb.Wanted(rows=[0, 2, 3, 4], withheld={4: {"metadata": "privacy"}}))
    lab = Laboratory(Path(folder) / "lab", new_log_keys(ORIGIN), parts.closed(b.signer), b.begins)
    open_case(
        lab.case, identity=sha256(b"lab")[:16], reference="L-9", agency="Laboratory", signer=signer("other"),
        actor=actor("other"), keys=lab.keys, clock=Clock(b.begins), random=os.urandom, utc_offset_min=60,
    )  # fmt: skip
    pb.write_folder(lab.files, lab.kept)
    said = parts.record
    body = {
        "case": said["case"], "checked": dict.fromkeys(ASPECTS, "not_checked") | {"record": "ok"},
        "log": said["checkpoint"], "offered_as": ["EX-001"], "package": lab.digest, "policy": None,
        "sent_by": named("examiner"), "transfer": said["transfer"], "verdict": "INTEGRITY ONLY",
    }  # fmt: skip
    ledger = open_ledger(lab.case, lab.keys, b.begins)
    ledger.append("receive", [ITEM], body | changes, actor=actor("other"), signers=[signer("other")])
    ledger.checkpoint()
    return lab


@dataclass
class Passing:
    """A package that passes on another, before it is signed: its own parts, and what is passed on."""

    parts: pb.Parts
    passed: pb.Files
    lines: list[dict[str, Any]]

    @property
    def place(self) -> str:
        return f"evidence/previous/{self.parts.record['previous'][0]['package']}/"

    def closed(self, b: Bench) -> pb.Files:
        """The signed bag."""
        self.parts.files |= self.passed
        self.parts.files[f"{self.place}records.jsonl"] = b"".join(pb.jcs(line) + b"\n" for line in self.lines)
        self.parts.record["hash_only"] = not any(path.startswith("data/") for path in self.parts.files)
        return self.parts.closed(b.other)


def passing(lab: Laboratory) -> Passing:
    """Gather what passes on all that the laboratory received."""
    previous = [{"origin": "vectors.example/small", "package": lab.digest}]
    parts = pb.evidence_of(lab.case, content, pb.Wanted(record={"items": [ITEM], "previous": previous}))
    place = f"evidence/previous/{lab.digest}/"
    moved = {
        path.replace("evidence/", place, 1): data for path, data in lab.files.items() if path.startswith("evidence/")
    }
    lines = [json.loads(line) for line in moved.pop(f"{place}records.jsonl").splitlines()]
    passed = moved | {path: data for path, data in lab.files.items() if path.startswith("data/")}
    return Passing(parts, passed, lines)


def close(line: dict[str, Any], group: str, ground: str = "privacy") -> None:
    """Pass a line on with one group less."""
    line["grounds"][group] = ground
    del line["groups"][group]


def make_package(b: Bench, key_line: Callable[..., str], log_rule: str) -> None:
    """The good one: one row is left out, of one the metadata, of one the content."""
    with tempfile.TemporaryDirectory() as folder:
        lab = receive(b, folder)
        one = passing(lab)
        del one.lines[0]
        close(one.lines[0], "metadata")
        close(one.lines[1], "content")
        del one.passed[one.lines[1]["payload"]["path"]]
        one.lines[1]["payload"] = None
        archive(b, one.closed(b))
    trust(b, lab, key_line, log_rule)
    shutil.rmtree(b.case)


def make_case(b: Bench, key_line: Callable[..., str], log_rule: str) -> None:
    """A case that keeps what it received."""
    with tempfile.TemporaryDirectory() as folder:
        lab = receive(b, folder)
        trust(b, lab, key_line, log_rule)
        settle(b, lab)


def settle(b: Bench, lab: Laboratory) -> None:
    """Make the laboratory's case that of the fixture."""
    shutil.rmtree(b.case)
    shutil.copytree(lab.case, b.case)


def trust(b: Bench, lab: Laboratory, key_line: Callable[..., str], log_rule: str) -> None:
    """A policy that knows both logs and both persons."""
    b.policy(
        settings=log_rule + log_rule.replace("vectors.example/small", ORIGIN),
        signers="".join(key_line(name, principal=name) for name in ("examiner", "other")),
        logs="".join(f"log {key}\n" for key in (*b.log_keys.vkeys, *lab.keys.vkeys)) + "quorum none\n",
    )


# --- passed on -------------------------------------------------------------------------------------------------------


def passed_on(code: str, why: str, name: str, **changes: Any) -> Callable[[Edit], None]:
    """Register a fixture that its exporter signed, although it does not add up; `changes` as of `receive`."""

    def register(edit: Edit) -> None:
        @spoilt(code, why, name)
        def _(b: Bench) -> None:
            with tempfile.TemporaryDirectory() as folder:
                one = passing(receive(b, folder, **changes))
                edit(one)
                archive(b, one.closed(b))
            shutil.rmtree(b.case)

    return register


@passed_on("E166", "a package passed on that was received as another transfer", "passed_on_otherwise",
           transfer=encode_base64(b"another transfer"))  # fmt: skip
def _(one: Passing) -> None:
    """As it is."""


@passed_on("E166", "a package passed on that no event says was received", "passed_on_by_nobody", package="00" * 32)
def _(one: Passing) -> None:
    """As it is."""


@passed_on("E201", "a package passed on with another record than was received", "passed_on_record_changed")
def _(one: Passing) -> None:
    place = f"{one.place}package.json"
    one.passed[place] = one.passed[place].replace(b'"use_limits":null', b'"use_limits":"none"')


@passed_on("E201", "a package passed on with another account of what it withholds", "passed_on_file_changed")
def _(one: Passing) -> None:
    place = f"{one.place}withheld.json"
    one.passed[place] = one.passed[place].replace(b"Privacy of persons", b"Privacy of victims")


@passed_on("E501", "a package passed on without one of its checkpoints", "passed_on_file_gone")
def _(one: Passing) -> None:
    del one.passed[f"{one.place}checkpoints/00000001"]


@passed_on("E165", "a package passed on with a file that it never had", "passed_on_file_added")
def _(one: Passing) -> None:
    one.passed[f"{one.place}objects/sha256/00/{'00' * 32}"] = b"?"


@passed_on("E169", "a row passed on twice", "passed_on_twice")
def _(one: Passing) -> None:
    one.lines.insert(1, one.lines[1])


@passed_on("E101", "a row passed on with its content closed and its payload there", "closed_with_payload")
def _(one: Passing) -> None:
    close(next(line for line in one.lines if line["payload"]), "content")


@passed_on("E101", "a row passed on of which no group is open", "closed_wholly")
def _(one: Passing) -> None:
    for group in ("name", "content", "metadata"):
        close(one.lines[0], group)


@passed_on("E172", "a row passed on with its name closed and its payload under that name", "closed_name_kept")
def _(one: Passing) -> None:
    close(next(line for line in one.lines if line["payload"]), "name")


# --- leaves ----------------------------------------------------------------------------------------------------------


@spoilt("E207", "all leaf hashes of a catalogue, one of them another", "leaves_altered")
def _(b: Bench) -> None:
    parts = pb.evidence_of(b.case, content, pb.Wanted(leaves=True))
    place = "evidence/leaves/00000001"
    data = bytearray(parts.files[place])
    data[40] ^= 1
    parts.files[place] = bytes(data)
    archive(b, parts.closed(b.signer))
    shutil.rmtree(b.case)


@spoilt("E207", "all leaf hashes of a catalogue but the last", "leaves_cut")
def _(b: Bench) -> None:
    parts = pb.evidence_of(b.case, content, pb.Wanted(leaves=True))
    parts.files["evidence/leaves/00000001"] = parts.files["evidence/leaves/00000001"][:-32]
    archive(b, parts.closed(b.signer))
    shutil.rmtree(b.case)


# --- catalogues as a whole -------------------------------------------------------------------------------------------


def full(b: Bench, change: Callable[[bytes], bytes | None]) -> None:
    """Make a package that has the sealed catalogue as well, changed by whoever signed the package."""
    parts = pb.evidence_of(b.case, content, pb.Wanted(record={"full": True}))
    data = change((b.case / "manifests/00000001.parquet").read_bytes())
    if data is not None:
        parts.files["evidence/manifests/00000001.parquet"] = data
    archive(b, parts.closed(b.signer), "tar")
    shutil.rmtree(b.case)


@spoilt("E106", "a full package whose catalogue has another byte in a page", "full_catalogue_damaged")
def _(b: Bench) -> None:
    full(b, lambda data: data[:900] + bytes([data[900] ^ 1]) + data[901:])


@spoilt("E501", "a full package without its catalogue", "full_catalogue_gone")
def _(b: Bench) -> None:
    full(b, lambda _: None)


# --- kept in a case --------------------------------------------------------------------------------------------------


def kept(code: str, why: str, name: str, **changes: Any) -> Callable[[Callable[[Laboratory], object]], None]:
    """Register a case that keeps a package, of which one thing is wrong; `changes` as of `receive`."""

    def register(edit: Callable[[Laboratory], object]) -> None:
        @spoilt(code, why, name)
        def _(b: Bench) -> None:
            with tempfile.TemporaryDirectory() as folder:
                lab = receive(b, folder, **changes)
                edit(lab)
                settle(b, lab)

    return register


@kept("E501", "a case without the package that it received", "received_package_gone")
def _(lab: Laboratory) -> None:
    shutil.rmtree(lab.kept)


@kept("E162", "a received package with another byte in a file", "received_file_changed")
def _(lab: Laboratory) -> None:
    path = next(path for path in sorted((lab.kept / "data").rglob("*")) if path.is_file())
    path.write_bytes(path.read_bytes() + b".")


@kept("E164", "a received package with a file put below data/", "received_file_planted")
def _(lab: Laboratory) -> None:
    (lab.kept / "data/planted").write_bytes(b"?")


@kept("E309", "a received package of which the event says another transfer", "received_otherwise",
      transfer=encode_base64(b"another transfer"))  # fmt: skip
def _(lab: Laboratory) -> None:
    """As it is."""


@kept("W902", "a package in the case that nobody received", "package_of_nobody")
def _(lab: Laboratory) -> None:
    shutil.copytree(lab.kept, lab.kept.with_name("00" * 32))
