"""A message of another party, checked as far as it can be without trusting anybody.

Promise: what `check_message` returns adds up and is signed by the keys that it names. Whose keys those are, a policy
has to say. Source: specs/messages.md section 2, point 3.
"""

from __future__ import annotations

from evidencekit.core.event import NAMESPACE
from evidencekit.core.message import Opened, decode_message, open_message
from evidencekit.core.sshsig import parse_sshsig
from evidencekit.errors import FormatError
from evidencekit.read.signature import verify_sshsig


def check_message(data: bytes) -> Opened:
    """Return what a message file says, once its parts belong together and its signatures hold.

    Raises:
        FormatError: another spelling or schema; parts that do not belong together; a signature that does not hold.
    """
    opened = open_message(decode_message(data))
    for place, (key, armoured) in enumerate(zip(opened.event["signers"], opened.message.signatures, strict=True)):
        signature = parse_sshsig(armoured)
        where = f"signatures[{place}]"
        if signature.fingerprint != key:
            raise FormatError(where, expected=f"a signature of {key}", found=f"one of {signature.fingerprint}")
        fault = verify_sshsig(signature, opened.message.event, NAMESPACE)
        if fault:
            raise FormatError(where, expected=f"a good signature of {key}", found=fault)
    return opened
