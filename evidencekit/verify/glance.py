"""Step 14, one row at a glance: most rows are plain, and agree with their source, which is seen by few calls.

Promises: where a glance says that a row agrees, `compare.Compare` would find nothing in it, and could look at all of it
(held by tests/property/test_glance.py); where it says nothing, nothing was said or counted, and the row is still to be
compared. The groups of the row, its kind and its path were checked before (step 9).
Source: specs/verification.md section 1 step 14.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from typing import NamedTuple

from blake3 import blake3

from evidencekit.core.records import CONTENT_XATTRS
from evidencekit.core.values import display
from evidencekit.read.evidence import SMALL_BLOCK
from evidencekit.read.extents import extras_reader
from evidencekit.read.handles import Opener
from evidencekit.read.media import PREADV
from evidencekit.read.node import Node
from evidencekit.verify.account import Account
from evidencekit.verify.findings import cut_text

_BORN = b'"btime_ns":"'
_LINKED = b'"link_group":"'
_NO_CONTENT = b'{"_t":"evidencekit/content/1","blake3":null,"sha256":null,"size":null,"state":"complete"%b}'
_TARGET = b'{"_t":"evidencekit/name/1","path":"%b","target":"%b"}'
_LABEL = b',"xattrs":[{"name":"%b","value":"%b"}]'
_NOT_PLAIN = bytes(range(32)) + b'"\\'
_LONGEST_LABEL = 2_048
_BLOCK = 512
_OWNERS = 4_096


class SealedRow(NamedTuple):
    """A row of the catalogue, as far as a source can be compared with it; the groups are as they stand there."""

    path: bytes
    kind: str
    state: str
    name: bytes
    content: bytes
    metadata: bytes


class Glance:
    """Looks at rows that are `complete`."""

    def __init__(self, account: Account, opener: Opener, digests: Sequence[str], exhibit: str) -> None:
        """Take who hears of links, what opens files, the digests that the acquisition made, and the exhibit's name."""
        self._account = account
        self._open = opener.file
        self._exhibit = exhibit
        self._extras = extras_reader()
        self._buffer = memoryview(bytearray(SMALL_BLOCK))
        self._digests = [_function(name) for name in sorted(digests)]
        members = b",".join(b'"%b":"%%b"' % name.encode() for name in (*sorted(digests), "size"))
        self._content = b'{"_t":"evidencekit/content/1",%b,"state":"complete"%%b}' % members
        self._spelled: dict[tuple[int, int, int], tuple[bytes, bytes, bytes]] = {}

    def file(self, parent: int, name: bytes, row: SealedRow) -> bool:
        """Tell whether a file agrees with its row; `parent` is a handle on its folder."""
        try:
            handle = self._open(name, parent)
        except OSError:
            return False
        try:
            status = os.fstat(handle)
            size = status.st_size
            if (
                not stat.S_ISREG(status.st_mode)
                or size >= SMALL_BLOCK
                or status.st_blocks * _BLOCK < size
                or not self._agrees(row.metadata, status, handle, b"")
            ):
                return False
            if PREADV(handle, (self._buffer,), 0) != size or PREADV(handle, (self._buffer[size:],), size):
                return False
            names = _attributes_of(handle)
            label = b"" if not names else _label([(os.fsencode(one), os.getxattr(handle, one)) for one in names[:2]])
        except OSError:
            return False
        finally:
            os.close(handle)
        if label is None or row.content != self._content_of(self._buffer[:size], label):
            return False
        self._account_for(row, status)
        return True

    def node(self, node: Node, row: SealedRow) -> bool:
        """Tell whether what is no file agrees with its row."""
        status = node.status
        if status is None or node.problem is not None or node.kind != row.kind or node.pruned:
            return False
        if node.kind == "symlink" and row.name != _name_of_link(node):
            return False
        if node.kind not in _BARE or not self._agrees(row.metadata, status, *_place(node)):
            return False
        try:
            label = _label(node.xattrs())
        except OSError:
            return False
        if label is None or row.content != _NO_CONTENT % label:
            return False
        if node.kind != "directory":
            self._account_for(row, status)
        return True

    def _agrees(self, metadata: bytes, status: os.stat_result, handle: int, name: bytes) -> bool:
        """Tell whether a group says mode, owner and times, each as it is now, and nothing of what else is compared.

        It is canonical JSON of its schema: what stands in it does so in one spelling, and in the order of the names.
        """
        key = (status.st_mode, status.st_uid, status.st_gid)
        gid, mode, end = self._spelled.get(key) or self._spell(key)
        if (
            metadata.count(b"{") != 1  # neither holes nor attributes, nor times of another moment
            or gid not in metadata
            or b'%b%d"' % (mode, status.st_mtime_ns) not in metadata
            or not metadata.endswith(end)  # nor things that could not be read
        ):
            return False
        if _BORN not in metadata:
            return True
        found = self._extras(handle, name).btime_ns
        return found is None or b'%b%d"' % (_BORN, found) in metadata

    def _spell(self, key: tuple[int, int, int]) -> tuple[bytes, bytes, bytes]:
        """Return how a group says group, mode (up to the time that follows) and, at its end, owner."""
        if len(self._spelled) == _OWNERS:
            self._spelled.clear()
        mode, uid, gid = key
        said = (b',"gid":"%d",' % gid, b',"mode":"%d","mtime_ns":"' % stat.S_IMODE(mode), b',"uid":"%d"}' % uid)
        self._spelled[key] = said
        return said

    def _content_of(self, data: memoryview, label: bytes) -> bytes:
        """Return the group that a complete file of this content has. The names of digests come before `size`."""
        found = [digest(data).encode() for digest in self._digests]
        return self._content % (*found, b"%d" % len(data), label)

    def _account_for(self, row: SealedRow, status: os.stat_result) -> None:
        """Say what is linked: how that compares depends on other rows."""
        is_linked = _LINKED in row.metadata
        if is_linked or status.st_nlink > 1:
            group = row.metadata.partition(_LINKED)[2].partition(b'"')[0].decode() if is_linked else None
            file = (status.st_dev, status.st_ino) if status.st_nlink > 1 else None
            self._account.link(cut_text(f"{self._exhibit}:{display(row.path)}"), group, file)


_BARE = frozenset({"directory", "symlink", "fifo", "socket"})
"""Kinds without content."""


def _function(name: str) -> Callable[[memoryview], str]:
    if name == "blake3":
        return lambda data: blake3(data).hexdigest()
    if name == "sha256":
        return lambda data: hashlib.sha256(data).hexdigest()
    return lambda data: hashlib.new(name, data, usedforsecurity=False).hexdigest()


def _attributes_of(handle: int) -> list[str]:
    """Return the names of the attributes of an open file. Raises OSError."""
    if not hasattr(os, "listxattr"):
        return []
    try:
        return os.listxattr(handle)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return []
        raise


def _label(found: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    """Return the member that says attributes, empty where there are none; None unless it is one plain one."""
    if not found:
        return b""
    (name, value), *others = found
    if others or not name.startswith(CONTENT_XATTRS) or len(value) > _LONGEST_LABEL or not _is_plain(name):
        return None
    return _LABEL % (name, base64.b64encode(value))


def _name_of_link(node: Node) -> bytes | None:
    """Return the group `name` of a link, where its path and target stand there as they are."""
    if node.target is None or not _is_plain(node.target):
        return None
    return _TARGET % (node.path, node.target)


def _is_plain(text: bytes) -> bool:
    return text.translate(None, _NOT_PLAIN) == text


def _place(node: Node) -> tuple[int, bytes]:
    """Return a handle, and the name below it that is empty where the handle is the node's own."""
    return (node.handle, b"") if node.handle >= 0 else (node.parent, node.name)
