"""Step 15: the time-stamps that `anchor` events name, each at its own time. Loaded only where there are some.

A token of an authority that the policy does not know is *not checked*; one that does not hold is an error. Today's date
is never asked. Source: specs/time.md sections 1 and 2; specs/verification.md section 1 step 15.
"""

from __future__ import annotations

from bisect import bisect_left

from evidencekit.core import layout
from evidencekit.core.digest import sha256
from evidencekit.core.log_types import TIME_STAMP
from evidencekit.core.proven_time import ProvenTime
from evidencekit.core.values import format_instant, short
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.token import MAX_TOKEN_FILE, Token, parse_token
from evidencekit.read.token_chain import Authority, chain_fault
from evidencekit.read.token_checks import Fault, fault
from evidencekit.read.token_selftest import self_test
from evidencekit.verify.checkpoints import Notes
from evidencekit.verify.log_facts import Anchor, Log
from evidencekit.verify.run import Run
from evidencekit.verify.time_policy import TimePolicy

MAX_ANCHORS = 10_000


def check_stamps(run: Run, log: Log, notes: Notes) -> list[ProvenTime]:
    """Check every time-stamp that an event names, and return the times that authorities of the policy prove."""
    stamps = [anchor for anchor in log.anchors if anchor.kind == TIME_STAMP]
    if not stamps:
        return []
    wrong = self_test()
    if wrong:
        run.skip("time", "self_test", "time-stamps", f"this program cannot be trusted with time-stamps: {wrong}")
        return []
    proven = [_check(run, log, notes, anchor) for anchor in stamps[:MAX_ANCHORS]]
    if len(stamps) > MAX_ANCHORS:
        reason = f"{len(stamps) - MAX_ANCHORS} time-stamps after the first {MAX_ANCHORS} were not checked"
        run.skip("time", "too_many", layout.CHECKPOINTS, reason)
    return [time for time in proven if time is not None]


def _check(run: Run, log: Log, notes: Notes, anchor: Anchor) -> ProvenTime | None:
    event_where = layout.event_file(anchor.entry)
    parsed = layout.parse_anchor_name(anchor.file)
    if parsed is None or parsed[2] != "tsr" or parsed[0] != anchor.size or anchor.size > anchor.entry:
        expected = f"a file N.NAME.tsr about a checkpoint N of at most size {anchor.entry}"
        run.find("E428", event_where, expected, f"{short(anchor.file)} about size {anchor.size}")
        return None
    where = f"{layout.CHECKPOINTS}/{anchor.file}"
    data = run.read(where, MAX_TOKEN_FILE)
    if data is None:
        return None
    if sha256(data).hex() != anchor.sha256:
        run.find("E201", where, f"SHA-256 {anchor.sha256}", f"SHA-256 {sha256(data).hex()}")
        return None
    try:
        token = parse_token(data)
    except FormatError as error:
        run.find("E421", where, error.expected, f"{error.place}: {error.found}")
        return None
    note = _note(run, log, notes, anchor, where)
    if note is None:
        return None
    found = fault(token, note)
    if found is not None:
        run.find(found.code, where, found.expected, found.found)
        return None
    run.did("time_stamps")
    if (anchor.at, anchor.by) != (format_instant(token.at_ns), token.by):
        stated = f"{anchor.at} by {short(anchor.by)}"
        run.find("E428", event_where, f"{format_instant(token.at_ns)} by {short(token.by)}, as in the token", stated)
    return None if run.policy is None else _judge(run, run.policy.time, anchor, token, where)


def _note(run: Run, log: Log, notes: Notes, anchor: Anchor, where: str) -> bytes | None:
    """Return the exact bytes of the checkpoint that was stamped, if it holds and is of these entries."""
    note_where = layout.checkpoint_file(anchor.size)
    if not notes.is_there(anchor.size):
        run.find("E502", note_where, f"a checkpoint, stamped by {where}", "none")
        return None
    place = bisect_left(notes.sizes, anchor.size)
    holds = place < len(notes.sizes) and notes.sizes[place] == anchor.size
    if not holds or notes.root(place) != log.root(anchor.size):
        run.skip("time", "gap", where, f"{note_where}, which it is about, does not hold or cannot be compared")
        return None
    try:
        return run.record.read(note_where, layout.MAX_NOTE_FILE)
    except (CannotFinish, FormatError) as error:
        run.skip("time", "unreadable", note_where, error.message)
        return None


def _judge(run: Run, policy: TimePolicy, anchor: Anchor, token: Token, where: str) -> ProvenTime | None:
    """Believe a token whose authority the policy knows, and whose chain holds at its own time."""
    judged = judge_token(token, policy)
    if judged is None:
        reason = f"the policy has no root for {short(token.by)} in tsa/"
        run.skip("time", "unknown_authority", where, reason, counts=False)
    elif isinstance(judged, Fault):
        run.find(judged.code, where, judged.expected, judged.found)
    else:
        return ProvenTime(anchor.entry, anchor.size, token.at_ns, token.accuracy_ns, judged.name, TIME_STAMP)
    return None


def judge_token(token: Token, policy: TimePolicy) -> Authority | Fault | None:
    """Return the authority that made a token, why it does not hold (E426, E427), or None: the policy knows none such.

    The token's signature, imprint and certificate were checked before (`read.token.fault`).
    """
    first: Fault | None = None
    for authority in policy.known:
        if not authority.seems_to_have_made(token):
            continue
        found = chain_fault(token, authority)
        if found is None:
            if policy.policies and token.policy not in policy.policies:
                return Fault("E427", "one of " + ", ".join(policy.policies), token.policy)
            return authority
        first = first or found
    return first
