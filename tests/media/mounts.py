"""What is mounted for a test: empty media of a size, what lies on a device, and a folder on a failing medium."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RECURSIVE, PRIVATE, BIND, READ_ONLY, REMOUNT, DETACH = 0x4000, 1 << 18, 0x1000, 1, 32, 2
NEW_MOUNTS = 0x20000
CANNOT_BE_HAD = 77
"""With this badmedium.py leaves where the kernel lets nobody do what it does."""
_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """Make a call of libc.

    Raises:
        OSError: it was refused.
    """
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def not_run(why: str) -> None:
    pytest.skip(f"NOT RUN: {why}")


class Mounted:
    """A file system that was mounted, until the test ends."""

    def __init__(self, path: Path, kind: bytes, device: bytes, options: bytes = b"", flags: int = 0) -> None:
        path.mkdir(exist_ok=True)
        self.path = path
        self._kind, self._device, self._options = kind, device, options
        call("mount", device, os.fsencode(path), kind, flags, options)

    def again(self, *, size: str = "", read_only: bool = False) -> None:
        """Mount it with other options: another size, read-only or not."""
        options = f"size={size}".encode() if size else self._options
        flags = REMOUNT | (READ_ONLY if read_only else 0)
        call("mount", self._device, os.fsencode(self.path), self._kind, flags, options)

    def pull(self) -> None:
        """Take it away, whoever has files open in it."""
        call("umount2", os.fsencode(self.path), DETACH)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.pull()


class BadMedium:
    """badmedium.py at work: shows a folder at `path`, with faults."""

    MOST = 128 << 10
    """Bytes that the kernel asks for at once, at most."""

    def __init__(self, folder: Path, path: Path) -> None:
        path.mkdir()
        self.path = path
        self._server = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("badmedium.py"), folder, path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        if self._server.stdout.readline() != "mounted\n":
            code, why = self._server.wait(), self._server.stderr.read()
            self._close_pipes()
            assert code == CANNOT_BE_HAD, why
            not_run(f"/dev/fuse cannot be used here ({why.strip()})")

    def faults(self, faults: dict) -> dict[str, int]:
        """Replace the faults; return how often the kernel read from each file."""
        self._server.stdin.write(json.dumps(faults) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())

    def reads(self, name: str) -> int:
        """Return how often a file was read from; all faults are gone then."""
        return self.faults({})[name]

    def pull(self) -> None:
        """From now on every call is answered with ENOTCONN, as of a stick that was pulled out."""
        self._server.kill()
        self._server.wait()

    def close(self) -> None:
        self._server.stdin.close()
        try:
            self._server.wait(10)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._close_pipes()
        with contextlib.suppress(OSError):
            call("umount2", os.fsencode(self.path), DETACH)

    def _close_pipes(self) -> None:
        for pipe in (self._server.stdin, self._server.stdout, self._server.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
