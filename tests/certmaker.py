"""Certificates of an ssh CA with any fields, by PROTOCOL.certkeys once more: what ssh-keygen would make, and would not."""

from __future__ import annotations

import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidencekit.core.sshwire import put_string

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
CA = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
JANE = "jane@unit7.example"


def ed25519_blob(private: Ed25519PrivateKey) -> bytes:
    """The SSH wire blob of a plain key."""
    return put_string(b"ssh-ed25519") + put_string(private.public_key().public_bytes_raw())


def strings(*values: bytes) -> bytes:
    return b"".join(map(put_string, values))


def certificate(
    *,
    name: bytes = b"ssh-ed25519-cert-v01@openssh.com",
    key: bytes | None = None,
    serial: int = 7,
    kind: int = 1,
    key_id: bytes = b"Jane, card 7",
    principals: bytes = strings(JANE.encode()),
    after: int = 0,
    before: int = 2**64 - 1,
    critical: bytes = b"",
    extensions: bytes = strings(b"permit-pty", b""),
    reserved: bytes = b"",
    ca: Ed25519PrivateKey = CA,
    ca_blob: bytes | None = None,
    signature: bytes | None = None,
    tail: bytes = b"",
) -> bytes:
    """The wire blob of a certificate; `key` are the strings of its key."""
    body = b"".join(
        (
            strings(name, b"n" * 32),
            put_string(KEY.public_key().public_bytes_raw()) if key is None else key,
            struct.pack(">QI", serial, kind),
            strings(key_id, principals),
            struct.pack(">QQ", after, before),
            strings(critical, extensions, reserved),
            put_string(ed25519_blob(ca) if ca_blob is None else ca_blob),
        )
    )
    made = strings(b"ssh-ed25519", ca.sign(body)) if signature is None else signature
    return body + put_string(made) + tail
