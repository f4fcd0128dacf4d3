"""Step 9, the reduced form of a catalogue: what is left of each row, and the root that was sealed over all of it.

What an order took away cannot be checked, and is not asked for: sums of the header are lower bounds, and a place, a
folder or a link group is followed only as far as rows still tell it. Rows are looked at one by one, in one process.
Source: specs/manifest.md section 10.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evidencekit.core.digest import group_commitment
from evidencekit.core.encoding import GROUP
from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.core.records import CONTENT, METADATA, NAME
from evidencekit.core.reduced import OPINION_RESTS_ON, Opened, ReducedRow
from evidencekit.core.row_leaves import TEXT_KINDS
from evidencekit.core.values import parse_count, read_name, short
from evidencekit.errors import FormatError
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.reduced import rows_of
from evidencekit.verify.groups import Parsed, decode_group, large_values
from evidencekit.verify.objects import Objects
from evidencekit.verify.rows import RowSums
from evidencekit.verify.rows_job import Header
from evidencekit.verify.run import Run
from evidencekit.verify.salts import Salts, equal_salts
from evidencekit.verify.stretch import ERASED, note, note_of

_SCHEMAS = {"name": NAME, "content": CONTENT, "metadata": METADATA}
_MAYBE_READ = frozenset({"file", "block_device"})
"""Kinds of which an opinion may have been made."""


class Commitments:
    """What is checked of a group that may be erased, whatever it says: its salt, its commitment."""

    def __init__(self, run: Run, place: str) -> None:
        self._run = run
        self._place = place
        self._salts: dict[str, Salts] = {}

    def take(self, where: str, groups: dict[str, Opened]) -> dict[str, Opened]:
        """Return the groups of a row with the commitments that they have: computed, where there is something to."""
        return {name: self._check(where, name, group) for name, group in groups.items()}

    def _check(self, where: str, name: str, group: Opened) -> Opened:
        if group.salt is not None:
            self._salts.setdefault(name, Salts()).take([group.salt])
        if group.salt is None or group.data is None:
            if group.salt is not None or group.data is not None:
                found = "its salt alone" if group.data is None else "its bytes alone"
                self._run.find("E113", where, f"{name} with its salt, or neither", found)
            return group.erase()
        commitment = group_commitment(name, group.salt, group.data)
        if commitment != group.commitment:
            found = f"{name}_commitment {group.commitment.hex()}"
            self._run.find("E113", where, f"{name}_commitment {commitment.hex()}", found)
        return group._replace(commitment=commitment)

    def find_equal_salts(self, manifest: ManifestFile) -> None:
        """Name rows that share a salt (E111), group after group."""
        for name, salts in self._salts.items():
            suspects = salts.suspects()
            for pair in equal_salts(suspects, _salts_of(manifest, f"{name}_salt")) if suspects else ():
                if pair is None:
                    reason = "more salts look equal than can be compared"
                    self._run.skip("record", "too_many", self._place, reason)
                    return
                expected, found = f"a {name}_salt of its own", f"that of row {pair[1]}"
                self._run.find("E111", f"{self._place}#{pair[0]}", expected, found)


def _salts_of(manifest: ManifestFile, column: str) -> Iterable[tuple[int, bytes]]:
    for first, batch in manifest.batches([column]):
        for place, salt in enumerate(batch[column], start=first):
            if salt is not None:
                yield place, salt


def _has_stream(named: dict[str, Any]) -> bool:
    return "stream" in named or "stream_hex" in named


class ReducedCheck:
    """Checks the rows of one open reduced manifest of facts."""

    def __init__(
        self, run: Run, manifest: ManifestFile, place: str, header: dict[str, Any] | None, objects: Objects
    ) -> None:
        """Take the manifest, its name in findings, its header where it could be read, and what rows may name."""
        self._run = run
        self._manifest = manifest
        self._place = place
        self._objects = objects
        self._header = Header.of(header)
        self._groups = self._header.groups()
        self._commitments = Commitments(run, place)
        self._tree = CompactRange()
        self._last: tuple[bytes, bytes] | None = None
        self._last_leaf = b""
        self._is_sound = True
        self.sums = RowSums(notes=bytearray(manifest.rows_count), marks=None)
        self.erased = 0
        """Rows of which something is erased."""

    def check(self) -> RowSums:
        """Read every row once (twice where salts look equal), and return the sums of what is left.

        Raises:
            FormatError: the file is damaged from here on.
            CannotFinish: the file cannot be read.
        """
        for first, batch in self._manifest.batches():
            for position, row in enumerate(rows_of(self._manifest.format, batch), start=first):
                self._take(position, row)
            self._run.did("rows", len(batch["index"]), total=self._manifest.rows_count)
        if not self.sums.rows:
            self._run.find("E109", self._place, "the source itself as row 0", "no rows")
        self.sums.root = self._tree.root() if self._is_sound else None
        self._commitments.find_equal_salts(self._manifest)
        return self.sums

    def _take(self, position: int, row: ReducedRow) -> None:
        where = f"{self._place}#{position}"
        if row.index != position:
            self._is_sound = False
            self._run.find("E109", where, f"index {position}", f"index {row.index}")
        row = row._replace(groups=self._commitments.take(where, dict(row.groups)))
        leaf = leaf_hash(row.leaf())
        self._tree.append(leaf)
        if self._header.is_shuffled and leaf < self._last_leaf:
            self._run.find("E109", where, "leaf hashes in ascending order", "a lower one")
        self._last_leaf = leaf
        kind = TEXT_KINDS.get(row.kind)
        self.sums.rows += 1
        self.sums.kinds[kind or "unreadable"] += 1
        self.erased += row.is_touched
        if kind is None:
            self._run.find("E107", where, "a kind of row", short(row.kind))
        elif row.is_touched:
            self._take_rest(position, where, kind, row)
        else:
            self._take_whole(position, where, kind, row)

    def _take_whole(self, position: int, where: str, kind: str, row: ReducedRow) -> None:
        """Take a row of which nothing is erased: it is checked as any other."""
        name, content, metadata = (one.data or b"" for one in row.groups.values())
        try:
            parsed = self._groups.read(kind, name, content, metadata)
        except FormatError as error:
            self.sums.states["unreadable"] += 1
            group = error.place.partition(":")[0]
            data = {"name": name, "content": content, "metadata": metadata}.get(group, b"")
            self._run.malformed(where, error, data=data, schema=_SCHEMAS.get(group), limits=GROUP, code="E107")
            return
        sums, view = self.sums, parsed.view
        sums.states[view.state] += 1
        if view.state in {"complete", "changed"} and view.size is not None:
            sums.size += view.size
        sums.notes[position] = note(kind, parsed)
        sums.excluded += parsed.excluded
        self._follow(position, where, view.path, parsed.stream)
        self._name_objects(where, parsed)

    def _take_rest(self, position: int, where: str, kind: str, row: ReducedRow) -> None:
        """Take what is left of a row: each group on its own."""
        sums, records = self.sums, {}
        for name, group in row.groups.items():
            if group.data is None:
                continue
            try:
                records[name] = decode_group(name, group.data, _SCHEMAS[name])
            except FormatError as error:
                self._run.malformed(where, error, data=group.data, schema=_SCHEMAS[name], limits=GROUP, code="E107")
        gone = {name for name, group in row.groups.items() if group.is_erased}
        content, named = records.get("content"), records.get("name")
        path = None if named is None else read_name(named, "path")
        stream = b"" if named is None or not _has_stream(named) else read_name(named, "stream")
        if path is not None:
            self._follow(position, where, path, stream)
        if len(records) + len(gone) < len(row.groups):  # no opinion is about a row that has E107 itself
            sums.notes[position] = 0
        elif not OPINION_RESTS_ON.isdisjoint(gone):
            sums.notes[position] = ERASED if kind in _MAYBE_READ else 0
        elif path is not None and content is not None:
            has_digest = content["sha256"] is not None
            sums.notes[position] = note_of(kind, content["state"], path, stream, has_digest=has_digest)
        if content is None:
            sums.states["erased" if "content" in gone else "unreadable"] += 1
        else:
            sums.states[content["state"]] += 1
            if content["state"] in {"complete", "changed"} and content["size"] is not None:
                sums.size += parse_count(content["size"])
            sums.excluded += content.get("reason") == "excluded"
            digest = content["sha256"] or content.get("sha256_zero_filled")
            if digest is not None and content["size"] is not None:
                self._name_copy(where, digest, parse_count(content["size"]))
        for name in ("content", "metadata"):
            for value in large_values(records.get(name)):
                self._objects.name(where, value["sha256"], parse_count(value["bytes"]), demanded=True)

    def _follow(self, position: int, where: str, path: bytes, stream: bytes) -> None:
        """Order and duplicates among the names that are left."""
        if self._header.is_shuffled:
            return
        key = (path.replace(b"/", b"\0"), stream)
        if position == 0 and key != (b"", b""):
            self._run.find("E109", where, "the source itself first, with an empty path", "another")
        elif self._last is not None and key <= self._last:
            code = "E110" if key == self._last else "E109"
            expected = "a name of its own" if key == self._last else "names in ascending order"
            self._run.find(code, where, expected, f"{short(path)} after {short(self._last[0])}")
        self._last = key

    def _name_objects(self, where: str, parsed: Parsed) -> None:
        for value in parsed.large:
            self._objects.name(where, value["sha256"], parse_count(value["bytes"]), demanded=True)
        if parsed.copy is not None:
            self._name_copy(where, *parsed.copy)

    def _name_copy(self, where: str, digest: str, size: int) -> None:
        demanded = self._header.has_copies
        if demanded or self._objects.has_unnamed:
            self._objects.name(where, digest, size, demanded=demanded)
