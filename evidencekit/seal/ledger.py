"""A case open for appending: events, entries, manifests, checkpoints, in the order that survives a crash.

Promises: no file of the record is ever changed; the rename of an entry's folder is lock and commit; the
checkpoint comes last; a step that breaks a rule of custody leaves nothing. Source: specs/store.md sections
3 to 5, specs/custody-log.md.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.custody import Custody, advance
from evidencekit.core.digest import sha256
from evidencekit.core.event import NAMESPACE, Entry, decode_event, encode_entry, encode_event, new_event
from evidencekit.core.merkle import leaf_hash
from evidencekit.core.values import encode_base64, format_instant, moment
from evidencekit.errors import CannotFinish, Refused
from evidencekit.read.store import Store
from evidencekit.seal.logkeys import LogKeys, refuse_log_key_as_person
from evidencekit.seal.objects import keep_object
from evidencekit.seal.refusing import broken_rules, refuse_rule
from evidencekit.seal.replay import Log, broken, named_manifests, read_case, refuse_other_keys, replay
from evidencekit.seal.sign import Signer
from evidencekit.write.durable import cannot_write, publish, write_new

Clock = Callable[[], int]
Random = Callable[[int], bytes]
RACES = 100
"""How often an append tries the next number before it gives up."""


class Ledger:
    """A case that its owner appends to. State is computed from the files at opening, never cached on disk."""

    def __init__(self, case: Path, *, keys: LogKeys, clock: Clock, random: Random, utc_offset_min: int | None) -> None:
        """Open a finished case.

        Raises:
            CannotFinish: X401 not a case, X404 a newer version, X405 the record does not add up.
            Refused: R502 unfinished, R503 the log keys are of another case.
        """
        self.store = Store(case)
        self.record = read_case(self.store)
        self.origin: str = self.record["origin"]
        refuse_other_keys(keys.origin, list(keys.vkeys), self.record)
        self._keys, self._clock, self._random, self._offset = keys, clock, random, utc_offset_min
        self.log: Log = replay(self.store, self.record)
        self.log.refuse_unfinished()
        self.recorded_at = ""
        """When the newest entry was recorded that this program made."""

    @property
    def custody(self) -> Custody:
        """Who holds what, after every entry."""
        return self.log.custody

    def moment(self) -> dict[str, Any]:
        """Return now, by the device's clock, as a moment record."""
        return moment(self._clock(), utc_offset_min=self._offset)

    def derive_secret(self, purpose: bytes) -> bytes:
        """Return 32 bytes that nobody has without the log's private keys: see `LogKeys.derive_secret`."""
        return self._keys.derive_secret(purpose)

    def draft(
        self,
        kind: str,
        items: list[str],
        body: dict[str, Any],
        *,
        actor: dict[str, Any],
        signers: Sequence[Signer],
        occurred_at: dict[str, Any] | None = None,
        time_class: str = "device",
    ) -> dict[str, Any]:
        """Return the event that `append` would sign now: what it refuses is known before the work is done.

        `occurred_at` is a moment record, now where it is None; `time_class` says whose clock that is.

        Raises:
            Refused: R511, a rule of custody forbids it; R519, a signer's key is the log's.
            FormatError: a field outside the schema; over a limit (code F102).
        """
        refuse_log_key_as_person(self._keys, [signer.public_key.blob for signer in signers])
        event = new_event(
            kind=kind,
            items=items,
            body=body,
            case=self.record["case"],
            actor=actor,
            signers=[signer.fingerprint for signer in signers],
            seen={"origin": self.origin, "root": self.log.root.hex(), "size": str(self.log.size)},
            nonce=encode_base64(self._random(16)),
            occurred_at=occurred_at or self.moment(),
            time_class=time_class,
        )
        encode_event(event)
        self._refuse_broken_rules(event)
        return event

    def append(
        self,
        kind: str,
        items: list[str],
        body: dict[str, Any],
        *,
        actor: dict[str, Any],
        signers: Sequence[Signer],
        occurred_at: dict[str, Any] | None = None,
        time_class: str = "device",
        objects: Sequence[bytes] = (),
        check: Callable[[], None] = lambda: None,
    ) -> int:
        """Sign an event and enter it; return its index. The step's checkpoint is still to come.

        `objects` are files that it names: they are kept before the event is entered. `check` raises what forbids the
        event beside the rules of custody: it is asked at first, and again whenever somebody else entered something.

        Raises:
            Refused: R511, a rule of custody forbids it; R512, others always came first.
            FormatError: a field outside the schema; over a limit (code F102).
            CannotFinish: X405, what others entered meanwhile does not add up; the manifest that it names is gone; X470.
        """
        self.log.catch_up()
        check()
        event = self.draft(
            kind, items, body, actor=actor, signers=signers, occurred_at=occurred_at, time_class=time_class
        )
        data = encode_event(event)
        signatures = [signer.sign(data, NAMESPACE) for signer in signers]
        for one in objects:
            keep_object(self.store.path, one)
        for _ in range(RACES):
            if self._enter(event, data, signatures):
                return self.log.size - 1
            self.log.catch_up()  # another computer took the number: the event stands, only the entry is new
            self._refuse_broken_rules(event)
            check()
        raise Refused(f"{RACES} other entries came first.", code="R512", hint="Try again when nobody else writes.")

    def add_manifest(self, temporary: Path, tiles: Path | None = None) -> int:
        """Move a finished Parquet file into the record under the next free number; return the number.

        Its `tiles`, if they are there, go beside it in place of what lies there: they are disposable, and no error.

        Raises:
            CannotFinish: X421, X422, X423.
        """
        _make_folder(self.store.path / layout.MANIFESTS)
        taken = [layout.parse_manifest_name(name) or 0 for name in self.store.names(layout.MANIFESTS)]
        number = max(taken, default=0) + 1
        while True:
            try:
                publish(temporary, self.store.path / layout.manifest_file(number))
            except Refused:
                number += 1
            else:
                break
        if tiles is not None:
            with contextlib.suppress(OSError):
                tiles.replace(self.store.path / layout.tiles_file(number))
        return number

    def add_reduced(self, temporary: Path, number: int) -> int:
        """Move the reduced form of a manifest into the record; return K, by which it is `N.rK.parquet`.

        Raises:
            Refused: R501, a file of this name is there.
            CannotFinish: X421, X422, X423.
        """
        before = self.log.reductions.get(number)
        reduced = 1 if before is None else before.reduced + 1
        publish(temporary, self.store.path / layout.manifest_file(number, reduced))
        return reduced

    def checkpoint(self) -> Checkpoint:
        """Sign the tree as it stands and publish the note, unless this size has one; return the checkpoint."""
        return _checkpoint(self.log, self._keys)

    def _refuse_broken_rules(self, event: dict[str, Any]) -> None:
        for rule in broken_rules(self.store, self.custody, event):
            raise refuse_rule(event, rule, self.custody)

    def _refuse_missing_manifest(self, event: dict[str, Any]) -> None:
        """Raise X405 where somebody finished the case meanwhile and set aside a manifest that this event names."""
        for place, _ in named_manifests(self.log.size, event):
            if not os.path.lexists(self.store.path / place):
                raise broken(place, "it was set aside while its event was being signed.")

    def _enter(self, event: dict[str, Any], data: bytes, signatures: list[bytes]) -> bool:
        """Publish the folder of the next entry; False when its number was taken meanwhile."""
        index = self.log.size
        recorded_at = format_instant(self._clock())
        entry = encode_entry(
            Entry(
                index=index,
                event=sha256(data),
                head=self.log.head,
                items_prev=self.custody.places(event["items"], event),
                prior_root=self.log.root,
                prior_size=index,
                recorded_at=recorded_at,
                signatures=tuple(sha256(signature) for signature in signatures),
            )
        )
        custody = self.store.path / layout.CUSTODY
        temporary = custody / f"{layout.TEMPORARY}{self._random(8).hex()}"
        _make_folder(temporary, exist_ok=False)
        try:
            write_new(temporary / "event.json", data)
            for place, signature in enumerate(signatures):
                write_new(temporary / layout.signature_name(place), signature)
            write_new(temporary / "entry", entry)
            self._refuse_missing_manifest(event)
            publish(temporary, custody / layout.number(index))
        except Refused:
            shutil.rmtree(temporary, ignore_errors=True)
            if not os.path.lexists(custody / layout.number(index)):
                raise
            return False
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        self.log.take(event, leaf_hash(entry), advance(self.custody, event))
        self.recorded_at = recorded_at
        return True


def finish(case: Path, *, keys: LogKeys, random: Random) -> tuple[Checkpoint | None, list[str]]:
    """Check what stands above the newest checkpoint, set strays aside in `work/`, and write the missing checkpoint.

    Returns the new checkpoint (None where nothing was unfinished) and the files that were set aside.

    Raises:
        CannotFinish: X405, an entry above the newest checkpoint does not hold; nothing was written.
        Refused: R503, the log keys are of another case.
    """
    store = Store(case)
    record = read_case(store)
    refuse_other_keys(keys.origin, list(keys.vkeys), record)
    log = replay(store, record)
    for index in range(log.head, log.size):
        _check_manifest(store, index)
    aside = []
    for stray in log.strays:
        target = f"{layout.WORK}/stray-{random(4).hex()}-{stray.rpartition('/')[2]}"
        _make_folder(case / layout.WORK)
        publish(case / stray, case / target)
        aside.append(f"{stray} -> {target}")
    return None if log.head == log.size else _checkpoint(log, keys), aside


def _checkpoint(log: Log, keys: LogKeys) -> Checkpoint:
    """Sign and publish the tree of a log, unless its size has a note: that must be of this tree, too (else X405)."""
    tree = Checkpoint(keys.origin, log.size, log.root)
    place = log.store.path / layout.checkpoint_file(tree.size)
    if not os.path.lexists(place):
        _make_folder(place.parent)
        with contextlib.suppress(Refused):  # R501: another computer was quicker
            write_new(place, keys.sign_checkpoint(tree))
    log.accept_note(tree.size)
    return tree


def _make_folder(path: Path, *, exist_ok: bool = True) -> None:
    try:
        path.mkdir(exist_ok=exist_ok)
    except OSError as error:
        raise cannot_write(path, error) from error


def _check_manifest(store: Store, index: int) -> None:
    """Raise X405 unless each manifest that entry `index` names, if it names any, is the file that was signed for."""
    event = decode_event(store.read(layout.event_file(index), layout.MAX_RECORD_FILE))
    for where, expected in named_manifests(index, event):
        try:
            with store.open(where) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except (CannotFinish, OSError) as error:
            raise broken(where, f"it cannot be read: {error}") from error
        if found != expected:
            raise broken(where, f"expected SHA-256 {expected}, found {found}.")
