"""A custody event recorded: signed, entered, checkpointed; and what the rules have to say of it.

Source: specs/custody-log.md section 4, specs/store.md section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.custody import Remark
from evidencekit.core.digest import sha256_hex
from evidencekit.core.event import decode_event
from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.errors import BadArgument
from evidencekit.read.store import Store
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.sign import Signer


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event that was entered."""

    entry: int
    kind: str
    items: list[str]
    recorded_at: str
    not_stated: list[str]
    """Fields marked M that nobody gave."""
    remarks: tuple[Remark, ...]
    """What stands, and is named in every report."""
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Hand:
    """Whoever acts, on one case, at one time."""

    ledger: Ledger
    actor: dict[str, Any]
    signers: Sequence[Signer]
    """The actor first."""
    occurred_at: dict[str, Any] | None = None
    """A moment record; now, where it is None."""
    time_class: str = "device"

    @property
    def key(self) -> str:
        """The actor's key."""
        return str(self.actor["key"])

    def record(
        self, kind: str, items: list[str], body: dict[str, Any], *, objects: Sequence[bytes] = (),
        check: Callable[[], None] = lambda: None,
    ) -> Recorded:  # fmt: skip
        """Sign an event, enter it, and end the step with a checkpoint; `objects`, `check`: see `Ledger.append`.

        Raises:
            Refused: R511, a rule of custody forbids it; R512, others always came first; R519.
            FormatError: a field outside the schema; over a limit (code F102).
            CannotFinish: X405, X421 to X423, X470.
        """
        entry = self.ledger.append(
            kind,
            items,
            body,
            actor=self.actor,
            signers=self.signers,
            occurred_at=self.occurred_at,
            time_class=self.time_class,
            objects=objects,
            check=check,
        )
        remarks, recorded_at = self.ledger.log.remarks, self.ledger.recorded_at
        missing = EVENT_TYPES[kind].missing(body)
        return Recorded(entry, kind, items, recorded_at, missing, remarks, self.ledger.checkpoint())


def read_event(store: Store, entry: int) -> tuple[bytes, dict[str, Any]]:
    """Return the event of an entry, as bytes and read.

    Raises:
        BadArgument: U262, there is no such entry.
        CannotFinish: X402, X403. FormatError: it is damaged.
    """
    size = store.newest_entry()
    if not 0 <= entry < size:
        raise BadArgument(
            f"The log has no entry {entry}.",
            code="U262",
            hint=f"Its entries are 0 to {size - 1}: `evidencekit custody log`.",
        )
    data = store.read(layout.event_file(entry), layout.MAX_RECORD_FILE)
    return data, decode_event(data)


def reference(store: Store, entry: int) -> dict[str, str]:
    """Return how an event names an earlier one: `{"entry": count, "event": hex}`.

    Raises:
        BadArgument: U262, there is no such entry.
    """
    return {"entry": str(entry), "event": sha256_hex(read_event(store, entry)[0])}


def events_of(store: Store, *kinds: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the entries of some types of events, the oldest first."""
    for entry in range(store.newest_entry()):
        _, event = read_event(store, entry)
        if event["type"] in kinds:
            yield entry, event
