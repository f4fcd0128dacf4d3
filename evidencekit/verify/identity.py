"""Step 13: what the policy says of the log, and of the persons who signed.

Source: specs/verification.md section 1 step 13, specs/policy.md.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core.allowed_signers import AllowedSigner, matches_pattern_list
from evidencekit.core.checkpoint import (
    Checkpoint,
    ed25519_message,
    mldsa44_message,
    split_timestamped,
)
from evidencekit.core.event import NAMESPACE
from evidencekit.core.note import ED25519, Note, VerifierKey
from evidencekit.core.values import short
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.signature import verify_ed25519, verify_mldsa44
from evidencekit.verify.policy import Policy
from evidencekit.verify.run import Run
from evidencekit.verify.signatures import Signed

STEP = 13


class Identity:
    """Follows the events with a policy in hand. Without one it does nothing, and identity stays unchecked."""

    def __init__(self, run: Run, origin: str | None) -> None:
        self._run = run
        self._policy: Policy | None = run.policy
        self._origin = origin
        self._lines: dict[str, list[AllowedSigner]] = {}
        self.vouched = False
        """A principal whom the policy names signed event 0."""
        self.vouching_unproven = False

    def observe(self, index: int, event: dict[str, Any], signed: list[Signed], where: str) -> None:
        """Judge the signers of one event."""
        if self._policy is None:
            return
        if index == 0:
            self._vouch(self._policy, signed)
        good = [self._judge(self._policy, index, event, place, one, where) for place, one in enumerate(signed)]
        if all(good):
            self._run.did("persons")

    def _lines_of(self, policy: Policy, key: str) -> list[AllowedSigner]:
        if key not in self._lines:
            if len(self._lines) > 10_000:  # hostile: a new key in every event
                self._lines.clear()
            self._lines[key] = policy.signers_of(key)
        return self._lines[key]

    def _judge(self, policy: Policy, index: int, event: dict[str, Any], place: int, one: Signed, where: str) -> bool:
        run = self._run
        lines = [line for line in self._lines_of(policy, one.key) if _allows(line, event["actor"]["id"], place)]
        if not lines:
            who = short(event["actor"]["id"]) if place == 0 else "some principal"
            run.find("E408", where, f"a key of {who} in allowed_signers", one.key, step=STEP)
            return False
        if self._is_revoked(policy, index, one.key, where):
            return False
        if not one.good:
            run.skip("identity", "signature_failed", where, f"the signature of {one.key} does not hold or is not there")
            return False
        return self._algorithm_holds(policy, one, where) and self._is_timeless(lines, one, where)

    def _is_timeless(self, lines: list[AllowedSigner], one: Signed, where: str) -> bool:
        if any(line.valid_after is None and line.valid_before is None for line in lines):
            return True
        reason = f"allowed_signers gives {one.key} a window of validity, and this version proves no times"
        self._run.skip("identity", "unproven_time", where, reason)
        return False

    def _is_revoked(self, policy: Policy, index: int, key: str, where: str) -> bool:
        revocation = policy.revoked.get(key)
        if revocation is None:
            return False
        first = revocation.sizes.get(self._origin or "")
        if first is not None and index < first:
            return False
        since = f"from entry {first} on" if first is not None else "without a proven time before it"
        self._run.find(
            "E410", where, "a key that is believed", f"{key} revoked {since}: {revocation.reason}", step=STEP
        )
        return True

    def _algorithm_holds(self, policy: Policy, one: Signed, where: str) -> bool:
        until = policy.algorithms.get(one.algorithm or "")
        if until is None:
            return True
        if self._run.now is None:
            reason = f"{one.algorithm} is accepted until a date, and no time was given"
            self._run.skip("identity", "unproven_time", where, reason)
            return False
        if self._run.now > until:
            found = f"{one.algorithm}, accepted until a date that has passed"
            self._run.find("E411", where, "a kind of key that is still accepted", found, step=STEP)
            return False
        return True

    def _vouch(self, policy: Policy, signed: list[Signed]) -> None:
        """Event 0: did one of `vouched_by` sign it? Faults of his key are judged where every signer's are."""
        for one in signed:
            revocation = policy.revoked.get(one.key)
            if not one.good or (revocation is not None and revocation.sizes.get(self._origin or "", 0) == 0):
                continue
            for principal in policy.rule(self._origin or "").vouched_by:
                lines = [line for line in self._lines_of(policy, one.key) if line.matches(principal, NAMESPACE)]
                if any(line.valid_after is None and line.valid_before is None for line in lines):
                    self.vouched = True
                elif lines:
                    self.vouching_unproven = True

    def admit_log(self, tree: Checkpoint | None, note: Note | None, where: str, *, has_event_0: bool = True) -> None:
        """Judge the log by its newest checkpoint: admitted by listed keys, or by whoever vouches for it (E407)."""
        run, policy = self._run, self._policy
        if policy is None:
            return
        if tree is None or note is None:
            run.skip("identity", "no_keys", "the log", "no valid checkpoint was there to judge the log by")
            return
        rule, keys = policy.rule(tree.origin), policy.log_keys(tree.origin)
        if keys:
            signed = [key for key in keys if _signed_by(run, key, note, tree, where)]
            every = rule.all_required_from is not None and tree.size >= rule.all_required_from
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
        elif not self.vouched:
            if self.vouching_unproven:
                reason = "whoever vouches for the log has a window of validity, and this version proves no times"
                run.skip("identity", "unproven_time", where, reason)
                return
            run.find("E407", where, "event 0 signed by " + ", ".join(rule.vouched_by), "other signers", step=STEP)
            return
        run.did("log_policy")


def _allows(line: AllowedSigner, actor: str, place: int) -> bool:
    """The first signer must be the actor by name; for the others some principal is enough."""
    if place == 0:
        return line.matches(actor, NAMESPACE)
    return line.namespaces is None or matches_pattern_list(NAMESPACE, line.namespaces)


def _signed_by(run: Run, key: VerifierKey, note: Note, tree: Checkpoint, where: str) -> bool:
    """Tell whether a listed key signed a note: the line is the log's own, without a time."""
    for line in note.signatures:
        if not key.matches(line):
            continue
        if key.kind == ED25519:
            return verify_ed25519(key.key, line.signature, ed25519_message(tree))
        try:
            timestamp, bare = split_timestamped(line.signature)
            return timestamp == 0 and verify_mldsa44(key.key, bare, mldsa44_message(tree, name=key.name, timestamp=0))
        except FormatError:
            return False
        except CannotFinish as error:
            run.skip("identity", "not_supported", where, error.message)
            return False
    return False
