"""A small ssh-agent client: which keys it holds, and a signature by one of them.

    uint32 length, byte type, contents                        (draft-ietf-sshm-ssh-agent, section 3)

Promise: one connection a request, answers of at most 256 KiB, and a deadline; whatever the agent says or
does not say becomes `CannotFinish`. Security keys are reached this way too: the agent waits for the touch.
Unix sockets only. Windows' agent listens at a named pipe, which is not supported.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from typing import TYPE_CHECKING

from evidencekit.core.sshwire import WireReader, put_string
from evidencekit.errors import CannotFinish, FormatError

if TYPE_CHECKING:
    from pathlib import Path

MAX_ANSWER = 256 << 10
"""Bytes, as OpenSSH's own client."""
MAX_KEYS = 2048
LIST_SECONDS = 10.0
SIGN_SECONDS = 120.0
"""A person has to find the security key and touch it, or answer a prompt."""

_FAILURE = 5
_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
RSA_SHA2_512 = 4
"""Flag of a sign request (draft-ietf-sshm-ssh-agent, section 6.4)."""


class Agent:
    """The agent that listens at `path` (what SSH_AUTH_SOCK names)."""

    def __init__(self, path: Path, *, sign_seconds: float = SIGN_SECONDS) -> None:
        self.path = path
        self._sign_seconds = sign_seconds

    def identities(self) -> dict[bytes, str]:
        """List the keys: wire blob → the agent's comment.

        Raises:
            CannotFinish: X414, the agent cannot be reached or makes no sense.
        """
        answer = self._ask(bytes([_REQUEST_IDENTITIES]), LIST_SECONDS)
        reader = WireReader(answer, "ssh-agent answer")
        try:
            kind = reader.byte("type")
            if kind != _IDENTITIES_ANSWER:
                raise self._nonsense(f"message {kind} for a list of keys")
            count = reader.uint32("count")
            if count > MAX_KEYS:
                raise self._nonsense(f"{count} keys")
            keys = {}
            for _ in range(count):
                blob = reader.string("key")
                keys[blob] = reader.string("comment").decode("utf-8", "replace")
        except FormatError as error:
            raise self._nonsense(str(error)) from error
        return keys

    def sign(self, blob: bytes, data: bytes, *, flags: int = 0) -> bytes:
        """Have `data` signed by the key `blob`.

        Returns:
            The SSH wire signature blob, unchecked.

        Raises:
            CannotFinish: X414 as above; X416, the agent refused (locked, the person said no, the wait was
            too long).
        """
        request = bytes([_SIGN_REQUEST]) + put_string(blob) + put_string(data) + struct.pack(">I", flags)
        answer = self._ask(request, self._sign_seconds)
        reader = WireReader(answer, "ssh-agent answer")
        try:
            kind = reader.byte("type")
            if kind == _FAILURE:
                raise CannotFinish(
                    "The ssh-agent refused to sign.",
                    code="X416",
                    hint="Is it locked, was the request declined, or the security key not touched in time?",
                    path=str(self.path),
                )
            if kind != _SIGN_RESPONSE:
                raise self._nonsense(f"message {kind} for a signature")
            return reader.string("signature")
        except FormatError as error:
            raise self._nonsense(str(error)) from error

    def _ask(self, message: bytes, seconds: float) -> bytes:
        if sys.platform == "win32":
            raise CannotFinish(
                "The named pipe of Windows' ssh-agent is not supported.",
                code="X414",
                hint="Give the private key file itself.",
            )
        deadline = time.monotonic() + seconds
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(seconds)
                connection.connect(str(self.path))
                connection.sendall(put_string(message))
                size = int.from_bytes(self._receive(connection, 4, deadline), "big")
                if not 0 < size <= MAX_ANSWER:
                    raise self._nonsense(f"an answer of {size} bytes")
                return self._receive(connection, size, deadline)
        except TimeoutError as error:
            raise self._unreachable(f"no answer in {seconds:.0f} seconds") from error
        except OSError as error:
            raise self._unreachable(error.strerror or str(error)) from error

    def _receive(self, connection: socket.socket, size: int, deadline: float) -> bytes:
        data = b""
        while len(data) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
            piece = connection.recv(size - len(data))
            if not piece:
                raise self._nonsense("nothing: it closed the connection")
            data += piece
        return data

    def _unreachable(self, why: str) -> CannotFinish:
        return CannotFinish(
            f"The ssh-agent at {self.path} cannot be reached: {why}.",
            code="X414",
            hint="Start one (`eval $(ssh-agent)`, `ssh-add KEY`), or give the private key file itself.",
            path=str(self.path),
        )

    def _nonsense(self, what: str) -> CannotFinish:
        return CannotFinish(f"The ssh-agent at {self.path} answered {what}.", code="X414", path=str(self.path))
