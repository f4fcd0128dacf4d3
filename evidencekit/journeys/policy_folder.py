"""A new policy folder: what somebody trusts, written down so that a person understands each demand.

Promise: everything in it was named by the person who asked for it; what was taken from a case is said to be (it proves
only that the case agrees with itself). It is whole under its name or not there, and reads back before it gets the name.
Source: specs/policy.md.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evidencekit.core.allowed_signers import AllowedSigner, format_allowed_signer
from evidencekit.core.note import VerifierKey, format_vkey
from evidencekit.core.values import display
from evidencekit.errors import Refused
from evidencekit.verify.policy import Policy, read_policy
from evidencekit.write.durable import make_folders, publish, write_plain
from evidencekit.write.reread import digest_of

GROUP = "witnesses"
"""The group of all witnesses in a new logs.policy."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new policy is to say."""

    signers: tuple[AllowedSigner, ...] = ()
    origins: tuple[str, ...] = ()
    """Logs that get a [[log]] table; those of `log_keys` are among them."""
    log_keys: tuple[VerifierKey, ...] = ()
    from_cases: frozenset[str] = frozenset()
    """Origins whose keys were taken from the case itself."""
    vouched_by: tuple[str, ...] = ()
    """For each origin without keys."""
    witnesses: Mapping[str, VerifierKey] = field(default_factory=dict)
    quorum: str = "none"
    """`none`, `any`, `all`, or a number of witnesses."""
    require: tuple[str, ...] = ()
    min_sizes: Mapping[str, int] = field(default_factory=dict)
    authorities: Mapping[str, bytes] = field(default_factory=dict)
    """Name to PEM."""


def write_policy(folder: Path, draft: Draft) -> Policy:
    """Write a new policy folder, and return it as it reads.

    Raises:
        Refused: R501, something of this name is there.
        CannotFinish: X421 to X423, it cannot be written. BadArgument: U222, it would not read back.
    """
    if folder.exists() or folder.is_symlink():
        raise Refused(f"{display(str(folder))} exists already.", code="R501", hint="Choose another name.")
    make_folders(folder.parent)
    new = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder.parent))
    try:
        new.chmod(0o755)
        for name, text in (
            ("policy.toml", policy_toml(draft)),
            ("allowed_signers", allowed_signers(draft)),
            ("logs.policy", logs_policy(draft)),
        ):
            write_plain(new / name, text.encode())
        for name, pem in draft.authorities.items():
            make_folders(new / "tsa")
            write_plain(new / "tsa" / f"{name}.pem", pem)
        policy = read_policy(new)
        publish(new, folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    return policy


def policy_digest(folder: Path) -> str:
    """Return what names a policy, hex: SHA-256 of what `sha256sum` prints of its files, ascending by path.

    Raises:
        CannotFinish: X403, one of them cannot be read.
    """
    lines = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        lines.update(f"{digest_of(path).hex()}  {path.relative_to(folder).as_posix()}\n".encode())
    return lines.hexdigest()


def policy_toml(draft: Draft) -> str:
    """Return the text of policy.toml."""
    require = ", ".join(f'"{name}"' for name in draft.require)
    head = f"""\
# What you demand. `evidencekit policy check` says what is wrong here; specs/policy.md explains each line.
version = 1

# record, identity and custody are demanded always. Further: time, witness, evidence, completeness.
require = [{require}]

# Kinds of keys that you accept until a date only: RSA and elliptic curves will not hold for ever.
[algorithms]
"ssh-rsa" = 2030-12-31

# Time-stamp authorities whose certificates lie in tsa/: so many of them have to have stamped all that happened.
[time]
authorities = {max(1, min(2, len(draft.authorities)))}
"""
    return "\n".join([head, *(_log_table(draft, origin) for origin in draft.origins)])


def _log_table(draft: Draft, origin: str) -> str:
    lines = ["[[log]]", f'origin = "{origin}"']
    if any(key.name == origin for key in draft.log_keys):
        lines += ["all_required_from = 0   # from this tree size on all its keys in logs.policy must have signed"]
    elif draft.vouched_by:
        names = ", ".join(json.dumps(name, ensure_ascii=False) for name in draft.vouched_by)
        lines += [f"vouched_by = [{names}]   # who signed event 0 vouches for the log's keys"]
    if origin in draft.min_sizes:
        lines += [f"min_size = {draft.min_sizes[origin]}   # you have seen it as long as this: a shorter one was cut"]
    return "\n".join(lines) + "\n"


def allowed_signers(draft: Draft) -> str:
    """Return the text of allowed_signers."""
    head = (
        "# Whose keys are whose, as ssh-keygen reads it: names, options, key. Compare each fingerprint with its owner\n"
        "# over another channel (`evidencekit policy show` prints them). Options, with commas between:\n"
        '#   namespaces="evidencekit-*"   valid-after="20260101Z"   valid-before="20281231Z"   cert-authority\n'
    )
    return head + "".join(f"{format_allowed_signer(signer)}\n" for signer in draft.signers)


def logs_policy(draft: Draft) -> str:
    """Return the text of logs.policy."""
    lines = ["# The keys of logs that you believe, who has to have witnessed them, and how many (C2SP tlog-policy)."]
    for key in draft.log_keys:
        if key.name in draft.from_cases:
            lines.append("# taken from the case itself: compare its digest with the log's owner over another channel")
        lines.append(f"log {format_vkey(key)}")
    lines += [f"witness {name} {format_vkey(key)}" for name, key in draft.witnesses.items()]
    if draft.quorum != "none":
        lines.append(f"group {GROUP} {draft.quorum} {' '.join(draft.witnesses)}")
    lines.append(f"quorum {'none' if draft.quorum == 'none' else GROUP}")
    return "\n".join(lines) + "\n"
