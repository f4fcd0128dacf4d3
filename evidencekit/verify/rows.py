"""Step 9, all rows of a manifest: form, leaf, order, duplicates, salts, view columns, sums. Memory stays flat.

Source: specs/manifest.md sections 1 to 6 and 9.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256, sha512
from typing import Any

from evidencekit.core.encoding import GROUP
from evidencekit.core.records import CONTENT, KINDS, METADATA, NAME, ROW_TYPE, STATES
from evidencekit.core.values import parse_count, short
from evidencekit.errors import FormatError
from evidencekit.read.parquet import Columns, ManifestFile
from evidencekit.verify.folders import Folders
from evidencekit.verify.groups import Groups, Parsed, View
from evidencekit.verify.objects import Objects
from evidencekit.verify.placing import InOrder, Placing, Shuffled
from evidencekit.verify.run import Run
from evidencekit.verify.salts import Salts, equal_salts

_SALTS = b"evidencekit/salts/1\0"
_NAME, _CONTENT, _METADATA = (b"evidencekit/group/1\0%b\0" % group for group in (b"name", b"content", b"metadata"))
_TEXT_KINDS = {kind.encode(): kind for kind in KINDS}
_LEAF = f'\0{{"_t":"{ROW_TYPE}","content":"%s","kind":"%s","metadata":"%s","name":"%s"}}'
_TYPED = frozenset({"complete", "changed", "partial"})
"""States of files that get a media type (specs/manifest.md section 8)."""
TO_TYPE, TO_MATCH, HAS_DIGEST = 1, 2, 4
"""What is noted of a row for opinions: a media type belongs to it; a comparison with a list; it has plain digests."""


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
        header = header or {}
        self._groups = Groups(header.get("digests", []), header.get("name_encoding", "posix"))
        self._shuffled = header.get("order") == "shuffled"
        self._copies: bool = header.get("options", {}).get("copies", False)
        rows = manifest.rows_count
        self._placing: Placing = Shuffled(rows) if self._shuffled else InOrder()
        self._salts = Salts()
        self._last: tuple[bytes, bytes] | None = None
        self._link_groups = 0
        self._folders = Folders()
        self.sums = RowSums(notes=bytearray(rows))

    def check(self) -> RowSums:
        """Read every row once (twice where salts look equal), and return the sums.

        Raises:
            FormatError: the file is damaged from here on.
            CannotFinish: the file cannot be read.
        """
        for first, batch in self._manifest.batches():
            self._salts.take(batch["row_salt"])
            leaves = self._batch(first, batch)
            for position, expected, found in self._placing.take(first, batch["index"], leaves):
                self._run.find("E109", f"{self._place}#{position}", expected, found)
            self._run.did("rows", len(leaves), total=self._manifest.rows_count)
        if not self.sums.rows:
            self._run.find("E109", self._place, "the source itself as row 0", "no rows")
        for index, expected, found in self._placing.finish():
            self._run.find("E109", f"{self._place}#{index}", expected, found)
        self.sums.root = self._placing.root()
        self._find_equal_salts()
        return self.sums

    def _batch(self, first: int, batch: Columns) -> list[bytes]:
        """Check some rows; return their leaf hashes in the order of the file."""
        leaves: list[bytes] = []
        sums, kinds, states = self.sums, self.sums.kinds, self.sums.states
        rows = zip(
            batch["index"], batch["row_salt"], batch["name"], batch["content"], batch["metadata"], batch["kind"],
            batch["path"], batch["size"], batch["state"], batch["sha256"], batch["mtime_ns"], strict=True,
        )  # fmt: skip
        for position, (index, salt, name, content, metadata, kind, path, size, state, digest, mtime) in enumerate(
            rows, start=first
        ):
            h = sha512(_SALTS + salt).digest()
            text = _TEXT_KINDS.get(kind) or kind.decode(errors="replace")
            leaf = _LEAF % (
                sha256(_CONTENT + h[16:32] + content).hexdigest(),
                text,
                sha256(_METADATA + h[32:48] + metadata).hexdigest(),
                sha256(_NAME + h[:16] + name).hexdigest(),
            )
            leaves.append(sha256(leaf.encode()).digest())
            sums.rows += 1
            kinds[text if kind in _TEXT_KINDS else "unreadable"] += 1
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
        return leaves

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
            self.sums.notes[index] = _note(kind, parsed)
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
                self._run.skip("record", "beyond_limit", self._place, "more salts look equal than can be compared")
                return
            self._run.find("E111", f"{self._place}#{pair[0]}", "a salt of its own", f"the salt of row {pair[1]}")


def _note(kind: str, parsed: Parsed) -> int:
    """Return what opinions have to know of a row. Source: specs/manifest.md section 8."""
    view = parsed.view
    note = TO_TYPE if kind == "file" and view.state in _TYPED else 0
    is_read = kind == "file" or (kind == "block_device" and not view.path)
    if is_read and not parsed.stream:
        note |= TO_MATCH | HAS_DIGEST if view.sha256 is not None else TO_MATCH
    return note


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) and len(value) == 32 else short(value)


def omissions(states: Counter[str]) -> str:
    """Return the states that are omissions with their counts, as text; empty where there are none."""
    found = [f"{states[state]} {state}" for state in STATES if state != "complete" and states[state]]
    return ", ".join(found)
