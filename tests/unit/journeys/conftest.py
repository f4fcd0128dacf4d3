"""A small log that grows by events that cost little, witnesses with their memory, and policies that believe them."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.note import format_vkey
from evidencekit.seal.witness import Witness
from evidencekit.seal.witnesskey import load_witness_key, new_witness_key
from evidencekit.verify.policy import read_policy

NOW = 1_780_000_000_000_000_000


class Grown:
    """A case whose log grows an entry at a time."""

    def __init__(self, rc, office, case: Path) -> None:
        self.rc, self.office, self.case = rc, office, case
        self._names = itertools.count(1)

    def grow(self, count: int = 1, *, name: str = "EX") -> Checkpoint:
        """Enter events of new items; a checkpoint after the last."""
        ledger = self.office.ledger(self.case)
        for _ in range(count):
            item = f"{name}-{next(self._names):04d}"
            body = {"description": "a thing"}
            ledger.append(
                "identify", [item], body, actor=self.rc.actor(self.office.signer), signers=[self.office.signer]
            )
        return ledger.checkpoint()

    def copy(self, place: Path) -> Grown:
        """Another copy of the case, which grows on its own."""
        shutil.copytree(self.case, place)
        return Grown(self.rc, self.office, place)

    def policy(self, folder: Path, *, quorum: str = "none", settings: str = "", **witnesses):
        """A policy folder that admits the log, its examiner, and witnesses by name (keys or vkeys)."""
        folder.mkdir()
        (folder / "policy.toml").write_text(f'version = 1\n{settings}[[log]]\norigin = "{self.office.origin}"\n')
        key = " ".join((self.office.folder / "examiner.pub").read_text().split()[:2])
        (folder / "allowed_signers").write_text(f"examiner {key}\n")
        lines = [f"log {vkey}" for vkey in self.office.keys.vkeys]
        lines += [f"witness {name} {format_vkey(key.verifier_key)}" for name, key in witnesses.items()]
        lines += [f"quorum {quorum}"] if quorum == "none" or quorum in witnesses else quorum.split("; ")
        (folder / "logs.policy").write_text("\n".join(lines) + "\n")
        return read_policy(folder)


@pytest.fixture(scope="module")
def office(rc, tmp_path_factory):
    """Keys that several cases share: making them costs more than a case."""
    return rc.Office(tmp_path_factory.mktemp("office"), origin="unit7.example/grown")


@pytest.fixture
def grown(rc, office, tmp_path):
    """A case of four entries, with notes at 1, 2 and 4."""
    case = tmp_path / "case"
    office.open(case)
    log = Grown(rc, office, case)
    log.grow()
    log.grow(2)
    return log


@pytest.fixture(scope="module", params=["ed25519", "ml-dsa-44"])
def witness_key(request, tmp_path_factory):
    """A witness's key of each type."""
    path = tmp_path_factory.mktemp("witness") / "key"
    new_witness_key(path, name=f"partner.example/{request.param}", kind=request.param)
    return load_witness_key(path)


@pytest.fixture
def witness(witness_key, tmp_path):
    """A witness that has seen nothing yet."""
    return Witness(tmp_path / "seen", witness_key, clock=lambda: NOW)
