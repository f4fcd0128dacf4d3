"""A read-only file system that shows a folder and fails where it is told to: the kernel's own EIO, ENODEV and the like.

    python badmedium.py FOLDER MOUNTPOINT < faults

Speaks the protocol of /dev/fuse itself, so that no library is needed. Each line on stdin is a JSON object that replaces
the faults, and is answered on stdout with how often each file was read from; at the end of stdin the medium is taken away. What is asked of a path fails where
a fault stands under it; `*` stands for every path that has no faults of its own:

    {"docs/a": {"read": [[4096, 8192, "EIO"]]}}     from, to (null: the end), error; a fourth member: so many opens only
    {"docs": {"list": "EIO"}, "b": {"open": "EIO"}, "c": {"lookup": "EIO"}, "d": {"xattr": "EIO"}}
    {"docs": {"list_after": 2}}                     the listing breaks off after so many names
    {"docs/a": {"stall": 0.1}}                      seconds before each answer

Source: linux/fuse.h, protocol 7.31; Documentation/filesystems/fuse.rst.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import select
import stat
import struct
import sys
import time
from collections import Counter

LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 5, 14, 15, 17, 18
GETXATTR, LISTXATTR, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, DESTROY, BATCH_FORGET = 22, 23, 26, 27, 28, 29, 36, 38, 42  # fmt: skip
NO_REPLY = {FORGET, INTERRUPT, BATCH_FORGET}
_HEAD = struct.Struct("=IIQQIIII")
_ANSWER = struct.Struct("=IiQ")
_ATTR = struct.Struct("=6Q10I")
_READ = struct.Struct("=QQII")
ROOT = 1
READ_ONLY = 0x1 | 0x2 | 0x4  # nosuid, nodev
DETACH = 2
MOST = 128 << 10
CANNOT_BE_HAD = 77


class Medium:
    """Answers the kernel, one request after the other."""

    def __init__(self, folder: bytes) -> None:
        self._folder = folder
        self._paths = {ROOT: b""}
        self._nodes = {b"": ROOT}
        self._faults: dict[str, dict] = {}
        self._opens: Counter[bytes] = Counter()
        self._reads: Counter[bytes] = Counter()
        self._calls = {
            INIT: self._init, LOOKUP: self._lookup, GETATTR: self._getattr, READLINK: self._readlink,
            OPEN: self._open, READ: self._read, OPENDIR: self._opendir, READDIR: self._readdir,
            STATFS: self._statfs, GETXATTR: self._getxattr, LISTXATTR: self._listxattr,
            RELEASE: lambda *_: b"", RELEASEDIR: lambda *_: b"", DESTROY: lambda *_: b"",
        }  # fmt: skip

    def serve(self, device: int) -> None:
        """Answer until stdin or the mount ends."""
        while True:
            ready, _, _ = select.select([device, 0], [], [])
            if 0 in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                self._faults = json.loads(line)
                print(json.dumps({os.fsdecode(path): count for path, count in self._reads.items()}), flush=True)
            if device in ready:
                try:
                    request = os.read(device, MOST + 4096)
                except OSError as error:
                    if error.errno == errno.ENODEV:
                        return
                    if error.errno in {errno.EINTR, errno.ENOENT, errno.EAGAIN}:
                        continue
                    raise
                self._answer(device, request)

    def _answer(self, device: int, request: bytes) -> None:
        _, opcode, unique, node, *_ = _HEAD.unpack_from(request)
        if opcode in NO_REPLY:
            return
        data, number = b"", 0
        try:
            path = self._paths.get(node, b"")
            self._stall(path)
            data = self._calls.get(opcode, self._unknown)(path, request[_HEAD.size :])
        except OSError as error:
            number, data = error.errno or errno.EIO, b""
        try:
            os.write(device, _ANSWER.pack(_ANSWER.size + len(data), -number, unique) + data)
        except OSError as error:
            if error.errno != errno.ENOENT:  # the asker was interrupted
                raise

    # --- faults

    def _faults_of(self, path: bytes) -> dict:
        return self._faults.get(os.fsdecode(path), self._faults.get("*", {}))

    def _fail(self, path: bytes, what: str) -> None:
        name = self._faults_of(path).get(what)
        if name is not None:
            raise OSError(getattr(errno, name), "")

    def _stall(self, path: bytes) -> None:
        time.sleep(self._faults_of(path).get("stall", 0))

    # --- what the kernel asks

    def _unknown(self, path: bytes, body: bytes) -> bytes:
        raise OSError(errno.ENOSYS, "")

    def _init(self, path: bytes, body: bytes) -> bytes:
        _, _, readahead, _ = struct.unpack_from("=IIII", body)
        return struct.pack("=IIIIHHIIHHI28x", 7, 31, readahead, 0, 12, 9, 4096, 1, MOST // 4096, 0, 0)

    def _lookup(self, path: bytes, body: bytes) -> bytes:
        child = os.path.join(path, body.rstrip(b"\0")) if path else body.rstrip(b"\0")
        self._fail(child, "lookup")
        attributes = self._attributes(child)
        node = self._nodes.setdefault(child, len(self._nodes) + ROOT)
        self._paths[node] = child
        return struct.pack("=QQQQII", node, 0, 0, 0, 0, 0) + attributes

    def _getattr(self, path: bytes, body: bytes) -> bytes:
        self._fail(path, "lookup")
        return struct.pack("=QII", 0, 0, 0) + self._attributes(path)

    def _attributes(self, path: bytes) -> bytes:
        status = os.lstat(self._place(path))
        times = status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns
        seconds, parts = zip(*(divmod(time_ns, 10**9) for time_ns in times), strict=True)
        return _ATTR.pack(
            status.st_ino, status.st_size, status.st_blocks, *seconds, *parts,
            status.st_mode, status.st_nlink, status.st_uid, status.st_gid, 0, 4096, 0,
        )  # fmt: skip

    def _place(self, path: bytes) -> bytes:
        return os.path.join(self._folder, path) if path else self._folder

    def _readlink(self, path: bytes, body: bytes) -> bytes:
        return os.readlink(self._place(path))

    def _open(self, path: bytes, body: bytes) -> bytes:
        self._fail(path, "open")
        self._opens[path] += 1
        return struct.pack("=QII", 0, 0, 0)

    def _opendir(self, path: bytes, body: bytes) -> bytes:
        self._fail(path, "open")
        return struct.pack("=QII", 0, 0, 0)

    def _read(self, path: bytes, body: bytes) -> bytes:
        _, offset, size, _ = _READ.unpack_from(body)
        self._reads[path] += 1
        for fault in self._faults_of(path).get("read", ()):
            first, end, name, opens = [*fault, sys.maxsize][:4]
            if first < offset + size and (end is None or offset < end) and self._opens[path] <= opens:
                raise OSError(getattr(errno, name), "")
        with open(self._place(path), "rb", buffering=0) as file:
            return os.pread(file.fileno(), size, offset)

    def _readdir(self, path: bytes, body: bytes) -> bytes:
        _, offset, size, _ = _READ.unpack_from(body)
        self._fail(path, "list")
        after = self._faults_of(path).get("list_after")
        names = [b".", b"..", *sorted(os.listdir(self._place(path)))]
        found = b""
        for place, name in enumerate(names[offset:], offset + 1):
            if after is not None and place > after + 2:
                if not found:
                    raise OSError(errno.EIO, "")
                break
            kind = stat.S_IFMT(os.lstat(os.path.join(self._place(path), name)).st_mode) >> 12
            entry = struct.pack("=QQII", 1, place, len(name), kind) + name
            entry += bytes(-len(entry) % 8)
            if len(found) + len(entry) > size:
                break
            found += entry
        return found

    def _statfs(self, path: bytes, body: bytes) -> bytes:
        return struct.pack("=5Q4I24x", 1, 0, 0, 1, 0, 4096, 255, 4096, 0)

    def _getxattr(self, path: bytes, body: bytes) -> bytes:
        self._fail(path, "xattr")
        name = body[8:].rstrip(b"\0")
        return self._sized(body, os.getxattr(self._place(path), name, follow_symlinks=False))

    def _listxattr(self, path: bytes, body: bytes) -> bytes:
        self._fail(path, "xattr")
        names = os.listxattr(self._place(path), follow_symlinks=False)
        return self._sized(body, b"".join(os.fsencode(name) + b"\0" for name in names))

    @staticmethod
    def _sized(body: bytes, value: bytes) -> bytes:
        (size,) = struct.unpack_from("=I", body)
        if size == 0:
            return struct.pack("=II", len(value), 0)
        if size < len(value):
            raise OSError(errno.ERANGE, "")
        return value


def mounted(target: bytes) -> int:
    """Mount; return the kernel's end.

    Raises:
        OSError: the kernel does not let us.
    """
    device = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = b"fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other" % (device, os.geteuid(), os.getegid())
    if libc.mount(b"badmedium", target, b"fuse.badmedium", READ_ONLY, options) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return device


def main() -> None:
    folder, target = (os.fsencode(argument) for argument in sys.argv[1:])
    try:
        device = mounted(target)
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(CANNOT_BE_HAD)
    try:
        print("mounted", flush=True)
        Medium(folder).serve(device)
    finally:
        os.close(device)  # from now on every call says ENOTCONN, as of a stick that was pulled
        ctypes.CDLL(None).umount2(target, DETACH)


if __name__ == "__main__":
    main()
