"""Step 14, one row: what was sealed against what stands in the source now.

Never compared: atime, ctime, inode, device. Source: specs/verification.md section 1 step 14.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Sequence
from typing import Any

from evidencekit.core.encoding import GROUP, encode
from evidencekit.core.records import CONTENT_XATTRS
from evidencekit.core.schema import MAX_ARRAY, MAX_STRING
from evidencekit.core.values import name_member, read_name, short
from evidencekit.read.evidence import Reader, Reading
from evidencekit.read.extents import extras_reader, holes
from evidencekit.read.problem import Problem
from evidencekit.read.tree import Node
from evidencekit.verify.account import Account
from evidencekit.verify.findings import cut_text


class Compare:
    """Compares the rows of one exhibit, one after the other."""

    def __init__(self, account: Account, digests: Sequence[str], *, as_copy: bool) -> None:
        """Take who hears, and the digests that the acquisition made; `as_copy`: owner, mode and mtime only warn."""
        self._account = account
        self._as_copy = as_copy
        self._digests = digests
        self._reader = Reader(digests)
        self._extras = extras_reader()

    def row(
        self,
        kind: str,
        name: dict[str, Any],
        content: dict[str, Any],
        metadata: dict[str, Any],
        node: Node,
        where: str,
    ) -> bool:
        """Compare one row with the node of its name; tell whether all of it could be looked at."""
        status = node.status
        if status is None:
            self._unreadable(where, node.problem)
            return False
        if node.kind != kind:
            self._differs(where, f"kind {kind}", f"kind {node.kind}")
            return True
        whole = True
        handle = -1
        device = kind == "block_device" and content["sha256"] is not None  # the source itself
        if kind == "file" or device:
            opened = node.open()
            if isinstance(opened, Problem):
                self._unreadable(where, opened)
                return False
            handle = opened
        try:
            if handle >= 0:
                status = os.fstat(handle)
                whole = self._content(where, handle, content)
                if device:  # its name, owner and times are those of the computer that it hangs on
                    return whole
            elif node.problem is not None and not (kind == "directory" and node.pruned):
                self._unreadable(where, node.problem)
                whole = False
            elif kind == "symlink" and node.target is not None and read_name(name, "target") != node.target:
                expected, found = read_name(name, "target"), node.target
                self._differs(where, f"target {short(expected)}", f"target {short(found)}")
            self._status(where, status, metadata)
            self._link(where, status, kind, metadata)
            return self._attributes(where, node, handle, content, metadata) and whole
        finally:
            if handle >= 0:
                os.close(handle)

    def _content(self, where: str, handle: int, content: dict[str, Any]) -> bool:
        try:
            reading = self._reader.read(handle, self._account.read)
        except OSError as error:
            self._account.skip("unreadable", where, f"cannot be read: {error.strerror}")
            return False
        if reading.problem is not None:
            self._unreadable(where, reading.problem)
            return False
        self._account.did("source_files")
        if str(reading.size) != content["size"]:
            self._differs(where, f"size {content['size']}", f"size {reading.size}")
        self._compare_digests(where, reading, content)
        return True

    def _compare_digests(self, where: str, reading: Reading, content: dict[str, Any]) -> None:
        """One finding for a content that differs; the digest that says so stands in it."""
        for name in ("sha256", *sorted(set(self._digests) - {"sha256"})):
            found = reading.digests[name].hex()
            if name in content and content[name] != found:
                self._account.find("E201", where, f"{name} {content[name]}", f"{name} {found}", of_evidence=True)
                return

    def _status(self, where: str, status: os.stat_result, metadata: dict[str, Any]) -> None:
        """Mode, owner, mtime: what the row does not say was not known then."""
        mode = stat.S_IMODE(status.st_mode)
        pairs = (
            ("mode", mode, f"0{mode:o}", lambda text: f"0{int(text):o}"),
            ("uid", status.st_uid, str(status.st_uid), str),
            ("gid", status.st_gid, str(status.st_gid), str),
            ("mtime_ns", status.st_mtime_ns, str(status.st_mtime_ns), str),
        )
        for name, value, found, show in pairs:
            if name in metadata and metadata[name] != str(value):
                self._differs(where, f"{name} {show(metadata[name])}", f"{name} {found}", copying=True)

    def _link(self, where: str, status: os.stat_result, kind: str, metadata: dict[str, Any]) -> None:
        if kind == "directory":
            return
        group = metadata.get("link_group")
        file = (status.st_dev, status.st_ino) if status.st_nlink > 1 else None
        if group is not None or file is not None:
            self._account.link(cut_text(where), group, file)

    def _attributes(
        self, where: str, node: Node, handle: int, content: dict[str, Any], metadata: dict[str, Any]
    ) -> bool:
        """Extended attributes; birth time and holes, which only warn."""
        unknown = metadata.get("unreadable_metadata", [])
        whole = True
        if "xattrs" not in unknown:
            try:
                found = node.xattrs(handle)
            except OSError as error:
                self._account.skip("unreadable", where, f"attributes cannot be read: {error.strerror}")
                whole = False
            else:
                self._compare_xattrs(where, found, content, metadata)
        own = handle if handle >= 0 else node.handle
        extras = self._extras(own, b"") if own >= 0 else self._extras(node.parent, node.name)
        if "btime_ns" in metadata and extras.btime_ns is not None and metadata["btime_ns"] != str(extras.btime_ns):
            self._minor(where, f"btime_ns {metadata['btime_ns']}", f"btime_ns {extras.btime_ns}")
        if handle >= 0 and "holes" not in unknown:
            self._compare_holes(where, handle, metadata)
        return whole

    def _compare_xattrs(
        self, where: str, found: list[tuple[bytes, bytes]], content: dict[str, Any], metadata: dict[str, Any]
    ) -> None:
        for group, record in (("content", content), ("metadata", metadata)):
            of_group = [pair for pair in found if pair[0].startswith(CONTENT_XATTRS) == (group == "content")]
            now = _rendered(of_group)
            sealed = record.get("xattrs")
            if now != sealed:
                self._differs(where, f"attributes {_named(sealed)}", f"attributes {_named(now)}")

    def _compare_holes(self, where: str, handle: int, metadata: dict[str, Any]) -> None:
        size = os.fstat(handle).st_size
        try:
            now = holes(handle, size) if os.fstat(handle).st_blocks * 512 < size else []
        except OSError:
            return
        members = [{"length": str(length), "offset": str(offset)} for offset, length in now]
        rendered = members if len(members) <= MAX_ARRAY else _large(_canonical(members), len(members))
        if (rendered or None) != metadata.get("holes"):
            self._minor(where, f"holes {_counted(metadata.get('holes'))}", f"holes {_counted(rendered)}")

    def _differs(self, where: str, expected: str, found: str, *, copying: bool = False) -> None:
        code = "W906" if copying and self._as_copy else "E507"
        self._account.find(code, where, expected, found)

    def _minor(self, where: str, expected: str, found: str) -> None:
        self._account.find("W906", where, expected, found)

    def _unreadable(self, where: str, problem: Problem | None) -> None:
        reason = "cannot be looked at" if problem is None else f"{problem.reason}: {problem.detail}"
        self._account.skip("unreadable", where, reason)


def _rendered(found: list[tuple[bytes, bytes]]) -> Any:
    """Return attributes as a row would say them: None, an array, or a large value (specs/encoding.md section 3)."""
    members = []
    for name, value in sorted(found):
        text = base64.b64encode(value)
        shown: Any = text.decode() if len(text) <= MAX_STRING else _large(text, 1)
        members.append({**name_member("name", name), "value": shown})
    if len(members) > MAX_ARRAY:
        return _large(_canonical(members), len(members))
    return members or None


def _canonical(members: list[Any]) -> bytes:
    """Return the canonical JSON of an array: the encoder takes records only."""
    return encode({"a": members}, GROUP._replace(size=1 << 30))[5:-1]


def _large(data: bytes, count: int) -> dict[str, str]:
    return {"bytes": str(len(data)), "count": str(count), "sha256": hashlib.sha256(data).hexdigest()}


def _named(xattrs: Any) -> str:
    if xattrs is None:
        return "none"
    if isinstance(xattrs, dict):
        return f"{xattrs['count']} with SHA-256 {xattrs['sha256']}"
    return ", ".join(f"{short(read_name(item, 'name'))} = {short(item['value'])}" for item in xattrs)[:500]


def _counted(ranges: Any) -> str:
    if not ranges:
        return "none"
    return (
        str(ranges["count"])
        if isinstance(ranges, dict)
        else ", ".join(f"{item['length']} at {item['offset']}" for item in ranges[:8])
    )
