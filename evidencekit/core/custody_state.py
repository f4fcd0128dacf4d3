"""What a log says of its items and keys after some event: the state that `core/custody.py` moves on. Never changed.

Source: specs/custody-log.md sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from evidencekit.core.event import knows_type

MAX_TENURES = 32
"""Changes of hands of an item that are kept in mind, for late entries."""
MAX_HOLDS = 256
"""Holds of one item that can be open at a time."""
MAX_SEALS = 500
"""Physical seals that can be on one item at a time."""
DIVIDING = frozenset({"copy", "split"})
"""Types of events whose first item is the parent of the others."""
V = TypeVar("V")


class Remark(NamedTuple):
    """What a rule has to say about an event."""

    code: str
    """`E…`: the rule is broken, a writer refuses the event. `W…`: it stands, and is named in every report."""
    item: str
    """Exhibit, or empty for the log itself."""
    expected: str
    found: str

    @property
    def forbids(self) -> bool:
        """Tell whether the event must not be recorded."""
        return self.code.startswith("E")


class Place(NamedTuple):
    """Where an item was last touched: entry K, place J in its `items`."""

    entry: int
    position: int

    def __str__(self) -> str:
        return f"{self.entry}/{self.position}"


class Person(NamedTuple):
    """Somebody, by the key that stood for him."""

    id: str
    key: str


class Tenure(NamedTuple):
    """From when on somebody had an item in his hands."""

    since: str
    """`occurred_at` of the event, an instant."""
    person: str
    """As `Custody.person` has it."""


class Offer(NamedTuple):
    """An offer that nobody answered yet."""

    entry: int
    to: Person
    handed_over_at: str | None
    carrier: str | None


class Out(NamedTuple):
    """An item in other hands than its holder's, for a while."""

    entry: int
    kind: str
    """`loan` or `check_out`."""
    to: Person
    due: str | None
    """The last instant at which it is not late."""


class End(NamedTuple):
    """What ended an item's custody."""

    entry: int
    kind: str


@dataclass(frozen=True, slots=True)
class Item:
    """A custody unit after some event."""

    exhibit: str
    last: Place
    holder_id: str | None
    """The holder's name, None where nobody can say, or nobody holds it yet."""
    holder_key: str | None
    acquired: int | None = None
    """Entry of the newest `acquire` event."""
    sealed: int | None = None
    """Entry of the `seal` event."""
    root: str | None = None
    """Root of the sealed manifest, hex."""
    derived: int | None = None
    """Entry of the newest `derive` event, of any kind."""
    typed: int | None = None
    """Entry of the newest `derive` event of media types."""
    unknown: bool = False
    """Who holds it nobody can say: an event of an unknown type touched it, or it began with a broken rule."""
    last_at: str = ""
    """The latest `occurred_at` so far."""
    tenures: tuple[Tenure, ...] = ()
    """Who had it in his hands from when on, the newest last."""
    offer: Offer | None = None
    out: Out | None = None
    seals: tuple[str, ...] | None = None
    """Physical seals on it, sorted; None where nobody said."""
    condition: str | None = None
    holds: tuple[str, ...] = ()
    """Names of open holds."""
    ended: End | None = None
    parent: str | None = None
    """The item that it was split or copied from."""
    away: str | None = None
    """Origin of the log in which its custody goes on."""

    @property
    def holder(self) -> Person | None:
        """Return who is responsible for it."""
        return None if self.holder_key is None else Person(self.holder_id or "", self.holder_key)

    @property
    def keeper(self) -> Person | None:
        """Return who has it in his hands."""
        return self.holder if self.out is None else self.out.to


class Layers(Mapping[str, V], Generic[V]):
    """A mapping that is never changed, only `updated`, in the order in which keys appeared.

    Two layers, so that a step copies about the square root of it: a long log must not cost quadratic time.
    """

    __slots__ = ("_base", "_recent")

    def __init__(self, base: dict[str, V] | None = None, recent: dict[str, V] | None = None) -> None:
        self._base = base or {}
        self._recent = recent or {}

    def __getitem__(self, key: str) -> V:
        return self._recent[key] if key in self._recent else self._base[key]

    def __iter__(self) -> Iterator[str]:
        yield from self._base
        yield from (key for key in self._recent if key not in self._base)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def updated(self, changes: Mapping[str, V]) -> Layers[V]:
        """Return the mapping with some values new or replaced."""
        if not changes:
            return self
        recent = {**self._recent, **changes}
        if len(recent) ** 2 <= len(self._base):
            return Layers(self._base, recent)
        return Layers({**self._base, **recent})


class Key(NamedTuple):
    """What the log's own events say of a person's key."""

    id: str
    """Whose it is; empty where no event said so."""
    person: str
    """The first key of the same person: a key that replaces another one stands for him, too."""
    spent: int | None = None
    """Entry from which on it signs no more."""
    believed_below: int | None = None
    """Entries from here on are not believed; None: all that it signed before `spent` are."""


@dataclass(frozen=True, slots=True)
class Custody:
    """The state of a log."""

    size: int = 0
    items: Layers[Item] = field(default_factory=Layers)
    origin: str | None = None
    opener: str | None = None
    """Key of the actor of event 0."""
    keys: Layers[Key] = field(default_factory=Layers)
    """Every key that signed, or that an event is about."""
    branches: Layers[int] = field(default_factory=Layers)
    """Names of adopted cases, and the entries that adopted them."""
    packages: Layers[int] = field(default_factory=Layers)
    """Digests of packages that were received, and the entries that say so."""

    def places(self, exhibits: list[str], event: dict[str, Any] | None = None) -> tuple[str | None, ...]:
        """Return `items_prev` for an entry that names these exhibits; parts follow their parent in `event` itself."""
        divides = event is not None and event["type"] in DIVIDING and knows_type(event)
        parent = f"{self.size}/0" if divides else None
        return tuple(
            str(self.items[name].last) if name in self.items else (parent if place else None)
            for place, name in enumerate(exhibits)
        )

    def person(self, key: str) -> str:
        """Return the key by which a person is known: his first one."""
        known = self.keys.get(key)
        return key if known is None else known.person
