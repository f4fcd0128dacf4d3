"""Leaf hashes of many rows at once, from the columns of a manifest. Pure.

Promise: what comes out is what `digest` and `records` give row by row. Source: specs/manifest.md sections 1 and 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256, sha512
from typing import Any

from evidencekit.core.records import DERIVED_ROW_TYPE, KINDS, ROW_TYPE

TEXT_KINDS = {kind.encode(): kind for kind in KINDS}

_SALTS = b"evidencekit/salts/1\0"
_NAME, _CONTENT, _METADATA, _OPINION = (
    b"evidencekit/group/1\0%b\0" % group for group in (b"name", b"content", b"metadata", b"opinion")
)
_LEAF_HEAD = f'\0{{"_t":"{ROW_TYPE}","content":"'
_DERIVED_LEAF = f'\0{{"_t":"{DERIVED_ROW_TYPE}","base_index":"%d","base_root":"%s","opinion":"%s"}}'


def leaf_hashes(batch: Mapping[str, list[Any]]) -> list[bytes]:
    """Return the leaf hashes of rows, whatever they are. Source: specs/manifest.md section 1."""
    leaves = []
    rows = zip(batch["row_salt"], batch["name"], batch["content"], batch["metadata"], batch["kind"], strict=True)
    for salt, name, content, metadata, kind in rows:
        salts = sha512(_SALTS + salt).digest()
        text = TEXT_KINDS.get(kind) or kind.decode(errors="replace")
        leaf = (
            f'{_LEAF_HEAD}{sha256(_CONTENT + salts[16:32] + content).hexdigest()}","kind":"{text}",'
            f'"metadata":"{sha256(_METADATA + salts[32:48] + metadata).hexdigest()}",'
            f'"name":"{sha256(_NAME + salts[:16] + name).hexdigest()}"}}'
        )
        leaves.append(sha256(leaf.encode()).digest())
    return leaves


def opinion_leaves(batch: Mapping[str, list[Any]], base_root: str | None) -> list[bytes]:
    """Return the leaf hashes of rows of opinions, whatever they are. Source: specs/manifest.md section 8."""
    leaves = []
    for salt, base, opinion in zip(batch["row_salt"], batch["base_index"], batch["opinion"], strict=True):
        commitment = sha256(_OPINION + sha512(_SALTS + salt).digest()[:16] + opinion).hexdigest()
        leaves.append(sha256((_DERIVED_LEAF % (base, base_root, commitment)).encode()).digest())
    return leaves
