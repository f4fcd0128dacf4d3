"""Cases made by the real writer, and a source with everything odd in it.

A test module gets this one by `load()` of its conftest, since tests are no package.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidencekit.acquire.options import Options
from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.journeys.acquire import Acquisition, Sealed, acquire_and_seal
from evidencekit.read.parquet import ManifestFile, Row
from evidencekit.seal.ledger import Ledger, finish
from evidencekit.seal.logkeys import LogKeys, new_log_keys
from evidencekit.seal.opening import open_case
from evidencekit.seal.sign import Signer, load_signer, new_key
from evidencekit.verify.policy import Policy, read_policy

ORIGIN = "unit7.example/real"
PROGRAM = {"name": "evidencekit", "parts": {}, "version": "test"}
ODD_NAMES = (
    b"plain",
    b" blank ends ",
    b"new\nline",
    b"return\rhere",
    b"back\\slash",
    b"-dash",
    b"quote\"'s",
    b"percent%0A",
    b"tab\there",
    b"not-utf8-\xff",
    "kreuz-ü-é-日本".encode(),
    "e\u0301 decomposed".encode(),
    b"esc\x1b[31mred\x1b]0;title\x07",
    b"del\x7f",
    "c1\u0085\u009b31m".encode(),
    "rlo\u202egpj.exe".encode(),
    b"[bold red]markup[\\]",
    b"[red]markup",
    b"*glob?[x]",
    b"=1+1",
)
"""Names that have hurt other tools (lessons.md)."""


def make_source(folder: Path) -> Path:
    """Make a folder of files, folders, links and special files with odd names; return it."""
    (folder / "docs/empty").mkdir(parents=True)
    for number in range(5):
        (folder / f"docs/{number:02d}.txt").write_text(f"letter {number}\n" * number)
    (folder / "docs/copy").write_text("letter 1\n")  # the same content as 01.txt
    (folder / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0")
    (folder / "link").symlink_to("docs/00.txt")
    (folder / "dangling").symlink_to("nowhere\x1b[31m")
    os.link(folder / "docs/01.txt", folder / "hard")
    os.mkfifo(folder / "fifo")
    for name in ODD_NAMES:
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            file.write(b"content of " + name)
    os.mkdir(os.fsencode(folder) + b"/dir\n\xfe")
    return folder


def actor(signer: Signer, name: str = "examiner") -> dict[str, Any]:
    """The actor record of a signer."""
    return {"id": name, "key": signer.fingerprint, "organisation": None, "role": None}


@dataclass
class Office:
    """Two examiners, the keys of one log, and the recipient's policy."""

    folder: Path
    origin: str = ORIGIN
    keys: LogKeys = field(init=False)
    signer: Signer = field(init=False)
    other: Signer = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("examiner", "other"):
            new_key(self.folder / name, comment=name, passphrase=None)
        self.signer = load_signer(self.folder / "examiner", ask_passphrase=None)
        self.other = load_signer(self.folder / "other", ask_passphrase=None)
        self.keys = new_log_keys(self.origin)

    def open(self, path: Path, **more: Any) -> Checkpoint:
        """Open a case."""
        given: dict[str, Any] = {
            "identity": bytes(range(16)), "reference": "24-117", "agency": "Unit 7", "signer": self.signer,
            "actor": actor(self.signer), "keys": self.keys, "clock": time.time_ns, "random": os.urandom,
            "utc_offset_min": 60,
        }  # fmt: skip
        return open_case(path, **(given | more))

    def ledger(self, case: Path, **more: Any) -> Ledger:
        """Open a case for appending."""
        given = {"keys": self.keys, "clock": time.time_ns, "random": os.urandom, "utc_offset_min": 60}
        return Ledger(case, **(given | more))

    def finish(self, case: Path) -> tuple[Checkpoint | None, list[str]]:
        """`checkpoint finish`."""
        return finish(case, keys=self.keys, random=os.urandom)

    def acquire(
        self, case: Path, source: Path, exhibit: str = "EX-001", *, signer: Signer | None = None,
        options: Options | None = None, on_sealed: Any = None, random: Any = os.urandom, **more: Any,
    ) -> Sealed:  # fmt: skip
        """`acquire`; with resume what is unfinished is finished first, as the command does."""
        person = signer or self.signer
        if more.get("resume"):
            self.finish(case)
        return acquire_and_seal(
            self.ledger(case),
            Acquisition(source, exhibit, PROGRAM, options=options or Options(), **more),
            signer=person, actor=actor(person), clock=time.time_ns, random=random, utc_offset_min=60,
            on_sealed=on_sealed,
        )  # fmt: skip

    def policy(self) -> Policy:
        """A policy that admits the log and the examiner."""
        folder = self.folder / "policy"
        if not folder.exists():
            folder.mkdir()
            (folder / "policy.toml").write_text(
                f'version = 1\n[[log]]\norigin = "{self.origin}"\nall_required_from = 0\n'
            )
            key = " ".join((self.folder / "examiner.pub").read_text().split()[:2])
            (folder / "allowed_signers").write_text(f"examiner {key}\n")
            (folder / "logs.policy").write_text("".join(f"log {vkey}\n" for vkey in self.keys.vkeys) + "quorum none\n")
        return read_policy(folder)


def rows(case: Path, number: int = 1) -> list[Row]:
    """The rows of a manifest, as they stand in the file."""
    place = layout.manifest_file(number)
    with (case / place).open("rb") as file:
        return list(ManifestFile(file, place).rows())


def facts(case: Path, number: int = 1) -> list[tuple[bytes, str, bytes]]:
    """What two acquisitions of one source agree on: path, kind, and the group `content`."""
    return [(row.path, row.kind, row.content) for row in rows(case, number)]


def snapshot(case: Path, *, whole: bool = False) -> dict[str, bytes]:
    """Every file of a case by its place; unless `whole` without work/ and temporary files."""
    found = {}
    for folder, _, names in os.walk(case):
        for name in names:
            path = Path(folder, name)
            place = path.relative_to(case).as_posix()
            if whole or not layout.is_disposable(place):
                found[place] = path.read_bytes()
    return found
