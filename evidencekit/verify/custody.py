"""Step 8: the rules of custody, event by event, as long as every event before could be read; and what is left open.

What an event refers to is looked up in the record: earlier events, messages of other logs.
Source: specs/verification.md section 1 step 8, specs/custody-log.md sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import Collection, Container
from dataclasses import replace
from typing import Any

from evidencekit.core import layout
from evidencekit.core.custody import Custody, Remark, advance
from evidencekit.core.custody_references import reference_of
from evidencekit.core.custody_state import Item, Key, Place
from evidencekit.core.custody_times import end_remarks, entry_remarks
from evidencekit.core.event import decode_entry, decode_event, knows_type
from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.exchange_types import EXCHANGE_TYPES
from evidencekit.core.values import display, format_instant, short
from evidencekit.core.versions import newer_type
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.verify.custody_messages import check_message_of
from evidencekit.verify.run import Run

STEP = 8
MAX_KNOWN = 1_000_000
"""Items, and keys, that are kept in mind."""


class CustodyWalk:
    """Follows the events of a log, and says what the rules say."""

    def __init__(self, run: Run, keep: int | None = None, *, in_package: bool = False) -> None:
        """Begin before event 0. The state at the size `keep` is kept; what requests name is not `in_package`."""
        self._run, self._keep, self._in_package = run, keep, in_package
        self.state = Custody()
        """After the newest event that could be followed."""
        self.kept: Custody | None = None
        self.is_known = True
        """False from the first event on without which nobody can say who holds what."""
        self._blurred: set[str] = set()
        """Items that events touched which are withheld: no rule is checked of them."""

    def take(self, index: int, event: dict[str, Any], recorded_at: str | None, where: str) -> None:
        """Take the next event; `recorded_at` is what its entry says, None where that could not be read."""
        run, before = self._run, self.state
        if not knows_type(event):
            self._name_unknown(event, where)
        if self.is_known:
            self.state, remarks = advance(before, event)
            self._find(where, *remarks)
            run.did("rules")
            if self.state.size == self._keep:
                self.kept = self.state
        if recorded_at is not None:
            self._find(where, *entry_remarks(event, recorded_at))
        if event["not_stated"]:
            run.find("W903", where, found=display(", ".join(event["not_stated"])), step=STEP)
        if knows_type(event):
            self._check_reference(index, event, where)
            if self._in_package and event["type"] in EXCHANGE_TYPES:
                run.find("W908", where, found=event["type"], step=STEP)
            else:
                check_message_of(run, before, event, where)
        if len(self.state.items) > MAX_KNOWN or len(self.state.keys) > MAX_KNOWN:
            self.lose(where, "too_many", f"more than {MAX_KNOWN:,} items or keys: no rules of custody from here on")

    def pass_over(self, touched: Collection[str]) -> None:
        """Pass over an event that is withheld; `touched` are all items of which that is known of some event."""
        self.state = replace(self.state, size=self.state.size + 1)
        self.blur(touched)
        if self.is_known and self.state.size == self._keep:
            self.kept = self.state

    def blur(self, touched: Collection[str]) -> None:
        """Say that nobody knows who holds these items, since events that touched them are withheld."""
        if len(touched) == len(self._blurred):
            return
        found = {item: self.state.items.get(item) for item in touched if item not in self._blurred}
        self._blurred.update(found)
        unknown = {
            name: Item(name, Place(0, 0) if item is None else item.last, None, None, unknown=True)
            for name, item in found.items()
        }
        self.state = replace(self.state, items=self.state.items.updated(unknown))

    def lose(self, where: str, code: str, reason: str) -> None:
        """From here on nobody can say who holds what."""
        if self.is_known:
            self.is_known = False
            self._run.skip("custody", code, where, reason)

    def acquired(self, event: dict[str, Any]) -> int | None:
        """Return the entry that last acquired the first item of an event, where that is known."""
        item = self.state.items.get(event["items"][0]) if event["items"] and self.is_known else None
        return None if item is None else item.acquired

    def end(self, taken_over: Container[str] = ()) -> None:
        """Say what the log leaves open, but for items that another case has taken over; and what nobody believes."""
        now = None if self._run.now is None else format_instant(self._run.now)
        for entry, remark in end_remarks(self.state, now) if self.is_known else ():
            if remark.code != "W911" or remark.item not in taken_over:
                self._find(layout.event_file(entry), remark)
        revoked = {key: one for key, one in self.state.keys.items() if one.believed_below is not None}
        if revoked:
            self._find_disbelieved(revoked)

    def _find(self, where: str, *remarks: Remark) -> None:
        for remark in remarks:
            if remark.item in self._blurred:
                continue
            subject = f"{remark.item}: " if remark.item else ""
            self._run.find(remark.code, where, subject + display(remark.expected), display(remark.found), step=STEP)

    def _name_unknown(self, event: dict[str, Any], where: str) -> None:
        kind, known = event["type"], EVENT_TYPES.get(event["type"])
        newer = None if known is None else newer_type(event["body"]["_t"], known.body.type)
        if known is not None and newer is not None:
            self._run.find("E103", where, str(known.body.type), newer, step=STEP)
            self.lose(where, "unknown_version", f"what {short(newer)} changes is not known: no rules from here on")
            return
        reason = f"an event of type {short(kind)}, which this version does not know"
        self._run.skip("custody", "unknown_type", where, reason)

    def _check_reference(self, index: int, event: dict[str, Any], where: str) -> None:
        reference = reference_of(event, self.state.origin)
        if reference is None:
            return
        data = committed = None
        if reference.entry < index:
            data = self._file(layout.event_file(reference.entry))
            committed = None if data is not None else self._committed(reference.entry)
            if data is None and (committed is None or reference.wants_kind):
                reason = f"{reference.member} names entry {reference.entry}, whose event cannot be read"
                self._run.skip("custody", "gap", where, reason)
            if data is None and committed is None:
                return
        remark = reference.remark(index, data, committed)
        if remark is not None:
            self._find(where, remark)

    def _file(self, place: str) -> bytes | None:
        try:
            return self._run.record.read(place, layout.MAX_RECORD_FILE)
        except (CannotFinish, FormatError):
            return None

    def _committed(self, entry: int) -> str | None:
        """Return the digest that an entry gives its event, which is not here."""
        data = self._file(layout.entry_file(entry))
        try:
            return None if data is None else decode_entry(data).event.hex()
        except FormatError:
            return None

    def _find_disbelieved(self, revoked: dict[str, Key]) -> None:
        """Name what revoked keys signed from `from_size` on and before their revocation: read once more."""
        first = min(one.believed_below or 0 for one in revoked.values())
        for index in range(first, max(one.spent or 0 for one in revoked.values())):
            where = layout.event_file(index)
            try:
                event = decode_event(self._run.record.read(where, layout.MAX_RECORD_FILE))
            except (CannotFinish, FormatError):
                continue  # said already
            for key in event["signers"]:
                one = revoked.get(key)
                if one is None or not (one.believed_below or 0) <= index < (one.spent or 0):
                    continue
                if event["type"] == "key_revoke" and knows_type(event) and event["body"]["key"] == key:
                    continue  # a key may say of itself that it is not to be believed
                found = f"{key}, which is not believed from entry {one.believed_below} on"
                self._find(where, Remark("E312", "", f"a key that is believed at entry {index}", found))
