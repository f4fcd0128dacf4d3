"""A copy of a log, whatever its shape: a case, a published folder, a checkpoint. What each can vouch for, and no more.

Promise: damage elsewhere in a copy does not keep the rest from being used; an entry counts only where a signed
checkpoint of the same copy covers it. Source: specs/checkpoint.md section 12.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.encoding import PROOF
from evidencekit.core.merkle import Tree, leaf_hash
from evidencekit.core.note import MAX_NOTE, VerifierKey, parse_note, parse_vkey
from evidencekit.core.package_records import PACKAGE, decode_record
from evidencekit.core.tlog_tiles import CHECKPOINT
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.notelines import is_signed
from evidencekit.read.package import RECORD as PACKAGE_RECORD
from evidencekit.read.package import Package, is_package, open_package
from evidencekit.read.published import is_published, is_url, open_published
from evidencekit.read.store import Store
from evidencekit.verify.checkpoints import check_notes
from evidencekit.verify.opening import check_opening
from evidencekit.verify.published import read_log
from evidencekit.verify.run import Run

if TYPE_CHECKING:
    from evidencekit.read.age import Identity as PrivateKey

_EVIDENCE = "evidence/"


@dataclass(slots=True)
class LogCopy:
    """One copy of a log."""

    place: str
    kind: str
    """`case`, `package`, `tiles` or `checkpoint`."""
    tree: Checkpoint
    """Its newest checkpoint."""
    note: bytes
    """That checkpoint's note."""
    keys: tuple[VerifierKey, ...] = ()
    """The log's keys by its own account; none where it gives none."""
    entries: Tree = field(default_factory=Tree)
    """Its entries, from 0 as far as they can be read without a gap."""
    roots: dict[int, bytes] = field(default_factory=dict)
    """Tree size to the root that a note gives; each is signed by `keys`, if there are any."""
    faults: list[str] = field(default_factory=list)
    """What does not hold in this copy itself."""
    covered: int = 0
    """Entries below this are those that a checkpoint of this copy stands for."""

    def __post_init__(self) -> None:
        self.roots.setdefault(self.tree.size, self.tree.root)
        for size in sorted(self.roots):
            if size <= len(self.entries) and self.entries.root(size) == self.roots[size]:
                self.covered = size
            elif size <= len(self.entries):
                self.faults.append(f"its checkpoint of size {size} contradicts its entries")

    def root(self, size: int) -> bytes | None:
        """Return the root at a size: as a note gives it, else as covered entries do; None where neither does."""
        if size in self.roots:
            return self.roots[size]
        return self.entries.root(size) if size <= self.covered else None

    def note_at(self, size: int) -> bytes | None:
        """Return the note at a size, None where there is none."""
        if size == self.tree.size:
            return self.note
        if self.kind != "case" or size not in self.roots:
            return None
        return Store(Path(self.place)).read(layout.checkpoint_file(size), layout.MAX_NOTE_FILE)

    def is_signed_by(self, keys: tuple[VerifierKey, ...]) -> bool | None:
        """Tell whether its newest checkpoint is signed by these keys; None where there are none to ask."""
        if not keys:
            return None
        return is_signed(parse_note(self.note).signatures, keys, self.tree, every=False)


def read_copy(place: str, *, proxy: str | None = None, identities: Sequence[PrivateKey] = ()) -> LogCopy:
    """Read a copy of a log: a case folder, a folder or URL of tiles, or a checkpoint's note.

    A URL is asked through `proxy`, if there is one.

    Raises:
        BadArgument: U255 the URL cannot be asked, U258 it is none of these.
        CannotFinish: X402 it has no checkpoint that holds, X403 it cannot be read, X469 no usable answer.
    """
    path = Path(place)
    if is_url(place) or (path.is_dir() and is_published(path)):
        return _read_tiles(place, proxy)
    if is_package(path):
        with open_package(path, identities=identities) as package:
            return read_package_copy(package, place)
    if path.is_dir():
        return read_case_copy(path)
    return _read_note(path)


def read_case_copy(path: Path) -> LogCopy:
    """Read the log of a case as far as it holds; its checkpoints by the keys that event 0 or `case.json` gives.

    Raises:
        CannotFinish: X401 not a case, X402 it has no checkpoint that holds.
    """
    run = Run(store=Store(path))
    opening = check_opening(run)
    notes = check_notes(run, opening)
    if notes.newest is None or opening.keys is None:
        raise _no_checkpoint(str(path))
    return LogCopy(
        place=str(path),
        kind="case",
        tree=notes.newest,
        note=run.case.read(layout.checkpoint_file(notes.newest.size), layout.MAX_NOTE_FILE),
        keys=(opening.keys.ed25519, opening.keys.mldsa44),
        entries=Tree(_leaves(run.case, notes.newest.size)),
        roots={size: notes.root(place) for place, size in enumerate(notes.sizes)},
        faults=_said(run),
    )


def read_package_copy(package: Package, place: str) -> LogCopy:
    """Read the log that a package carries: every entry, and its checkpoints by the keys that it names itself.

    Raises:
        FormatError: its record is malformed. CannotFinish: X402 it has no checkpoint that holds, X403.
    """
    record = decode_record(PACKAGE, package.read(PACKAGE_RECORD, PROOF.size))
    keys, roots, faults = tuple(map(parse_vkey, record["log_keys"])), {}, []
    newest: tuple[Checkpoint, bytes] | None = None
    for name in package.record_names:
        size = layout.parse_number(name.removeprefix(f"{_EVIDENCE}{layout.CHECKPOINTS}/"))
        if size is None:
            continue
        data = package.read(name, layout.MAX_NOTE_FILE)
        try:
            note = parse_note(data)
            tree = parse_checkpoint(note.text)
        except FormatError as error:
            faults.append(f"{name}: {error.message}")
            continue
        if tree.size != size or tree.origin != record["checkpoint"]["origin"]:
            faults.append(f"{name} is of another size or log than its name says")
        elif not is_signed(note.signatures, keys, tree, every=True):
            faults.append(f"{name} is not signed by the keys that the package names")
        else:
            roots[size] = tree.root
            newest = (tree, data) if newest is None or newest[0].size < size else newest
    if newest is None:
        raise _no_checkpoint(place)
    leaves: list[bytes] = []
    for index in range(newest[0].size):
        name = _EVIDENCE + layout.entry_file(index)
        if package.number(name) is None:
            break
        leaves.append(leaf_hash(package.read(name, layout.MAX_RECORD_FILE)))
    tree, note_data = newest
    return LogCopy(place, "package", tree, note_data, keys, Tree(leaves), roots, faults[:20])


def _leaves(store: Store, size: int) -> list[bytes]:
    """Return the leaf hashes of a case's entries, up to `size` or the first one that cannot be read."""
    leaves: list[bytes] = []
    for index in range(size):
        try:
            leaves.append(leaf_hash(store.read(layout.entry_file(index), layout.MAX_RECORD_FILE)))
        except (CannotFinish, FormatError):
            break
    return leaves


def _read_tiles(place: str, proxy: str | None) -> LogCopy:
    run = Run()
    with open_published(place, proxy=proxy) as published:
        published.read(CHECKPOINT, MAX_NOTE)  # a server that is not there is told as such, not as a log without a note
        log = read_log(run, published)
    if log.tree is None:
        raise _no_checkpoint(place)
    return LogCopy(
        place=place,
        kind="tiles",
        tree=log.tree,
        note=log.data,
        entries=Tree(log.leaves),
        faults=_said(run),
    )


def _read_note(path: Path) -> LogCopy:
    if not path.is_file():
        raise BadArgument(
            f"{display(str(path))} is no case, no published log and no checkpoint.",
            code="U258",
            hint="Name the folder of a case, a folder or URL of tiles, or the file of a note.",
        )
    try:
        with path.open("rb") as file:
            data = file.read(MAX_NOTE + 1)
        tree = parse_checkpoint(parse_note(data).text)
    except OSError as error:
        raise CannotFinish(f"{display(os.fspath(path))} cannot be read: {error.strerror}.", code="X403") from error
    except FormatError as error:
        raise BadArgument(
            f"{display(str(path))} is not a checkpoint: {error.message}",
            code="U258",
            hint="Name the folder of a case, a folder or URL of tiles, or the file of a note.",
        ) from error
    return LogCopy(place=str(path), kind="checkpoint", tree=tree, note=data)


def _said(run: Run) -> list[str]:
    """Return what the reading found wrong, a line each."""
    found = [f"{one.where}: {one.code} {one.title[0].lower()}{one.title[1:]}" for one in run.findings.listed()]
    return found[:20]


def _no_checkpoint(place: str) -> CannotFinish:
    return CannotFinish(
        f"{display(place)} has no checkpoint that holds, so nothing says which log it is.",
        code="X402",
        hint="`evidencekit verify` says everything that is wrong with it.",
    )
