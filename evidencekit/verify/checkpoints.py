"""Steps 2 and 5: every note in `checkpoints/`; the newest checkpoint is the valid one of the largest size.

Source: specs/verification.md section 1 steps 2 and 5, specs/checkpoint.md points 2 to 5 and 7.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

from evidencekit.core import layout
from evidencekit.core.checkpoint import (
    Checkpoint,
    ed25519_message,
    log_signatures,
    mldsa44_message,
    parse_checkpoint,
)
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.core.note import Note, parse_note
from evidencekit.core.values import short
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.signature import verify_ed25519, verify_mldsa44
from evidencekit.verify.opening import LogKeys, Opening
from evidencekit.verify.run import Run


@dataclass(slots=True)
class Notes:
    """The notes of a case, in eight bytes and one hash each."""

    present: array[int] = field(default_factory=lambda: array("Q"))
    """Sizes that have a file, ascending."""
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    """Sizes that have a valid note, ascending."""
    roots: bytearray = field(default_factory=bytearray)
    """The roots that those notes give."""
    unread: set[int] = field(default_factory=set)
    """Sizes of which a file is there that could not be read."""
    newest: Checkpoint | None = None
    note: Note | None = None
    """The newest valid note."""

    def is_there(self, size: int) -> bool:
        """Tell whether there is a file for a size."""
        place = bisect_left(self.present, size)
        return place < len(self.present) and self.present[place] == size

    def root(self, place: int) -> bytes:
        """Return the root of the valid note at a place in `sizes`."""
        return bytes(self.roots[place * HASH_SIZE : (place + 1) * HASH_SIZE])


def check_notes(run: Run, opening: Opening) -> Notes:
    """Check every note (E105, E405, E406), and find the newest valid one."""
    notes = Notes(run.numbers(layout.CHECKPOINTS) or array("Q"))
    for size in notes.present:
        where = layout.checkpoint_file(size)
        data = run.read(where, layout.MAX_NOTE_FILE)
        if data is None:
            notes.unread.add(size)
            continue
        try:
            note = parse_note(data)
            tree = parse_checkpoint(note.text)
        except FormatError as error:
            run.find("E105", where, error.expected, f"{error.place}: {error.found}")
            continue
        if not _names_itself(run, tree, size, opening.origin, where):
            continue
        if opening.keys is None:
            run.skip("record", "no_log_keys", where, "its signatures need the log's keys, which could not be read")
            continue
        if check_log_lines(run, note, tree, opening.keys, where):
            notes.sizes.append(size)
            notes.roots += tree.root
            notes.newest, notes.note = tree, note
            run.did("checkpoints", total=len(notes.present))
    return notes


def _names_itself(run: Run, tree: Checkpoint, size: int, origin: str | None, where: str) -> bool:
    if tree.size != size:
        run.find("E105", where, f"size {size}", f"size {tree.size}")
        return False
    if size == 0:
        run.find("E105", where, "size 1 or more", "size 0, of which no note is written")
        return False
    if origin is not None and tree.origin != origin:
        run.find("E105", where, f"origin {short(origin)}", f"origin {short(tree.origin)}")
        return False
    return True


def check_log_lines(run: Run, note: Note, tree: Checkpoint, keys: LogKeys, where: str) -> bool:
    """Tell whether a note has exactly the log's two lines (E405), both good (E406)."""
    try:
        first, second = log_signatures(note, keys.ed25519, keys.mldsa44)
    except FormatError as error:
        run.find("E405", where, error.expected, f"{error.place}: {error.found}")
        return False
    good = True
    if not verify_ed25519(keys.ed25519.key, first, ed25519_message(tree)):
        run.find("E406", where, "a good Ed25519 signature of the log", "another")
        good = False
    message = mldsa44_message(tree, name=tree.origin, timestamp=0)
    try:
        if not verify_mldsa44(keys.mldsa44.key, second, message):
            run.find("E406", where, "a good ML-DSA-44 signature of the log", "another")
            good = False
    except CannotFinish as error:
        run.skip("record", "not_supported", where, error.message)
    return good
