"""A file about which nothing is odd: its row by few calls and few objects, since most files are such.

Promises: what is taken here would have been the same row in `entry.Taker` (held by tests/property/test_plain_files.py);
whatever is not plain, or fails, is left to it, and nothing was noted of it here.
Source: specs/manifest.md sections 2 to 5; measured in benchmarks/README.md.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from hashlib import sha256

from blake3 import blake3

from evidencekit.acquire.batch import Batch
from evidencekit.acquire.facts import Owners
from evidencekit.acquire.row import link_of, stamp_of
from evidencekit.acquire.rows import content_plain, metadata_plain, name_group
from evidencekit.read.evidence import SMALL_BLOCK, Reader
from evidencekit.read.extents import Extras
from evidencekit.read.handles import Opener, same
from evidencekit.read.node import Node

_BLOCK = 512
_MAX_INT64 = 2**63 - 1


class PlainFiles:
    """Takes plain files, one after the other."""

    def __init__(
        self,
        opener: Opener,
        reader: Reader,
        owners: Owners,
        extras: Callable[[int, bytes], Extras],
        next_salt: Callable[[], bytes],
        *,
        stable_inodes: bool,
    ) -> None:
        self._opener = opener
        self._open = opener.file
        self._at_once = reader.at_once
        self._owners = owners
        self._extras = extras
        self._next_salt = next_salt
        self._stable_inodes = stable_inodes
        self.declined: Node | None = None
        """The file that was declined last, if it could be opened: it still is, so what changed or went is not lost."""

    def take(self, parent: int, name: bytes, path: bytes, device: int, batch: Batch) -> bool:
        """Add the row of a file to a batch; False where it is not plain.

        `parent` is a handle on its folder, `device` the number of the source's own.
        """
        self.declined = None
        try:
            handle = self._open(name, parent)
        except OSError:
            return False
        try:
            before = os.fstat(handle)
            read = self._at_once(handle, before.st_size) if _is_plain(before) else None
            if read is None or len(read[0]) != before.st_size or not same(before, read[1]) or os.listxattr(handle):
                self.declined = _opened(Node(self._opener, parent, name, path), handle, before)
                return False
            extras = self._extras(handle, b"")
        except OSError:
            return False
        finally:
            os.close(handle)
        data, size = read[0], before.st_size
        digest = sha256(data)
        group, owner = self._owners.members(before.st_uid, before.st_gid)
        batch.add_file(
            path,
            name_group(path),
            content_plain(blake3(data).hexdigest(), digest.hexdigest(), size),
            metadata_plain(before, group, owner, extras.btime_ns, extras.attributes),
            self._next_salt(),
            size,
            digest.digest(),
            before.st_mtime_ns,
            stamp_of(before, device, stable_inode=self._stable_inodes),
            link_of(before, device) if before.st_nlink > 1 else b"",
        )
        return True


def _opened(node: Node, handle: int, status: os.stat_result) -> Node | None:
    """Return the node of a file that is open already, None for anything else that was opened."""
    if not stat.S_ISREG(status.st_mode):
        return None
    node.kind, node.status, node.opened, node.held = "file", status, status, os.dup(handle)
    return node


def _is_plain(status: os.stat_result) -> bool:
    """Tell whether it is a file that can be read at once, without holes, with a time that a view column holds."""
    return (
        stat.S_ISREG(status.st_mode)
        and status.st_size < SMALL_BLOCK
        and status.st_blocks * _BLOCK >= status.st_size
        and -_MAX_INT64 <= status.st_mtime_ns <= _MAX_INT64
    )
