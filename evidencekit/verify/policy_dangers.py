"""What a policy that can be read would do that its owner hardly meant: demands never met, trust that reaches far.

Promise: nothing is found twice; each remark says what follows from it and what to do. A remark of severity
`error` is against a rule (one key in two roles): such a policy is not to be used. Source: specs/policy.md point 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from evidencekit.core.allowed_signers import AllowedSigner, matches_pattern_list
from evidencekit.core.event import NAMESPACE
from evidencekit.core.layout import is_dropping
from evidencekit.core.sshkeys import RSA, raw_key, shared_keys
from evidencekit.core.values import display
from evidencekit.verify.policy import Policy
from evidencekit.verify.policy_toml import LogRule

SECOND = 1_000_000_000
READ = ("policy.toml", "allowed_signers", "logs.policy", "revoked.toml", "tsa")


class Danger(NamedTuple):
    """One remark."""

    severity: str
    """`error` or `warning`."""
    where: str
    """File, and line or table."""
    fact: str
    do: str


def dangers(policy: Policy, now: int, folder: Path | None = None) -> tuple[Danger, ...]:
    """Return what is dangerous in a policy at `now` (nanoseconds since 1970), errors first.

    `folder` is where it was read from: it may hold what nobody reads.
    """
    found = [
        *(() if folder is None else _unread(folder)),
        *_roles(policy),
        *_logs(policy),
        *(danger for origin in _origins(policy) for danger in _log(policy, policy.rule(origin))),
        *_persons(policy, now),
        *_algorithms(policy, now),
        *_witnesses(policy),
        *_times(policy),
    ]
    return tuple(sorted(found, key=lambda danger: danger.severity))


def _unread(folder: Path) -> Iterator[Danger]:
    for name in sorted(path.name for path in folder.iterdir()):
        if name not in READ and not is_dropping(name):
            fact = "nothing of this is read"
            yield _warning(display(name), fact, f"Mend the name, or take it away: {', '.join(READ)} are read.")


def _warning(where: str, fact: str, do: str) -> Danger:
    return Danger("warning", where, fact, do)


def _roles(policy: Policy) -> Iterator[Danger]:
    """Keys of logs, witnesses and persons differ: whoever holds one of them must not be able to speak for another."""
    roles = {
        "a person's key": [raw_key(signer.key.blob) for signer in policy.signers],
        "a log's key": [key.key for key in policy.logs.logs],
        "a witness's key": [key.key for key in policy.logs.witnesses.values()],
    }
    lines = {raw_key(signer.key.blob): f"allowed_signers line {signer.line}" for signer in policy.signers}
    for first, second, key in shared_keys(roles):
        fact = f"the key {key[:8].hex()}… is {first} and {second}"
        yield Danger("error", lines.get(key, "logs.policy"), fact, "Ask for a key of its own for each role.")


def _logs(policy: Policy) -> Iterator[Danger]:
    if not policy.logs.logs and not any(rule.vouched_by for rule in policy.rules.values()):
        fact = "no log can be admitted: there is no log key in logs.policy, and no vouched_by in policy.toml"
        yield _warning("policy.toml", fact, "Add `log VKEY` to logs.policy, or a [[log]] table with vouched_by.")


def _origins(policy: Policy) -> dict[str, None]:
    return dict.fromkeys([*policy.rules, *(key.name for key in policy.logs.logs)])


def _log(policy: Policy, rule: LogRule) -> Iterator[Danger]:
    where, keys = f"policy.toml [[log]] {rule.origin}", policy.log_keys(rule.origin)
    if not keys and not rule.vouched_by:
        fact = "this log can never be admitted: neither has it keys in logs.policy, nor does anybody vouch for it"
        yield _warning(where, fact, "Add its `log VKEY` lines to logs.policy, or vouched_by.")
    if keys and rule.vouched_by:
        yield _warning(
            where, "vouched_by says nothing where logs.policy lists keys of the log", "Take one of them out."
        )
    if len(keys) > 1 and rule.all_required_from is None:
        fact = f"a signature by any one of its {len(keys)} keys is enough, so the weakest decides"
        yield _warning(where, fact, "Say all_required_from = 0.")
    for principal in () if keys else rule.vouched_by:
        if not any(signer.matches(principal, NAMESPACE) for signer in policy.signers):
            fact = f"{display(principal)} vouches for it, and no line of allowed_signers lets him sign events"
            yield _warning(where, fact, "Add his key to allowed_signers, or mend the name.")


def _persons(policy: Policy, now: int) -> Iterator[Danger]:
    if not policy.signers:
        yield _warning("allowed_signers", "nobody is believed", "Add whose keys are whose.")
    for signer in policy.signers:
        yield from _person(signer, now // SECOND, f"allowed_signers line {signer.line}")


def _person(signer: AllowedSigner, second: int, where: str) -> Iterator[Danger]:
    names = display(",".join(signer.principals))
    if signer.valid_before is not None and signer.valid_before < second:
        fact = f"the key of {names} was valid until {day(signer.valid_before)}"
        yield _warning(where, fact, "Right for old events whose time is proved; no new one will be believed.")
    if signer.valid_after is not None and signer.valid_after > second:
        fact = f"the key of {names} is valid from {day(signer.valid_after)} on only"
        yield _warning(where, fact, "Right if it is new; no event before that will be believed.")
    if signer.namespaces is not None and not matches_pattern_list(NAMESPACE, signer.namespaces):
        fact = f"the key of {names} may not sign events"
        yield _warning(where, fact, f'Say namespaces="{NAMESPACE}", or "evidencekit-*" for packages and receipts, too.')
    if any(not pattern.strip("*?") for pattern in signer.principals):
        fact = "this CA may name anybody" if signer.cert_authority else "this one key may sign as anybody"
        yield _warning(where, fact, "Name the person, or the part of the name that the CA answers for.")


def _algorithms(policy: Policy, now: int) -> Iterator[Danger]:
    used = {signer.key.algorithm: signer for signer in reversed(policy.signers)}
    rsa = used.get(RSA)
    if rsa is not None and policy.algorithms.get(RSA) is None:
        fact = "RSA keys are accepted for ever"
        yield _warning(
            f"allowed_signers line {rsa.line}", fact, 'Say until when: [algorithms], "ssh-rsa" = 2030-12-31.'
        )
    for name, until in policy.algorithms.items():
        if until is not None and until < now and name in used:
            fact = f"{name} was accepted until {day(until // SECOND)}, and line {used[name].line} is of that kind"
            yield _warning("policy.toml [algorithms]", fact, "Ask for another key, or for a later date.")


def _witnesses(policy: Policy) -> Iterator[Danger]:
    logs = policy.logs
    if "witness" in policy.require and logs.quorum is None:
        fact = "witnesses are required, and the quorum is none: that can never be met"
        yield _warning("policy.toml require", fact, "Say whose cosignatures are enough: quorum NAME in logs.policy.")
    if logs.witnesses and logs.quorum is None:
        yield _warning("logs.policy quorum", "witnesses are named, and none is demanded", "Say quorum NAME.")
    taken = {key.key for key in logs.logs} | {raw_key(signer.key.blob) for signer in policy.signers}
    able = [name for name, key in logs.witnesses.items() if key.key not in taken]
    if not logs.is_met(able):
        fact = f"the quorum {display(logs.quorum or '')} can never be met by the {len(able)} witnesses with own keys"
        yield _warning("logs.policy quorum", fact, "Name more witnesses, or ask for fewer.")


def _times(policy: Policy) -> Iterator[Danger]:
    known, wanted = len(policy.time.known), policy.time.authorities
    windows = (signer.valid_after or signer.valid_before or signer.cert_authority for signer in policy.signers)
    timely = any(windows)
    if "time" in policy.require and known < wanted:
        fact = f"{wanted} time-stamp authorities are wanted, and tsa/ holds {known}: that can never be met"
        yield _warning("policy.toml require", fact, "Add their certificates as tsa/NAME.pem.")
    elif "time" in policy.require and known == 1:
        fact = "all rests on one time-stamp authority"
        yield _warning("tsa", fact, "Add a second one, and say [time] authorities = 2.")
    if timely and not known and not policy.logs.witnesses:
        fact = "keys or CAs have windows of validity, and nobody who could prove a time is believed"
        yield _warning("tsa", fact, "Events by these keys stay not checked: add tsa/NAME.pem, or a witness.")


def day(second: int) -> str:
    """Return an instant (seconds since 1970) as people read it, in UTC."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S} UTC"
