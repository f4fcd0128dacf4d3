"""A policy in plain facts, as `policy show` tells them: who may sign as whom, which logs, witnesses, authorities.

Promise: pure; every key has a digest that two people can compare on the telephone. Source: specs/policy.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evidencekit.core.allowed_signers import AllowedSigner
from evidencekit.core.digest import sha256
from evidencekit.core.note import ED25519, ED25519_COSIGNATURE, VerifierKey, format_vkey
from evidencekit.core.sshkeys import fingerprint
from evidencekit.core.values import format_instant
from evidencekit.verify.policy import Policy

if TYPE_CHECKING:
    from evidencekit.read.token_chain import Authority

KINDS = {ED25519: "Ed25519", ED25519_COSIGNATURE: "Ed25519 with a time"}
SECOND = 1_000_000_000


def policy_facts(policy: Policy) -> dict[str, Any]:
    """Return what a policy says, as one JSON document."""
    origins = dict.fromkeys([*policy.rules, *(key.name for key in policy.logs.logs)])
    return {
        "require": sorted(policy.require),
        "algorithms": {name: _instant(until) for name, until in policy.algorithms.items()},
        "persons": [_person(signer) for signer in policy.signers],
        "logs": [_log(policy, origin) for origin in origins],
        "witnesses": [{"name": name, **key_facts(key)} for name, key in policy.logs.witnesses.items()],
        "groups": {
            name: {"threshold": group.threshold, "members": list(group.members)}
            for name, group in policy.logs.groups.items()
        },
        "quorum": policy.logs.quorum,
        "time": {
            "authorities": policy.time.authorities,
            "policies": list(policy.time.policies),
            "known": [_authority(authority) for authority in policy.time.known],
        },
        "revoked": [
            {
                "fingerprint": key,
                "reason": revoked.reason,
                "sizes": dict(revoked.sizes),
                "not_after": _instant(revoked.not_after),
            }
            for key, revoked in policy.revoked.items()
        ],
    }


def key_facts(key: VerifierKey) -> dict[str, str]:
    """Return what a vkey is, and its digest: SHA-256 of its text, as `printf %s VKEY | sha256sum` gives it."""
    return {
        "key_name": key.name,
        "key_id": key.key_id.hex(),
        "kind": KINDS.get(key.kind, "ML-DSA-44"),
        "sha256": sha256(format_vkey(key).encode()).hex(),
    }


def _instant(ns: int | None) -> str | None:
    return None if ns is None else format_instant(ns)


def _person(signer: AllowedSigner) -> dict[str, Any]:
    return {
        "line": signer.line,
        "principals": list(signer.principals),
        "fingerprint": fingerprint(signer.key.blob),
        "kind": signer.key.algorithm,
        "comment": signer.key.comment,
        "cert_authority": signer.cert_authority,
        "namespaces": None if signer.namespaces is None else list(signer.namespaces),
        "valid_after": None if signer.valid_after is None else format_instant(signer.valid_after * SECOND),
        "valid_before": None if signer.valid_before is None else format_instant(signer.valid_before * SECOND),
    }


def _log(policy: Policy, origin: str) -> dict[str, Any]:
    rule = policy.rule(origin)
    return {
        "origin": origin,
        "keys": [key_facts(key) for key in policy.log_keys(origin)],
        "all_required_from": rule.all_required_from,
        "min_size": rule.min_size,
        "vouched_by": list(rule.vouched_by),
    }


def _authority(authority: Authority) -> dict[str, Any]:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 (only where there is a tsa/)

    return {
        "name": authority.name,
        "roots": [
            {
                "subject": root.subject.rfc4514_string(),
                "sha256": sha256(root.public_bytes(Encoding.DER)).hex(),
                "until": f"{root.not_valid_after_utc:%Y-%m-%d}",
            }
            for root in authority.roots
        ],
    }
