"""Steps 3, 4, 6 and 7: the log, entry by entry, in one walk over its files; `custody.py` follows it with step 8.

What an entry says of the log before it is compared with this walk's own tree and places, never with what other entries
say. A step whose input failed is carried out as far as it can be; the rest is `not checked`.
Source: specs/verification.md section 1; specs/custody-log.md.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from evidencekit.core import layout
from evidencekit.core.digest import sha256
from evidencekit.core.event import ENTRY, EVENT, Entry, decode_entry, decode_event
from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.core.values import parse_count, parse_instant, short
from evidencekit.errors import FormatError
from evidencekit.verify.checkpoints import Notes
from evidencekit.verify.custody import CustodyWalk
from evidencekit.verify.hidden import HiddenEvents
from evidencekit.verify.identity import Identity
from evidencekit.verify.log_facts import Log
from evidencekit.verify.opening import Opening
from evidencekit.verify.places import Places
from evidencekit.verify.run import MAX_EVENTS, Run
from evidencekit.verify.signatures import Signed, check_signatures


class LogWalk:
    """Follows the log up to the newest checkpoint."""

    def __init__(
        self,
        run: Run,
        opening: Opening,
        notes: Notes,
        identity: Identity,
        custody: CustodyWalk,
        hidden: HiddenEvents | None = None,
    ) -> None:
        """Take what was found before; `hidden` are the events that a package withholds."""
        self._run = run
        self._opening = opening
        self._notes = notes
        self._identity = identity
        self.log = Log(0 if notes.newest is None else notes.newest.size, in_package=hidden is not None)
        self._tree = CompactRange()
        self._custody = custody
        self._gap: int | None = None
        """First entry without which no later root can be computed."""
        self._hidden = hidden
        self._places = hidden or Places(run)
        self._events: set[bytes] = set()
        self._head = self._missing_head = 0
        self._recorded = ""
        self._next_note = 0

    def walk(self) -> Log:
        """Carry the steps out, and return what later steps need."""
        size = self.log.size
        if size > MAX_EVENTS:
            where = layout.checkpoint_file(size)
            self._run.find("E102", where, f"at most {MAX_EVENTS} events", str(size))
            self._run.skip("record", "too_many", where, f"entries from {MAX_EVENTS} on were not checked")
        end = min(size, MAX_EVENTS)
        there = self._run.numbers(layout.CUSTODY)
        after = 0
        for index in range(end) if there is None else there[: bisect_left(there, end)]:
            self._pass_over(after, index)
            self._take(index, size)
            after = index + 1
        self._pass_over(after, end)
        if self._gap is not None:
            left = len(self._notes.sizes) - self._next_note
            reason = f"entry {self._gap} cannot be read: no root after it can be computed ({left} checkpoints)"
            self._run.skip("record", "gap", layout.entry_file(self._gap), reason)
        return self.log

    # --- one entry ---------------------------------------------------------------------------------------------

    def _pass_over(self, first: int, end: int) -> None:
        """Entries in a row without a folder: said once, since a note of a huge size would name them all."""
        missing = end - first
        if not missing:
            return
        name = f"entry {first}" if missing == 1 else f"entries {first} to {end - 1}"
        self._run.find("E501", layout.entry_folder(first), name, "none")
        self._run.files["not_checked"] += 2 * missing
        self.log.signers += b"\xff" * missing
        self.log.recorded.frombytes(bytes(8 * missing))
        self._places.lose(missing)
        self._lose_custody(layout.event_file(first))
        self._gap = first if self._gap is None else self._gap

    def _take(self, index: int, size: int) -> None:
        run = self._run
        where, event_where = layout.entry_file(index), layout.event_file(index)
        is_hidden = self._hidden is not None and index in self._hidden
        leaf, data = run.read(where), None if is_hidden else run.read(event_where)
        entry = None if leaf is None else self._decode_entry(leaf, where)
        event = None if data is None else self._decode_event(data, event_where)
        if entry is not None:
            run.did("entries", total=size)
            self._check_entry(index, entry, data, where)
        self.log.recorded.append(0 if entry is None else parse_instant(entry.recorded_at) // 10**9)
        if self._hidden is not None and is_hidden:
            self._hide(self._hidden, index, entry, where)
            self._grow(index, leaf)
            return
        signed = self._signatures(index, entry, event, data)
        if event is not None:
            run.did("events")
            self._check_event(index, entry, event, sha256(data or b""), event_where)
            self._identity.observe(index, event, signed, event_where)
            self._custody.take(index, event, None if entry is None else entry.recorded_at, event_where)
            self.log.take(index, event, self._custody.acquired(event))
        else:
            self._places.lose()
            self._lose_custody(event_where)
        self._grow(index, leaf)

    def _hide(self, hidden: HiddenEvents, index: int, entry: Entry | None, where: str) -> None:
        """Pass over an event that is withheld: its entry names its digest, and places of the items that it touched."""
        self.log.signers.append(255)
        if entry is None:
            hidden.lose()
            self._lose_custody(layout.event_file(index))
            return
        if entry.event in self._events:
            self._run.find("E303", where, "an event of its own", "the same event as an entry before")
        self._events.add(entry.event)
        hidden.hide(index, entry.items_prev, where)
        self._custody.pass_over(hidden.touched)

    def _decode_entry(self, leaf: bytes, where: str) -> Entry | None:
        try:
            return decode_entry(leaf)
        except FormatError as error:
            self._run.malformed(where, error, data=leaf, schema=ENTRY)
            return None

    def _decode_event(self, data: bytes, where: str) -> dict[str, Any] | None:
        try:
            return decode_event(data)
        except FormatError as error:
            self._run.malformed(where, error, data=data, schema=EVENT)
            return None

    def _check_entry(self, index: int, entry: Entry, data: bytes | None, where: str) -> None:
        """Step 3: what the entry says of itself, of the log before it, and of its event."""
        run = self._run
        if entry.index != index:
            run.find("E306", where, f"index {index}", f"index {entry.index}")
        if entry.prior_size != index:
            run.find("E306", where, f"prior.size {index}", f"prior.size {entry.prior_size}")
        root = self.log.root(index)
        if root is not None and entry.prior_root != root:
            run.find("E203", where, f"prior.root {root.hex()}", f"prior.root {entry.prior_root.hex()}")
        if data is not None and entry.event != sha256(data):
            run.find("E201", layout.event_file(index), f"SHA-256 {entry.event.hex()}", f"SHA-256 {sha256(data).hex()}")
        if entry.head > index or entry.head < self._head:
            run.find("E305", where, f"head from {self._head} to {index}", f"head {entry.head}")
        elif entry.head > self._missing_head and not self._notes.is_there(entry.head):
            self._missing_head = entry.head
            run.find("E502", layout.checkpoint_file(entry.head), f"a checkpoint, named by {where}", "none")
        self._head = max(self._head, min(entry.head, index))
        if entry.recorded_at < self._recorded:
            run.find("W904", where, f"{self._recorded} or later", entry.recorded_at)
        self._recorded = entry.recorded_at

    def _signatures(
        self, index: int, entry: Entry | None, event: dict[str, Any] | None, data: bytes | None
    ) -> list[Signed]:
        """Steps 3 and 4: the signature files against the entry's digests and the event's signers."""
        run = self._run
        digests = () if entry is None else entry.signatures
        if event is not None:
            count = len(event["signers"])
        elif entry is not None:
            count = len(digests)
        else:
            count = 0
        self.log.signers.append(count if event is not None or entry is not None else 255)
        if entry is not None and event is not None and len(digests) != count:
            run.find("E401", layout.entry_file(index), f"{count} signatures", f"{len(digests)} signatures", step=4)
        files: list[bytes | None] = []
        for place in range(min(count, 255)):
            where = layout.signature_file(index, place)
            missing = run.findings.counts["E501"]
            armoured = run.read(where, layout.MAX_SIGNATURE_FILE)
            files.append(armoured)
            if run.findings.counts["E501"] > missing:
                run.find("E401", where, f"a signature by {_signer(event, place)}", "none", step=4)
            if armoured is not None and place < len(digests) and sha256(armoured) != digests[place]:
                expected, found = f"SHA-256 {digests[place].hex()}", f"SHA-256 {sha256(armoured).hex()}"
                run.find("E201", where, expected, found)
        if event is None or data is None:
            if count:
                run.skip("record", "gap", layout.entry_folder(index), "signatures need the event, which cannot be read")
            return []
        log_key = None if self._opening.keys is None else self._opening.keys.ed25519.key
        return check_signatures(run, event, data, files, lambda n: layout.signature_file(index, n), log_key)

    def _check_event(self, index: int, entry: Entry | None, event: dict[str, Any], digest: bytes, where: str) -> None:
        """Step 3 (places, duplicates) and step 7 (case, seen)."""
        run = self._run
        if self._opening.case is not None and event["case"] != self._opening.case:
            run.find("E104", where, f"case {self._opening.case}", f"case {event['case']}", step=7)
        if digest in self._events:
            run.find("E303", where, "an event of its own", "the same event as an entry before")
        self._events.add(digest)
        self._check_seen(index, event["seen"], where)
        stated = None if entry is None else entry.items_prev
        self._places.take(index, event, stated)
        if self._hidden is not None:
            self._custody.blur(self._hidden.touched)

    def _check_seen(self, index: int, seen: dict[str, Any], where: str) -> None:
        run = self._run
        size = parse_count(seen["size"])
        if self._opening.origin is not None and seen["origin"] != self._opening.origin:
            if index == 0:
                run.find("E304", where, f"seen.origin {short(self._opening.origin)}", short(seen["origin"]), step=7)
            else:
                reason = f"seen names a state of {short(seen['origin'])}, which is not here"
                run.skip("custody", "foreign_log", where, reason)
            return
        if size > index:
            run.find("E304", where, f"seen.size at most {index}", f"seen.size {size}", step=7)
            return
        root = self.log.root(size)
        if root is None:
            run.skip("custody", "gap", where, f"seen names size {size}, whose root needs entries that cannot be read")
        elif seen["root"] != root.hex():
            run.find("E304", where, f"seen.root {root.hex()} at size {size}", f"seen.root {seen['root']}", step=7)

    def _lose_custody(self, where: str) -> None:
        """From an event that cannot be read on, nobody can say who holds what."""
        reason = "the rules of custody are not checked from here on, since this event cannot be read"
        self._custody.lose(where, "custody_after", reason)
        if self._run.policy is not None:
            self._run.skip("identity", "gap", where, "the event cannot be read, so nor can its signers")

    def _grow(self, index: int, leaf: bytes | None) -> None:
        """Add the leaf to the tree; step 6: compare the note of the new size, if there is one."""
        if leaf is None and self._gap is None:
            self._gap = index
        if self._gap is not None or leaf is None:
            return
        self._tree.append(leaf_hash(leaf))
        root = self._tree.root()
        self.log.roots += root
        notes, place = self._notes, self._next_note
        if place < len(notes.sizes) and notes.sizes[place] == index + 1:
            self._next_note += 1
            if notes.root(place) != root:
                checkpoint = layout.checkpoint_file(index + 1)
                expected, found = f"root {root.hex()}, of the entries", f"root {notes.root(place).hex()}"
                self._run.find("E204", checkpoint, expected, found, step=6)


def _signer(event: dict[str, Any] | None, place: int) -> str:
    return f"signer {place + 1}" if event is None else str(event["signers"][place])
