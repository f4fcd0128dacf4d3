"""The faults of badmedium.py without a kernel's help: the calls that read fail in this process, where they are told to.

    {"docs/a": {"read": [[4096, 8192, "EIO"]], "short": 777}}       `short`: no call gives more bytes

Errors come as those of a page cache do: a call that touches a bad place gives nothing.
"""

from __future__ import annotations

import errno
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from evidencekit.acquire.source import Source
from evidencekit.read.evidence import Reader


class Injected:
    """Shows a folder at `path`, which is the folder itself, with faults."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self._root = os.path.realpath(folder)
        self._faults: dict[str, dict] = {}
        self._opens: Counter[str] = Counter()
        self._reads: Counter[str] = Counter()
        self._patch = pytest.MonkeyPatch()
        for name in ("open", "stat", "scandir", "listxattr"):
            self._wrap(name, getattr(self, f"_{name}"))
        self._patch.setitem(Reader.__init__.__kwdefaults__, "preadv", self._preadv)
        self._patch.setattr(Source, "fit_jobs", lambda _: 1)  # another process would know nothing of all this

    def faults(self, faults: dict) -> None:
        """Replace the faults."""
        self._faults = faults

    def reads(self, name: str) -> int:
        """Return how often a file was read from."""
        return self._reads[name]

    def close(self) -> None:
        self._patch.undo()

    def _wrap(self, name, follow):
        real = getattr(os, name)

        def call(*given, **more):
            return follow(real, *given, **more)

        self._patch.setattr(os, name, call)
        for offers in ("supports_dir_fd", "supports_fd", "supports_follow_symlinks"):
            if real in getattr(os, offers):
                self._patch.setattr(os, offers, {*getattr(os, offers), call})

    def _place(self, path, folder=None) -> str | None:
        """The name below the folder, if it lies there."""
        if isinstance(path, int):
            place = os.readlink(f"/proc/self/fd/{path}")
        else:
            place = os.fsdecode(path)
            if place.startswith("/proc/self/fd/"):  # stands in for a call relative to a folder handle
                number, _, name = place.removeprefix("/proc/self/fd/").partition("/")
                folder, place = int(number), name
            if folder is not None:
                place = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), place)
        inside = place == self._root or place.startswith(self._root + "/")
        return os.path.relpath(place, self._root) if inside else None

    def _faults_of(self, place: str | None) -> dict:
        return {} if place is None else self._faults.get(place, self._faults.get("*", {}))

    def _fail(self, place: str | None, what: str) -> None:
        name = self._faults_of(place).get(what)
        if name is not None:
            number = getattr(errno, name)
            raise OSError(number, os.strerror(number))

    def _open(self, real, path, flags, mode=0o777, *, dir_fd=None):
        place = self._place(path, dir_fd)
        self._fail(place, "lookup")
        self._fail(place, "open")
        if place is not None:
            self._opens[place] += 1
        return real(path, flags, mode, dir_fd=dir_fd)

    def _stat(self, real, path, *, dir_fd=None, follow_symlinks=True):
        self._fail(self._place(path, dir_fd), "lookup")
        return real(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    def _listxattr(self, real, path, *, follow_symlinks=True):
        self._fail(self._place(path), "xattr")
        return real(path, follow_symlinks=follow_symlinks)

    def _scandir(self, real, path="."):
        place = self._place(path)
        self._fail(place, "list")
        after = self._faults_of(place).get("list_after")
        return real(path) if after is None else _Broken(real(path), after)

    def _preadv(self, handle, buffers, offset):
        place = self._place(handle)
        faults = self._faults_of(place)
        size = min(len(buffers[0]), faults.get("short", sys.maxsize))
        if place is not None:
            self._reads[place] += 1
        for fault in faults.get("read", ()):
            first, end, name, opens = [*fault, sys.maxsize][:4]
            if first < offset + size and (end is None or offset < end) and self._opens[place] <= opens:
                number = getattr(errno, name)
                raise OSError(number, os.strerror(number))
        return os.preadv(handle, [buffers[0][:size]], offset)


class _Broken:
    """A listing, in the order of names, that breaks off."""

    def __init__(self, listing, after: int) -> None:
        with listing:
            self._entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
        self._after = after

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __iter__(self):
        yield from self._entries[: self._after]
        raise OSError(errno.EIO, os.strerror(errno.EIO))
