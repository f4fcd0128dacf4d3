"""What of a received package goes below `evidence/previous/`: its own record and log, and of its lines some.

Packages lie in each other: each calls the items by names of its own, and the events by which it was received say which
is which. Source: specs/package.md section 7.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidencekit.core import layout
from evidencekit.core.encoding import PROOF
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.globs import Globs
from evidencekit.core.package_records import PACKAGE, decode_record
from evidencekit.core.values import parse_count
from evidencekit.journeys.export_logs import EVIDENCE
from evidencekit.journeys.export_parts import PartRows, rows_of_parts
from evidencekit.package.bag import Tag, tag
from evidencekit.package.onward import Closing, LineFilter, PassedOn
from evidencekit.read.package import Package
from evidencekit.write.durable import cannot_write

_LAYER = re.compile(r"(evidence/(?:previous/[0-9a-f]{64}/)*)(.*)\Z", re.DOTALL)
_LINES, _RECORD = "records.jsonl", "package.json"
_CATALOGUES = re.compile(r"(?:branches/[^/]+/)*manifests/")


@dataclass(slots=True)
class Layer:
    """One package among those that lie in each other."""

    folder: str
    record: dict[str, Any]
    names: dict[str, str]
    """Its items that are passed on, to the names that they have in this case."""
    branch: str = ""
    """`NAME/` of an adopted case in that package; its items are called `NAME/EX-001` there."""

    def ours(self, exhibit: str, parts: Mapping[str, PartRows]) -> list[str]:
        """Return how an exhibit that is passed on, and parts of it, are called in this case."""
        theirs = [exhibit, *(parts[exhibit].parts if exhibit in parts else ())]
        return [self.names[item] for item in theirs if item in self.names]


@dataclass(slots=True)
class Carried:
    """What of a received package is passed on."""

    tags: list[Tag] = field(default_factory=list)
    """The files that go below `previous/DIGEST/`."""
    items: set[str] = field(default_factory=set)
    """Of which something is shown, as this case names them."""
    contents: list[dict[str, str]] = field(default_factory=list)
    """What they show of which sealed catalogues, as the `export` event has it."""
    closed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Groups that came open and are passed on closed, by item (ours), group and ground."""
    used: set[str] = field(default_factory=set)
    """Globs of what is to be closed that matched a row."""


def layers_of(package: Package, names: dict[str, str], folder: str = f"{EVIDENCE}/") -> Iterator[Layer]:
    """Yield the package, and those that it passes on itself; `names` are its items that are meant, to ours.

    Raises:
        FormatError: a record is malformed. CannotFinish: X402, X403.
    """
    record = decode_record(PACKAGE, package.read(folder + _RECORD, PROOF.size))
    yield Layer(folder, record, names)
    for one in record.get("branches", ()):
        name = f"{one['name']}/"
        inner = {item: ours for theirs, ours in names.items() if (item := theirs.removeprefix(name)) != theirs}
        below = "".join(f"branches/{part}/" for part in one["name"].split("/"))
        yield Layer(folder + below, one, inner, name)
    for one in record["previous"]:
        yield from layers_of(package, _names_below(package, folder, one, names), f"{folder}previous/{one['package']}/")


def _names_below(package: Package, folder: str, previous: dict[str, str], names: dict[str, str]) -> dict[str, str]:
    """Return the same items as the package before calls them, which the event says by which it was received."""
    for number in package.numbers(f"{folder}custody"):
        place = folder + layout.event_file(number)
        if package.number(place) is None:
            continue
        event = decode_event(package.read(place, layout.MAX_RECORD_FILE))
        if event["type"] == "receive" and knows_type(event) and event["body"]["package"] == previous["package"]:
            theirs = event["body"].get("offered_as", event["items"])
            return {one: names[ours] for one, ours in zip(theirs, event["items"], strict=True) if ours in names}
    return {}


def carry(
    package: Package,
    folder: Path,
    digest: str,
    layers: list[Layer],
    globs: Globs,
    payload: PassedOn,
    work: Path,
    *,
    closing: Sequence[Closing] = (),
    hash_only: bool = False,
) -> Carried:
    """Return what goes below `previous/DIGEST/`.

    Payload that is passed on is added to `payload`; files that are made lie in `work`.

    Raises:
        FormatError: a line is malformed. CannotFinish: X403, X421 to X423.
    """
    below = f"{EVIDENCE}/previous/{digest}/"
    carried, left_out = Carried(), set[str]()
    for number, layer in enumerate(layers):
        manifests = {parse_count(one["manifest"]): one for one in layer.record["manifests"]}
        known = {key: (one["item"], one["root"]) for key, one in manifests.items()}
        parts = rows_of_parts(package, layer.folder, layer.names)
        goes = {exhibit: rows.goes for exhibit, rows in parts.items() if rows.parts or exhibit in layer.names}
        chosen = LineFilter(
            known, layer.names, globs, closing=closing, hash_only=hash_only, branch=layer.branch, parts=goes
        )
        lines = work / f"records-{number}"
        try:
            with lines.open("xb") as target, package.open(layer.folder + _LINES) as source:
                chosen.copy(source, target, payload, layer.folder + _LINES)
        except OSError as error:
            raise cannot_write(lines, error) from error
        carried.tags.append(tag(below + _rest(layer.folder + _LINES), lines))
        left_out |= {layer.folder + _LINES}
        left_out |= {f"{layer.folder}leaves/{layout.number(one)}" for one in manifests.keys() - chosen.proofless}
        for key, shown in sorted(chosen.shown.items()):
            one = manifests[key]
            stated = {name: one[name] for name in ("manifest", "root", "rows")}
            items = layer.ours(one["item"], parts)
            carried.contents.append(stated | {"item": items[0], "shown": str(shown)})
            carried.items.update(items)
        for (key, group, ground), count in chosen.closed.items():
            carried.closed[layer.ours(manifests[key]["item"], parts)[0], group, ground] += count
        carried.used |= chosen.used
    for name in package.record_names:
        found = _LAYER.match(name)
        if found is not None and name not in left_out and not _CATALOGUES.match(found[2]):
            carried.tags.append(tag(below + _rest(name), folder / name))
    return carried


def _rest(name: str) -> str:
    return name.removeprefix(f"{EVIDENCE}/")
