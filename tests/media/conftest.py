"""Media that fail: what this machine can do, and what stands in for the rest.

Real errors need a kernel that may be asked for them: root, /dev/fuse, loop devices. Where one of these cannot be had the
tests are named NOT RUN, also under EVIDENCEKIT_REQUIRE_ALL=1, since no package brings them; programs of Debian packages
(mkfs.ext4, losetup) are judges like others. Everything that is mounted here is seen by this process and its children
only, and goes away with them.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534


def beside(name: str):
    """A module that lies beside this file, loaded once."""
    path = Path(__file__).parent / f"{name}.py"
    whole = f"media_{path.stem}"
    if whole not in sys.modules:
        spec = importlib.util.spec_from_file_location(whole, path)
        sys.modules[whole] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[whole])
    return sys.modules[whole]


mounts = beside("mounts")


@pytest.fixture(scope="session")
def own_mounts() -> None:
    """From here on this process and its children see mounts that nobody else sees."""
    try:
        mounts.call("unshare", mounts.NEW_MOUNTS)
        mounts.call("mount", b"none", b"/", None, mounts.RECURSIVE | mounts.PRIVATE, None)
    except OSError as error:
        mounts.not_run(f"only root can mount ({error.strerror})")


@pytest.fixture
def tmpfs(mounted, tmp_path):
    """Return a function that mounts an empty medium of a size in bytes, or as `1m`."""
    return lambda size, name="medium": mounted(tmp_path / name, b"tmpfs", "tmpfs", f"size={size}".encode(), flags=0)


@pytest.fixture
def mounted(own_mounts) -> Iterator:
    """Return a function that mounts a device, read-only. Ask for it after what the device lies on."""
    given = []

    def make(path: Path, kind: bytes, device: Path | str, options: bytes = b"", flags: int = mounts.READ_ONLY):
        given.append(mounts.Mounted(path, kind, os.fsencode(device), options, flags))
        return given[-1]

    yield make
    for one in reversed(given):
        one.close()


@pytest.fixture
def second_name(mounted):
    """Return a function that shows a mounted folder at a second place, too."""
    return lambda folder, path: mounted(path, b"", folder, flags=mounts.BIND)


@pytest.fixture
def as_nobody(tmp_path):
    """Return a function that runs another as a user who may do little, since root may do everything.

    It runs in a fork of this process (an interpreter may lie where that user cannot read it), so whatever it imports
    has to be imported before.
    """
    if os.geteuid() != 0:
        mounts.not_run("only root can become another user")
    for folder in [tmp_path, *tmp_path.parents]:
        if len(folder.parts) > 2:  # pytest's own folders are closed to others
            folder.chmod(0o755)

    def run(function):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                os.write(writing, pickle.dumps(function()))
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
        return pickle.loads(answer)  # noqa: S301 - from our own child

    return run


@pytest.fixture
def bad_medium(own_mounts, tmp_path) -> Iterator:
    """Return a function that shows a folder on a failing medium: see badmedium.py."""
    if not os.path.exists("/dev/fuse"):
        mounts.not_run("this kernel has no /dev/fuse")
    media = []

    def make(folder: Path, faults: dict):
        media.append(mounts.BadMedium(folder, tmp_path / f"bad-medium-{len(media)}"))
        media[-1].faults(faults)
        return media[-1]

    yield make
    for one in media:
        one.close()


@pytest.fixture(params=["kernel", "injected"])
def failing(request):
    """Return a function that shows a folder with faults: the kernel gives the errors, or this process."""
    return request.getfixturevalue("bad_medium" if request.param == "kernel" else "injected")


@pytest.fixture
def injected() -> Iterator:
    """Return a function that shows a folder with faults: see injected.py."""
    media = []

    def make(folder: Path, faults: dict):
        media.append(beside("injected").Injected(folder))
        media[-1].faults(faults)
        return media[-1]

    yield make
    for one in media:
        one.close()


@pytest.fixture
def loop(own_mounts, judge) -> Iterator:
    """Return a function that makes a file a block device, read-only."""
    judge("losetup")
    devices = []

    def make(file: Path) -> Path:
        answer = subprocess.run(
            ["losetup", "--read-only", "--find", "--show", file], capture_output=True, text=True, check=False
        )
        if answer.returncode:
            mounts.not_run(f"no loop device can be had here ({answer.stderr.strip()})")
        devices.append(answer.stdout.strip())
        return Path(devices[-1])

    yield make
    for device in devices:
        subprocess.run(["losetup", "--detach", device], check=True)


@pytest.fixture(scope="session")
def after():
    """crash/aftermath.py: what must hold after a crash."""
    return beside("../crash/aftermath")


@pytest.fixture(scope="session")
def package_parties():
    """crash/parties.py: a package on its way from one case to another."""
    return beside("../crash/parties")


@pytest.fixture
def bench(rc, after, tmp_path):
    """bench.py: an opened case, and the commands as a person gives them."""
    return beside("bench").Bench(rc, after, tmp_path)


class TooLong(BaseException):
    """No error of the system, which would be taken for one of the medium."""


@pytest.fixture
def deadline() -> Iterator:
    """Return a function that ends the test with an error when it takes longer than some seconds."""

    def set_it(seconds: int) -> None:
        signal.alarm(seconds)

    def late(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, late)
    yield set_it
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
