"""A sealed case of a small odd source, made once by the real writer; each test gets its own copy."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidencekit.journeys.acquire import Acquisition, acquire_and_seal
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.logkeys import LogKeys, new_log_keys
from evidencekit.seal.opening import open_case
from evidencekit.seal.sign import Signer, load_signer, new_key
from evidencekit.verify.policy import Policy, read_policy

for _name in ("casebuilder", "packagebuilder"):  # which test_packages imports by their names
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).parents[1] / f"{_name}.py")
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])
ORIGIN = "unit7.example/tamper"
PROGRAM = {"name": "evidencekit", "parts": {}, "version": "test"}


def actor(signer: Signer) -> dict:
    return {"id": "examiner", "key": signer.fingerprint, "organisation": None, "role": None}


@dataclass
class Sealed:
    """A case with everything that an insider has, and what a recipient has."""

    path: Path
    source: Path
    keys: LogKeys
    signer: Signer
    other: Signer
    policy: Policy

    def ledger(self, path: Path | None = None) -> Ledger:
        return Ledger(path or self.path, keys=self.keys, clock=time.time_ns, random=os.urandom, utc_offset_min=60)

    def acquire(self, source: Path, exhibit: str, **more) -> None:
        acquire_and_seal(
            self.ledger(),
            Acquisition(source=source, exhibit=exhibit, program=PROGRAM, **more),
            signer=self.signer,
            actor=actor(self.signer),
            clock=time.time_ns,
            random=os.urandom,
            utc_offset_min=60,
        )


def make_source(folder: Path) -> None:
    (folder / "docs/empty").mkdir(parents=True)
    for number in range(24):
        (folder / f"docs/{number:02d}.txt").write_text(f"letter {number}\n" * (number + 1))
    (folder / "docs/full").mkdir()
    (folder / "docs/full/inside").write_text("here\n")
    (folder / "link").symlink_to("docs/00.txt")
    os.link(folder / "docs/01.txt", folder / "hard")
    os.mkfifo(folder / "fifo")
    (folder / "odd\nname [").mkdir()
    (folder / "odd\nname [/red] \x1b[31m").write_bytes(bytes(range(256)))
    with open(os.fsencode(folder) + b"/not-utf8-\xff", "wb") as file:
        file.write(b"raw\n")
    if hasattr(os, "setxattr"):
        os.setxattr(folder / "docs/02.txt", "user.note", b"\x00\x01binary")


def make_case(folder: Path) -> Sealed:
    source = folder / "source"
    source.mkdir(parents=True)
    make_source(source)
    signers = []
    for name in ("examiner", "other"):
        new_key(folder / name, comment=name, passphrase=None)
        signers.append(load_signer(folder / name, ask_passphrase=None))
    keys = new_log_keys(ORIGIN)
    policy = folder / "policy"
    policy.mkdir()
    (policy / "policy.toml").write_text(f'version = 1\n[[log]]\norigin = "{ORIGIN}"\nall_required_from = 0\n')
    (policy / "allowed_signers").write_text(
        "examiner " + " ".join((folder / "examiner.pub").read_text().split()[:2]) + "\n"
    )
    (policy / "logs.policy").write_text("".join(f"log {vkey}\n" for vkey in keys.vkeys) + "quorum none\n")
    case = Sealed(folder / "case", source, keys, signers[0], signers[1], read_policy(policy))
    open_case(
        case.path,
        identity=bytes(range(16)),
        reference="24-117",
        agency="Unit 7",
        signer=case.signer,
        actor=actor(case.signer),
        keys=keys,
        clock=time.time_ns,
        random=os.urandom,
        utc_offset_min=60,
    )
    case.acquire(source, "EX-001")
    (folder / "second").mkdir()
    (folder / "second/one").write_text("one\n")
    case.acquire(folder / "second", "EX-002", types=False)
    return case


@pytest.fixture(scope="session")
def sealed(tmp_path_factory) -> Sealed:
    return make_case(tmp_path_factory.mktemp("tamper"))


@pytest.fixture
def copy(sealed: Sealed, tmp_path: Path) -> Path:
    shutil.copytree(sealed.path, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"
