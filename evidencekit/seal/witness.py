"""A witness: cosigns somebody else's checkpoint only where it is the tree that it saw before, grown; and remembers it.

    DIR/<SHA-256 of the origin, hex>/checkpoint   the checkpoint cosigned last, with the log's lines and ours
                                     log-keys     the log's keys as they were at first contact, a vkey a line
                                     forks/       pairs of notes that contradict each other
                                     lock

Promises: what is remembered is on the medium before a cosignature is handed out; it never goes back to a smaller
tree; one size is cosigned with one root only; two programs at once do not get past each other.
Source: specs/checkpoint.md section 10, C2SP tlog-witness.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.note import MAX_NOTE, Note, VerifierKey, format_note, format_vkey, parse_note, parse_vkey
from evidencekit.core.values import display, encode_base64
from evidencekit.core.witness import CONFLICT, UNPROVED, AddCheckpoint, fault
from evidencekit.errors import CannotFinish, FormatError, Refused
from evidencekit.read.notelines import is_signed
from evidencekit.seal.witnesskey import WitnessKey
from evidencekit.write.durable import cannot_write, make_folders, write_new
from evidencekit.write.replaced import replace_file

CHECKPOINT, LOG_KEYS, FORKS, LOCK = "checkpoint", "log-keys", "forks", "lock"
PATIENCE = 30
"""Seconds that a program waits for another one that is at the same log."""
MAX_FORKS = 100
"""Notes that are kept of a log that contradicts itself."""
_MAX_KEYS = 1 << 16


class Trust(NamedTuple):
    """The keys that are believed to be a log's."""

    keys: tuple[VerifierKey, ...]
    every: bool
    """All of them must have signed; else one is enough."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint with our line."""

    tree: Checkpoint
    note: bytes
    """The log's lines, then ours."""
    answer: bytes
    """Our line alone."""
    before: Checkpoint | None
    """What was cosigned before; None at first contact."""
    on_first_use: bool
    """The log's keys were believed because nothing spoke against them."""


class Witness:
    """A witness with its memory."""

    def __init__(
        self, folder: Path, key: WitnessKey, *, clock: Callable[[], int], policy: Callable[[str], Trust] | None = None
    ) -> None:
        """Take a folder of state, which is made where it is not there.

        `clock` gives nanoseconds since 1970; `policy` gives the keys of an origin (none: it is unknown) and then
        decides alone. Without it, the keys of first contact are the log's for ever.
        """
        self._folder, self._key, self._clock, self._policy = folder, key, clock, policy

    def place(self, origin: str) -> Path:
        """Return the folder of a log."""
        return self._folder / sha256(origin.encode()).hexdigest()

    def seen(self, origin: str) -> bytes | None:
        """Return the note cosigned last, or None.

        Raises:
            CannotFinish: X467, what is remembered cannot be read: nothing is cosigned until it can.
        """
        return self._read(self.place(origin) / CHECKPOINT, MAX_NOTE)

    def seen_by_hash(self, digest: str) -> bytes | None:
        """Return the note cosigned last for the log whose origin has this SHA-256 (hex). Raises CannotFinish (X467)."""
        return self._read(self._folder / digest / CHECKPOINT, MAX_NOTE)

    def last(self, origin: str) -> Checkpoint | None:
        """Return the checkpoint cosigned last, or None. Raises CannotFinish (X467)."""
        data = self.seen(origin)
        if data is None:
            return None
        try:
            tree = parse_checkpoint(parse_note(data).text)
        except FormatError as error:
            raise _lost(self.place(origin) / CHECKPOINT, error.message) from error
        if tree.origin != origin:
            raise _lost(self.place(origin) / CHECKPOINT, f"it is of {tree.origin}.")
        return tree

    def add(self, request: AddCheckpoint, *, offered: Sequence[VerifierKey] = ()) -> Cosigned:
        """Cosign a checkpoint, if the rules allow it, and remember it.

        `offered` are keys that whoever asks says are the log's: believed where no policy was given and nothing is
        remembered.

        Raises:
            Refused: R535 an unknown log; R536 not signed by its keys; R537 another size was cosigned last (fact
            `size`); R538 not the tree that was seen before (fact `notes`: what proves it, if anything does).
            CannotFinish: X467, the memory cannot be read; X42x, it cannot be written.
        """
        note, tree = parse_note(request.note), request.tree
        trust, is_first = self._admit(note, tree, offered)
        place = self.place(tree.origin)
        make_folders(place)
        with self._held(place, tree.origin):
            last = self.last(tree.origin)
            self._refuse(last, request, tree)
            if is_first:
                self._remember(place, trust.keys, tree.origin)
            line = self._key.cosign(tree, self._clock() // 1_000_000_000)
            kept = (line_ for line_ in note.signatures if any(key.matches(line_) for key in trust.keys))
            cosigned = Note(note.text, (*kept, line))
            replace_file(place / CHECKPOINT, format_note(cosigned))
        answer = format_note(Note(note.text, (line,))).removeprefix(note.text.encode() + b"\n")
        return Cosigned(tree, format_note(cosigned), answer, last, self._policy is None and last is None)

    def keep_fork(self, first: bytes, second: bytes) -> list[Path]:
        """Keep two notes of one log that contradict each other; return where. They are not written twice.

        One pair is the proof: a log that forks without end does not fill the disk.
        """
        origin = parse_checkpoint(parse_note(first).text).origin
        folder = self.place(origin) / FORKS
        make_folders(folder)
        places = []
        for data in (first, second):
            tree = parse_checkpoint(parse_note(data).text)
            path = folder / f"{tree.size}-{tree.root.hex()[:16]}"
            if not path.exists() and sum(1 for _ in folder.iterdir()) >= MAX_FORKS:
                continue
            with contextlib.suppress(Refused):  # R501: it was kept the first time that this was tried
                write_new(path, data)
            places.append(path)
        return places

    def _refuse(self, last: Checkpoint | None, request: AddCheckpoint, tree: Checkpoint) -> None:
        match fault(last, request.old, request.proof, tree):
            case None:
                return
            case what if what == CONFLICT:
                raise older(last, tree, request.old)
            case what if what == UNPROVED or last is None:
                raise Refused(
                    f"Nothing shows that {_named(tree)} is the tree that was cosigned before, grown: "
                    f"the consistency proof from size {request.old} does not lead there.",
                    code="R538",
                    hint="Nothing was cosigned. Ask for a proof made from the log's entries; compare the two copies.",
                )
        raise self.forked(request.note)

    def forked(self, note: bytes) -> Refused:
        """Return the refusal of a note that contradicts the one remembered; both are kept as the proof.

        Where the log's keys did not sign it, it proves nothing, and is refused for that (R535, R536).
        """
        parsed = parse_note(note)
        tree = parse_checkpoint(parsed.text)
        try:
            self._admit(parsed, tree, ())
        except Refused as error:
            return error
        origin, before = tree.origin, self.seen(tree.origin)
        kept = [] if before is None else self.keep_fork(before, note)
        shown = "".join(f"\n{display(str(path))}:\n{parse_note(path.read_bytes()).text}" for path in kept)
        return Refused(
            f"FORK: the log {origin} shows two histories. This witness cosigned the first checkpoint, and is now "
            f"shown the second one.{shown.rstrip()}",
            code="R538",
            hint="Nothing was cosigned. Keep both notes: together they prove that the log's keys signed two histories.",
            notes=[str(path) for path in kept],
        )

    def _admit(self, note: Note, tree: Checkpoint, offered: Sequence[VerifierKey]) -> tuple[Trust, bool]:
        """Return whom to believe of a note's log, and whether only because they came first; R535, R536."""
        trust, is_first = self._trusted(tree.origin, offered)
        if not is_signed(note.signatures, trust.keys, tree, every=trust.every):
            raise _not_signed(tree)
        return trust, is_first

    def _trusted(self, origin: str, offered: Sequence[VerifierKey]) -> tuple[Trust, bool]:
        """Return the keys to believe, and whether they are believed only because they came first."""
        if self._policy is not None:
            trust = self._policy(origin)
            if not trust.keys:
                raise _unknown(origin, "the policy lists no key of it")
            return trust, False
        remembered = self._remembered(origin)
        if remembered:
            return Trust(remembered, every=True), False
        offered = tuple(key for key in offered if key.name == origin)
        if not offered:
            raise _unknown(origin, "this witness never cosigned it, and nobody says which keys are its own")
        return Trust(offered, every=True), True

    def _remembered(self, origin: str) -> tuple[VerifierKey, ...]:
        path = self.place(origin) / LOG_KEYS
        data = self._read(path, _MAX_KEYS)
        if data is None:
            return ()
        try:
            keys = tuple(parse_vkey(line) for line in data.decode().splitlines())
        except (FormatError, UnicodeDecodeError) as error:
            raise _lost(path, str(error)) from error
        if not keys:
            raise _lost(path, "it is empty.")
        return keys

    def _remember(self, place: Path, keys: Sequence[VerifierKey], origin: str) -> None:
        try:
            write_new(place / LOG_KEYS, "".join(f"{format_vkey(key)}\n" for key in keys).encode())
        except Refused:
            if self._remembered(origin) != tuple(keys):
                raise _unknown(origin, "another program just learned other keys of it") from None

    @contextlib.contextmanager
    def _held(self, place: Path, origin: str) -> Iterator[None]:
        lock = FileLock(place / LOCK, timeout=PATIENCE)
        try:
            lock.acquire()
        except Timeout as error:
            hint = "Try again when the other program has ended."
            raise CannotFinish(
                f"Another program is at {origin} in {display(str(self._folder))}.", code="X468", hint=hint
            ) from error
        except OSError as error:
            raise cannot_write(place / LOCK, error) from error
        try:
            yield
        finally:
            lock.release()

    @staticmethod
    def _read(path: Path, limit: int) -> bytes | None:
        try:
            with path.open("rb") as file:
                data = file.read(limit + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _lost(path, f"{error.strerror}.") from error
        if len(data) > limit:
            raise _lost(path, "it is too large.")
        return data


def older(last: Checkpoint | None, tree: Checkpoint, old: int) -> Refused:
    """Return the refusal of a request that does not begin at the checkpoint cosigned last."""
    size = 0 if last is None else last.size
    what = "nothing yet" if last is None else f"size {size}, root {encode_base64(last.root)}"
    return Refused(
        f"Of {tree.origin} this witness has cosigned {what}; the request for size {tree.size} begins at {old}.",
        code="R537",
        hint=f"Nothing was cosigned: a witness never goes back. Ask again with a consistency proof from size {size}.",
        size=size,
    )


def _named(tree: Checkpoint) -> str:
    return f"{tree.origin} at size {tree.size} (root {encode_base64(tree.root)})"


def _unknown(origin: str, why: str) -> Refused:
    return Refused(
        f"The log {origin} is unknown: {why}.",
        code="R535",
        hint="Nothing was cosigned. Name its keys with --log-vkey, or in the logs.policy of --policy.",
    )


def _not_signed(tree: Checkpoint) -> Refused:
    return Refused(
        f"The checkpoint {_named(tree)} is not signed by the keys that are known for this log.",
        code="R536",
        hint="Nothing was cosigned. Ask the log's owner for its vkeys over a channel that you trust, and compare.",
    )


def _lost(path: Path, why: str) -> CannotFinish:
    return CannotFinish(
        f"What this witness remembers cannot be read: {display(str(path))}: {why}",
        code="X467",
        hint="Nothing was cosigned. Restore it from a backup that is not older than the last cosignature.",
    )
