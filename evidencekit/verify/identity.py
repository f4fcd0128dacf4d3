"""Step 13: what the policy says of the log, and of the persons who signed.

What hangs on a time waits until the times are proven. Source: specs/verification.md section 1 step 13, specs/policy.md.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from evidencekit.core import layout
from evidencekit.core.allowed_signers import AllowedSigner, matches_pattern_list
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.event import NAMESPACE
from evidencekit.core.note import Note, VerifierKey
from evidencekit.core.proven_time import Bounds
from evidencekit.core.sshkeys import fingerprint
from evidencekit.core.values import short
from evidencekit.errors import CannotFinish
from evidencekit.read.notelines import is_signed_by
from evidencekit.verify.key_times import Answer, Question, answer, windows_of
from evidencekit.verify.policy import Policy
from evidencekit.verify.policy_toml import Revocation
from evidencekit.verify.run import Run
from evidencekit.verify.signatures import Signed

STEP = 13


class Identity:
    """Follows the events with a policy in hand. Without one it does nothing, and identity stays unchecked."""

    def __init__(self, run: Run, origin: str | None) -> None:
        self._run = run
        self._policy: Policy | None = run.policy
        self._origin = origin
        self._lines: dict[str, tuple[AllowedSigner, ...]] = {}
        self._questions: dict[tuple[Question, ...], array[int]] = {}
        """What a time has to answer, to the events that wait for it."""
        self._first: list[Signed] = []
        """Who signed event 0."""
        self._bounds = Bounds((), 0)

    def observe(self, index: int, event: dict[str, Any], signed: list[Signed], where: str) -> None:
        """Judge the signers of one event, as far as no time matters; the rest waits for `conclude`."""
        if self._policy is None:
            return
        if index == 0:
            self._first = signed
        judged = [self._judge(self._policy, index, event, place, one, where) for place, one in enumerate(signed)]
        questions = tuple(question for question in judged if question is not None)
        if len(questions) < len(signed):
            return
        waiting = tuple(question for question in questions if question.is_open)
        if waiting:
            self._questions.setdefault(waiting, array("Q")).append(index)
        else:
            self._run.did("persons")

    def conclude(self, bounds: Bounds, where: Callable[[int], str] = layout.event_file) -> None:
        """Judge what waited for the proven times of the events; `where` names an event in findings."""
        self._bounds = bounds
        waiting = sorted((index, asked) for asked, events in self._questions.items() for index in events)
        for index, asked in waiting:
            answers = [answer(question, bounds.of(index), self._run.now) for question in asked]
            self._say(where(index), [one for one in answers if one is not None])

    def _say(self, where: str, answers: list[Answer]) -> None:
        for one in answers:
            if one.code:
                self._run.find(one.code, where, one.expected, one.found, step=STEP)
            else:
                self._run.skip("identity", "unproven_time", where, one.found)
        if not answers:
            self._run.did("persons")

    def _lines_of(self, policy: Policy, one: Signed) -> tuple[AllowedSigner, ...]:
        if one.certificate is not None:  # not kept: each may be of many kilobytes
            return policy.signers_of(one.key, one.certificate)
        if one.key not in self._lines:
            if len(self._lines) > 10_000:  # hostile: a new key in every event
                self._lines.clear()
            self._lines[one.key] = policy.signers_of(one.key)
        return self._lines[one.key]

    def _judge(
        self, policy: Policy, index: int, event: dict[str, Any], place: int, one: Signed, where: str
    ) -> Question | None:
        """Return what a time has to say of a signer, None where he is not believed whatever the time."""
        run = self._run
        lines = [line for line in self._lines_of(policy, one) if _allows(line, event["actor"]["id"], place)]
        if not lines:
            who = short(event["actor"]["id"]) if place == 0 else "some principal"
            run.find("E408", where, f"a key of {who} in allowed_signers", one.key, step=STEP)
            return None
        revocations = self._revocations(policy, index, one)
        for key, revoked in revocations:
            if revoked.not_after is None or self._origin in revoked.sizes:
                first = revoked.sizes.get(self._origin or "")
                since = f"from entry {first} on" if first is not None else "without a proven time before it"
                found = f"{key} revoked {since}: {revoked.reason}"
                run.find("E410", where, "a key that is believed", found, step=STEP)
                return None
        if not one.good:
            run.skip("identity", "signature_bad", where, f"the signature of {one.key} does not hold or is not there")
            return None
        return _question(policy, one, lines, [revoked for _, revoked in revocations])

    def _revocations(self, policy: Policy, index: int, one: Signed) -> list[tuple[str, Revocation]]:
        """Return what revokes the keys of a signature at an entry."""
        known = [(key, policy.revoked[key]) for key in _answerable(one) if key in policy.revoked]
        return [(key, revoked) for key, revoked in known if index >= revoked.sizes.get(self._origin or "", 0)]

    def _vouching(self, policy: Policy) -> Answer | bool:
        """Tell whether one of `vouched_by` signed event 0, or which time is missing.

        Faults of his key are judged where every signer's are.
        """
        unproven: Answer | None = None
        for one in self._first:
            revocations = [revoked for _, revoked in self._revocations(policy, 0, one)]
            if not one.good or any(self._origin in revoked.sizes for revoked in revocations):
                continue
            for principal in policy.rule(self._origin or "").vouched_by:
                lines = [line for line in self._lines_of(policy, one) if line.matches(principal, NAMESPACE)]
                if not lines or any(revoked.not_after is None for revoked in revocations):
                    continue
                missing = answer(_question(policy, one, lines, revocations), self._bounds.of(0), self._run.now)
                if missing is None:
                    return True
                unproven = unproven or (None if missing.code else missing)
        return unproven or False

    def admit_log(self, tree: Checkpoint | None, note: Note | None, where: str, *, has_event_0: bool = True) -> None:
        """Judge the log by its newest checkpoint: admitted by listed keys, or by whoever vouches for it (E407)."""
        run, policy = self._run, self._policy
        if policy is None:
            return
        if tree is None or note is None:
            run.skip("identity", "no_checkpoint", "the log", "no valid checkpoint was there to judge the log by")
            return
        rule, keys = policy.rule(tree.origin), policy.log_keys(tree.origin)
        if keys:
            signed = [key for key in keys if _signed_by(run, key, note, tree, where)]
            every = policy.needs_all_log_keys(tree)
            if not signed or (every and len(signed) < len(keys)):
                expected = f"{'every' if every else 'a'} key that logs.policy lists for {tree.origin}"
                run.find("E407", where, expected, f"{len(signed)} of {len(keys)}", step=STEP)
                return
        elif not rule.vouched_by:
            run.find("E407", where, "a log that the policy knows", tree.origin, step=STEP)
            return
        elif not has_event_0:
            run.skip(
                "identity", "no_policy", where, "the policy admits this log by who signed event 0, which is not here"
            )
            return
        else:
            vouching = self._vouching(policy)
            if isinstance(vouching, Answer):
                run.skip("identity", "unproven_time", where, f"whoever vouches for the log: {vouching.found}")
                return
            if not vouching:
                run.find("E407", where, "event 0 signed by " + ", ".join(rule.vouched_by), "other signers", step=STEP)
                return
        run.did("log_policy")


def _question(policy: Policy, one: Signed, lines: list[AllowedSigner], revoked: list[Revocation]) -> Question:
    """Return what a time has to say of a good signature."""
    first = min((each for each in revoked if each.not_after is not None), key=_not_after, default=None)
    until = policy.algorithms.get(one.algorithm or "")
    return Question(
        key=one.key,
        windows=windows_of(lines),
        not_after=None if first is None else first.not_after,
        reason="" if first is None else first.reason,
        algorithm=one.algorithm or "",
        until=until,
    )


def _not_after(revoked: Revocation) -> int:
    return revoked.not_after or 0


def _answerable(one: Signed) -> list[str]:
    """Fingerprints of the keys that a signature rests on: the signer's, and his CA's."""
    return [one.key] if one.certificate is None else [one.key, fingerprint(one.certificate.ca)]


def _allows(line: AllowedSigner, actor: str, place: int) -> bool:
    """The first signer must be the actor by name; for the others some principal is enough."""
    if place == 0:
        return line.matches(actor, NAMESPACE)
    return line.namespaces is None or matches_pattern_list(NAMESPACE, line.namespaces)


def _signed_by(run: Run, key: VerifierKey, note: Note, tree: Checkpoint, where: str) -> bool:
    """Tell whether a listed key signed a note."""
    try:
        return is_signed_by(key, note.signatures, tree)
    except CannotFinish as error:
        run.skip("identity", "not_supported", where, error.message)
        return False
