"""Step 16: cosignatures that `anchor` events name, and whether the witnesses that the policy wants have cosigned.

A cosignature says: this witness saw this tree, grown out of every tree that it saw before. Whose word counts is the
policy's to say. Source: specs/verification.md section 1 step 16, specs/checkpoint.md section 9.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint, split_timestamped
from evidencekit.core.digest import sha256
from evidencekit.core.log_types import COSIGNATURE
from evidencekit.core.note import Note, NoteSignature, VerifierKey, format_signature
from evidencekit.core.proven_time import ProvenTime
from evidencekit.core.values import display, format_instant, short
from evidencekit.core.witness import parse_answer
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.notelines import verify_cosignature
from evidencekit.verify.checkpoints import Notes
from evidencekit.verify.log_facts import Anchor, Log
from evidencekit.verify.opening import Opening
from evidencekit.verify.policy import Policy
from evidencekit.verify.run import Run

STEP = 16
SECOND = 1_000_000_000
AHEAD = 300 * SECOND
"""How far a witness's clock may be ahead of ours."""
MAX_COSIGNATURES = 10_000
_NAME = re.compile(r"([0-9]{8,19})\.([0-9a-f]{8})\.cosig\Z")


@dataclass(slots=True)
class Witnesses:
    """What the cosignatures come to."""

    times: list[ProvenTime] = field(default_factory=list)
    """Times that witnesses of the policy attest."""
    size: int | None = None
    """The newest tree size that enough witnesses cosigned; None where there is none."""
    reason: str = "no policy was given"
    """Why there is none."""
    cosigned: dict[int, set[str]] = field(default_factory=dict)
    """Tree size to the policy's names of the witnesses that cosigned it."""


def check_witnesses(run: Run, opening: Opening, notes: Notes, log: Log) -> Witnesses:
    """Check every anchor of kind cosignature (E501, E201, E431, E432, E433, W935), and the policy's quorum."""
    witnesses = Witnesses()
    anchors = [anchor for anchor in log.anchors if anchor.kind == COSIGNATURE]
    for anchor in anchors[:MAX_COSIGNATURES]:
        line = _read(run, notes, anchor)
        if line is not None and run.policy is not None:
            _judge(run, run.policy, witnesses, opening, log, anchor, line)
    if len(anchors) > MAX_COSIGNATURES:
        where = cosignature_place(anchors[MAX_COSIGNATURES])
        reason = f"only the first {MAX_COSIGNATURES:,} of {len(anchors):,} cosignatures are checked"
        run.skip("witness", "too_many", where, reason)
    if run.policy is not None:
        _count(run, run.policy, witnesses, log.size)
    return witnesses


def judge_note(run: Run, policy: Policy, tree: Checkpoint | None, note: Note | None) -> Witnesses:
    """Judge the cosignatures that a checkpoint itself carries (E432, E433)."""
    witnesses = Witnesses(reason="no witness that the policy knows has cosigned")
    if tree is None or note is None:
        return witnesses
    for line in note.signatures:
        for name, key in policy.logs.witnesses.items():
            if not key.matches(line):
                continue
            if _has_other_role(key, policy):
                run.find("E432", "checkpoint", "a key that is a witness's alone", f"a log's key, {line.key_id.hex()}")
            elif verify_cosignature(key, line, tree):
                run.did("witness_signatures")
                witnesses.cosigned.setdefault(tree.size, set()).add(name)
            else:
                found = f"a line of {short(line.name)} that does not verify"
                run.find("E433", "checkpoint", f"a cosignature of size {tree.size}", found)
    _count(run, policy, witnesses, tree.size)
    return witnesses


def cosignature_place(anchor: Anchor) -> str:
    """Return where an anchor's file has to lie, as findings name it."""
    return f"{layout.CHECKPOINTS}/{display(anchor.file)}"


def _read(run: Run, notes: Notes, anchor: Anchor) -> NoteSignature | None:
    """Return the line in an anchor's file, once the anchor says the truth about it."""
    where = cosignature_place(anchor)
    name = _NAME.match(anchor.file)
    if name is None or layout.cosignature_name(anchor.size, bytes.fromhex(name[2])) != anchor.file:
        expected = f"a file {layout.number(anchor.size)}.KEYID.cosig"
        run.find("E431", layout.event_file(anchor.entry), expected, short(anchor.file))
        return None
    if not 0 < anchor.size <= anchor.entry:
        expected = f"a tree size from 1 to {anchor.entry}"
        run.find("E431", layout.event_file(anchor.entry), expected, str(anchor.size))
        return None
    if not notes.is_there(anchor.size):
        run.find("E502", layout.checkpoint_file(anchor.size), f"a checkpoint, named by {where}", "none")
    data = run.read(f"{layout.CHECKPOINTS}/{anchor.file}", layout.MAX_SIGNATURE_FILE)
    if data is None:
        return None
    if sha256(data).hex() != anchor.sha256:
        run.find("E201", where, f"SHA-256 {anchor.sha256}", f"SHA-256 {sha256(data).hex()}")
        return None  # the log is about other bytes, so nothing shows since when these are there
    try:
        line = _line(data)
        stated = (line.key_id.hex(), line.name, format_instant(split_timestamped(line.signature)[0] * SECOND))
    except FormatError as error:
        run.find("E431", where, error.expected, f"{error.place}: {error.found}")
        return None
    if stated != (name[2], anchor.by, anchor.at):
        expected = f"key {name[2]} of {short(anchor.by)} at {anchor.at}"
        run.find("E431", where, expected, f"key {stated[0]} of {short(stated[1])} at {stated[2]}")
        return None
    run.did("cosignatures")
    return line


def _line(data: bytes) -> NoteSignature:
    lines = parse_answer(data)
    if len(lines) != 1 or format_signature(lines[0]).encode() != data:
        raise FormatError("cosignature", expected="one signature line", found=f"{len(lines)} lines")
    return lines[0]


def _judge(
    run: Run, policy: Policy, witnesses: Witnesses, opening: Opening, log: Log, anchor: Anchor, line: NoteSignature
) -> None:
    where = cosignature_place(anchor)
    keys = {name: key for name, key in policy.logs.witnesses.items() if key.matches(line)}
    if not keys:
        reason = f"the policy does not know the witness {short(line.name)}, key {line.key_id.hex()}"
        run.skip("witness", "unknown_witness", where, reason, counts=False)
        return
    root = log.root(anchor.size)
    if opening.origin is None or root is None:
        run.skip("witness", "gap", where, f"the root of size {anchor.size} needs entries that cannot be read")
        return
    own = () if opening.keys is None else (opening.keys.ed25519, opening.keys.mldsa44)
    if any(_has_other_role(key, policy, *own) for key in keys.values()):
        run.find("E432", where, "a key that is a witness's alone", f"a log's key, {line.key_id.hex()}")
        return
    tree = Checkpoint(opening.origin, anchor.size, root)
    try:
        good = [name for name, key in keys.items() if verify_cosignature(key, line, tree)]
    except CannotFinish as error:
        run.skip("witness", "not_supported", where, error.message)
        return
    if not good:
        found = f"a line of {short(line.name)} that does not verify"
        run.find("E433", where, f"a cosignature of this log at size {anchor.size}", found)
        return
    run.did("witness_signatures")
    witnesses.cosigned.setdefault(anchor.size, set()).update(good)
    at = split_timestamped(line.signature)[0] * SECOND
    if run.now is not None and at > run.now + AHEAD:
        run.find("W935", where, f"a time up to {format_instant(run.now)}", format_instant(at))
        return
    witnesses.times.append(ProvenTime(anchor.entry, anchor.size, at, SECOND, line.name, COSIGNATURE))


def _has_other_role(key: VerifierKey, policy: Policy, *own: VerifierKey) -> bool:
    return any(key.key == other.key for other in (*own, *policy.logs.logs))


def _count(run: Run, policy: Policy, witnesses: Witnesses, end: int) -> None:
    """Find the newest size that enough witnesses cosigned: those of the quorum, or where it is `none` any at all."""
    for size in sorted(witnesses.cosigned, reverse=True):
        if policy.logs.is_met(witnesses.cosigned[size]):
            witnesses.size, witnesses.reason = size, ""
            _say_above(run, size, end)
            return
    most = max(witnesses.cosigned.items(), key=lambda item: (len(item[1]), item[0]), default=None)
    if most is None:
        witnesses.reason = "no witness that the policy knows has cosigned"
    else:
        names = ", ".join(display(name) for name in sorted(most[1])[:20])
        quorum = display(policy.logs.quorum or "")
        witnesses.reason = f"the quorum {quorum} is not met at any size: size {most[0]} was cosigned by {names} alone"


def _say_above(run: Run, size: int, end: int) -> None:
    """What stands above the cosigned size may differ from what others were shown: say how much that is."""
    if size < end:
        which = f"entry {size} stands" if end == size + 1 else f"entries {size} to {end - 1} stand"
        reason = f"enough witnesses cosigned size {size}; {which} above it, which they have not seen"
        run.skip("witness", "quorum", layout.checkpoint_file(end), reason, counts=False)
