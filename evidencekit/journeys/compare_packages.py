"""What two exports of one case show: what the second adds, leaves out, opens and withholds. Nothing is believed here.

Rows are told apart by manifest and index, which both packages have in ascending order: one walk over both, whatever
their size. A case stands for an export of everything. Source: specs/package.md sections 1 and 2.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from evidencekit.catalogue.record import read_record
from evidencekit.core import encoding, layout
from evidencekit.core.encoding import PROOF
from evidencekit.core.package_records import MAX_LINE, PACKAGE, SHOWN, decode_record
from evidencekit.core.records import NAME
from evidencekit.core.values import display, parse_count, read_name
from evidencekit.errors import FormatError
from evidencekit.journeys.export_items import all_items
from evidencekit.journeys.export_logs import Log, logs_of
from evidencekit.read.package import RECORD, Package, is_package, open_package
from evidencekit.read.published import is_published

if TYPE_CHECKING:
    from evidencekit.read.age import Identity as PrivateKey

LINES = "evidence/records.jsonl"
LISTED = 1_000
"""Changes of one kind that are listed; the counts are complete."""
ADDED, REMOVED, OPENED, WITHHELD, ALTERED = "added", "removed", "opened", "withheld", "altered"


class Manifest(NamedTuple):
    """A sealed catalogue that rows are of."""

    item: str
    root: str
    rows: int


@dataclass(frozen=True, slots=True)
class Export:
    """What there is to compare: a package, or a whole case."""

    origin: str
    manifests: Mapping[int, Manifest]
    items: tuple[str, ...]
    package: Package | None = None
    """None: a case, which shows all."""
    lines: str = LINES
    """Where the rows are that the package shows."""
    branches: Mapping[str, Export] = field(default_factory=dict)
    """What it shows of adopted cases, by the names of the branches that lead to them."""

    def branch(self, name: str) -> Export:
        """Return what it shows of an adopted case: nothing, where it does not name that."""
        return self.branches.get(name, Export(self.origin, {}, (), self.package, ""))


class Line(NamedTuple):
    """A row that is shown."""

    manifest: int
    row: int
    """Its index."""
    side: int
    where: str
    leaf: str
    opened: frozenset[str]
    """Groups, and `payload`."""


@dataclass(slots=True)
class Difference:
    """What lies between two exports of one log."""

    counts: Counter[str] = field(default_factory=Counter)
    """Rows by what became of them: `added`, `removed`, `opened`, `withheld`, `altered`, `equal`."""
    listed: list[dict[str, Any]] = field(default_factory=list)
    manifests: dict[str, list[str]] = field(default_factory=dict)
    """`added`, `removed`, `altered`: EXHIBIT (manifest N)."""
    items: dict[str, list[str]] = field(default_factory=dict)
    """`added`, `removed`."""
    _told: Counter[str] = field(default_factory=Counter)

    def as_record(self) -> dict[str, Any]:
        """Return it as it stands in the JSON document."""
        kinds = (ADDED, REMOVED, OPENED, WITHHELD, ALTERED, "equal")
        return {
            "items": self.items,
            "manifests": self.manifests,
            "rows": {kind: self.counts[kind] for kind in kinds},
            "listed": self.listed,
        }

    def add(self, kind: str, where: str, groups: frozenset[str] = frozenset(), *, count: int = 1) -> None:
        """Take a change."""
        self.counts[kind] += count
        self._told[kind] += 1
        if self._told[kind] <= LISTED:
            self.listed.append({"count": count, "groups": sorted(groups), "what": kind, "where": where})


def compare_exports(a: Path, b: Path, *, identities: Sequence[PrivateKey] = ()) -> Difference | None:
    """Return what `b` shows more and less than `a`: two packages, or one and its case. Else None.

    `identities` open packages that are encrypted.

    Raises:
        FormatError: a package is malformed. CannotFinish: one of them cannot be read.
    """
    if not (is_package(a) or is_package(b)) or not all(is_package(path) or path.is_dir() for path in (a, b)):
        return None
    if is_published(a) or is_published(b):
        return None
    with ExitStack() as stack:
        exports = [
            export_of_package(stack.enter_context(open_package(path, identities=identities)))
            if is_package(path)
            else export_of_case(path)
            for path in (a, b)
        ]
        return difference(*exports)


def export_of_package(package: Package) -> Export:
    """Return what a package says of itself.

    Raises:
        FormatError: its record is malformed. CannotFinish: it cannot be read.
    """
    record = decode_record(PACKAGE, package.read(RECORD, PROOF.size))
    branches = {}
    for one in record.get("branches", ()):
        place = "".join(f"{layout.branch_folder(part)}/" for part in one["name"].split("/"))
        lines = LINES.replace("/", f"/{place}", 1)
        branches[one["name"]] = _said(one, package, lines, f"{one['name']}/", {})
    return _said(record, package, LINES, "", branches)


def _said(record: Mapping[str, Any], package: Package, lines: str, name: str, branches: Mapping[str, Export]) -> Export:
    manifests = {
        parse_count(one["manifest"]): Manifest(name + one["item"], one["root"], parse_count(one["rows"]))
        for one in record["manifests"]
    }
    return Export(record["checkpoint"]["origin"], manifests, tuple(record["items"]), package, lines, branches)


def export_of_case(path: Path) -> Export:
    """Return what a case would show if all of it were exported.

    Raises:
        CannotFinish: X401 not a case, X402, X403, X446 it cannot be read.
    """
    record = read_record(path)
    logs = logs_of(record)
    items = all_items(logs)
    shown = {log.name[:-1]: Export(log.record.case["origin"], _sealed(log, items), ()) for log in logs if log.name}
    return Export(record.case["origin"], _sealed(logs[0], items), tuple(items), branches=shown)


def _sealed(log: Log, items: Collection[str]) -> dict[int, Manifest]:
    return {
        one.manifest: Manifest(log.whole(one.item), one.root, one.rows)
        for one in (*log.record.sealed, *log.record.derived)
        if not log.name or log.whole(one.item) in items
    }


def difference(first: Export, second: Export) -> Difference:
    """Return what `second` shows more, and less, than `first`; both are of one log.

    Raises:
        FormatError: a line of a package is malformed. CannotFinish: a package cannot be read.
    """
    found = Difference()
    found.items = _sides(set(first.items), set(second.items))
    found.manifests = {ADDED: [], REMOVED: [], ALTERED: []}
    _differ(found, first, second)
    for name in sorted({*first.branches, *second.branches}):
        _differ(found, first.branch(name), second.branch(name))
    return found


def _differ(found: Difference, first: Export, second: Export) -> None:
    """Compare what is shown of one log."""
    for kind, names in _sides(_names(first), _names(second)).items():
        found.manifests[kind] += names
    found.manifests[ALTERED] += sorted(
        f"{one.item} (manifest {number})"
        for number, one in first.manifests.items()
        if number in second.manifests and second.manifests[number] != one
    )
    with _lines(first, 0) as mine, _lines(second, 1) as theirs:
        both = heapq.merge(mine, theirs, key=lambda line: line[:3])
        shown: tuple[Counter[int], Counter[int]] = (Counter(), Counter())
        for (manifest, _), lines in groupby(both, key=lambda line: line[:2]):
            one, other = _pair(lines)
            shown[0][manifest] += one is not None
            shown[1][manifest] += other is not None
            _compare(found, first, second, one, other)
    if first.package is None or second.package is None:
        _count_hidden(found, first, second, shown[0 if second.package is None else 1])


def _sides(mine: set[str], theirs: set[str]) -> dict[str, list[str]]:
    return {ADDED: sorted(theirs - mine), REMOVED: sorted(mine - theirs)}


def _names(export: Export) -> set[str]:
    return {f"{one.item} (manifest {number})" for number, one in export.manifests.items()}


def _pair(lines: Iterator[Line]) -> tuple[Line | None, Line | None]:
    found: list[Line | None] = [None, None]
    for line in lines:
        found[line.side] = line
    return found[0], found[1]


def _compare(found: Difference, first: Export, second: Export, one: Line | None, other: Line | None) -> None:
    """Compare one row, of which at least one side has a line; what a case shows is all of it."""
    line = one or other
    if line is None:
        return
    if one is None and first.package is None and line.manifest in first.manifests:
        _opened(found, line, line.opened | _all(line), line.opened)
    elif other is None and second.package is None and line.manifest in second.manifests:
        _opened(found, line, line.opened, line.opened | _all(line))
    elif one is None:
        found.add(ADDED, line.where, line.opened)
    elif other is None:
        found.add(REMOVED, line.where, line.opened)
    elif one.leaf != other.leaf:
        found.add(ALTERED, other.where)
    else:
        _opened(found, one if "#" not in one.where else other, one.opened, other.opened)


def _all(line: Line) -> frozenset[str]:
    return frozenset({"opinion"} if "opinion" in line.opened else {"content", "metadata", "name"})


def _opened(found: Difference, line: Line, before: frozenset[str], after: frozenset[str]) -> None:
    if after - before:
        found.add(OPENED, line.where, after - before)
    if before - after:
        found.add(WITHHELD, line.where, before - after)
    found.counts["equal"] += before == after


def _count_hidden(found: Difference, first: Export, second: Export, shown: Counter[int]) -> None:
    """Rows of a case that the package does not show at all: how many of each manifest, nobody has to read them."""
    case, package, kind = (first, second, REMOVED) if first.package is None else (second, first, ADDED)
    for number, one in case.manifests.items():
        left = one.rows - (shown[number] if number in package.manifests else 0)
        if left > 0:
            found.add(kind, f"{one.item} (manifest {number})", count=left)


@contextmanager
def _lines(export: Export, side: int) -> Iterator[Iterator[Line]]:
    """Yield the rows that an export shows, ascending; those of a case are not told one by one."""
    with ExitStack() as stack:
        if export.package is None or export.package.number(export.lines) is None:
            yield iter(())
            return
        file = stack.enter_context(export.package.open(export.lines))
        yield _read(export, file, side)


def _read(export: Export, file: Any, side: int) -> Iterator[Line]:
    before = (-1, -1)
    while data := file.readline(MAX_LINE + 2):
        if not data.endswith(b"\n"):
            raise FormatError(
                export.lines, expected=f"lines of at most {MAX_LINE} bytes", found="a longer one, or no end"
            )
        record = decode_record(SHOWN, data[:-1])
        manifest, index = parse_count(record["manifest"]), parse_count(record["index"])
        if (manifest, index) <= before or manifest not in export.manifests:
            raise FormatError(export.lines, expected="rows of its manifests, ascending", found=f"{manifest}, {index}")
        before = (manifest, index)
        opened = frozenset(record["groups"]) | ({"payload"} if record["payload"] is not None else set())
        item = export.manifests[manifest].item
        yield Line(manifest, index, side, _where(item, index, record["groups"]), record["leaf"], opened)


def _where(item: str, index: int, groups: dict[str, Any]) -> str:
    if "name" not in groups:
        return f"{item}#{index}"
    name = encoding.decode(groups["name"]["bytes"].encode())
    NAME.check(name)
    return f"{item}:{display(read_name(name, 'path'))}"
