"""Encrypting with age, to one recipient or several, as the bytes come: any age program opens it.

Promise: memory does not grow with what is encrypted; a recipient that is not one is refused before anything is written.
Source: specs/package.md section 6; age-encryption.org/v1.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

import pyrage

from evidencekit.core.values import display
from evidencekit.errors import BadArgument
from evidencekit.write.durable import cannot_write

Recipient: TypeAlias = "pyrage.x25519.Recipient | pyrage.ssh.Recipient"


def parse_recipient(text: str) -> Recipient:
    """Return a recipient: `age1…`, or an OpenSSH public key (ssh-ed25519, ssh-rsa).

    Raises:
        BadArgument: U292, it is neither.
    """
    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text.strip())
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError as error:
        raise BadArgument(
            f"{display(text[:80])} is no recipient that can be encrypted to.",
            code="U292",
            hint="As age-keygen prints it: age1…; or the line of an ssh-ed25519 or ssh-rsa public key.",
        ) from error


@contextmanager
def encrypting(target: BinaryIO, recipients: Sequence[Recipient], *, path: Path) -> Iterator[BinaryIO]:
    """Yield a file: what is written to it goes to `target` encrypted, whole once this is left without an error.

    `path` is what messages call the target.

    Raises:
        CannotFinish: X421, X422, X423, X427, the target cannot take it.
    """
    source, sink = os.pipe()
    faults: list[BaseException] = []
    feeding = threading.Thread(target=_encrypt, args=(source, target, list(recipients), faults), daemon=True)
    feeding.start()
    writer = os.fdopen(sink, "wb")
    try:
        with suppress(BrokenPipeError):  # then the other side has failed, and says why
            yield writer
            writer.close()
    finally:
        with suppress(BrokenPipeError):
            writer.close()
        feeding.join()
    for fault in faults:
        raise cannot_write(path, fault) if isinstance(fault, OSError) else fault


def _encrypt(source: int, target: BinaryIO, recipients: list[Recipient], faults: list[BaseException]) -> None:
    noting = _Noting(target)
    try:
        with os.fdopen(source, "rb") as reader:  # closed at once where it fails: the other side hears of it
            pyrage.encrypt_io(reader, noting, recipients)
    except BaseException as error:  # noqa: BLE001 (handed over to the thread that waits)
        faults.append(noting.fault or error)
    else:
        if noting.fault is not None:  # the library does not tell of an error in the last bytes
            faults.append(noting.fault)


class _Noting:
    """The target; an error of the system in it is kept as it was."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.fault: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._target.write(data)
        except OSError as error:
            self.fault = error
            raise

    def flush(self) -> None:
        self._target.flush()
