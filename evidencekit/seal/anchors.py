"""What outside parties attest of a checkpoint enters the record: each its file, its `anchor` event; then a checkpoint.

A crash in between leaves a file that no event names (W902), which entering it again takes up; or entries without a
checkpoint (W901), which `checkpoint finish` mends. Source: specs/checkpoint.md section 9, specs/time.md section 1.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.digest import sha256
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.sign import Signer
from evidencekit.write.durable import write_new


@dataclass(frozen=True, slots=True)
class Anchor:
    """An attestation that was checked, with the name of its file in checkpoints/."""

    kind: str
    """`core.log_types.TIME_STAMP` or `COSIGNATURE`."""
    file: str
    data: bytes
    size: int
    """Tree size of the checkpoint that it is about."""
    by: str
    at: str
    """An instant."""

    def body(self) -> dict[str, Any]:
        """Return what its event says."""
        return {
            "at": self.at,
            "by": self.by,
            "file": self.file,
            "kind": self.kind,
            "sha256": sha256(self.data).hex(),
            "size": str(self.size),
        }


def enter_anchors(ledger: Ledger, anchors: Sequence[Anchor], *, signer: Signer, actor: dict[str, Any]) -> Checkpoint:
    """Enter attestations; a file that is there already has the same bytes, or whoever calls has refused it.

    Raises:
        Refused: R511, a rule forbids it. FormatError: an event cannot say who attests.
        CannotFinish: X405, X421 to X424.
    """
    for anchor in anchors:  # what is refused leaves no file
        ledger.draft("anchor", [], anchor.body(), actor=actor, signers=[signer])
    for anchor in anchors:
        path = ledger.store.path / layout.CHECKPOINTS / anchor.file
        if not os.path.lexists(path):
            write_new(path, anchor.data)
        ledger.append("anchor", [], anchor.body(), actor=actor, signers=[signer])
    return ledger.checkpoint()
