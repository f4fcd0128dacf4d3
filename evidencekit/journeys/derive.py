"""A derived manifest sealed: published, entered by a `derive` event, checkpointed.

Source: specs/manifest.md section 8, specs/store.md section 4.
"""

from __future__ import annotations

from typing import Any

from evidencekit.acquire.compose import Taken
from evidencekit.errors import Refused
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.sign import Signer


def manifest_body(taken: Taken, number: int) -> dict[str, Any]:
    """Return what an event says of the manifest that it names."""
    return {
        "file_sha256": taken.file_sha256.hex(),
        "header": taken.header_commitment.hex(),
        "manifest": str(number),
        "root": taken.root.hex(),
        "rows": str(taken.rows),
    }


def refuse_reduced(exhibit: str, erased: int, what: str) -> None:
    """Raise Refused (R554) where rows of an exhibit were erased: opinions are made of all its rows, or not at all."""
    if erased:
        raise Refused(
            f"{exhibit} cannot be {what} any more: something of {erased} of its rows was erased by an order.",
            code="R554",
            hint="What was concluded before stands: `evidencekit show CASE`. `evidencekit list CASE` has what is left.",
        )


def seal_derived(ledger: Ledger, exhibit: str, taken: Taken, *, signer: Signer, actor: dict[str, Any]) -> None:
    """Publish a derived manifest of an exhibit's sealed manifest, enter its event, and checkpoint.

    Raises:
        Refused: R511, a rule of custody forbids it.
        CannotFinish: X405, X421 to X423.
    """
    header = taken.header_record
    body = {
        **manifest_body(taken, ledger.add_manifest(taken.path)),
        "base_root": header["base_root"],
        "engine": header["engine"],
        "kind": header["kind"],
    }
    ledger.append("derive", [exhibit], body, actor=actor, signers=[signer])
    ledger.checkpoint()
