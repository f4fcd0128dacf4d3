"""A row as it is taken: before it has a salt, a link group and a place; which of two rows of one name counts.

Source: specs/manifest.md sections 2 to 6, decisions/0006.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from evidencekit.acquire.rows import content_none, metadata_group, name_group

_RANK = {"complete": 3, "changed": 2, "partial": 1}


class Entry(NamedTuple):
    """A row before it has a salt, a link group and a place."""

    path: bytes
    stream: bytes
    kind: str
    name: bytes
    content: bytes
    metadata: bytes
    size: int | None
    state: str
    sha256: bytes | None
    mtime_ns: int | None
    """None where it does not fit 64 bits."""
    reason: str = ""
    """Why it was not wholly taken: one of `records.REASONS`, or nothing."""
    copied: bytes | None = None
    """The SHA-256 under which a copy of the content lies, if copies are made."""
    stamp: bytes | None = None
    """What the file was when it was read; as long as it is that, it need not be read again."""
    link: bytes = b""
    """`device inode names` of a file that has several names."""
    large: bytes = b""
    """The SHA-256 of each large value, one after the other."""
    lost: int = 0
    """Bytes that could not be read."""
    gone: int = 0
    """1 for what was taken before an interruption and was not in the source after it."""

    @property
    def rank(self) -> tuple[int, int]:
        """Of two rows of one name and kind the greater says more."""
        return _RANK.get(self.state, 0), -self.lost


def sort_key(path: bytes, stream: bytes = b"") -> bytes:
    """Return what sorts as specs/manifest.md section 6 says: no component holds a zero byte, and zero sorts first."""
    return path.replace(b"/", b"\0") + (b"\0\0" + stream if stream else b"")


def newer(old: Entry, new: Entry) -> Entry:
    """Return the newer of two rows of one name, or the older one where the newer could not even look."""
    if new.kind != "unknown" or old.kind == "unknown":
        return new
    if old.kind != "directory":
        return old
    # What is in it was taken, and stays; but that there is no more of it nobody can say.
    state = "vanished" if new.state == "vanished" else "not_listed"
    metadata = new.metadata if old.state == "changed" else old.metadata
    content = content_none(state, reason=new.reason)
    return old._replace(content=content, metadata=metadata, state=state, reason=new.reason, stamp=None)


def gone(earlier: Entry, *, has_objects: bool) -> Entry:
    """Return the row of what was taken before an interruption and is not in the source any more.

    A file stays as it was read, if all objects that its row names are still there; of a folder nobody knows whether all
    that was in it had been taken. Names of one file are not put together over an interruption.
    """
    if earlier.kind != "directory" and has_objects:
        return earlier._replace(gone=1, link=b"")
    size = None if earlier.kind == "directory" else earlier.size
    return earlier._replace(
        name=name_group(earlier.path, stream=earlier.stream or None),
        content=content_none("vanished", size, reason="not_found"),
        metadata=metadata_group(None),
        size=size, state="vanished", sha256=None, mtime_ns=None, reason="not_found",
        copied=None, stamp=None, link=b"", large=b"", lost=0, gone=1,
    )  # fmt: skip


def stamp_of(status: os.stat_result, device: int, *, stable_inode: bool) -> bytes:
    """Return what tells a changed file from one that is as it was, over restarts of the system, too.

    `device` is the number of the source's own, which may be another after a restart: so are inodes, where they are not
    `stable_inode`.
    """
    inode = status.st_ino if stable_inode else 0
    other = 0 if status.st_dev == device else status.st_dev
    return b"%d %d %d %d %d" % (other, inode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def link_of(status: os.stat_result, device: int) -> bytes:
    """Return what is the same for all names of one file, and how many there are; nothing where it has one name."""
    if status.st_nlink < 2:
        return b""
    return b"%d %d %d" % (0 if status.st_dev == device else status.st_dev, status.st_ino, status.st_nlink)
