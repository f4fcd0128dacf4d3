"""The facts of an entry beside its content: owners, holes, birth time, attributes; the group `metadata`.

Promises: nothing that could not be read stops a row; it is named in `unreadable_metadata` instead.
Source: specs/manifest.md section 4; names of large things: specs/encoding.md section 3.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from evidencekit.acquire.rows import StoreObject, metadata_group, name_member, ranges_value, xattrs_value
from evidencekit.core.encoding import GROUP
from evidencekit.core.records import CONTENT_XATTRS
from evidencekit.read.extents import Extras, extras_reader, holes
from evidencekit.read.node import Node

_MAX_CACHED = 65_536
_BLOCK = 512
_LINK_GROUP = 64
"""Bytes that are kept free for the number of a link group, which is known when all rows are."""
_NO_EXTRAS = Extras()
_DEVICES = frozenset({"char_device", "block_device"})


class Owners:
    """Names of owners and groups, each asked for once, rendered as members."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[str, str]] = {}

    def members(self, uid: int, gid: int) -> tuple[str, str]:
        """Return the members of group and owner, each with its comma; empty where the system knows no name."""
        known = self._known.get((uid, gid))
        if known is None:
            if len(self._known) >= _MAX_CACHED:  # a hostile medium has as many owners as it likes
                self._known.clear()
            group, owner = _group_name(gid), _owner_name(uid)
            known = (
                name_member("group", os.fsencode(group)) + "," if group else "",
                name_member("owner", os.fsencode(owner)) + "," if owner else "",
            )
            self._known[uid, gid] = known
        return known


def _owner_name(uid: int) -> str:
    if sys.platform == "win32":
        return ""
    import pwd  # noqa: PLC0415 (POSIX only)

    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OSError):
        return ""


def _group_name(gid: int) -> str:
    if sys.platform == "win32":
        return ""
    import grp  # noqa: PLC0415 (POSIX only)

    try:
        return grp.getgrgid(gid).gr_name
    except (KeyError, OSError):
        return ""


class Facts:
    """Renders `metadata`, and the attributes that belong to `content`, for one entry after the other."""

    def __init__(self, store_object: StoreObject) -> None:
        self._store_object = store_object
        self.owners = Owners()
        self.extras: Callable[[int, bytes], Extras] = extras_reader()

    def of(
        self,
        node: Node,
        status: os.stat_result | None,
        *,
        handle: int = -1,
        after: os.stat_result | None = None,
        named: bool = True,
    ) -> tuple[bytes, str]:
        """Return the group `metadata`, and the rendered `xattrs` of the group `content`.

        `handle` is open on the entry, if anything is; `named` says that its name still leads to it; `after` makes it
        `changed`.
        """
        if status is None:
            return metadata_group(None, unreadable=("status",) if named else ()), ""
        unreadable: set[str] = set()
        own = handle if handle >= 0 else node.handle
        content_xattrs = xattrs = ""
        gaps: list[tuple[int, int]] = []
        extras = _NO_EXTRAS
        if own >= 0 or named:
            extras = self.extras(own, b"") if own >= 0 else self.extras(node.parent, node.name)
            try:
                found = node.xattrs(own)
            except OSError:
                found = []
                unreadable.add("xattrs")
            if found:
                content_xattrs = self._render([pair for pair in found if pair[0].startswith(CONTENT_XATTRS)])
                xattrs = self._render([pair for pair in found if not pair[0].startswith(CONTENT_XATTRS)])
        if handle >= 0 and status.st_blocks * _BLOCK < status.st_size:
            try:
                gaps = holes(handle, status.st_size)
            except OSError:
                unreadable.add("holes")
        try:
            node.streams()
        except OSError:
            unreadable.add("streams")
        names = self.owners.members(status.st_uid, status.st_gid)
        gaps_value = ranges_value(gaps, self._store_object) if gaps else ""
        while True:
            data = metadata_group(
                status,
                names=names,
                after=after,
                attributes=extras.attributes,
                btime_ns=extras.btime_ns,
                device=node.kind in _DEVICES,
                holes=gaps_value,
                unreadable=sorted(unreadable),
                xattrs=xattrs,
            )
            if len(data) <= GROUP.size - _LINK_GROUP and len(content_xattrs) <= GROUP.size // 2:
                return data, content_xattrs
            # Hundreds of attributes, each just too small to be a large value: named as not taken, rather than no row.
            xattrs = content_xattrs = ""
            unreadable.add("xattrs")

    def _render(self, pairs: list[tuple[bytes, bytes]]) -> str:
        return xattrs_value(pairs, self._store_object) if pairs else ""
