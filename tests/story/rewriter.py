"""What somebody can do who holds a log's keys and nobody else's: write the same signed events into another history.

Events and signatures are taken as they are; entries and checkpoints are made anew, so that all of it adds up.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.digest import sha256
from evidencekit.core.event import Entry, decode_entry, decode_event, encode_entry
from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.seal.logkeys import LogKeys


@dataclass(frozen=True)
class Signed:
    """One entry's event and signatures, byte for byte, and what its entry said."""

    event: bytes
    signatures: tuple[bytes, ...]
    entry: Entry | None


def read_log(case: Path) -> list[Signed]:
    """Return the log of a case."""
    found = []
    while (case / layout.event_file(len(found))).exists():
        index = len(found)
        entry = decode_entry((case / layout.entry_file(index)).read_bytes())
        signatures = tuple(
            (case / layout.signature_file(index, place)).read_bytes() for place in range(len(entry.signatures))
        )
        found.append(Signed((case / layout.event_file(index)).read_bytes(), signatures, entry))
    return found


def rewrite(
    case: Path,
    keys: LogKeys,
    change: Callable[[list[Signed]], list[Signed]],
    sign: Callable[[dict[str, Any], CompactRange, int], Signed] | None = None,
) -> None:
    """Write another history: entries chained anew, a checkpoint wherever there was one that still fits, one at the end.

    `sign` makes an event anew for the tree that stands before it: for somebody who has the persons' keys, too.
    """
    log = change(read_log(case))
    sizes = {int(path.name) for path in (case / layout.CHECKPOINTS).iterdir() if path.name.isdigit()}
    shutil.rmtree(case / layout.CUSTODY)
    for path in (case / layout.CHECKPOINTS).iterdir():
        if path.name.isdigit():
            path.unlink()
    tree, last, head = CompactRange(), {}, 0
    sizes = {size for size in sizes if size < len(log)} | {len(log)}
    for index, given in enumerate(log):
        event = decode_event(given.event)
        signed = given if sign is None else replace(sign(event, tree, index), entry=given.entry)
        places = tuple(last.get(item) for item in event["items"])
        if event["type"] in {"split", "copy"}:
            places = tuple(p if p or not at else f"{index}/0" for at, p in enumerate(places))
        entry = encode_entry(
            replace(
                signed.entry, index=index, event=sha256(signed.event), head=head, items_prev=places,
                prior_root=tree.root(), prior_size=index, signatures=tuple(map(sha256, signed.signatures)),
            )
        )  # fmt: skip
        last |= {item: f"{index}/{place}" for place, item in enumerate(event["items"])}
        folder = case / layout.entry_folder(index)
        folder.mkdir(parents=True)
        (folder / "event.json").write_bytes(signed.event)
        for place, signature in enumerate(signed.signatures):
            (folder / layout.signature_name(place)).write_bytes(signature)
        (folder / "entry").write_bytes(entry)
        tree.append(leaf_hash(entry))
        if index + 1 in sizes:
            head = index + 1
            note = keys.sign_checkpoint(Checkpoint(keys.origin, head, tree.root()))
            (case / layout.checkpoint_file(head)).write_bytes(note)
