"""Private key files: read once, bounded, refused when others can read them; written new, mode 0600, never over.

Promise: a secret that this module writes can be read back by this module, or the file is not there. The
OpenSSH container is looked into only for what cryptography does not give: the public half beside a locked
private one, and the comment (OpenSSH PROTOCOL.key).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidencekit.core.sshkeys import (
    ECDSA_256,
    ECDSA_384,
    ED25519,
    RSA,
    SK_ECDSA,
    SK_ED25519,
    check_comment,
    key_algorithm,
)
from evidencekit.core.sshwire import WireReader
from evidencekit.errors import CannotFinish, FormatError, Refused

if TYPE_CHECKING:
    from pathlib import Path

MAX_KEY_FILE = 64 << 10
"""Bytes; RSA of 16384 bits needs about 13,000."""
OPENSSH_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
OPENSSH_END = b"-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_NAME_ANOTHER = "Name the file of a private key that you may read."
_PRIVATE_STRINGS = {ED25519: 2, ECDSA_256: 3, ECDSA_384: 3, RSA: 6}
"""Key type → strings between the type and the comment in the private part (all of them, mpints too, are strings)."""


@dataclass(frozen=True, slots=True)
class Container:
    """What stands in the open in an OpenSSH private key file."""

    public_blob: bytes
    locked: bool
    """It has a passphrase."""
    on_security_key: bool
    """The private part is only a handle; the key itself is in the device."""
    comment: str
    """Empty where it is locked, missing, or nothing that a person could have written."""


def read_key_file(path: Path) -> tuple[bytes, os.stat_result]:
    """Read a key file whole, and its state while it was open (for `refuse_open_mode`).

    Raises:
        CannotFinish: X410, it is missing, unreadable, no regular file, or too large to be a key.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 - the descriptor is the point: one open, then fstat
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise CannotFinish(f"{path} is no regular file.", code="X410", hint=_NAME_ANOTHER, path=str(path))
            data = file.read(MAX_KEY_FILE + 1)
    except OSError as error:
        raise CannotFinish(
            f"The key file {path} cannot be read: {error.strerror}.", code="X410", hint=_NAME_ANOTHER, path=str(path)
        ) from error
    if len(data) > MAX_KEY_FILE:
        raise CannotFinish(f"{path} is too large to be a key file.", code="X410", hint=_NAME_ANOTHER, path=str(path))
    return data, status


def refuse_open_mode(status: os.stat_result, path: Path) -> None:
    """Refuse a private key that others than its owner can read.

    The rule is ssh's: only a file of one's own is judged, and only where modes mean something (not on
    Windows).

    Raises:
        Refused: R515.
    """
    mode = stat.S_IMODE(status.st_mode)
    if os.name == "posix" and status.st_uid == os.getuid() and mode & 0o077:
        raise Refused(
            f"Others can read the private key {path} (mode {mode:04o}).",
            code="R515",
            hint=f"Run `chmod 600 {path}`. If others may have read it, make a new key.",
            path=str(path),
            mode=f"{mode:04o}",
        )


def write_key_file(path: Path, data: bytes, *, secret: bool, locked: bool = False) -> None:
    """Write a new key file and bring it to the disk: mode 0600 if secret, else 0644 under the umask.

    A secret with a passphrase (`locked`) may lie where modes mean nothing, such as a FAT stick.

    Raises:
        Refused: R517, the file exists; R515, the file system lets others read it all the same (FAT, some
        mounts). CannotFinish: X417, it cannot be written; nothing is left behind.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, 0o600 if secret else 0o644)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise _not_written(path, error) from error
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - made with O_EXCL and its mode in one step
            if secret and not locked:
                refuse_open_mode(os.fstat(descriptor), path)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        _sync_folder(path.parent)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _not_written(path, error) from error
        raise


def _sync_folder(folder: Path) -> None:
    """Make the new name durable; Windows has no such call, and some file systems refuse it."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def refuse_existing(*paths: Path) -> None:
    """Refuse to go on where one of the files is there.

    Raises:
        Refused: R517.
    """
    for path in paths:
        if os.path.lexists(path):
            raise _exists(path)


def _exists(path: Path) -> Refused:
    return Refused(
        f"{path} exists, and a key is never overwritten.",
        code="R517",
        hint="Give another name, or move the old key away yourself.",
        path=str(path),
    )


def _not_written(path: Path, error: OSError) -> CannotFinish:
    return CannotFinish(
        f"{path} cannot be written: {error.strerror}.",
        code="X417",
        hint="Nothing was left behind. Name a folder that exists and that you may write to.",
        path=str(path),
    )


def open_container(data: bytes) -> Container | None:
    """Look into an OpenSSH private key file (PROTOCOL.key).

    Returns:
        What stands in the open; None where `data` is no such file, or not one key.
    """
    start, end = data.find(OPENSSH_BEGIN), data.find(OPENSSH_END)
    if start != 0 or end < 0:
        return None
    try:
        body = base64.b64decode(b"".join(data[len(OPENSSH_BEGIN) : end].split()), validate=True)
        reader = WireReader(body, "private key")
        if reader.take(len(_MAGIC), "magic") != _MAGIC:
            return None
        cipher = reader.text("cipher")
        reader.text("kdf")
        reader.string("kdf options")
        if reader.uint32("keys") != 1:
            return None
        public_blob, private = reader.string("public key"), reader.string("private part")
        algorithm = key_algorithm(public_blob)
    except (FormatError, binascii.Error, ValueError):
        return None
    locked = cipher != "none"
    on_security_key = algorithm in {SK_ED25519, SK_ECDSA}
    return Container(public_blob, locked, on_security_key, "" if locked else _comment(private))


def _comment(private: bytes) -> str:
    reader = WireReader(private, "private part")
    try:
        reader.take(8, "check numbers")
        for _ in range(_PRIVATE_STRINGS.get(reader.text("type"), 0)):
            reader.string("field")
        comment = reader.string("comment").decode("utf-8")
        check_comment(comment, "comment")
    except (FormatError, UnicodeDecodeError):
        return ""
    return comment
