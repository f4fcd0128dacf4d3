"""The policy folder: what the recipient demands, and whom he believes. Nothing of it comes from what was received.

Promise: read strictly. A member, line or key that is not understood is refused, because a demand must never be dropped
in silence. Source: specs/policy.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evidencekit.core.allowed_signers import AllowedSigner, parse_allowed_signers
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.note import VerifierKey
from evidencekit.core.sshcert import Certificate, certified_signers
from evidencekit.core.sshkeys import fingerprint
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, FormatError
from evidencekit.verify.policy_toml import LogRule, Revocation, parse_revoked, parse_settings
from evidencekit.verify.time_policy import TimePolicy, read_time_policy
from evidencekit.verify.tlog_policy import TlogPolicy, parse_tlog_policy

MAX_FILE = 4 << 20


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy folder, read."""

    require: frozenset[str]
    """Aspects that must be ok."""
    algorithms: Mapping[str, int | None]
    """SSH key type to the last instant (nanoseconds since 1970) at which it was accepted; None: always."""
    rules: Mapping[str, LogRule]
    """By origin."""
    signers: tuple[AllowedSigner, ...]
    logs: TlogPolicy
    revoked: Mapping[str, Revocation]
    """By fingerprint."""
    time: TimePolicy = field(default_factory=TimePolicy)

    def log_keys(self, origin: str) -> tuple[VerifierKey, ...]:
        """Return the keys that logs.policy lists for an origin."""
        return tuple(key for key in self.logs.logs if key.name == origin)

    def rule(self, origin: str) -> LogRule:
        """Return what policy.toml says about an origin; nothing, where it does not name it."""
        return self.rules.get(origin) or LogRule(origin)

    def needs_all_log_keys(self, tree: Checkpoint) -> bool:
        """Tell whether a checkpoint counts only with the signatures of all keys that logs.policy lists for its log."""
        first = self.rule(tree.origin).all_required_from
        return first is not None and tree.size >= first

    def signers_of(self, key: str, certificate: Certificate | None = None) -> tuple[AllowedSigner, ...]:
        """Return the lines of allowed_signers that let the key of this fingerprint sign.

        As ssh-keygen has it: who signs with a certificate is known by that alone, who signs without one by his key.
        """
        if certificate is not None:
            return certified_signers(self.signers, certificate)
        return tuple(
            signer for signer in self.signers if not signer.cert_authority and fingerprint(signer.key.blob) == key
        )


def read_policy(folder: Path) -> Policy:
    """Read a policy folder.

    Raises:
        BadArgument: U222, a file is missing, cannot be read, or says something that is not understood.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise _bad(f"{display(str(folder))} is not a folder.")
    try:
        settings = parse_settings(_read(folder / "policy.toml"))
        revoked = folder / "revoked.toml"
        return Policy(
            require=settings.require,
            algorithms=settings.algorithms,
            rules=settings.rules,
            signers=parse_allowed_signers(_read(folder / "allowed_signers")),
            logs=parse_tlog_policy(_read(folder / "logs.policy")),
            revoked=parse_revoked(_read(revoked)) if os.path.lexists(revoked) else {},
            time=read_time_policy(folder, settings.time),
        )
    except FormatError as error:
        raise _bad(f"{display(str(folder))}: {error.message}") from error


def _bad(message: str) -> BadArgument:
    return BadArgument(message, code="U222", hint="A policy folder holds what specs/policy.md says.")


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise _bad(f"{display(str(path))} is not a plain file.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise _bad(f"{display(str(path))} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_FILE:
        raise _bad(f"{display(str(path))} is larger than {MAX_FILE} bytes.")
    return data
