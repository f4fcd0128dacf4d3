"""Cases with time-stamps: one good, one for each way of being wrong. Their authorities' keys are thrown away.

`make_cases.py` takes them in. Source: specs/time.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.x509.oid import ExtendedKeyUsageOID
from make_tokens import DAY, POLICY, SHA256, STAMPING, Maker, make_response

from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.values import format_instant

if TYPE_CHECKING:
    from make_cases import Bench

Spoil = Callable[["Bench"], object]
SPOILT: dict[str, tuple[str, str, Spoil]] = {}
"""Folder to code, reason and maker, as in make_cases.py."""
SECOND = 10**9


def spoilt(code: str, why: str, name: str) -> Callable[[Spoil], Spoil]:
    """Register a fixture of a code."""

    def register(function: Spoil) -> Spoil:
        SPOILT[f"{code}_{name}"] = (code, why, function)
        return function

    return register


def at(b: Bench, seconds: int = 0) -> datetime:
    """A time as the bench's clock has it, in whole seconds."""
    return datetime.fromtimestamp(b.begins // SECOND + seconds, tz=UTC)


def newest(b: Bench) -> int:
    """The size of the newest checkpoint."""
    return max(int(path.name) for path in (b.case / layout.CHECKPOINTS).iterdir() if path.name.isdigit())


def note(b: Bench) -> bytes:
    """The newest checkpoint's bytes."""
    return (b.case / layout.checkpoint_file(newest(b))).read_bytes()


def anchor(
    b: Bench, maker: Maker, when: datetime, token: bytes | None = None, *, size: int | None = None, **changes: Any
) -> None:
    """Store a token about a checkpoint and enter its event; `changes` are members of the event's body."""
    size = newest(b) if size is None else size
    data = maker.stamp(note(b), when) if token is None else token
    file = layout.token_name(size, maker.name.lower())
    (b.case / layout.CHECKPOINTS / file).write_bytes(data)
    body = {
        "at": format_instant(int(when.timestamp()) * SECOND), "by": f"{maker.name} stamp", "file": file,
        "kind": "time-stamp", "sha256": sha256_hex(data), "size": str(size),
    }  # fmt: skip
    ledger = b.ledger()
    ledger.append("anchor", [], body | changes, actor=b.actor, signers=[b.signer])
    ledger.checkpoint()
    b.begins += 1000 * SECOND


def policy(b: Bench, *makers: Maker, settings: str = "", **more: Any) -> None:
    """The recipient's policy, with these authorities."""
    origin = '[[log]]\norigin = "vectors.example/small"\nall_required_from = 0\n'
    b.policy(settings=f'require = ["time"]\n{settings}{origin}', **more)
    folder = b.folder / "policy/tsa"
    folder.mkdir()
    for maker in makers:
        (folder / f"{maker.name.lower()}.pem").write_bytes(maker.root.pem)


def stamped_twice(b: Bench, good: Path) -> None:
    """The small case goes on: two authorities stamp it, one of them with certificates in no order."""
    shutil.copytree(good, b.case, symlinks=True)
    city, state, unknown = Maker("City"), Maker("State"), Maker("Elsewhere")
    size = newest(b)
    about = note(b)
    anchor(b, city, at(b))
    for maker, more in ((state, {"unsorted": True, "old_hash": True}), (unknown, {})):
        anchor(b, maker, at(b), maker.stamp(about, at(b), **more), size=size)
    policy(b, city, state, settings="[time]\nauthorities = 2\n")


def one_token(b: Bench, *, settings: str = "", maker: Maker | None = None, **more: Any) -> None:
    """One token, made otherwise than it should be."""
    made = maker or Maker("City")
    anchor(b, made, at(b), made.stamp(more.pop("message", note(b)), at(b), **more))
    policy(b, made, settings=settings)


@spoilt("E421", "a file that is no answer of an authority", "token_malformed")
def _(b: Bench) -> None:
    city = Maker("City")
    anchor(b, city, at(b), b"no token")
    policy(b, city)


@spoilt("E422", "a time-stamp of another message", "token_of_other")
def _(b: Bench) -> None:
    one_token(b, message=b"something else")


@spoilt("E422", "an imprint by SHA-256, where SHA-512 has to stand", "other_digest")
def _(b: Bench) -> None:
    one_token(b, digest=SHA256)


@spoilt("E423", "a signature over another content", "token_signature_bad")
def _(b: Bench) -> None:
    one_token(b, over=bytes(32))


@spoilt("E424", "a signer whose certificate is for signing programs, too", "token_purpose")
def _(b: Bench) -> None:
    one_token(b, maker=Maker("City", usage=(STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)))


@spoilt("E425", "the hash that was signed is of another certificate", "token_certificate")
def _(b: Bench) -> None:
    one_token(b, hash_of=b"another certificate")


@spoilt("E426", "an authority of the same names whose own root is embedded", "token_chain")
def _(b: Bench) -> None:
    city, rogue = Maker("City"), Maker("City")
    chain = [rogue.signer.der, rogue.below.der, rogue.root.der]
    anchor(b, city, at(b), make_response(rogue.signer, chain, note(b), at(b)))
    policy(b, city)


@spoilt("E426", "a certificate that had ended when it signed", "expired")
def _(b: Bench) -> None:
    one_token(b, maker=Maker("City", begins=at(b) - 3 * DAY, days=2))


@spoilt("E427", "a policy of the authority that the recipient does not accept", "token_policy")
def _(b: Bench) -> None:
    one_token(b, settings=f'[time]\npolicies = ["{POLICY}.2"]\n')


@spoilt("E428", "an event that gives its time-stamp a day earlier", "anchor_differs")
def _(b: Bench) -> None:
    city = Maker("City")
    anchor(b, city, at(b), at=format_instant(b.begins - 86_400 * SECOND))
    policy(b, city)


@spoilt("E429", "a later state of the log that was stamped an hour before an earlier one", "times_contradict")
def _(b: Bench) -> None:
    city, state = Maker("City"), Maker("State")
    anchor(b, city, at(b))
    anchor(b, city, at(b))
    anchor(b, state, at(b) - timedelta(hours=1))
    policy(b, city, state)


@spoilt("E409", "an event after a proven time at which the signer's key had ended", "outside_validity")
def _(b: Bench) -> None:
    city = Maker("City")
    anchor(b, city, at(b))
    anchor(b, city, at(b))
    policy(b, city, signers=_with_window('valid-before="20260501Z"'))


@spoilt("W931", "a recording clock an hour ahead of a proven time", "clock_outside_bounds")
def _(b: Bench) -> None:
    city = Maker("City")
    anchor(b, city, at(b, -7200))
    policy(b, city)


def _with_window(options: str) -> str:
    key = " ".join((Path(__file__).parent / "cases/keys/examiner.pub").read_text().split()[:2])
    return f"examiner {options} {key}\n"
