"""Who acts, when, and what came of it: shared by all commands that record a custody event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evidencekit.cli import surroundings
from evidencekit.cli.options import PATH
from evidencekit.cli.render import Screen
from evidencekit.cli.signing import Signing, signing
from evidencekit.core.values import display, encode_base64
from evidencekit.errors import BadArgument, FormatError

if TYPE_CHECKING:
    from evidencekit.journeys.custody import Hand, Recorded

F = TypeVar("F", bound=Callable[..., Any])
TIME_CLASSES = ("asserted", "witnessed", "external")


@dataclass(frozen=True, slots=True)
class Acting:
    """What the options say of who acts, and when."""

    signs: Signing
    second_signers: tuple[Path, ...]
    occurred_at: str | None
    time_class: str

    def on(self, case: Path) -> Hand:
        """Load the keys and open the case.

        Raises:
            BadArgument: U200 nobody signs, U260 the time is none. Further as `surroundings.signer` and `ledger`.
        """
        from evidencekit.journeys.custody import Hand

        when = None if self.occurred_at is None else typed_moment(self.occurred_at, "--occurred-at")
        signers = [self.signs.person(), *map(surroundings.signer, self.second_signers)]
        time_class = "device" if when is None else self.time_class
        return Hand(self.signs.ledger(case), self.signs.actor(signers[0]), signers, when, time_class)


def typed_moment(text: str, option: str) -> dict[str, Any]:
    """Return the moment that was typed for an option.

    Raises:
        BadArgument: U260, it is no time.
    """
    from evidencekit.core.typed_time import parse_moment

    try:
        return parse_moment(text, option)
    except FormatError as error:
        raise BadArgument(error.message, code="U260", hint="Without an offset it is read as UTC.") from error


def acting(function: F) -> F:
    """Add the options of who acts and when, and hand the command `acts`."""

    @click.option("--time-class", type=click.Choice(TIME_CLASSES), default="asserted", show_default=True,
                  help="Who says so, with --occurred-at.")  # fmt: skip
    @click.option("--occurred-at", metavar="TIME", help="When it was done, where that is not now: a late entry.")
    @click.option("--second-signer", "second_signers", type=PATH, multiple=True, metavar="KEY",
                  help="Somebody else who signs, too.")  # fmt: skip
    @partial(signing, required=False)  # a file that is written anew needs none
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        acts = Acting(**{name: kwargs.pop(name) for name in Acting.__dataclass_fields__})
        return function(*args, acts=acts, **kwargs)

    return wrapper  # type: ignore[return-value]  # click's decorators keep the signature that they wrap


def resolver(case: Path) -> Callable[[int], dict[str, str]]:
    """Return what finds the reference of an entry of the case."""

    def resolve(entry: int) -> dict[str, str]:
        from evidencekit.journeys.custody import reference
        from evidencekit.read.store import Store

        return reference(Store(case), entry)

    return resolve


def tell_recorded(screen: Screen, recorded: Recorded, hand: Hand, **more: Any) -> None:
    """Say what was recorded, what nobody stated, and what the rules have to say of it; `more` is for the document."""
    from evidencekit.cli.custody_fields import option_of
    from evidencekit.cli.custody_spoken import tell_done
    from evidencekit.core.finding import Finding

    tree, who = recorded.checkpoint, display(hand.actor["id"])
    about = f" of {', '.join(recorded.items)}" if recorded.items else ""
    screen.result(f"{recorded.kind}{about} by {who}: entry {recorded.entry}, checkpoint {tree.size}")
    screen.say(f"recorded  {recorded.recorded_at}   root {encode_base64(tree.root)}")
    if hand.occurred_at is not None:
        when = f"{hand.occurred_at['time']}, {hand.time_class} by {who}"
        screen.say(f"LATE ENTRY: it says that it was done at {when}", "warning")
    if recorded.not_stated:
        options = ", ".join(option_of(name) for name in recorded.not_stated)
        screen.say(f"not stated, and recorded as such: {options}", "warning")
    for remark in recorded.remarks:
        title = Finding(remark.code, remark.item).title
        said = (
            f"{remark.code} {remark.item}: {title}: expected {display(remark.expected)}, found {display(remark.found)}"
        )
        screen.say(said, "warning")
    tell_done(screen, recorded.kind, (*["W903"] * bool(recorded.not_stated), *(one.code for one in recorded.remarks)))
    screen.document(
        {
            "checkpoint": {"root": tree.root.hex(), "size": tree.size},
            "entry": recorded.entry,
            "items": recorded.items,
            "late": hand.occurred_at is not None,
            "not_stated": recorded.not_stated,
            "recorded_at": recorded.recorded_at,
            "remarks": [remark._asdict() for remark in recorded.remarks],
            "type": recorded.kind,
            **more,
        }
    )
