"""A disk that fails at a chosen step: every call that changes something on it is counted. And what all crashes share."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evidencekit.acquire.options import Options
from evidencekit.seal.logkeys import save_log_keys
from evidencekit.write import systems


class PowerCut(BaseException):
    """From here on nothing reaches the disk: no cleanup either."""


class Disk:
    """Counts the changes below `root` made by this thread, and fails the one with number `fail_at`.

    `error` makes the exception, or None: then the change is made. A PowerCut fails every later change, too, and cuts a
    write in half.
    """

    CALLS = ("open", "write", "ftruncate", "fsync", "mkdir", "rmdir", "unlink", "rename", "replace", "link")
    BY_HANDLE = ("write", "ftruncate", "fsync")

    def __init__(self, root: Path, fail_at: int = 0, error=PowerCut) -> None:
        self.root, self.fail_at, self.error = os.fspath(root), fail_at, error
        self.count, self.dead, self.log = 0, False, []
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
        if self.dead:
            gc.collect()  # the system takes back what a dead program held: here its locks

    def _wrap(self, name, real):
        def call(*given, **more):
            if threading.get_ident() != self._thread:
                return real(*given, **more)
            path = self._path(name, given, more)
            if not path.startswith(self.root) or (name == "open" and not given[1] & os.O_CREAT):
                return real(*given, **more)
            self.count += 1
            self.log.append((given[0] if name == "_call" else name, path))
            if self.dead or self.count == self.fail_at:
                error = self.error()
                if error is None:
                    return real(*given, **more)
                if isinstance(error, PowerCut):
                    self.dead = True
                    if name == "write" and self.count == self.fail_at:
                        real(given[0], bytes(given[1])[: len(given[1]) // 2])
                raise error
            return real(*given, **more)

        return call

    def _path(self, name, given, more):
        if name == "_call":
            return os.readlink(f"/proc/self/fd/{given[1]}") if given[0] == "syncfs" else os.fsdecode(given[4])
        if name in self.BY_HANDLE:
            return os.readlink(f"/proc/self/fd/{given[0]}")
        path = os.fsdecode(given[1] if name in {"rename", "replace", "link"} else given[0])
        folder = more.get("dir_fd")
        return path if folder is None else os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)


@pytest.fixture
def disk():
    return Disk


@pytest.fixture(scope="session")
def power_cut():
    return PowerCut


def beside(name: str):
    """A module that lies beside this file, loaded once."""
    whole = f"crash_{name}"
    if whole not in sys.modules:
        spec = importlib.util.spec_from_file_location(whole, Path(__file__).with_name(f"{name}.py"))
        sys.modules[whole] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[whole])
    return sys.modules[whole]


@pytest.fixture(scope="session")
def in_memory(tmp_path_factory):
    """A folder in memory, where the system offers that: nobody cuts the real power, so nobody needs to wait for it."""
    memory = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
    if not os.access(memory, os.W_OK):
        yield tmp_path_factory.mktemp("crash")
        return
    with tempfile.TemporaryDirectory(prefix="evidencekit-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def tmp_path(in_memory):
    """Where cases of these tests lie, instead of pytest's own."""
    with tempfile.TemporaryDirectory(dir=in_memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def after():
    """aftermath.py: what must hold after a crash."""
    return beside("aftermath")


@pytest.fixture(scope="session")
def recorder():
    """recorder.py: power cuts by recording."""
    return beside("recorder")


@pytest.fixture(scope="module")
def zygote(in_memory):
    """zygote.py at work."""
    process = beside("killer").Zygote(Path(tempfile.mkdtemp(dir=in_memory)))
    yield process
    process.close()


@pytest.fixture(scope="session")
def package_parties():
    """parties.py: a package on its way from one case to another."""
    return beside("parties")


@dataclass
class Base:
    """An opened case, a source with a large value, and what undisturbed acquisitions of it give."""

    folder: Path
    office: object
    source: Path
    record: object
    _undisturbed: dict = field(default_factory=dict)

    @property
    def case(self) -> Path:
        return self.folder / "case"

    def undisturbed(self, **options):
        """The record of an acquisition with these options that nothing came in the way of."""
        key = tuple(sorted(options.items()))
        if key not in self._undisturbed:
            case = self.folder / f"undisturbed-{len(self._undisturbed)}"
            shutil.copytree(self.case, case)
            self.office.acquire(case, self.source, options=Options(**options))
            self._undisturbed[key] = self.record(case)
        return self._undisturbed[key]


@pytest.fixture(scope="session")
def base(rc, after, in_memory, tmp_path_factory):
    folder = in_memory / "base"
    office = rc.Office(folder / "office")
    office.open(folder / "case")
    save_log_keys(office.keys, folder / "log.pem")
    source = tmp_path_factory.mktemp("crash") / "source"  # not in memory, which had no user attributes before 2023
    (source / "docs").mkdir(parents=True)
    for number in range(3):
        (source / f"docs/{number}").write_text(f"letter {number}")
    (source / "docs/same").write_text("letter 1")  # a copy of it is made once
    os.link(source / "docs/2", source / "hard")
    (source / "link").symlink_to("docs/0")
    with contextlib.suppress(OSError):
        os.setxattr(source / "docs/1", "user.large", b"x" * 3500)
    return Base(folder, office, source, lambda case: after.record(rc, case))
