"""What tests of writing need: disks of their own, small ones, and ones that lose their power."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess

import pytest

NOT_RUN = "NOT RUN: mount: {}"


def mount(*arguments):
    """Mount, or name the test as one that did not run."""
    reason = "only root can mount" if os.geteuid() else None
    if reason is None:
        done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
        reason = done.stderr.strip() if done.returncode else None
    if reason is not None:
        pytest.skip(NOT_RUN.format(reason))


def unmount(place):
    subprocess.run(["umount", place], check=True)


@pytest.fixture
def small_disk(tmp_path, judge):
    """Return a function that makes a disk of so many bytes."""
    judge("mount")
    mounted = []

    def make(size, **options):
        place = tmp_path / f"disk-{len(mounted)}"
        place.mkdir()
        more = "".join(f",{name}={value}" for name, value in options.items())
        mount("-t", "tmpfs", "-o", f"size={size}{more}", "none", place)
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        unmount(place)


class Disk:
    """An ext4 file system in a file."""

    def __init__(self, folder):
        self._folder, self._count = folder, 0
        self.place = folder / "mounted"
        self.place.mkdir()
        self._image = folder / "image"
        self._image.write_bytes(b"")
        os.truncate(self._image, 64 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self._image], check=True)
        mount("-o", "loop", self._image, self.place)

    def cut_power(self):
        """Return a folder with what the disk would hold if its power were cut now; the disk itself goes on."""
        self._count += 1
        image, place = self._folder / f"cut-{self._count}", self._folder / f"after-{self._count}"
        shutil.copyfile(self._image, image)
        place.mkdir()
        mount("-o", "loop", image, place)  # replays the journal
        return place

    def close(self):
        for place in [self.place, *self._folder.glob("after-*")]:
            if os.path.ismount(place):
                unmount(place)


@pytest.fixture
def disk(tmp_path, judge):
    """A disk whose power can be cut."""
    judge("mount")
    judge("mkfs.ext4")
    folder = tmp_path / "disk"
    folder.mkdir()
    disk = Disk(folder)
    yield disk
    disk.close()


@pytest.fixture
def failing():
    """Return a function that fails with an error number."""

    def make(number):
        def call(*_):
            raise OSError(number, os.strerror(number))

        return call

    return make


@pytest.fixture
def fails_at():
    """Return a context in which the nth call of an `os` function fails; it gives the list of calls."""

    @contextlib.contextmanager
    def make(name, nth, number):
        real, calls = getattr(os, name), []

        def call(*given, **more):
            calls.append(given)
            if len(calls) == nth:
                raise OSError(number, os.strerror(number))
            return real(*given, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, name, call)
            yield calls

    return make


@pytest.fixture
def tree():
    """Return a function that gives all of a folder: place to bytes, None for a folder."""
    return lambda folder: {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }
