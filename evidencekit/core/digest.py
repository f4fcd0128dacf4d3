"""Domain-separated hashes: group salts, commitments. Source: specs/manifest.md sections 1 and 7."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from evidencekit.errors import FormatError

SALT_SIZE = 16


class GroupSalts(NamedTuple):
    """The salts of a row's groups, 16 bytes each."""

    name: bytes
    content: bytes
    metadata: bytes


def sha256(data: bytes) -> bytes:
    """Return SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def sha256_hex(data: bytes) -> str:
    """Return SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def group_salts(row_salt: bytes) -> GroupSalts:
    """Return the three group salts of a 16-byte row salt (a derived row uses the first, for `opinion`).

    Raises:
        FormatError: another length.
    """
    _check_salt(row_salt)
    h = hashlib.sha512(b"evidencekit/salts/1\0" + row_salt).digest()
    return GroupSalts(h[0:16], h[16:32], h[32:48])


def group_commitment(group: str, salt: bytes, data: bytes) -> bytes:
    """Return the commitment to the bytes of one group, 32 bytes.

    Raises:
        FormatError: a salt of another length, which would move the border between salt and data.
    """
    _check_salt(salt)
    return hashlib.sha256(b"evidencekit/group/1\0" + group.encode() + b"\0" + salt + data).digest()


def header_commitment(salt: bytes, data: bytes) -> bytes:
    """Return the commitment to a manifest's header bytes, 32 bytes.

    Raises:
        FormatError: a salt of another length.
    """
    _check_salt(salt)
    return hashlib.sha256(b"evidencekit/header/1\0" + salt + data).digest()


def _check_salt(salt: bytes) -> None:
    if len(salt) != SALT_SIZE:
        raise FormatError("salt", expected=f"{SALT_SIZE} bytes", found=f"{len(salt)} bytes")
