"""The record that a tlog-proof carries to prove one row: `evidencekit/row-proof/1`.

Source: specs/messages.md section 1.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core import encoding
from evidencekit.core.encoding import PROOF
from evidencekit.core.schema import COUNT, LONG_TEXT, TEXT, Record, array, base64_bytes

ROW_PROOF_TYPE = "evidencekit/row-proof/1"

_GROUP = Record(None, required={"bytes": LONG_TEXT, "salt": base64_bytes(16)}).form("opened group")
ROW_PROOF = Record(
    ROW_PROOF_TYPE,
    required={
        "entry": LONG_TEXT,
        "event": LONG_TEXT,
        "groups": Record(None, optional={"content": _GROUP, "metadata": _GROUP, "name": _GROUP}).form("opened groups"),
        "index": COUNT,
        "leaf": LONG_TEXT,
        "log_keys": array(TEXT, least=2, distinct=True),
        "proof": array(base64_bytes(32)),
        "signatures": array(LONG_TEXT, least=1),
    },
)


def encode_row_proof(record: dict[str, Any]) -> bytes:
    """Return the canonical bytes of a row proof: the `extra` of a tlog-proof.

    Raises:
        FormatError: a member outside the schema; over a limit (code F102).
    """
    ROW_PROOF.check(record)
    return encoding.encode(record, PROOF)
