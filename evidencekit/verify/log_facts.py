"""What the walk over the log found out, as far as later steps need it.

Source: specs/verification.md section 1 steps 3 to 9.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from evidencekit.core import layout
from evidencekit.core.event import knows_type
from evidencekit.core.exchange_types import EXCHANGE_TYPES, SENT
from evidencekit.core.merkle import EMPTY_ROOT, HASH_SIZE
from evidencekit.core.reduced import Reduction, reductions_of
from evidencekit.core.selection import Split, split_of
from evidencekit.core.values import parse_count


class Sealing(NamedTuple):
    """A `seal` or `derive` event, as far as manifests need it."""

    entry: int
    derived: bool
    exhibit: str
    manifest: int
    root: str
    rows: int
    file_sha256: str
    header: str
    base_root: str | None
    kind: str | None
    engine: dict[str, Any] | None
    acquired: int | None
    """Entry of the item's newest `acquire` event before, where that is known."""
    reduced: int = 0
    """K of the reduced form that stands for the manifest; 0: the full one does. `file_sha256` is that of the one."""
    erased: int = 0
    """Rows of which an event says that something is erased."""

    @property
    def place(self) -> str:
        """The file that stands for the manifest."""
        return layout.manifest_file(self.manifest, self.reduced)


class Anchor(NamedTuple):
    """An `anchor` event: an outside attestation that belongs to the record."""

    entry: int
    kind: str
    """`time-stamp` or `cosignature`."""
    size: int
    """The tree size whose note it is about."""
    file: str
    """Its name in checkpoints/."""
    sha256: str
    at: str
    by: str


class Named(NamedTuple):
    """An object that an event names."""

    entry: int
    size: int
    sha256: str


class Adoption(NamedTuple):
    """An `adopt` event: another case that is part of the record, under branches/NAME."""

    entry: int
    branch: str
    case: str
    """Identity of the other case, base64."""
    origin: str
    size: int
    root: str
    items: tuple[str, ...]
    """As the other case names them."""
    by: str
    """The adopter's key."""


class Reception(NamedTuple):
    """A `receive` event that took something: its package is part of the record, under packages/DIGEST."""

    entry: int
    package: str
    """The package digest, hex."""
    said: dict[str, Any]
    """What the event says of it, by the members that its package.json has, too; and the `items`."""


@dataclass(slots=True)
class Log:
    """What the walk found out."""

    size: int
    """Size of the newest checkpoint."""
    roots: bytearray = field(default_factory=lambda: bytearray(EMPTY_ROOT))
    """Roots of the sizes 0, 1, 2 …, as far as they can be computed."""
    sealings: list[Sealing] = field(default_factory=list)
    signers: bytearray = field(default_factory=bytearray)
    """How many signature files each entry has; 255 where that is not known."""
    anchors: list[Anchor] = field(default_factory=list)
    recorded: array[int] = field(default_factory=lambda: array("q"))
    """When each entry says that it was recorded, seconds since 1970; 0 where that cannot be read."""
    objects: list[Named] = field(default_factory=list)
    """Objects that events name: messages, records of requests and answers, lists of rows."""
    reductions: list[Reduction] = field(default_factory=list)
    """What `erase` events say of manifests."""
    splits: list[Split] = field(default_factory=list)
    adoptions: list[Adoption] = field(default_factory=list)
    receptions: list[Reception] = field(default_factory=list)
    unknown_types: bool = False
    """Events of unknown types may name files that we cannot judge."""
    in_package: bool = False
    """What events about requests name stays with the case, and is not in a package of it."""

    def take(self, index: int, event: dict[str, Any], acquired: int | None) -> None:
        """Take the next event; `acquired` is the entry that last acquired its first item, where that is known."""
        if not knows_type(event):
            self.unknown_types = True
            return
        if not (self.in_package and event["type"] in EXCHANGE_TYPES):
            self.objects += objects_of(index, event)
        match event["type"]:
            case "adopt":
                self.adoptions.append(adoption_of(index, event))
            case "receive" if event["items"]:
                self.receptions.append(reception_of(index, event))
            case "anchor":
                self.anchors.append(anchor_of(index, event))
            case "erase":
                self.reductions += reductions_of(index, event)
            case "split" | "copy":
                self.splits.append(split_of(index, event))
            case "seal" | "derive":
                self.sealings.append(sealing_of(index, event, acquired))

    def root(self, size: int) -> bytes | None:
        """Return the root of the first `size` entries, None where it cannot be computed."""
        root = bytes(self.roots[size * HASH_SIZE : (size + 1) * HASH_SIZE])
        return root or None


def adoption_of(index: int, event: dict[str, Any]) -> Adoption:
    """Return what an `adopt` event of a known form says."""
    body, branch = event["body"], event["body"]["branch"]
    tree = body["log"]
    return Adoption(
        entry=index,
        branch=branch,
        case=body["case"],
        origin=tree["origin"],
        size=parse_count(tree["size"]),
        root=tree["root"],
        items=tuple(item.removeprefix(f"{branch}/") for item in event["items"]),
        by=event["actor"]["key"],
    )


def anchor_of(index: int, event: dict[str, Any]) -> Anchor:
    """Return what an `anchor` event of a known form says."""
    body = event["body"]
    return Anchor(index, body["kind"], parse_count(body["size"]), body["file"], body["sha256"], body["at"], body["by"])


def reception_of(index: int, event: dict[str, Any]) -> Reception:
    """Return what a `receive` event of a known form says."""
    body = event["body"]
    refused = [one["item"] for one in body.get("refused", [])]
    said = {
        "case": body["case"],
        "checkpoint": body["log"],
        "exporter": body["sent_by"],
        "items": sorted([*body.get("offered_as", event["items"]), *refused]),
        "transfer": body["transfer"],
    }
    return Reception(index, body["package"], said)


def objects_of(index: int, event: dict[str, Any]) -> list[Named]:
    """Return the objects that an event of a known form names."""
    body = event["body"]
    selections = [part["selection"]["list"] for part in body.get("parts", []) if "selection" in part]
    members = ("message", "answer", *(["request"] if event["type"] == SENT else []))
    named = [body[name] for name in members if name in body]
    return [Named(index, parse_count(one["bytes"]), one["sha256"]) for one in (*named, *selections)]


def sealing_of(index: int, event: dict[str, Any], acquired: int | None) -> Sealing:
    """Return what a `seal` or `derive` event of a known form says."""
    body = event["body"]
    return Sealing(
        entry=index,
        derived=event["type"] == "derive",
        exhibit=event["items"][0] if event["items"] else "",
        manifest=parse_count(body["manifest"]),
        root=body["root"],
        rows=parse_count(body["rows"]),
        file_sha256=body["file_sha256"],
        header=body["header"],
        base_root=body.get("base_root"),
        kind=body.get("kind"),
        engine=body.get("engine"),
        acquired=acquired,
    )
