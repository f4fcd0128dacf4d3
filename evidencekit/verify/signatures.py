"""Step 4: the signatures of persons on an event. One finding a signature: the first fault that holds.

Source: specs/verification.md section 1 step 4, specs/custody-log.md section 1 points 1 to 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from evidencekit.core.event import NAMESPACE
from evidencekit.core.sshcert import Certificate, plain_key
from evidencekit.core.sshkeys import key_algorithm, raw_key
from evidencekit.core.sshsig import SshSignature, parse_sshsig
from evidencekit.errors import FormatError
from evidencekit.read.signature import sound_certificate, verify_sshsig
from evidencekit.verify.run import Run

_KEY_FAULTS = {"malformed_key", "unsupported_key", "weak_key", "key_rejected", "certificate_rejected"}


@dataclass(frozen=True, slots=True)
class Signed:
    """A signer of an event, and what his signature is worth."""

    key: str
    """Fingerprint, as the event names it."""
    good: bool
    algorithm: str | None = None
    """SSH key type, where the signature is good."""
    certificate: Certificate | None = None
    """What an ssh CA says of the key, where it signed with a certificate that is sound."""


def check_signatures(
    run: Run,
    event: dict[str, Any],
    data: bytes,
    files: list[bytes | None],
    place_of: Callable[[int], str],
    log_key: bytes | None,
    namespace: str = NAMESPACE,
) -> list[Signed]:
    """Check one signature per signer of an event, or with another `namespace` of another record with `signers`.

    `files` are the signature files in order, None where one is not there or cannot be read (said already);
    `place_of(n)` names the n-th; `log_key` is the log's Ed25519 key, which no person may use.
    """
    signed = []
    for number, key in enumerate(event["signers"]):
        armoured = files[number]
        if armoured is None:
            signed.append(Signed(key, good=False))
            continue
        where = place_of(number)
        run.did("person_signatures")
        try:
            signature = parse_sshsig(armoured)
        except FormatError as error:
            run.find("E402", where, error.expected, f"{error.place}: {error.found}", step=4)
            signed.append(Signed(key, good=False))
            continue
        signed.append(_judge(run, signature, (data, namespace), key, where, log_key))
    return signed


def _judge(
    run: Run, signature: SshSignature, signed: tuple[bytes, str], key: str, where: str, log_key: bytes | None
) -> Signed:
    found = signature.fingerprint
    if found != key:
        run.find("E403", where, key, found, step=4)
        return Signed(key, good=False)
    plain = plain_key(signature.public_key)
    certificate = None if plain is signature.public_key else sound_certificate(signature.public_key)
    fault = verify_sshsig(signature, *signed)
    if fault in _KEY_FAULTS:
        run.find("E404", where, "a key that is accepted", fault, step=4)
    elif fault is not None:
        run.find("E402", where, "a good signature", fault, step=4)
    elif log_key is not None and raw_key(plain) == log_key:
        run.find("E404", where, "another key than the log's", "the log's key", step=4)
    else:
        return Signed(key, good=True, algorithm=key_algorithm(plain), certificate=certificate)
    return Signed(key, good=False, certificate=certificate)
