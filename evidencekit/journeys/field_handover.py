"""A field case handed over: one folder with all that the receiver needs to take the case over.

The order makes a crash harmless. The offer is recorded first, so that the copy contains it; a second attempt finds it
open, and records none; what was taken since is offered by an offer of its own. The folder is made under a temporary
name beside its place, copied, read again, verified, and gets its name when it is whole; what a crash leaves under the
temporary name is completed by the next attempt.
Source: cli.md (`field`), specs/custody-log.md section 4, specs/messages.md section 2, specs/store.md section 9.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidencekit.catalogue.listing import coreutils_line
from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.custody import Item
from evidencekit.core.sshcert import plain_key
from evidencekit.core.sshkeys import PublicKey, fingerprint, format_public_key_line, key_algorithm
from evidencekit.core.sshsig import parse_sshsig
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, Refused
from evidencekit.field.readme import CASE, KEYS, READ_ME, SUMS, HandoverFacts, SignerKey, read_me
from evidencekit.journeys.custody import Hand, Recorded, events_of, read_event
from evidencekit.journeys.custody_adopt import refuse_unverified
from evidencekit.journeys.custody_messages import message_of
from evidencekit.read.store import Store
from evidencekit.read.texts import Texts, load_texts
from evidencekit.verify.verifier import verify_case
from evidencekit.write.durable import cannot_write, make_folders, publish, write_plain
from evidencekit.write.mirror import Mirrored, mirror
from evidencekit.write.reread import digest_of
from evidencekit.write.space import refuse_too_small
from evidencekit.write.systems import THIS

_NOTHING = "Nothing was recorded."
_TAGS_SIZE = 1 << 20
"""Bytes set aside for what lies beside the copy."""
_OBJECT = re.compile(f"{CASE}/{layout.OBJECTS}/sha256/([0-9a-f]{{2}})/(\\1[0-9a-f]{{62}})\\Z")
_SET_ASIDE = "stray-"
"""How names begin in work/ of what `checkpoint finish` found and nobody needs."""
_DESCRIBING = ("identify", "collect", "acquire")


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What came of it."""

    items: list[str]
    """What is offered to the receiver."""
    left: dict[str, str]
    """Items that somebody else has, and who."""
    offers: list[int]
    """Entries of the offers, ascending."""
    recorded: Recorded | None
    """The offer that was recorded now; None where all was offered before."""
    checkpoint: Checkpoint
    copied: Mirrored


def hand_over(
    hand: Hand,
    out: Path,
    body: Mapping[str, Any],
    texts: Texts,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> HandedOver:
    """Offer every item that the actor holds, and make the folder `out` for the receiver.

    `body` is that of the offer; its `to` is the receiver. `progress` hears of files and bytes in the copy.

    Raises:
        Refused: R501 `out` exists; R505 an acquisition is unfinished; R506 it would lie inside the case; R511 the actor
            holds nothing, or a rule of custody forbids the offer; R549 the case has what does not belong to it.
        CannotFinish: X421 to X427 it cannot be written, or there is too little space; X403 or X473 the case cannot be
            read, or changed meanwhile. FormatError: F100, the copy does not verify.
    """
    store = hand.ledger.store
    draft = out.with_name(f"{layout.TEMPORARY}{out.name}")
    _refuse_place(store.path, out)
    _refuse_unfinished(store)
    items, left = _in_hand(hand)
    _refuse_too_large(store, draft)
    offered = _open_offers(hand, items, str(body["to"]["key"]))
    new = [item for item in items if item not in offered]
    recorded = hand.record("offer", new, dict(body)) if new else None
    offers = sorted({*offered.values(), *([recorded.entry] if recorded else [])})
    try:
        copied, tree = _copy(store, draft, progress)
        _write_beside(hand, draft, _facts(hand, offers, items, left, body["to"]["id"], tree), texts, offers)
        publish(draft, out)
    except Exception:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return HandedOver(items, left, offers, recorded, tree, copied)


def _refuse_place(case: Path, out: Path) -> None:
    if os.path.lexists(out):
        hint = f"{_NOTHING} Choose another name."
        raise Refused(f"{display(str(out))} exists already.", code="R501", hint=hint)
    inner, outer = Path(os.path.realpath(out)), Path(os.path.realpath(case))
    if inner.is_relative_to(outer):
        hint = f"{_NOTHING} Name a place outside of the case."
        raise Refused(f"{display(str(out))} would lie inside the case.", code="R506", hint=hint)
    if not out.parent.is_dir():
        shown = display(str(out.parent))
        raise CannotFinish(f"The folder {shown} does not exist.", code="X422", hint=f"{_NOTHING} Make it first.")


def _refuse_unfinished(store: Store) -> None:
    """Raise Refused (R505) where an acquisition waits to be ended: what it took would not come along."""
    names = (name for name in store.names(layout.WORK) if not name.startswith((layout.TEMPORARY, _SET_ASIDE)))
    waiting = [name for name in names if (store.path / layout.WORK / name).is_dir()]
    if waiting:
        raise Refused(
            f"The acquisition of {', '.join(map(display, waiting))} is not finished: it would not be handed over.",
            code="R505",
            hint=f"{_NOTHING} Finish it with `evidencekit acquire … --resume`, or remove its folder in work/.",
        )


def _in_hand(hand: Hand) -> tuple[list[str], dict[str, str]]:
    """Return what the actor holds, and who has what else there is; what has ended is nowhere.

    Raises:
        Refused: R511, he holds nothing.
    """
    items, left = [], {}
    for name, item in hand.ledger.custody.items.items():
        if _is_held(hand, item):
            items.append(name)
        elif item.ended is None:
            left[name] = item.keeper.id if item.keeper is not None else ""
    if not items:
        who = f"{display(hand.actor['id'])} {hand.key}"
        hint = f"{_NOTHING} `evidencekit custody status CASE` says who holds what."
        raise Refused(f"{who} holds nothing in this case that could be handed over.", code="R511", hint=hint)
    return sorted(items), dict(sorted(left.items()))


def _is_held(hand: Hand, item: Item) -> bool:
    person = hand.ledger.custody.person
    is_own = item.holder_key is not None and person(item.holder_key) == person(hand.key)
    return is_own and not item.unknown and item.ended is None and item.out is None and item.away is None


def _open_offers(hand: Hand, items: list[str], key: str) -> dict[str, int]:
    """Return the items that are offered to this person already, and the entries of the offers."""
    custody = hand.ledger.custody
    offers = ((name, custody.items[name].offer) for name in items)
    return {
        name: offer.entry
        for name, offer in offers
        if offer is not None and custody.person(offer.to.key) == custody.person(key)
    }


def _refuse_too_large(store: Store, draft: Path) -> None:
    """Raise X422, X426 or X427 where there is no room for the copy; what an earlier attempt copied counts as there."""
    sizes = [_allocated(store.path / file) for file, is_plain in store.files() if is_plain]
    there = sum(_allocated(path) for path in draft.rglob("*")) if draft.is_dir() else 0
    need = max(0, sum(sizes) - there) + _TAGS_SIZE
    refuse_too_small(draft.parent, need, max(sizes, default=0), "the files of the case", files=len(sizes))


def _allocated(path: Path) -> int:
    """Return the bytes that a file fills, holes not counted; 0 where it is gone, or no file."""
    try:
        found = path.lstat()
    except OSError:
        return 0
    return min(found.st_size, getattr(found, "st_blocks", found.st_size) * 512) if path.is_file() else 0


def _copy(store: Store, draft: Path, progress: Callable[[int, int], None] | None) -> tuple[Mirrored, Checkpoint]:
    """Copy the case into the draft, or complete the copy; return its tree once the copy was verified."""
    _clear(store.path, draft)
    make_folders(draft, below=draft.parent)
    copied = mirror(store.path, draft / CASE, progress=progress)
    tree = refuse_unverified(draft / CASE, verify_case(draft / CASE))
    if tree.size != max(store.numbers(layout.CHECKPOINTS), default=0):
        hint = "The offer stands. Let nobody write to the case, and give the same command again."
        raise CannotFinish(f"{display(str(store.path))} changed while it was copied.", code="X473", hint=hint)
    return copied, tree


def _clear(case: Path, draft: Path) -> None:
    """Keep of an earlier attempt the copy of this very case alone."""
    if draft.is_symlink() or (os.path.lexists(draft) and not draft.is_dir()):
        draft.unlink()
    if not draft.is_dir():
        return
    name = draft / CASE / layout.CASE_FILE
    keeps = name.is_file() and digest_of(name) == digest_of(case / layout.CASE_FILE)
    for path in draft.iterdir():
        if keeps and path.name == CASE and not path.is_symlink():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _facts(
    hand: Hand, offers: list[int], items: list[str], left: dict[str, str], receiver: str, tree: Checkpoint
) -> HandoverFacts:
    store, record = hand.ledger.store, hand.ledger.record
    described = {
        item: str(event["body"].get("description", ""))
        for _, event in events_of(store, *_DESCRIBING)
        for item in event["items"]
    }
    files = ["offer.json"] if len(offers) == 1 else [f"offer-{entry}.json" for entry in offers]
    return HandoverFacts(
        reference=record["reference"],
        agency=record["agency"],
        sender=str(hand.actor["id"]),
        receiver=receiver,
        branch=branch_name(record["reference"]),
        items=[(item, described.get(item, "")) for item in items],
        left=[*left.items()],
        offers=files,
        keys=[key for key, _ in _signers(store)],
        checkpoint=tree,
    )


def branch_name(reference: str) -> str:
    """Return what a field case of this reference may be called where it is adopted: a name of `store.md`, 9."""
    return f"field-{re.sub('[^a-z0-9]+', '-', reference.lower())}"[:40].strip("-")


def _signers(store: Store) -> Iterator[tuple[SignerKey, PublicKey]]:
    """Yield the key of each person who signed the log, once."""
    found: set[str] = set()
    names: set[str] = set()
    for entry in range(store.newest_entry()):
        _, event = read_event(store, entry)
        for place, key in enumerate(event["signers"]):
            if key in found:
                continue
            found.add(key)
            blob = plain_key(
                parse_sshsig(store.read(layout.signature_file(entry, place), layout.MAX_SIGNATURE_FILE)).public_key
            )
            person = str(event["actor"]["id"]) if place == 0 else fingerprint(blob)
            name = stem = re.sub("[^a-z0-9._-]+", "-", person.lower()).strip("-.")[:40] or "person"
            while name in names:
                name = f"{stem}-{len(names)}"
            names.add(name)
            yield (
                SignerKey(f"{KEYS}/{name}.pub", person, fingerprint(blob)),
                PublicKey(blob, key_algorithm(blob), person),
            )


def _write_beside(hand: Hand, draft: Path, facts: HandoverFacts, texts: Texts, offers: list[int]) -> None:
    """Write what lies beside the copy; the digests last, of all that there is."""
    for file, entry in zip(facts.offers, offers, strict=True):
        write_plain(draft / file, message_of(hand.ledger.store, entry))
    make_folders(draft / KEYS, below=draft)
    for signer, key in _signers(hand.ledger.store):
        write_plain(draft / signer.file, f"{format_public_key_line(key)}\n".encode())
    languages = [texts] if texts.language == "en" else [texts, load_texts("en")]
    write_plain(draft / READ_ME, read_me(facts, languages).encode())
    write_plain(draft / SUMS, b"".join(_sums(draft)))
    try:
        THIS.sync(draft / KEYS)
    except OSError as error:
        raise cannot_write(draft / KEYS, error) from error


def _sums(draft: Path) -> Iterator[bytes]:
    """Yield a line for each file. Objects were read again and compared with their names when they were copied."""
    paths = (path for path in draft.rglob("*") if path.is_file() and not path.is_symlink())
    for name in sorted(os.fsencode(path.relative_to(draft).as_posix()) for path in paths):
        named = _OBJECT.match(os.fsdecode(name))
        digest = named[2] if named else digest_of(draft / os.fsdecode(name)).hex()
        yield coreutils_line(digest, name)
