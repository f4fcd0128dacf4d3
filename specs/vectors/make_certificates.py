"""Makes certificates.json: signatures with a certificate of an ssh CA, with one fault each, and who may sign as whom.

Keys come from seeds and all signing is deterministic: running it again changes nothing. Nothing of evidencekit is used.
"""

from __future__ import annotations

import struct

from make_signed import (
    MESSAGE,
    NAMESPACE,
    armour,
    b64,
    ed25519_blob,
    ed25519_signature,
    person,
    raw,
    signed_data,
    sshsig,
    string,
)
from make_vectors import sha256, write

ALICE, BOB, CA, OTHER = person("alice"), person("bob"), person("ca"), person("another ca")
TYPE = "ssh-ed25519-cert-v01@openssh.com"
SMALL = b"\1" + bytes(31)
FROM, UNTIL = 1_767_225_600, 1_798_761_600  # the year 2026, UTC
FOR_EVER = 2**64 - 1


def strings(*values: bytes | str) -> bytes:
    return b"".join(map(string, values))


def certificate(**changes: object) -> bytes:
    """PROTOCOL.certkeys; `changes` are fields."""
    fields = {
        "type": TYPE, "nonce": bytes(32), "key": string(raw(ALICE)), "serial": 1, "kind": 1, "key_id": "card 7",
        "principals": strings("alice@unit7.example", "root"), "after": FROM, "before": UNTIL, "critical": b"",
        "extensions": strings("permit-pty", ""), "reserved": b"", "ca": CA, "ca_blob": None, "signature": None,
        "tail": b"",
    } | changes  # fmt: skip
    ca_blob = ed25519_blob(fields["ca"]) if fields["ca_blob"] is None else fields["ca_blob"]
    body = (
        strings(fields["type"], fields["nonce"]) + fields["key"] + struct.pack(">QI", fields["serial"], fields["kind"])
        + strings(fields["key_id"], fields["principals"]) + struct.pack(">QQ", fields["after"], fields["before"])
        + strings(fields["critical"], fields["extensions"], fields["reserved"], ca_blob)
    )  # fmt: skip
    made = ed25519_signature(fields["ca"], body) if fields["signature"] is None else fields["signature"]
    return body + string(made) + fields["tail"]


def signed(blob: bytes, key: object = ALICE, text: bytes = MESSAGE) -> str:
    return armour(sshsig(blob, ed25519_signature(key, signed_data(text))))


def on_security_key(flags: int, **changes: object) -> str:
    """By a security key with a certificate."""
    name = "sk-ssh-ed25519@openssh.com"
    data = signed_data()
    made = ALICE.sign(sha256(b"ssh:") + struct.pack(">BI", flags, 7) + sha256(data))
    blob = certificate(type="sk-ssh-ed25519-cert-v01@openssh.com", key=strings(raw(ALICE), "ssh:"), **changes)
    return armour(sshsig(blob, strings(name, made) + struct.pack(">BI", flags, 7)))


VERIFY = strings("verify-required", "")
ACCEPTED = {
    "a user's certificate": signed(certificate()),
    "for ever": signed(certificate(after=0, before=FOR_EVER)),
    "no extensions": signed(certificate(extensions=b"")),
    "security key, touched": on_security_key(0x01),
    "security key, PIN demanded and given": on_security_key(0x05, critical=VERIFY),
}
REFUSED = {
    "E402": {
        "another message": signed(certificate(), text=MESSAGE + b"\n"),
        "by another key than the certified": signed(certificate(), BOB),
        "by the CA itself": signed(certificate(), CA),
        "security key that was not touched": on_security_key(0x00),
        "security key, PIN demanded and not given": on_security_key(0x01, critical=VERIFY),
        "PIN demanded of an ordinary key": signed(certificate(critical=VERIFY)),
    },
    "E404": {
        "a host's": signed(certificate(kind=2)),
        "without names": signed(certificate(principals=b"")),
        "a name that is a pattern": signed(certificate(principals=string("*@unit7.example"))),
        "a name with a comma": signed(certificate(principals=string("a,b"))),
        "an option that is not honoured": signed(certificate(critical=strings("force-command", string("x")))),
        "an option with a value": signed(certificate(critical=strings("verify-required", string("x")))),
        "extensions out of order": signed(
            certificate(extensions=strings("permit-pty", "", "permit-X11-forwarding", ""))
        ),
        "an empty window": signed(certificate(after=UNTIL, before=UNTIL)),
        "reserved bytes": signed(certificate(reserved=b"x")),
        "bytes after it": signed(certificate(tail=b"\0")),
        "not signed by the CA": signed(certificate(signature=strings("ssh-ed25519", bytes(64)))),
        "signed by another CA than it names": signed(certificate(ca_blob=ed25519_blob(OTHER))),
        "a CA of small order": signed(certificate(ca_blob=strings("ssh-ed25519", SMALL))),
        "a certificate as CA": signed(certificate(ca_blob=certificate())),
    },
}
LINE = f"ssh-ed25519 {b64(ed25519_blob(CA))}"
PLAIN = f"ssh-ed25519 {b64(ed25519_blob(ALICE))}"
ALLOWED = [  # why, allowed_signers, principal, second, may sign
    ("good", f"*@unit7.example cert-authority {LINE}", "alice@unit7.example", FROM, True),
    ("a name that is not in the certificate", f"* cert-authority {LINE}", "bob@unit7.example", FROM, False),
    ("a name that the line does not allow", f"*@unit7.example cert-authority {LINE}", "root", FROM, False),
    ("a name that the line excludes", f"*,!alice@* cert-authority {LINE}", "alice@unit7.example", FROM, False),
    ("the CA as a person", f"* {LINE}", "alice@unit7.example", FROM, False),
    ("the plain key", f"alice@unit7.example {PLAIN}", "alice@unit7.example", FROM, False),
    ("another namespace", f'* cert-authority,namespaces="file" {LINE}', "alice@unit7.example", FROM, False),
    ("before its first second", f"* cert-authority {LINE}", "alice@unit7.example", FROM - 1, False),
    ("its last second", f"* cert-authority {LINE}", "alice@unit7.example", UNTIL - 1, True),
    ("its end", f"* cert-authority {LINE}", "alice@unit7.example", UNTIL, False),
    ("the line's end", f'* cert-authority,valid-before="20260601Z" {LINE}', "alice@unit7.example", 1_780_272_000, True),
    ("after it", f'* cert-authority,valid-before="20260601Z" {LINE}', "alice@unit7.example", 1_780_272_001, False),
]


def make_certificates() -> dict:
    return {
        "spec": "custody-log.md 1.3, policy.md 4",
        "message": MESSAGE.decode(),
        "namespace": NAMESPACE,
        "fingerprint": "SHA256:" + b64(sha256(ed25519_blob(ALICE))).rstrip("="),
        "accepted": [{"name": name, "armoured": each} for name, each in ACCEPTED.items()],
        "refused": [
            {"fault": fault, "finding": finding, "armoured": each}
            for finding, faults in REFUSED.items()
            for fault, each in faults.items()
        ],
        "about": "`allowed`: may the signer of the first accepted one sign as `principal`, proved to be at this second",
        "allowed": [
            {"why": why, "allowed_signers": line + "\n", "principal": name, "second": str(second), "may": may}
            for why, line, name, second, may in ALLOWED
        ],
    }


if __name__ == "__main__":
    write("certificates.json", make_certificates())
