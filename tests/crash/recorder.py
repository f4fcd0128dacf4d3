"""Power cuts by recording: every change below a folder is written down, and any moment of it is laid out anew.

What a power cut leaves is not what the program saw. Of a file there is for certain what its last fsync found; of a
folder the names that its last fsync found. Of anything later there may be all, nothing, or a part, in any order.
`Recorder` writes down what is done; `crashes` yields what may be found after a cut behind each step.

Source: fsync(2), rename(2), syncfs(2); Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014).
"""

from __future__ import annotations

import fcntl
import os
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evidencekit.write import systems

Tree = dict[str, bytes | None]
"""Content by path below the folder; None for a folder."""


@dataclass
class Inode:
    """A file or a folder: how it is, and how it was when it was brought to the medium last."""

    folder: bool
    now: dict[str, int] | bytes
    safe: dict[str, int] | bytes


class Disk:
    """What the steps make, and what of it would outlive a power cut."""

    def __init__(self, start: dict[int, Inode], root: int) -> None:
        self.inodes = {number: replace(inode) for number, inode in start.items()}
        self.root = root

    def do(self, step: tuple) -> None:
        """Apply one step of the record."""
        getattr(self, f"_{step[0]}")(*step[1:])

    def _names(self, folder: int) -> dict[str, int]:
        inode = self.inodes[folder]
        inode.now = dict(inode.now)  # the durable ones may be the same object
        return inode.now

    def _create(self, folder: int, name: str, number: int) -> None:
        self.inodes[number] = Inode(folder=False, now=b"", safe=b"")
        self._names(folder)[name] = number

    def _mkdir(self, folder: int, name: str, number: int) -> None:
        self.inodes[number] = Inode(folder=True, now={}, safe={})
        self._names(folder)[name] = number

    def _write(self, number: int, offset: int, data: bytes) -> None:
        inode = self.inodes[number]
        old = inode.now.ljust(offset, b"\0")
        inode.now = old[:offset] + data + old[offset + len(data) :]

    def _truncate(self, number: int, size: int) -> None:
        inode = self.inodes[number]
        inode.now = inode.now[:size].ljust(size, b"\0")

    def _sync(self, number: int) -> None:
        inode = self.inodes[number]
        inode.safe = dict(inode.now) if inode.folder else inode.now

    def _sync_all(self) -> None:
        for number in self.inodes:
            self._sync(number)

    def _rename(self, folder: int, name: str, new_folder: int, new_name: str) -> None:
        moved = self._names(folder).pop(name)
        self._names(new_folder)[new_name] = moved

    def _link(self, number: int, folder: int, name: str) -> None:
        self._names(folder)[name] = number

    def _remove(self, folder: int, name: str) -> None:
        del self._names(folder)[name]

    # --- what is found afterwards

    def place(self, number: int) -> str:
        """Return the path of a folder, as it is now."""
        for path, found in self._walk(self.root, ""):
            if found == number:
                return path
        raise KeyError(number)

    def _walk(self, number: int, path: str) -> Iterator[tuple[str, int]]:
        yield path, number
        for name, child in self.inodes[number].now.items() if self.inodes[number].folder else ():
            yield from self._walk(child, f"{path}/{name}" if path else name)

    def files(self) -> Iterator[tuple[int, str]]:
        """Yield the number and the path of each file, as it is now."""
        for path, number in self._walk(self.root, ""):
            if not self.inodes[number].folder:
                yield number, path

    def is_safe(self, number: int) -> bool:
        """Tell whether something is on the medium, with all that is in it."""
        return all(self.inodes[child].now == self.inodes[child].safe for _, child in self._walk(number, ""))

    def tree(self, names=lambda _: "kept", content=lambda _: "kept") -> Tree:
        """Return what is there when each inode is as the two functions say of its number."""
        found: Tree = {}

        def show(number: int, place: str) -> None:
            inode = self.inodes[number]
            if not inode.folder:
                found[place] = after_cut(inode.now, inode.safe, content(number))
                return
            if place:
                found[place] = None
            for name, child in sorted((inode.now if names(number) == "kept" else inode.safe).items()):
                show(child, f"{place}/{name}" if place else name)

        show(self.root, "")
        return found


def after_cut(now: bytes, safe: bytes, fate: str) -> bytes:
    """Return what a file holds whose last writes met one of these fates."""
    if fate == "kept" or now == safe:
        return now
    middle = len(safe) + (len(now) - len(safe)) // 2
    if fate == "torn":
        return now[:middle]
    if fate == "zeros":  # its length was brought to the medium, its blocks were not
        return safe[: len(now)].ljust(len(now), b"\0")
    if fate == "late":  # the last blocks were, the first ones were not
        return safe[:middle].ljust(middle, b"\0") + now[middle:]
    assert fate == "lost"
    return safe


def all_lost(_: int) -> str:
    """Nothing that was not brought to the medium."""
    return "lost"


FATES = ("lost", "zeros", "torn", "late", "kept")
CUTS = (
    ("kept", "lost"), ("kept", "zeros"), ("kept", "torn"), ("kept", "late"),
    ("lost", "lost"), ("lost", "torn"), ("lost", "kept"), ("any", "any"),
)  # fmt: skip
"""What becomes of names, and of content: `any` lets each inode have its own fate."""


def crashes(disk: Disk, steps: list[tuple]) -> Iterator[tuple[int, str, Tree]]:
    """Yield what may be found after a cut behind each step, each different tree once: step, fates, tree."""
    seen = set()
    for number in range(len(steps) + 1):
        if number:
            disk.do(steps[number - 1])
        for names, content in CUTS:
            tree = disk.tree(_fate(names, ("kept", "lost"), number), _fate(content, FATES, number))
            known = hash(tuple(tree.items()))  # equal trees behave equally
            if known not in seen:
                seen.add(known)
                yield number, f"names {names}, content {content}", tree


def _fate(word: str, fates: tuple[str, ...], step: int) -> Callable[[int], str]:
    """Return what becomes of each inode: the same of all, or by chance, the same chance each time."""
    if word != "any":
        return lambda _: word
    return lambda number: random.Random(f"{step} {number}").choice(fates)


def lay_out(tree: Tree, folder: Path) -> None:
    """Make a tree in a new folder."""
    folder.mkdir()
    for place, data in tree.items():
        path = folder / place
        if data is None:
            path.mkdir()
        else:
            path.write_bytes(data)


class Recorder:
    """Writes down, while it is entered, every change that this process makes below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = os.fspath(root)
        self.steps: list[tuple] = []
        self._numbers: dict[int, int] = {}
        self._count = 0
        self._lock = threading.RLock()
        self.start = self._look()

    def disk(self) -> Disk:
        """Return the folder as it was before the first step, all of it on the medium."""
        return Disk(self.start, self._numbers_at_start)

    def _look(self) -> dict[int, Inode]:
        found: dict[int, Inode] = {}

        def look(path: str) -> int:
            number = self._new(path)
            if os.path.isdir(path):
                names = {name: look(os.path.join(path, name)) for name in sorted(os.listdir(path))}
                found[number] = Inode(folder=True, now=names, safe=names)
            else:
                data = Path(path).read_bytes()
                found[number] = Inode(folder=False, now=data, safe=data)
            return number

        self._numbers_at_start = look(self.root)
        return found

    def _new(self, path: str) -> int:
        """Give a number to what was just made: the system uses its own again, for something else."""
        self._count += 1
        self._numbers[os.lstat(path).st_ino] = self._count
        return self._count

    def _number(self, path: str | int) -> int:
        return self._numbers[(os.fstat(path) if isinstance(path, int) else os.lstat(path)).st_ino]

    def __enter__(self):
        self._patch = pytest.MonkeyPatch()
        for name in [name for name in dir(self) if name.startswith("_on_")]:
            self._wrap(name.removeprefix("_on_"), getattr(self, name))
        for name in (
            "sync",
            "sendfile",
            "copy_file_range",
            "symlink",
            "posix_fallocate",
            "truncate",
            "mknod",
            "mkfifo",
        ):
            self._patch.setattr(os, name, self._refuse(name))
        real = systems._call
        self._patch.setattr(systems, "_call", lambda *given: self._system_call(real, *given))
        return self

    def __exit__(self, *_):
        self._patch.undo()

    def _wrap(self, name, follow):
        real = getattr(os, name)

        def call(*given, **more):
            with self._lock:
                return follow(real, *given, **more)

        self._patch.setattr(os, name, call)
        for offers in ("supports_dir_fd", "supports_fd", "supports_follow_symlinks"):
            if real in getattr(os, offers):
                self._patch.setattr(os, offers, {*getattr(os, offers), call})

    def _refuse(self, name):
        def call(*given, **more):
            raise AssertionError(f"os.{name} is called, which the recorder does not know")

        return call

    def _path(self, path, folder=None) -> str:
        if isinstance(path, int):
            return os.readlink(f"/proc/self/fd/{path}")
        path = os.fsdecode(path)
        return os.path.abspath(path if folder is None else os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path))

    def _below(self, path: str) -> bool:
        return path == self.root or path.startswith(self.root + "/")

    def _place(self, path: str) -> tuple[int, str]:
        return self._number(os.path.dirname(path)), os.path.basename(path)

    # --- the calls; each does the real one first, so that what fails is not written down

    def _on_open(self, real, path, flags, mode=0o777, *, dir_fd=None):
        place = self._path(path, dir_fd) if flags & (os.O_CREAT | os.O_TRUNC) else ""
        ours = place and self._below(place)
        made = ours and not os.path.lexists(place)
        handle = real(path, flags, mode, dir_fd=dir_fd)
        if made:
            self.steps.append(("create", *self._place(place), self._new(place)))
        elif ours and flags & os.O_TRUNC:
            self.steps.append(("truncate", self._number(place), 0))
        return handle

    def _on_mkdir(self, real, path, mode=0o777, *, dir_fd=None):
        place = self._path(path, dir_fd)
        real(path, mode, dir_fd=dir_fd)
        if self._below(place):
            self.steps.append(("mkdir", *self._place(place), self._new(place)))

    def _on_write(self, real, handle, data):
        return self._written(handle, bytes(data), real(handle, data))

    def _on_writev(self, real, handle, buffers):
        return self._written(handle, b"".join(map(bytes, buffers)), real(handle, buffers))

    def _on_pwrite(self, real, handle, data, offset):
        return self._written(handle, bytes(data), real(handle, data, offset), offset)

    def _on_pwritev(self, real, handle, buffers, offset, *flags):
        return self._written(handle, b"".join(map(bytes, buffers)), real(handle, buffers, offset, *flags), offset)

    def _written(self, handle, data, size, offset=None):
        if self._below(self._path(handle)):
            if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_APPEND:
                offset = os.fstat(handle).st_size - size
            elif offset is None:
                offset = os.lseek(handle, 0, os.SEEK_CUR) - size
            self.steps.append(("write", self._number(handle), offset, data[:size]))
        return size

    def _on_ftruncate(self, real, handle, size):
        real(handle, size)
        if self._below(self._path(handle)):
            self.steps.append(("truncate", self._number(handle), size))

    def _on_fsync(self, real, handle):
        real(handle)
        if self._below(self._path(handle)):
            self.steps.append(("sync", self._number(handle)))

    _on_fdatasync = _on_fsync

    def _on_rename(self, real, old, new, *, src_dir_fd=None, dst_dir_fd=None):
        self._renamed(
            lambda: real(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd),
            self._path(old, src_dir_fd),
            self._path(new, dst_dir_fd),
        )

    _on_replace = _on_rename

    def _renamed(self, rename, old, new):
        ours = [self._below(path) for path in (old, new)]
        assert ours[0] == ours[1], f"{old} is renamed to {new}, over the border of the record"
        places = [*self._place(old), *self._place(new)] if ours[0] else []
        rename()
        if places:
            self.steps.append(("rename", *places))

    def _on_link(self, real, old, new, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True):
        real(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=follow_symlinks)
        place = self._path(new, dst_dir_fd)
        if self._below(place):
            self.steps.append(("link", self._number(self._path(old, src_dir_fd)), *self._place(place)))

    def _on_unlink(self, real, path, *, dir_fd=None):
        place = self._path(path, dir_fd)
        where = self._place(place) if self._below(place) and os.path.lexists(place) else None
        real(path, dir_fd=dir_fd)
        if where:
            self.steps.append(("remove", *where))

    _on_remove = _on_rmdir = _on_unlink

    def _system_call(self, real, name, *given):
        with self._lock:
            if name == "renameat2":
                self._renamed(lambda: real(name, *given), self._path(given[1]), self._path(given[3]))
                return
            real(name, *given)
            assert name == "syncfs", f"{name} is called, which the recorder does not know"
            if os.fstat(given[0]).st_dev == os.stat(self.root).st_dev:
                self.steps.append(("sync_all",))
