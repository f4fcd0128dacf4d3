"""Time-stamps that were checked, entered under names that are free. Source: specs/time.md section 1."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.log_types import TIME_STAMP
from evidencekit.core.values import format_instant, short
from evidencekit.errors import CannotFinish, FormatError, Refused
from evidencekit.journeys.timestamp import Stamp
from evidencekit.read.store import Store
from evidencekit.read.token import MAX_TOKEN_FILE
from evidencekit.seal.anchors import Anchor, enter_anchors
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.sign import Signer


def enter_stamps(
    ledger: Ledger, stamps: Sequence[Stamp], *, signer: Signer, actor: dict[str, Any]
) -> tuple[list[Stamp], Checkpoint]:
    """Store tokens that were checked, enter an `anchor` event for each, and checkpoint.

    Returns the tokens under the names that their files got, and the checkpoint.

    Raises:
        Refused: R501 another file has the name, R511 a rule forbids it, R533 all were entered before.
        CannotFinish: X405, X421 to X424. FormatError: an event cannot say the authority's name.
    """
    placed = _placed(ledger, stamps)
    anchors = [
        Anchor(TIME_STAMP, one.file, one.data, one.size, one.token.by, format_instant(one.token.at_ns))
        for one in placed
    ]
    return placed, enter_anchors(ledger, anchors, signer=signer, actor=actor)


def _placed(ledger: Ledger, stamps: Sequence[Stamp]) -> list[Stamp]:
    """Return those that are new under names that are free, or refuse them all."""
    placed: list[Stamp] = []
    entered: list[Stamp] = []
    for stamp in stamps:
        tried = [stamp] if stamp.is_named else itertools.chain(_left(ledger, stamp), _numbered(stamp))
        taken = {one.file for one in placed}
        found = next((one for one in tried if one.file not in taken and _is_free(ledger.store, one)), None)
        if found is None:
            raise Refused(
                f"{layout.CHECKPOINTS}/{stamp.file} is another time-stamp of this checkpoint.",
                code="R501",
                hint="Nothing was recorded. Give this one another name with --name.",
            )
        (entered if found.file in ledger.log.anchors else placed).append(found)
    if not placed:
        stamp = entered[0]
        what = f"the time-stamp of {format_instant(stamp.token.at_ns)} by {short(stamp.token.by)}"
        raise Refused(
            f"{stamp.file}, {what}, is entered already.",
            code="R533",
            hint="Nothing was recorded; nothing is to be done.",
        )
    return placed


def _left(ledger: Ledger, stamp: Stamp) -> Iterator[Stamp]:
    """Yield a token under the name of a file that holds it and that no event names: a crash left it."""
    for file in sorted(path.name for path in (ledger.store.path / layout.CHECKPOINTS).iterdir()):
        size, name, kind = layout.parse_anchor_name(file) or (0, "", "")
        left = replace(stamp, name=name)
        if (size, kind) == (stamp.size, "tsr") and file not in ledger.log.anchors and _is_free(ledger.store, left):
            yield left


def _numbered(stamp: Stamp) -> Iterator[Stamp]:
    yield stamp
    yield from (replace(stamp, name=f"{stamp.name[:34]}-{count}") for count in itertools.count(2))


def _is_free(store: Store, stamp: Stamp) -> bool:
    """Tell whether a token's file is not there, or has its very bytes, from a step that was interrupted."""
    place = f"{layout.CHECKPOINTS}/{stamp.file}"
    if not os.path.lexists(store.path / place):
        return True
    try:
        return store.read(place, MAX_TOKEN_FILE) == stamp.data
    except (CannotFinish, FormatError):
        return False
