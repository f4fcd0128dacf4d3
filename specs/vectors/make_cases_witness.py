"""Cases of cosignatures: one that a witness cosigned, and one for each way of being wrong; and a published log.

`make_cases.py` takes them in. Source: specs/checkpoint.md sections 9 to 11.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.digest import sha256
from evidencekit.core.note import NoteSignature, format_signature, format_vkey
from evidencekit.core.values import format_instant
from evidencekit.journeys.attest import enter_cosignatures
from evidencekit.journeys.logcopy import read_case_copy
from evidencekit.journeys.publish import publish
from evidencekit.seal.witnesskey import WitnessKey, load_witness_key, new_witness_key

if TYPE_CHECKING:
    from make_cases import Bench

Spoil = Callable[["Bench"], object]
SPOILT: dict[str, tuple[str, str, Spoil]] = {}
"""Folder to code, reason and maker, as in make_cases.py."""
KEY = Path(__file__).parent / "cases/keys/witness"
SECOND = 1_000_000_000
SIZE = 4
"""The size of the good case."""


def spoilt(code: str, why: str, name: str) -> Callable[[Spoil], Spoil]:
    """Register a fixture of a code."""

    def register(function: Spoil) -> Spoil:
        SPOILT[f"{code}_{name}"] = (code, why, function)
        return function

    return register


def witness() -> WitnessKey:
    """The witness's key, published on purpose as all of the vectors' keys are."""
    if not KEY.exists():
        new_witness_key(KEY, name="partner.example/witness")
    KEY.chmod(0o600)
    return load_witness_key(KEY)


def cosigned(b: Bench, key: WitnessKey, *, root: bytes | None = None, later: int = -600) -> NoteSignature:
    """A line over the good case's last checkpoint, some seconds before the time of verification, or after it."""
    from make_cases import ORIGIN, START  # noqa: PLC0415 (it imports this module)

    tree = Checkpoint(ORIGIN, SIZE, b.ledger().log.roots[SIZE] if root is None else root)
    return key.cosign(tree, START // SECOND + later)


def enter(b: Bench, line: NoteSignature) -> None:
    """Enter a cosignature as the program does."""
    enter_cosignatures(b.ledger(), [line], SIZE, signer=b.signer, actor=b.actor)


def trust(b: Bench, key: WitnessKey) -> None:
    """Write a policy that wants this witness."""
    logs = "".join(f"log {vkey}\n" for vkey in b.log_keys.vkeys)
    b.policy(logs=f"{logs}witness W {format_vkey(key.verifier_key)}\nquorum W\n")


def make_witnessed(b: Bench, small: Path) -> None:
    """The small case, cosigned by a witness whom the policy wants."""
    shutil.copytree(small, b.case, symlinks=True)
    enter(b, cosigned(b, witness(), later=1_990))
    b.options["now"] = "2026-05-28T21:16:40.000000000Z"
    trust(b, witness())


@spoilt("E431", "an anchor that gives a cosignature another time than its own", "cosignature_differs")
def _(b: Bench) -> None:
    line = cosigned(b, witness())
    data, name = format_signature(line).encode(), layout.cosignature_name(SIZE, line.key_id)
    body: dict[str, Any] = {"at": format_instant(0), "by": line.name, "file": name, "kind": "cosignature"}
    body |= {"sha256": sha256(data).hex(), "size": str(SIZE)}
    (b.case / layout.CHECKPOINTS / name).write_bytes(data)
    ledger = b.ledger()
    ledger.append("anchor", [], body, actor=b.actor, signers=[b.signer])
    ledger.checkpoint()


@spoilt("E432", "a cosignature by the log's own key, which a policy takes for a witness's", "witness_not_apart")
def _(b: Bench) -> None:
    key = WitnessKey("partner.example/witness", b.log_keys.ed25519)
    enter(b, cosigned(b, key))
    trust(b, key)


@spoilt("E433", "a cosignature by a witness of the policy, over another tree of the same size", "cosignature_bad")
def _(b: Bench) -> None:
    enter(b, cosigned(b, witness(), root=bytes(32)))
    trust(b, witness())


@spoilt("E435", "a published tile with another hash than the entries give", "tile_differs")
def _(b: Bench) -> None:
    folder = b.folder / "published"
    publish(read_case_copy(b.case), folder)
    path = folder / f"tile/0/000.p/{SIZE}"
    path.write_bytes(bytes(32) + path.read_bytes()[32:])
    shutil.rmtree(b.case)
    b.options["published"] = "published"


@spoilt("W935", "a cosignature an hour later than the verifier's clock", "cosigned_ahead")
def _(b: Bench) -> None:
    enter(b, cosigned(b, witness(), later=3600))
    trust(b, witness())
    b.options["now"] = "2026-05-28T20:26:40.000000000Z"  # it warns of a clock, so it names one
