"""The log as the writer finds it: every entry followed again before anything is added.

The writer refuses to build on a record that does not add up; *what* is wrong is the verifier's to say.
Source: specs/custody-log.md, specs/store.md section 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from evidencekit.core import encoding, layout
from evidencekit.core.checkpoint import (
    ed25519_message,
    log_signatures,
    mldsa44_message,
    parse_checkpoint,
)
from evidencekit.core.custody import Custody, Remark, advance
from evidencekit.core.digest import sha256
from evidencekit.core.event import ENTRY, EVENT, NAMESPACE, decode_entry, decode_event, knows_type
from evidencekit.core.merkle import EMPTY_ROOT, CompactRange, leaf_hash
from evidencekit.core.note import parse_note, parse_vkey
from evidencekit.core.records import CASE, OPENING
from evidencekit.core.reduced import Reduction, reductions_of, replaced_forms
from evidencekit.core.schema import Record
from evidencekit.core.sshsig import parse_sshsig
from evidencekit.core.versions import refuse_newer
from evidencekit.errors import CannotFinish, FormatError, Refused
from evidencekit.read.signature import verify_ed25519, verify_mldsa44, verify_sshsig
from evidencekit.read.store import Store


def read_case(store: Store) -> dict[str, Any]:
    """Return `case.json`.

    Raises:
        CannotFinish: X404 a newer version, X405 not a case file; X402 missing.
    """
    try:
        data = store.read(layout.CASE_FILE, layout.MAX_RECORD_FILE)
        record = encoding.decode(data)
        CASE.check(record)
    except FormatError as error:
        _refuse_newer(store, layout.CASE_FILE, CASE)
        raise broken(layout.CASE_FILE, error.message) from error
    return record


def _refuse_newer(store: Store, where: str, schema: Record) -> None:
    """Raise CannotFinish (X404) where the record that was refused is of a later version."""
    try:
        data = store.read(where, layout.MAX_RECORD_FILE)
    except (CannotFinish, FormatError):
        return
    refuse_newer(data, schema.type, where)


def refuse_other_keys(origin: str, vkeys: list[str], record: dict[str, Any]) -> None:
    """Raise Refused (R503) unless these are the log keys that the case was opened with."""
    if origin != record["origin"] or vkeys != record["log_keys"]:
        raise Refused(
            f"These log keys are of {origin}, not the keys that case {record['origin']} was opened with.",
            code="R503",
            hint="Name the right file with --log-key, or restore it with `evidencekit key restore`.",
        )


def named_manifests(index: int, event: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the manifests that an event, entry `index`, brought into the record: file, and its SHA-256 in hex."""
    if not knows_type(event):
        return []
    if event["type"] == "erase":
        return [(one.place, one.file_sha256) for one in reductions_of(index, event)]
    if event["type"] in {"seal", "derive"}:
        return [(layout.manifest_file(int(event["body"]["manifest"])), event["body"]["file_sha256"])]
    return []


def broken(where: str, what: str) -> CannotFinish:
    """Return the error of a record that the writer will not build on."""
    return CannotFinish(
        f"{where}: {what}",
        code="X405",
        hint="Nothing was written. `evidencekit verify CASE` says everything that is wrong.",
    )


@dataclass(slots=True)
class Log:
    """A log that adds up: its tree, its state, its newest checkpoint."""

    store: Store
    record: dict[str, Any]
    tree: CompactRange = field(default_factory=CompactRange)
    custody: Custody = field(default_factory=Custody)
    head: int = 0
    """Size of the newest checkpoint."""
    roots: list[bytes] = field(default_factory=lambda: [EMPTY_ROOT])
    """Root at each size."""
    manifests: set[int] = field(default_factory=set)
    """Numbers that events name."""
    reductions: dict[int, Reduction] = field(default_factory=dict)
    """By manifest number: the newest reduced form that an event names."""
    anchors: set[str] = field(default_factory=set)
    """Files in checkpoints/ that events name: time-stamps, cosignatures."""
    unknown_types: bool = False
    """True where an event is of a type that this version does not know: it may name files."""
    seals: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Body of the `seal` event of each item."""
    remarks: tuple[Remark, ...] = ()
    """What the rules of custody say of the newest entry."""
    not_stated: dict[str, list[str]] = field(default_factory=dict)
    """Particulars that nobody gave in the `acquire` event of each item."""

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.tree.size

    @property
    def root(self) -> bytes:
        """Root over all entries."""
        return self.tree.root()

    @property
    def strays(self) -> list[str]:
        """Manifests that no event names and whose number, full or reduced, is above all that are named."""
        if self.unknown_types:
            return []
        newest = max(self.manifests, default=0)
        found = []
        for name in self.store.names(layout.MANIFESTS):
            number, reduced = layout.parse_manifest_name(name), layout.parse_reduced_name(name)
            if number is not None and number > newest:
                found.append((number, 0))
            elif reduced is not None and reduced[1] > self._reduced(reduced[0]):
                found.append(reduced)
        return [layout.manifest_file(*one) for one in sorted(found)]

    @property
    def not_erased(self) -> list[str]:
        """Manifests that are still there, although an event says that a reduced one stands for them."""
        standing = {number: one.reduced for number, one in self.reductions.items()}
        names = self.store.names(layout.MANIFESTS) if standing else []
        return [layout.manifest_file(*one) for one in replaced_forms(names, standing)]

    def manifest_file(self, number: int) -> str:
        """Return the file that stands for a manifest: reduced, where an event says so."""
        return layout.manifest_file(number, self._reduced(number))

    def _reduced(self, number: int) -> int:
        reduction = self.reductions.get(number)
        return 0 if reduction is None else reduction.reduced

    def take(self, event: dict[str, Any], leaf: bytes, moved: tuple[Custody, tuple[Remark, ...]]) -> None:
        """Follow one more entry, whose event and leaf hash were checked; `moved` is what `advance` said of it."""
        self.tree.append(leaf)
        self.roots.append(self.tree.root())
        self.custody, self.remarks = moved
        if not knows_type(event):
            self.unknown_types = True
            return
        if event["type"] in {"seal", "derive"}:
            self.manifests.add(int(event["body"]["manifest"]))
        if event["type"] == "erase":
            self.reductions |= {one.manifest: one for one in reductions_of(self.size - 1, event)}
        if event["type"] == "anchor":
            self.anchors.add(event["body"]["file"])
        if event["type"] == "seal":
            self.seals[event["items"][0]] = event["body"]
        if event["type"] == "acquire":
            self.not_stated[event["items"][0]] = event["not_stated"]

    def catch_up(self) -> None:
        """Follow what others entered meanwhile.

        Raises:
            CannotFinish: X405, it does not add up.
        """
        for index in range(self.size, self.store.newest_entry()):
            self.take(*_read_entry(self, index))
        newest = max((n for n in self.store.numbers(layout.CHECKPOINTS) if n <= self.size), default=0)
        if newest > self.head:
            self.accept_note(newest)

    def accept_note(self, size: int) -> None:
        """Take the note at `size` as the newest checkpoint.

        Raises:
            CannotFinish: X405, it is not one of this log.
        """
        _check_note(self.store, self.record, size, self.roots[size])
        self.head = max(self.head, size)

    def refuse_unfinished(self) -> None:
        """Raise Refused (R502) where something stands above the newest checkpoint."""
        if self.head != self.size:
            last = self.size - 1
            which = f"entry {last} stands" if self.head == last else f"entries {self.head} to {last} stand"
            what = f"{which} above the newest checkpoint"
        elif self.strays:
            what = f"{self.strays[0]} belongs to no event"
        elif self.not_erased:
            what = f"{self.not_erased[0]} is still there, which an erasure was to remove"
        else:
            return
        raise Refused(
            f"The case is unfinished: {what}.",
            code="R502",
            hint="Run `evidencekit checkpoint finish CASE`, unless another computer is writing just now.",
        )


def replay(store: Store, record: dict[str, Any]) -> Log:
    """Follow the whole log and return its state; entries above the newest checkpoint are followed too.

    Raises:
        CannotFinish: X404, a record of a newer version; X405, something does not add up.
    """
    log = Log(store, record)
    sizes = store.numbers(layout.CHECKPOINTS)
    for index in range(store.newest_entry()):
        log.take(*_read_entry(log, index))
    for size in sizes:
        if not 0 < size <= log.size:
            raise broken(layout.checkpoint_file(size), f"the log has {log.size} entries.")
    if sizes:
        log.accept_note(sizes[-1])
    return log


def _read_entry(log: Log, index: int) -> tuple[dict[str, Any], bytes, tuple[Custody, tuple[Remark, ...]]]:
    """Return what `Log.take` takes of entry `index`, which must follow `log`."""
    store = log.store
    where = layout.entry_folder(index)
    try:
        leaf = store.read(layout.entry_file(index), layout.MAX_RECORD_FILE)
        data = store.read(layout.event_file(index), layout.MAX_RECORD_FILE)
        entry, event = decode_entry(leaf), decode_event(data)
        if entry.event != sha256(data) or entry.index != index or len(entry.signatures) != len(event["signers"]):
            raise broken(where, "the entry is not about this event.")
        for place, signer in enumerate(event["signers"]):
            armoured = store.read(layout.signature_file(index, place), layout.MAX_SIGNATURE_FILE)
            signature = parse_sshsig(armoured)
            fault = verify_sshsig(signature, data, NAMESPACE)
            if fault or signature.fingerprint != signer or sha256(armoured) != entry.signatures[place]:
                raise broken(where, f"the signature of {signer} does not hold ({fault or 'another key or file'}).")
    except FormatError as error:
        _refuse_newer(store, layout.entry_file(index), ENTRY)
        _refuse_newer(store, layout.event_file(index), EVENT)
        raise broken(where, error.message) from error
    except CannotFinish as error:
        if error.code == "X402":
            raise broken(where, error.message) from error
        raise
    if (entry.prior_size, entry.prior_root) != (log.size, log.root):
        raise broken(where, "the entry does not follow from the log before it.")
    if entry.items_prev != log.custody.places(event["items"], event):
        raise broken(where, "the entry names a wrong place of an item.")
    if event["case"] != log.record["case"]:
        raise broken(where, "the event is of another case.")
    if index == 0 and any(event["body"].get(name) != value for name, value in log.record.items() if name in OPENING):
        raise broken(layout.CASE_FILE, f"it does not say what {where} says.")
    moved = advance(log.custody, event)
    for remark in moved[1]:
        if remark.forbids:
            raise broken(where, f"a rule of custody is broken: expected {remark.expected}.")
    return event, leaf_hash(leaf), moved


def _check_note(store: Store, record: dict[str, Any], size: int, root: bytes) -> None:
    """Raise unless the newest note is this log's, good, and of this tree."""
    where = layout.checkpoint_file(size)
    try:
        note = parse_note(store.read(where, layout.MAX_NOTE_FILE))
        tree = parse_checkpoint(note.text)
        ed25519, mldsa44 = (parse_vkey(text) for text in record["log_keys"])
        first, second = log_signatures(note, ed25519, mldsa44)
    except (FormatError, ValueError) as error:
        raise broken(where, str(error)) from error
    message = mldsa44_message(tree, name=tree.origin, timestamp=0)
    if (
        (tree.origin, tree.size, tree.root) != (record["origin"], size, root)
        or not verify_ed25519(ed25519.key, first, ed25519_message(tree))
        or not verify_mldsa44(mldsa44.key, second, message)
    ):
        raise broken(where, "the checkpoint is not one of this log.")
