"""Bare Debian roots, and media mounted in them, that only this program and its children see.

The kernel takes everything away when the program ends, however it ends: mounts lie in a namespace of their own,
children in a PID namespace whose first process is this program, loop devices let go of themselves. There is no network.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOBODY = 65534
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
REMOUNT, BIND, RECURSIVE, PRIVATE = 32, 4096, 16384, 1 << 18
DETACH = 2
SEALED_OFF = 0x20000 | 0x20000000 | 0x40000000 | 0x8000000
"""New namespaces: mounts, processes, network, System V objects."""
PATIENCE = 300
"""Seconds that a command may take."""
TOOLS = ("bookworm", "exfat-fuse", "exfatprogs", "libfaketime")
"""The root with what serves a stick, and with what fakes a clock for its suite."""
_libc = ctypes.CDLL(None, use_errno=True)


class NotRunError(Exception):
    """A check cannot be made here; `by_kernel` where no package could bring what it needs."""

    def __init__(self, why: str, *, by_kernel: bool = False) -> None:
        super().__init__(why)
        self.by_kernel = by_kernel


def _call(name: str, *arguments: object) -> None:
    """Make a call of libc, or raise NotRunError with what the kernel said."""
    if getattr(_libc, name)(*arguments) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise NotRunError(f"the kernel refuses {name} ({reason})", by_kernel=True)


def mount(device: str | Path, path: Path, kind: str = "", options: str = "", flags: int = 0) -> None:
    """Mount something on a folder or file that is there."""
    _call("mount", os.fsencode(device), os.fsencode(path), kind.encode(), flags, options.encode())


def bind(shown: Path, path: Path, flags: int = READ_ONLY | NO_SUID) -> None:
    """Show a folder or a file at a second place, with flags of its own."""
    mount(shown, path, flags=BIND)
    mount("none", path, flags=BIND | REMOUNT | flags)


def unmount(path: Path) -> None:
    """Take a mount away, whoever has files open in it."""
    _libc.umount2(os.fsencode(path), DETACH)


def seal_off() -> Path:
    """Go on as the first process in namespaces of its own; return a folder in memory to mount things below.

    The process that was there before waits, and leaves with the same code.
    """
    if os.geteuid() != 0:
        raise NotRunError("only root can enter another root, and mount", by_kernel=True)
    _call("unshare", SEALED_OFF)
    child = os.fork()
    if child:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: os.kill(child, signal.SIGKILL))
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 130)
    _call("prctl", 1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    _call("mount", b"none", b"/", None, RECURSIVE | PRIVATE, None)
    mount("proc", Path("/proc"), "proc")
    work = Path("/mnt")
    mount("tmpfs", work, "tmpfs", "size=4g,mode=755")
    return work


@functools.cache
def debian(suite: str, *packages: str) -> Path:
    """Return a Debian root of debian-root.sh; a folder is one already. To be asked for while there is a network."""
    if "/" in suite:
        return Path(suite)
    made = subprocess.run(
        [HERE / "debian-root.sh", suite, ",".join(packages)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        raise NotRunError(f"debian-root.sh {suite} failed: {made.stderr.strip().splitlines()[-1:]}")
    return Path(made.stdout.strip())


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str


def ran(command: Sequence[str | Path], **how: Any) -> Ran:
    """Run a command with nothing on its stdin."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, start_new_session=True,
            check=False, **how,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Ran(-1, "", f"did not end within {PATIENCE} seconds")
    except PermissionError as error:  # what exec of it said
        return Ran(126, "", str(error))
    return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


class Room:
    """A bare root, read-only, with /dev, /proc, /tmp and /media; commands run in it as nobody."""

    def __init__(self, suite: str, work: Path) -> None:
        self.suite = suite
        root = debian(suite)
        self.path = work / f"room-{Path(suite).name or 'here'}"
        self.path.mkdir()
        bind(root, self.path)
        mount("proc", self.path / "proc", "proc")
        mount("tmpfs", self.path / "dev", "tmpfs", "mode=755,size=64k")
        for name in ("null", "zero", "full", "random", "urandom"):
            (self.path / "dev" / name).touch()
            bind(Path("/dev") / name, self.path / "dev" / name, 0)
        (self.path / "dev/shm").mkdir()
        mount("tmpfs", self.path / "dev/shm", "tmpfs", "mode=1777,size=64m", NO_EXEC)
        mount("tmpfs", self.path / "media", "tmpfs", "mode=755,size=1m")
        for place, name in enumerate(("fd", "fd/0", "fd/1", "fd/2")):
            link = self.path / "dev" / ("fd", "stdin", "stdout", "stderr")[place]
            link.symlink_to(f"/proc/self/{name}")

    @contextlib.contextmanager
    def medium(self, name: str, *, size: str = "512m", flags: int = 0) -> Iterator[Medium]:
        """Mount an empty medium in memory that nobody owns; in /media unless the name begins with /."""
        place = Path("/media") / name
        path = self.path / place.relative_to("/")
        path.mkdir(exist_ok=True)
        options = f"uid={NOBODY},gid={NOBODY},mode=755"
        mount("tmpfs", path, "tmpfs", f"{options},size={size}", flags)
        try:
            yield Medium(place, path, options)
        finally:
            unmount(path)

    @contextlib.contextmanager
    def shown(self, folder: Path, name: str, flags: int = READ_ONLY | NO_SUID | NO_DEVICES) -> Iterator[Path]:
        """Show a folder or file of this computer in /media; yield its place in the root."""
        place = Path("/media") / name
        path = self.path / place.relative_to("/")
        path.mkdir(exist_ok=True) if folder.is_dir() else path.touch()
        bind(folder, path, flags)
        try:
            yield place
        finally:
            unmount(path)

    def run(
        self, command: Sequence[str | Path], *, at: Path = Path("/"), environment: dict[str, str] | None = None
    ) -> Ran:
        """Run a command as nobody, without HOME, LANG or LC_ALL."""

        def enter() -> None:
            os.chroot(self.path)
            os.chdir(at)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        try:
            return ran(command, env={"PATH": "/usr/bin:/bin", **(environment or {})}, preexec_fn=enter)
        except subprocess.SubprocessError as error:
            raise NotRunError(f"the root cannot be entered ({error})", by_kernel=True) from error


@dataclass(frozen=True)
class Medium:
    """What is mounted: its place in the root, its path from outside."""

    place: Path
    path: Path
    options: str = ""

    def again(self, *, size: str = "512m", flags: int = 0) -> None:
        """Mount it with another size, or other flags."""
        mount("none", self.path, "tmpfs", f"{self.options},size={size}", REMOUNT | flags)

    def used(self, more: int) -> str:
        """Return the size at which so many bytes are free."""
        status = os.statvfs(self.path)
        return str((status.f_blocks - status.f_bfree) * status.f_frsize + more)


def preload(name: str, work: Path) -> Path:
    """Compile a C file beside this one into a library for LD_PRELOAD."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NotRunError("gcc is not installed")
    library = work / f"{name}.so"
    done = ran([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, HERE / f"{name}.c"])
    if done.code != 0:
        sys.stderr.write(done.err)
        raise NotRunError(f"{name}.c does not compile")
    return library
