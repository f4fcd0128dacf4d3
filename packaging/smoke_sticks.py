"""Sticks formatted exFAT: images on loop devices, served by Debian's programs in a root of their own."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from smoke_room import BIND, NOBODY, RECURSIVE, TOOLS, NotRunError, Ran, Room, bind, debian, mount, ran, unmount

LOOP_FREE, LOOP_FILE, LOOP_STATUS = 0x4C82, 0x4C00, 0x4C04
LOOP_INFO = struct.Struct("=5Q4I64s64s32s2Q")
LETS_GO = 4


class Sticks:
    """Media with other file systems, served by programs of Debian in a root of their own."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._root: Path | None = None

    def _tools(self) -> Path:
        if self._root is None:
            root = debian(*TOOLS)
            path = self._work / "tools"
            path.mkdir()
            bind(root, path, 0)
            mount("/dev", path / "dev", flags=BIND | RECURSIVE)
            mount("proc", path / "proc", "proc")
            mount("tmpfs", path / "mnt", "tmpfs", "size=1g")
            self._root = path
        return self._root

    @contextlib.contextmanager
    def exfat(self, room: Room, name: str) -> Iterator[Stick]:
        """A stick formatted exFAT, on a loop device, as a desktop mounts it: everything is nobody's, mode 755."""
        tools = self._tools()
        image = tools / "mnt/image"
        with image.open("wb") as file:
            file.truncate(256 << 20)
        stick = Stick(tools, image, room, name)
        self._do(tools, "mkfs.exfat", "/mnt/image")
        stick.put_in()
        try:
            yield stick
        finally:
            stick.pull()
            image.unlink()

    @staticmethod
    def _do(tools: Path, *command: str) -> None:
        done = ran(["chroot", tools, *command])
        if done.code != 0:
            raise NotRunError(f"{command[0]}: {done.err.strip()}")


class Stick:
    """An exFAT stick that can be pulled out and put in again."""

    def __init__(self, tools: Path, image: Path, room: Room, name: str) -> None:
        self._tools, self._image = tools, image
        self._served = tools / "mnt/served"
        self._served.mkdir(exist_ok=True)
        self.place = Path("/media") / name
        self.path = room.path / "media" / name
        self.path.mkdir(exist_ok=True)
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def server(self) -> int:
        """The process without which every call on the stick fails."""
        if self._server is None:
            raise NotRunError("the stick is not in")
        return self._server.pid

    def put_in(self) -> None:
        """Attach and mount it."""
        handle, device = _loop(self._image)
        try:
            options = f"uid={NOBODY},gid={NOBODY},umask=022,allow_other"
            self._server = subprocess.Popen(
                ["chroot", self._tools, "mount.exfat-fuse", "-d", "-o", options, device, "/mnt/served"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            for _ in range(500):
                if os.path.ismount(self._served):
                    break
                if self._server.poll() is not None:
                    raise NotRunError("exfat-fuse cannot mount here: /dev/fuse is not to be had", by_kernel=True)
                time.sleep(0.01)
        finally:
            os.close(handle)
        mount(self._served, self.path, flags=BIND)

    def pull(self) -> None:
        """Take it out."""
        if self._server is None:
            return
        unmount(self.path)
        unmount(self._served)
        self._server.wait(60)
        self._server = None

    def pull_after(self, seconds: float) -> None:
        """Let another process pull it later."""
        subprocess.Popen(["sh", "-c", f"sleep {seconds}; kill -9 {self.server}"], stdin=subprocess.DEVNULL)

    def repair(self) -> Ran:
        """Let the system's repair program go over it, as specs/store.md section 3 says."""
        return ran(["chroot", self._tools, "fsck.exfat", "-y", "/mnt/image"])


def _loop(image: Path) -> tuple[int, str]:
    """Attach a file to a loop device, until nobody has that open any more; return a handle and its path."""
    try:
        with Path("/dev/loop-control").open("rb", buffering=0) as control:
            device = f"/dev/loop{fcntl.ioctl(control, LOOP_FREE)}"
        handle = os.open(device, os.O_RDWR | os.O_CLOEXEC)
        with image.open("r+b") as file:
            fcntl.ioctl(handle, LOOP_FILE, file.fileno())
        fcntl.ioctl(handle, LOOP_STATUS, LOOP_INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, LETS_GO, b"", b"", b"", 0, 0))
    except OSError as error:
        raise NotRunError(f"no loop device can be had ({errno.errorcode[error.errno or 0]})", by_kernel=True) from error
    return handle, device
