"""A published log: every hash computed again from the entries, the root against the signed checkpoint.

Tiles show the order of the log and that nothing was rewritten. They do not show events or evidence: those are *not
checked*. Source: specs/verification.md section 2a, specs/checkpoint.md section 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from evidencekit.core import tlog_tiles
from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.event import ENTRY, decode_entry
from evidencekit.core.merkle import HASH_SIZE, CompactRange, leaf_hash
from evidencekit.core.note import MAX_NOTE, Note, parse_note
from evidencekit.core.tlog_tiles import WIDTH, Tile
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.notelines import verify_log_line
from evidencekit.read.published import Published, open_published
from evidencekit.verify.conclude import conclude, count, judge, reasons, required
from evidencekit.verify.entry_chain import EntryChain
from evidencekit.verify.identity import Identity
from evidencekit.verify.log_facts import Log
from evidencekit.verify.outside import check_outside, parse_known_head
from evidencekit.verify.policy import Policy, read_policy
from evidencekit.verify.report import Report
from evidencekit.verify.run import MAX_EVENTS, ProgressCall, Run
from evidencekit.verify.witnesses import Witnesses, judge_note

_NOT_PUBLISHED = {"custody", "evidence", "completeness", "time"}
"""Aspects that tiles cannot show, and that no policy therefore asks of them."""
STEPS = {"checkpoint", "entries", "tiles"}


@dataclass(slots=True)
class LogTiles:
    """What was read of a published log."""

    tree: Checkpoint | None = None
    note: Note | None = None
    data: bytes = b""
    """The note, verbatim."""
    leaves: list[bytes] = field(default_factory=list)
    """Leaf hashes of the entries, as far as they could be read without a gap."""


def verify_published(
    place: str,
    *,
    policy: Path | Policy | None = None,
    since: bytes | None = None,
    now: int | None = None,
    proxy: str | None = None,
    progress: ProgressCall | None = None,
) -> Report:
    """Verify a log as it is published: a folder of tiles, or the URL prefix of one.

    Args:
        place: a folder, or a URL (http, https).
        policy: a policy folder, or one that was read; without it nobody knows whose log this is.
        since: a checkpoint known from outside: the bytes of a note, or typed text.
        now: the verifier's own time, nanoseconds since 1970.
        proxy: URL of the proxy through which a URL is asked; None: directly.
        progress: called as work is done.

    Raises:
        BadArgument: U222 the policy, U223 the checkpoint from outside, U255 the URL cannot be used.
    """
    known = None if since is None else parse_known_head(since)
    trusted = policy if isinstance(policy, Policy) or policy is None else read_policy(policy)
    run = Run(policy=trusted, now=now, progress=progress)
    log, witnesses, compared = LogTiles(), Witnesses(), False
    with open_published(place, proxy=proxy) as published:
        log = read_log(run, published)
    if run.policy is not None:
        with run.step(13, "policy"):
            Identity(run, None).admit_log(log.tree, log.note, tlog_tiles.CHECKPOINT, has_event_0=False)
            run.skip("identity", "not_published", "events", "no event is published, so nor is who signed", counts=False)
            witnesses = judge_note(run, run.policy, log.tree, log.note)
    with run.step(12, "outside"):
        compared = check_outside(run, _as_facts(log), log.tree, known)
    run.skip("custody", "not_published", "events", "no event is published, so no rule of custody can be checked")
    return _report(run, log, witnesses, compared=compared)


def read_log(run: Run, published: Published) -> LogTiles:
    """Read checkpoint, entries and tiles, and check them against each other (E105, E501, E435, E204, E3xx)."""
    log = LogTiles()
    with run.step(5, "checkpoint"):
        _read_checkpoint(run, published, log)
    if log.tree is None:
        return log
    with run.step(3, "entries"):
        _read_entries(run, published, log, log.tree)
    with run.step(4, "tiles"):
        _read_tiles(run, published, log, log.tree)
    return log


def _read_checkpoint(run: Run, published: Published, log: LogTiles) -> None:
    where = tlog_tiles.CHECKPOINT
    try:
        data = published.read(where, MAX_NOTE)
        note = parse_note(data)
        tree = parse_checkpoint(note.text)
    except CannotFinish as error:
        run.unreadable(where, error)
        return
    except FormatError as error:
        run.find("E105", where, error.expected, f"{error.place}: {error.found}")
        return
    run.files["checked"] += 1
    if tree.size == 0:
        run.find("E105", where, "size 1 or more", "size 0, of which no note is written")
        return
    log.tree, log.note, log.data = tree, note, data
    for key in () if run.policy is None else run.policy.log_keys(tree.origin):
        for line in note.signatures:
            if key.matches(line):
                if not verify_log_line(key, line, tree):
                    run.find("E406", where, f"a good signature of {key.key_id.hex()}", "another")
                else:
                    run.did("checkpoints")


def _read_entries(run: Run, published: Published, log: LogTiles, tree: Checkpoint) -> None:
    """Follow every entry; where a bundle is missing, later ones are still read, but no root leads to them."""
    end = min(tree.size, MAX_EVENTS)
    if end < tree.size:
        run.find("E102", tlog_tiles.CHECKPOINT, f"at most {MAX_EVENTS} events", str(tree.size))
        run.skip("record", "too_many", tlog_tiles.CHECKPOINT, f"entries from {MAX_EVENTS} on were not checked")
    chain, edge = EntryChain(run), CompactRange()
    for bundle in tlog_tiles.bundles_of(end):
        where, first = bundle.path, bundle.index * WIDTH
        data = _read_tile(run, published, bundle, tlog_tiles.MAX_BUNDLE)
        try:
            entries = [] if data is None else tlog_tiles.decode_bundle(data, bundle.width)
        except FormatError as error:
            run.find("E435", where, error.expected, error.found)
            entries = []
        if not entries:
            chain.lose(bundle.width)
            run.skip("record", "gap", where, f"no root after entry {first} can be computed")
        for place, leaf in enumerate(entries):
            _take(run, chain, leaf, f"{where}#{first + place}")
            if edge.size == first + place:
                edge.append(leaf_hash(leaf))
                log.leaves.append(leaf_hash(leaf))
                chain.root = edge.root()
    if edge.size == tree.size and edge.root() != tree.root:
        expected = f"root {edge.root().hex()}, of the entries"
        run.find("E204", tlog_tiles.CHECKPOINT, expected, f"root {tree.root.hex()}")


def _take(run: Run, chain: EntryChain, leaf: bytes, where: str) -> None:
    try:
        entry = decode_entry(leaf)
    except FormatError as error:
        run.malformed(where, error, data=leaf, schema=ENTRY)
        chain.lose(1)
        return
    chain.take(entry, where)
    run.did("entries")


def _read_tiles(run: Run, published: Published, log: LogTiles, tree: Checkpoint) -> None:
    """Compare every tile of hashes with what the entries give, if all of them are there."""
    levels = [log.leaves]
    if len(log.leaves) < tree.size:
        return
    for tile in tlog_tiles.tiles_of(tree.size):
        level = tile.level or 0
        if level == len(levels):
            levels.append(list(_parents(levels[-1])))
        expected = levels[level][tile.index * WIDTH : tile.index * WIDTH + tile.width]
        data = _read_tile(run, published, tile, tlog_tiles.MAX_TILE)
        if data is not None:
            run.did("tiles")
            if data != b"".join(expected):
                run.find(
                    "E435", tile.path, f"the {tile.width} hashes that the entries give", f"{len(data)} other bytes"
                )


def _parents(nodes: list[bytes]) -> Iterator[bytes]:
    """Yield the roots over the full tiles of a level."""
    for place in range(0, len(nodes) - WIDTH + 1, WIDTH):
        edge = CompactRange()
        edge.extend(nodes[place : place + WIDTH])
        yield edge.root()


def _read_tile(run: Run, published: Published, tile: Tile, limit: int) -> bytes | None:
    """Return the file of a tile; where a partial one was taken away, the beginning of the full one in its place."""
    try:
        data = published.read(tile.path, limit)
    except CannotFinish as error:
        whole = _read_full(published, tile, limit) if error.code == "X402" and tile.width < WIDTH else None
        if whole is None:
            run.unreadable(tile.path, error)
            return None
        data = _beginning(whole, tile)
    except FormatError as error:
        run.find("E102", tile.path, error.expected, error.found)
        run.files["not_checked"] += 1
        return None
    run.files["checked"] += 1
    return data


def _read_full(published: Published, tile: Tile, limit: int) -> bytes | None:
    try:
        return published.read(tile.full.path, limit)
    except (CannotFinish, FormatError):
        return None


def _beginning(data: bytes, tile: Tile) -> bytes:
    if tile.level is not None:
        return data[: tile.width * HASH_SIZE]
    try:
        return tlog_tiles.encode_bundle(tlog_tiles.decode_bundle(data, WIDTH)[: tile.width])
    except FormatError:
        return data


def _as_facts(log: LogTiles) -> Log:
    """Return the roots as step 12 reads them."""
    facts = Log(0 if log.tree is None else log.tree.size)
    edge = CompactRange()
    for leaf in log.leaves:
        edge.append(leaf)
        facts.roots += edge.root()
    return facts


def _report(run: Run, log: LogTiles, witnesses: Witnesses, *, compared: bool) -> Report:
    done = set()
    if run.done >= STEPS and log.tree is not None and len(log.leaves) == log.tree.size:
        done.add("record")
    if run.policy is not None and "policy" in run.done and log.tree is not None:
        done.add("identity")
    if witnesses.size is not None:
        done.add("witness")
    if compared:
        done.add("completeness")
    judgement = judge(
        run,
        done=done,
        required=required(run) - _NOT_PUBLISHED,
        has_seal=True,
        whole=False,
        extra_reasons=reasons(
            evidence="no catalogue is published, so there is nothing to compare with a source",
            time="no time-stamp is published",
            witness=witnesses.reason,
        ),
    )
    counts = count(run, rows=0) | {"entries": 0 if log.tree is None else log.tree.size}
    return conclude(run, "log", judgement, counts, log.tree)
