"""What a receiver takes of what another log sends him: an offer, or a package; and how it is called in his own log.

Source: specs/custody-log.md section 4, specs/messages.md section 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evidencekit.core.custody import Custody
from evidencekit.core.schema import EXHIBIT
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, FormatError

NOTHING = "Nothing was recorded."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the receiver takes."""

    only: Sequence[str] = ()
    """Take these alone; all, where it is empty."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Items that are not taken, and why."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Items that have another name in the receiver's own log."""
    stated: Mapping[str, Any] = field(default_factory=dict)
    """Other members of the event's body."""


def choose(offered: list[str], wanted: Wanted) -> list[str]:
    """Return the items that are taken, in the order in which they were sent.

    Raises:
        BadArgument: U264, an item is named that was not sent.
    """
    for name in (*wanted.only, *wanted.refused, *wanted.names):
        if name not in offered:
            raise BadArgument(
                f"{display(name)} is not offered here.", code="U264", hint=f"Offered: {', '.join(offered[:20])}."
            )
    return [item for item in offered if item not in wanted.refused and (not wanted.only or item in wanted.only)]


def names_here(custody: Custody, taken: list[str], names: Mapping[str, str]) -> list[str]:
    """Return how the items that are taken are called in the receiver's own log, whose state is `custody`.

    Raises:
        BadArgument: U263, two would have one name, or a name cannot be.
    """
    here = [names.get(item, item) for item in taken]
    if len(set(here)) != len(here):
        raise bad_name("two items would have one name")
    for theirs, ours in zip(taken, here, strict=True):
        if "/" in ours and ours not in custody.items:
            raise bad_name(f"{ours} is a name of an adopted case; say --as {theirs}={ours.rpartition('/')[2]}")
        try:
            EXHIBIT.check(ours, ours)
        except FormatError as error:
            raise bad_name(error.message.rstrip(".")) from error
    return here


def bad_name(why: str) -> BadArgument:
    """Return the exception for a name that cannot be used here."""
    return BadArgument(f"--as: {why}.", code="U263", hint=NOTHING)
