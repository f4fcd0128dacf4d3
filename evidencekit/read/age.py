"""Packages that were encrypted with age: told apart by their first bytes, opened into a file that has no name.

Promise: memory does not grow with the package; what was decrypted lies in a file of the system's temporary folder that
no name leads to, and is gone when it is closed. A package that was cut off or changed is refused before anybody sees
a byte of it. Source: specs/package.md section 6; age-encryption.org/v1.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TypeAlias

import pyrage

from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish, FormatError

Identity: TypeAlias = "pyrage.x25519.Identity | pyrage.ssh.Identity"
_BEGINNING = b"age-encryption.org/"
_END_OF_HEADER = b"\n--- "
MAX_HEADER = 1 << 20
"""Bytes of an age header: some thousand recipients."""
_MAX_IDENTITIES = 1 << 20


def is_encrypted(beginning: bytes) -> bool:
    """Tell whether a file that begins so is an age file (binary, not armoured)."""
    return beginning.startswith(_BEGINNING)


def load_identities(path: Path) -> list[Identity]:
    """Return the private keys of a file: as age-keygen writes it, or an OpenSSH key without a passphrase.

    Raises:
        BadArgument: U290, it is neither, or cannot be read.
    """
    shown = display(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_IDENTITIES)
    except OSError as error:
        raise _no_identity(f"{shown} cannot be read: {error.strerror}.") from error
    try:
        if data.startswith(b"-----BEGIN "):
            return [pyrage.ssh.Identity.from_buffer(data)]
        lines = (line.strip() for line in data.decode("ascii").splitlines())
        found: list[Identity] = [pyrage.x25519.Identity.from_str(line) for line in lines if line and line[0] != "#"]
    except (pyrage.IdentityError, UnicodeDecodeError) as error:
        reason = "it has a passphrase" if "decrypted first" in str(error) else "its form is not known"
        raise _no_identity(f"{shown} is no private key that age files are opened with: {reason}.") from error
    if not found:
        raise _no_identity(f"{shown} has no private key.")
    return found


def decrypt(file: BinaryIO, identities: Sequence[Identity], *, name: str) -> BinaryIO:
    """Return what an age file holds, as an open file without a name, at its beginning; `name` is what it is called.

    Raises:
        BadArgument: U291, no identity was given.
        CannotFinish: X491, none of the identities opens it; X421, X423, the temporary folder cannot take it.
        FormatError: F100, it is damaged, cut off, or no age file.
    """
    if not identities:
        raise BadArgument(
            f"{display(name)} is encrypted.", code="U291", hint="Say --identity FILE: the private key it is meant for."
        )
    header = file.read(MAX_HEADER)
    if not is_encrypted(header) or _END_OF_HEADER not in header:
        expected = f"an age file with a header of at most {MAX_HEADER} bytes"
        raise FormatError(display(name), expected=expected, found="another beginning")
    file.seek(0)
    try:
        opened: BinaryIO = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (the caller closes it)
    except OSError as error:
        raise _no_place(name, error) from error
    try:
        _decrypt(file, opened, identities, name)
        opened.seek(0)
    except BaseException:
        opened.close()
        raise
    return opened


def _decrypt(file: BinaryIO, opened: BinaryIO, identities: Sequence[Identity], name: str) -> None:
    try:
        pyrage.decrypt_io(file, opened, list(identities))
    except pyrage.DecryptError as error:
        if "matching keys" not in str(error):
            raise FormatError(display(name), expected="an age file", found=display(str(error))) from error
        raise CannotFinish(
            f"{display(name)} is not encrypted to any of the identities that were given.",
            code="X491",
            hint="Name the private key whose recipient the sender used: --identity FILE.",
        ) from error
    except OSError as error:
        if error.errno is None:  # what the library says of a block that does not hold
            raise FormatError(
                display(name), expected="a whole age file", found="one that was cut off or changed"
            ) from error
        raise _no_place(name, error) from error


def _no_place(name: str, error: OSError) -> CannotFinish:
    """Return the error for a temporary folder that cannot take what is decrypted."""
    code = "X421" if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)} else "X423"
    where = display(os.fsencode(tempfile.gettempdir()))
    return CannotFinish(
        f"{display(name)} cannot be decrypted into {where}: {error.strerror}.",
        code=code,
        hint="Make room there, or name another folder in TMPDIR.",
    )


def _no_identity(message: str) -> BadArgument:
    return BadArgument(
        message, code="U290", hint="A file of age-keygen, or an OpenSSH key (ed25519, rsa) without a passphrase."
    )
