"""A disk that fails at a chosen step: every call that changes something on it is counted."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from evidencekit.write import systems


class PowerCut(BaseException):
    """From here on nothing reaches the disk: no cleanup either."""


class Disk:
    """Counts the changes below `root` made by this thread, and fails the one with number `fail_at`.

    `error` makes the exception; a PowerCut fails every later change, too, and cuts a write in half. What goes on inside
    of files of work/ is not counted: nobody reads them again.
    """

    CALLS = ("open", "write", "fsync", "mkdir", "rmdir", "unlink", "rename", "replace", "link")

    def __init__(self, root: Path, fail_at: int = 0, error=PowerCut) -> None:
        self.root, self.fail_at, self.error = os.fspath(root), fail_at, error
        self.count, self.dead, self.log = 0, False, []
        self.unsynced_files: dict[int, str] = {}
        self.unsynced_names: dict[str, set[str]] = {}
        self.on_rename = None
        self._thread = threading.get_ident()

    def __enter__(self):
        self._patch = pytest.MonkeyPatch()
        for name in self.CALLS:
            real = getattr(os, name)
            wrapped = self._wrap(name, real)
            self._patch.setattr(os, name, wrapped)
            for offers in ("supports_dir_fd", "supports_fd", "supports_follow_symlinks"):
                if real in getattr(os, offers):
                    self._patch.setattr(os, offers, {*getattr(os, offers), wrapped})
        self._patch.setattr(systems, "_call", self._wrap("_call", systems._call))
        return self

    def __exit__(self, *_):
        self._patch.undo()

    def _wrap(self, name, real):
        def call(*given, **more):
            if threading.get_ident() != self._thread:
                return real(*given, **more)
            path = self._path(name, given, more)
            if not self._counts(name, path, given):
                return real(*given, **more)
            self.count += 1
            self.log.append((name, path))
            if self.dead or self.count == self.fail_at:
                error = self.error()
                if isinstance(error, PowerCut):
                    self.dead = True
                    if name == "write" and self.count == self.fail_at:
                        real(given[0], bytes(given[1])[: len(given[1]) // 2])
                raise error
            if name == "_call" and self.on_rename is not None:
                self.on_rename(os.fsdecode(given[2]), os.fsdecode(given[4]))
            result = real(*given, **more)
            self._note(name, path, given, result)
            return result

        return call

    def _path(self, name, given, more):
        if name in {"write", "fsync"}:
            return os.readlink(f"/proc/self/fd/{given[0]}")
        if name == "_call":
            return os.fsdecode(given[4])
        path = os.fsdecode(given[1] if name in {"rename", "replace", "link"} else given[0])
        folder = more.get("dir_fd")
        return path if folder is None else os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)

    def _counts(self, name, path, given):
        if not path.startswith(self.root) or (name == "open" and not given[1] & os.O_CREAT):
            return False
        return name != "write" or "/work/" not in path

    def _note(self, name, path, given, result):
        """Keep account of what a power cut now would undo."""
        parent = os.path.dirname(path)
        if os.path.basename(path) == "work":
            return
        if name == "open":
            self.unsynced_files[os.fstat(result).st_ino] = path
        elif name == "write":
            self.unsynced_files[os.fstat(given[0]).st_ino] = path
        elif name == "fsync":
            self.unsynced_files.pop(os.fstat(given[0]).st_ino, None)
            self.unsynced_names.pop(path, None)
        if name in {"open", "mkdir", "rename", "replace", "link", "_call"}:
            self.unsynced_names.setdefault(parent, set()).add(path)
        if name == "_call":
            old = os.fsdecode(given[2])
            self.unsynced_names.get(os.path.dirname(old), set()).discard(old)
            for folder in [folder for folder in self.unsynced_names if f"{folder}/".startswith(f"{old}/")]:
                names = self.unsynced_names.pop(folder)
                self.unsynced_names[path + folder.removeprefix(old)] = {path + n.removeprefix(old) for n in names}

    def loose(self):
        """Names that a power cut now would take away, but for temporary ones and those of work/."""
        names = set().union(*self.unsynced_names.values())
        return {name for name in names if "/.tmp-" not in name.removeprefix(self.root) and "/work/" not in name}


@pytest.fixture
def disk():
    return Disk


@pytest.fixture(scope="session")
def power_cut():
    return PowerCut
