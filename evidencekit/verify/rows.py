"""Step 9, all rows of a manifest: form, leaf, order, duplicates, salts, view columns, sums. Memory stays flat.

Source: specs/manifest.md sections 1 to 6 and 9.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from evidencekit.core.encoding import GROUP
from evidencekit.core.records import CONTENT, METADATA, NAME, STATES
from evidencekit.core.row_leaves import TEXT_KINDS, leaf_hashes
from evidencekit.core.values import parse_count, short
from evidencekit.errors import FormatError
from evidencekit.read.parquet import Columns, ManifestFile
from evidencekit.verify.apart import take_rows
from evidencekit.verify.folders import Folders
from evidencekit.verify.groups import Parsed, View
from evidencekit.verify.objects import Objects
from evidencekit.verify.placing import InOrder, Placing, Shuffled
from evidencekit.verify.rows_job import Header, RowsJob
from evidencekit.verify.run import Run
from evidencekit.verify.salts import Salts, equal_salts
from evidencekit.verify.stretch import Key, Mark, Stretch, note


@dataclass(slots=True)
class RowSums:
    """What the rows of a manifest add up to."""

    rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    """By state; `unreadable` where the groups could not be read."""
    size: int = 0
    """Bytes of content that was taken."""
    root: bytes | None = None
    """None where the indexes are not those of the rows."""
    excluded: int = 0
    """Rows that globs are said to have left out."""
    notes: bytearray = field(default_factory=bytearray)
    """One byte a row, by index: what opinions about it have to know."""
    marks: list[Mark] | None = field(default_factory=list)
    """Where the comparison with a source may be cut; None where something is amiss with a row."""


class RowCheck:
    """Checks the rows of one open manifest."""

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
        self._shuffled = self._header.is_shuffled
        self._copies = self._header.has_copies
        self._with_copies = self._copies or objects.has_unnamed
        rows = manifest.rows_count
        self._placing: Placing = Shuffled(rows) if self._shuffled else InOrder()
        self._salts = Salts()
        self._look = self._header.stretches(with_copies=self._with_copies).look
        self._last: Key | None = None
        self._closed: bytes | None = None
        self._link_groups = 0
        self._folders = Folders()
        self.sums = RowSums(notes=bytearray(rows))

    def check(self) -> RowSums:
        """Read every row once (twice where salts look equal), and return the sums.

        Raises:
            FormatError: the file is damaged from here on.
            CannotFinish: the file cannot be read.
        """
        take_rows(self._run.crew, self._manifest, self._job, self._look, self._join, self._judge)
        if not self.sums.rows:
            self._run.find("E109", self._place, "the source itself as row 0", "no rows")
        for index, expected, found in self._placing.finish():
            self._run.find("E109", f"{self._place}#{index}", expected, found)
        self.sums.root = self._placing.root()
        self._find_equal_salts()
        return self.sums

    def _job(self, start: int, stop: int) -> RowsJob:
        return RowsJob(self._place, start, stop, self._header, self._with_copies)

    def _join(self, stretch: Stretch) -> bool:
        """Take rows with which nothing is amiss; False, and none is taken, where they do not follow upon the last."""
        if not self._is_next(stretch):
            return False
        links = self._link_groups
        for group in stretch.links:
            if not 1 <= group <= links + 1:
                return False
            links = max(links, group)
        self._link_groups, self._last, self._closed = links, stretch.closing, stretch.closed
        if not self._folders.is_lost:
            self._folders = stretch.folders
        self._add(stretch)
        return True

    def _is_next(self, stretch: Stretch) -> bool:
        """Tell whether the first of these rows may come after the last one."""
        if self._last is None:  # no row was before, or one that could not be read
            if stretch.first == 0 and stretch.opening != (b"", b""):
                return False
        elif stretch.opening <= self._last:
            return False
        if self._closed is not None and stretch.above.startswith(self._closed):
            return False
        return self._folders.is_lost or self._folders.reach(stretch.above)

    def _add(self, stretch: Stretch) -> None:
        sums = self.sums
        sums.rows += stretch.rows
        sums.kinds += stretch.kinds
        sums.states += stretch.states
        sums.size += stretch.size
        sums.excluded += stretch.excluded
        if sums.marks is not None:
            sums.marks += stretch.marks
        if self._shuffled:
            for index, bits in zip(stretch.indexes, stretch.notes, strict=True):
                if 0 <= index < len(sums.notes):
                    sums.notes[index] = bits
        else:
            sums.notes[stretch.first : stretch.first + stretch.rows] = stretch.notes
        self._salts.take_beginnings(stretch.salts)
        objects = self._objects
        for row, digest, size, is_large in stretch.named:
            if is_large or self._copies or objects.has_unnamed:
                objects.name(f"{self._place}#{row}", digest, size, demanded=is_large or self._copies)
        for position, expected, found in self._placing.take_stretch(stretch):
            self._run.find("E109", f"{self._place}#{position}", expected, found)
        self._run.did("rows", stretch.rows, total=self._manifest.rows_count)

    def _judge(self, first: int, batch: Columns) -> None:
        """Check some rows one by one, and say all that is amiss with them."""
        self.sums.marks = None
        self._closed = None
        self._salts.take(batch["row_salt"])
        self._rows(first, batch)
        leaves = leaf_hashes(batch)
        for position, expected, found in self._placing.take(first, batch["index"], leaves):
            self._run.find("E109", f"{self._place}#{position}", expected, found)
        self._run.did("rows", len(leaves), total=self._manifest.rows_count)

    def _rows(self, first: int, batch: Columns) -> None:
        sums, kinds, states = self.sums, self.sums.kinds, self.sums.states
        rows = zip(
            batch["index"], batch["name"], batch["content"], batch["metadata"], batch["kind"],
            batch["path"], batch["size"], batch["state"], batch["sha256"], batch["mtime_ns"], strict=True,
        )  # fmt: skip
        for position, (index, name, content, metadata, kind, path, size, state, digest, mtime) in enumerate(
            rows, start=first
        ):
            text = TEXT_KINDS.get(kind) or kind.decode(errors="replace")
            sums.rows += 1
            kinds[text if kind in TEXT_KINDS else "unreadable"] += 1
            try:
                parsed = self._groups.read(text, name, content, metadata)
            except FormatError as error:
                states["unreadable"] += 1
                self._last = None
                self._folders.lose()
                self._malformed(self._where(position, index), error, name, content, metadata)
                continue
            view = parsed.view
            states[view.state] += 1
            found = (path, size, state.decode(errors="replace"), digest, mtime)
            if view != found:
                self._compare_view(self._where(position, index), view, View(*found))
            self._follow(position, index, text, parsed)

    def _where(self, position: int, index: int) -> str:
        return f"{self._place}#{index if self._shuffled else position}"

    def _follow(self, position: int, index: int, kind: str, parsed: Parsed) -> None:
        """Order, duplicates, hard-link numbers, sums, objects."""
        view, run = parsed.view, self._run
        key = (view.path.replace(b"/", b"\0"), parsed.stream)  # no name holds NUL: so components sort as components
        last = self._last
        if last is None:
            if position == 0 and key != (b"", b""):
                run.find("E109", self._where(position, index), "the source itself first, with an empty path", "another")
                self._folders.lose()
        elif key <= last:
            code, expected = ("E110", "a name of its own") if key == last else ("E109", "names in ascending order")
            run.find(code, self._where(position, index), expected, f"{short(view.path)} after {short(last[0])}")
            if key < last:
                self._folders.lose()
        self._last = key
        if not self._folders.takes(view.path, is_folder=kind == "directory" and not parsed.stream):
            run.find("E107", self._where(position, index), "a row in a folder that has a row", short(view.path))
        if parsed.link_group is not None:
            if not 1 <= parsed.link_group <= self._link_groups + 1:
                expected = f"link_group from 1 to {self._link_groups + 1}: numbered by first appearance"
                run.find("E107", self._where(position, index), expected, str(parsed.link_group))
            self._link_groups = max(self._link_groups, parsed.link_group)
        if view.state in {"complete", "changed"} and view.size is not None:
            self.sums.size += view.size
        if 0 <= index < self._manifest.rows_count:
            self.sums.notes[index] = note(kind, parsed)
        self.sums.excluded += parsed.excluded
        objects = self._objects
        for value in parsed.large:
            size = parse_count(value["bytes"])
            objects.name(self._where(position, index), value["sha256"], size, demanded=True)
        if parsed.copy is not None and (self._copies or objects.has_unnamed):
            objects.name(self._where(position, index), *parsed.copy, demanded=self._copies)

    def _malformed(self, where: str, error: FormatError, name: bytes, content: bytes, metadata: bytes) -> None:
        group, _, _ = error.place.partition(":")
        data, schema = {
            "name": (name, NAME),
            "content": (content, CONTENT),
            "metadata": (metadata, METADATA),
        }.get(group, (b"", None))
        self._run.malformed(where, error, data=data, schema=schema, limits=GROUP, code="E107")

    def _compare_view(self, where: str, view: View, found: View) -> None:
        """Name each view column that says something else than the groups."""
        for name, expected, stored in zip(View._fields, view, found, strict=True):
            if expected != stored:
                self._run.find("E212", where, f"{name} {_shown(expected)}", f"{name} {_shown(stored)}")

    def _find_equal_salts(self) -> None:
        suspects = self._salts.suspects()
        if not suspects:
            return
        rows = (
            (first + offset, salt)
            for first, batch in self._manifest.batches(["row_salt"])
            for offset, salt in enumerate(batch["row_salt"])
        )
        for pair in equal_salts(suspects, rows):
            if pair is None:
                self._run.skip("record", "too_many", self._place, "more salts look equal than can be compared")
                return
            self._run.find("E111", f"{self._place}#{pair[0]}", "a salt of its own", f"the salt of row {pair[1]}")


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) and len(value) == 32 else short(value)


def omissions(states: Counter[str]) -> str:
    """Return the states that are omissions with their counts, as text; empty where there are none."""
    found = [f"{states[state]} {state}" for state in STATES if state != "complete" and states[state]]
    return ", ".join(found)
