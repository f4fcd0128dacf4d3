"""Whose signature a message carries, and whose log it comes from: what the receiver's policy says, before he answers.

Source: specs/messages.md section 2, point 3; specs/policy.md.
"""

from __future__ import annotations

from evidencekit.core.event import NAMESPACE
from evidencekit.core.message import Opened
from evidencekit.core.sshkeys import fingerprint
from evidencekit.core.sshsig import parse_sshsig
from evidencekit.core.values import display
from evidencekit.errors import Refused
from evidencekit.read.notelines import is_signed_by
from evidencekit.read.signature import sound_certificate
from evidencekit.verify.policy import Policy


def believe(opened: Opened, policy: Policy | None) -> list[str]:
    """Ask the policy whose signature and whose log it is; return what was not checked, in words.

    Raises:
        Refused: R543, the policy does not believe it.
        CannotFinish: this computer cannot check a signature of a log.
    """
    if policy is None:
        return ["nobody's identity was checked: no --policy was given"]
    return [*_ask_person(opened, policy), *_ask_log(opened, policy)]


def _ask_person(opened: Opened, policy: Policy) -> list[str]:
    actor = opened.event["actor"]
    who = f"{display(actor['id'])} {actor['key']}"
    certificate = sound_certificate(parse_sshsig(opened.message.signatures[0]).public_key)
    lines = [line for line in policy.signers_of(actor["key"], certificate) if line.matches(actor["id"], NAMESPACE)]
    if not lines:
        raise _not_believed(f"allowed_signers does not give this key to him: {who}")
    for key in [actor["key"]] if certificate is None else [actor["key"], fingerprint(certificate.ca)]:
        revoked = policy.revoked.get(key)
        first = None if revoked is None or opened.tree is None else revoked.sizes.get(opened.tree.origin)
        is_before = first is not None and opened.entry is not None and opened.entry.index < first
        if revoked is not None and not is_before:
            raise _not_believed(f"{key}, which stands for {who}, is revoked: {display(revoked.reason)}")
    if all(line.valid_after is not None or line.valid_before is not None for line in lines):
        return [f"the key of {who} is valid for a time, and nothing here proves a time"]
    return []


def _ask_log(opened: Opened, policy: Policy) -> list[str]:
    tree, note = opened.tree, opened.note
    if tree is None or note is None:
        return ["that it stands in a log: it does not say so"]
    keys = policy.log_keys(tree.origin)
    if not keys:
        return [f"the policy lists no keys of the log {tree.origin}: whose log it is was not checked"]
    signed = sum(is_signed_by(key, note.signatures, tree) for key in keys)
    least = len(keys) if policy.needs_all_log_keys(tree) else 1
    if signed < least:
        raise _not_believed(f"{signed} of the {len(keys)} keys that it lists for {tree.origin} signed the checkpoint")
    return []


def _not_believed(why: str) -> Refused:
    return Refused(
        f"The policy does not believe this file: {why}.",
        code="R543",
        hint="Nothing was recorded. Ask the sender over another channel, and look at the policy.",
    )
