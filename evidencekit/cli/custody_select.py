"""`evidencekit custody split --rows`: a part that consists of rows of a sealed exhibit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evidencekit.core.values import parse_count
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.journeys.custody import Hand


def select_part(hand: Hand, item: str, body: dict[str, Any], rows: tuple[str, ...]) -> int | None:
    """Put the selection of rows into the one part of a `split`, and return how many they are.

    Without rows nothing is done: then it is a part of the thing itself.

    Raises:
        BadArgument: U270, several parts. Further as `journeys.selection.select_rows`.
        Refused: R511, a rule of custody forbids the split: before a list is kept.
    """
    if not rows:
        return None
    parts = body["parts"]
    if len(parts) != 1:
        raise BadArgument("--rows says what one part consists of.", code="U270", hint="Split once for each part.")
    from evidencekit.journeys.selection import select_rows

    hand.ledger.draft("split", [item, parts[0]["item"]], body, actor=hand.actor, signers=hand.signers)
    parts[0]["selection"] = select_rows(hand.ledger.store.path, item, rows)
    return parse_count(parts[0]["selection"]["rows"])
