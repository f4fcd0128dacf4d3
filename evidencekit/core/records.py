"""The records of a case and of its manifests: case file, header, row groups, leaves. Opinions: `opinions.py`.

Source: specs/store.md section 2, specs/manifest.md.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core.rules import (
    check_digests,
    check_mode,
    check_names,
    check_not_zero,
    check_opening,
    check_ranges,
    check_xattr_group,
    check_xattrs,
    ruled,
)
from evidencekit.core.schema import (
    BOOL,
    COUNT,
    EXHIBIT,
    MOMENT,
    SIGNED,
    TEXT,
    Form,
    Record,
    array,
    array_or_large,
    base64_bytes,
    hexadecimal,
    mapping,
    nullable,
    one_of,
    text_or_large,
)
from evidencekit.core.values import short
from evidencekit.errors import FormatError

KINDS = ("file", "directory", "symlink", "fifo", "socket", "char_device", "block_device", "unknown")
STATES = ("complete", "changed", "partial", "not_read", "not_listed", "vanished")
REASONS = (
    *("excluded", "permission_denied", "io_error", "not_found", "too_long"),
    *("too_large", "unsupported", "interrupted", "changed_kind", "other"),
)
EXTRA_DIGESTS = {"md5": 16, "sha1": 20, "sha512": 64, "sha3_256": 32}
"""Digests on request, with their sizes in bytes."""
CONTENT_XATTRS = (b"security.", b"user.checksum", b"user.shatag", b"user.hash")
"""Attributes that can give away the content: they stand in the group `content`."""

CASE_TYPE = "evidencekit/case/1"
MANIFEST_TYPE = "evidencekit/manifest/1"
DERIVED_TYPE = "evidencekit/derived/1"
NAME_TYPE = "evidencekit/name/1"
CONTENT_TYPE = "evidencekit/content/1"
METADATA_TYPE = "evidencekit/metadata/1"
MEDIA_TYPE_TYPE = "evidencekit/media-type/1"
MATCH_TYPE = "evidencekit/match/1"
ROW_TYPE = "evidencekit/row/1"
DERIVED_ROW_TYPE = "evidencekit/derived-row/1"

CASE_IDENTITY = base64_bytes(16)
PROGRAM = Record(None, required={"name": TEXT, "parts": mapping(TEXT), "version": TEXT}).form("program")

OPENING = {
    "agency": TEXT,
    "created_at": MOMENT,
    "log_keys": array(TEXT, least=2, distinct=True),
    "origin": TEXT,
    "reference": TEXT,
}
"""What the case file and event 0 both say."""
CASE = Record(CASE_TYPE, required={**OPENING, "case": CASE_IDENTITY}, rules=(check_opening,))


# --- groups of a row -----------------------------------------------------------------------------------------


_RANGE = Record(None, required={"length": COUNT, "offset": COUNT}).form("range")
RANGES = array_or_large(ruled(array(_RANGE, least=1), check_ranges))
_XATTR = Record(None, required={"value": text_or_large(base64_bytes())}, names=frozenset({"name"})).form("attribute")
XATTRS = array_or_large(ruled(array(_XATTR, least=1), check_xattrs))
DIGESTS = ruled(array(one_of("blake3", "sha256", *EXTRA_DIGESTS), least=2, ascending=True), check_digests)
"""Names of the digests that were taken."""

NAME = Record(
    NAME_TYPE,
    names=frozenset({"path"}),
    optional_names=frozenset({"stream", "target", "original"}),
    rules=(check_names,),
)
CONTENT = Record(
    CONTENT_TYPE,
    required={
        "blake3": nullable(hexadecimal()),
        "sha256": nullable(hexadecimal()),
        "size": nullable(COUNT),
        "state": one_of(*STATES),
    },
    optional={
        **{name: hexadecimal(size) for name, size in EXTRA_DIGESTS.items()},
        "blake3_zero_filled": hexadecimal(),
        "detail": text_or_large(TEXT),
        "reason": one_of(*REASONS),
        "sha256_zero_filled": hexadecimal(),
        "unreadable": RANGES,
        "xattrs": XATTRS,
    },
    rules=(check_xattr_group(CONTENT_XATTRS, of_content=True),),
)
METADATA = Record(
    METADATA_TYPE,
    optional={
        "after": Record(None, required={"ctime_ns": SIGNED, "mtime_ns": SIGNED, "size": COUNT}).form("stat"),
        "atime_ns": SIGNED,
        "attributes": array(TEXT, least=1, ascending=True),
        "btime_ns": SIGNED,
        "ctime_ns": SIGNED,
        "device": COUNT,
        "gid": COUNT,
        "holes": RANGES,
        "inode": COUNT,
        "link_group": ruled(COUNT, check_not_zero),
        "mode": ruled(COUNT, check_mode),
        "mtime_ns": SIGNED,
        "nlink": COUNT,
        "rdev": COUNT,
        "uid": COUNT,
        "unreadable_metadata": array(TEXT, least=1, ascending=True),
        "xattrs": XATTRS,
    },
    optional_names=frozenset({"owner", "group"}),
    rules=(check_xattr_group(CONTENT_XATTRS, of_content=False),),
)


ROW = Record(
    ROW_TYPE,
    required={
        "content": hexadecimal(),
        "kind": one_of(*KINDS),
        "metadata": hexadecimal(),
        "name": hexadecimal(),
    },
)
"""The leaf of a manifest's tree; `leaf_bytes` writes it."""
DERIVED_ROW = Record(
    DERIVED_ROW_TYPE,
    required={"base_index": COUNT, "base_root": hexadecimal(), "opinion": hexadecimal()},
)
"""The leaf of a derived manifest's tree; `derived_leaf_bytes` writes it."""


def check_row(kind: str, name: dict[str, Any], content: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Raise FormatError unless the groups fit the kind and the state (groups already of their schemas).

    Source: specs/manifest.md sections 2 to 5.
    """
    if kind not in KINDS:
        raise FormatError("kind", expected="one of " + " ".join(KINDS), found=short(kind))
    state = content["state"]
    # a block device is read like a file where it is the source itself, and never opened inside one
    is_read = kind == "file" or (kind == "block_device" and name.get("path") == "")
    if state in _FORBIDDEN.get("file" if is_read else kind, _FORBIDDEN_OTHERS):
        raise FormatError("content.state", expected=f"a state that a {kind} can have", found=state)
    taken = state in {"complete", "changed"}
    has_bytes = is_read and taken
    if (content["sha256"] is not None) != has_bytes or (content["blake3"] is not None) != has_bytes:
        raise FormatError(
            "content.sha256",
            expected=f"digests just where a file was taken whole ({state})",
            found="otherwise",
        )
    if (content["size"] is None) == is_read and (not is_read or taken or state == "partial"):
        raise FormatError("content.size", expected="a size just for what is read", found=short(content["size"]))
    if not has_bytes and not EXTRA_DIGESTS.keys().isdisjoint(content):
        raise FormatError("content", expected="no digests without content", found="digests")
    for member in ("sha256_zero_filled", "blake3_zero_filled", "unreadable"):
        if (member in content) != (state == "partial"):
            raise FormatError(f"content.{member}", expected="just with state partial", found=state)
    if ("reason" in content) == taken:
        raise FormatError("content.reason", expected="a reason just where something was not taken", found=state)
    if content.get("reason") == "excluded" and state not in {"not_read", "not_listed"}:
        raise FormatError("content.reason", expected="excluded just with not_read and not_listed", found=state)
    if "detail" in content and taken:
        raise FormatError("content.detail", expected="nothing without a reason", found="text")
    has_target = "target" in name or "target_hex" in name
    if has_target != (kind == "symlink" and taken):
        raise FormatError("name.target", expected="a target just for links that were read", found=kind)
    if ("after" in metadata) != (state == "changed"):
        raise FormatError("metadata.after", expected="both stats just with state changed", found=state)
    if "rdev" in metadata and kind not in {"char_device", "block_device"}:
        raise FormatError("metadata.rdev", expected="just for devices", found=kind)


_FORBIDDEN = {
    "file": frozenset({"not_listed"}),
    "directory": frozenset({"partial", "not_read"}),
    "symlink": frozenset({"partial", "not_listed"}),
}
_FORBIDDEN_OTHERS = frozenset({"changed", "partial", "not_listed"})


def leaf_bytes(kind: str, name: bytes, content: bytes, metadata: bytes) -> bytes:
    """Return a row's leaf from its kind and three 32-byte commitments: the canonical record, built by hand."""
    return (
        f'{{"_t":"{ROW_TYPE}","content":"{content.hex()}","kind":"{kind}"'
        f',"metadata":"{metadata.hex()}","name":"{name.hex()}"}}'
    ).encode()


def derived_leaf_bytes(base_index: int, base_root: bytes, opinion: bytes) -> bytes:
    """Return a derived row's leaf from its base row and one 32-byte commitment."""
    return (
        f'{{"_t":"{DERIVED_ROW_TYPE}","base_index":"{base_index}","base_root":"{base_root.hex()}"'
        f',"opinion":"{opinion.hex()}"}}'
    ).encode()


def sort_key(path: bytes, stream: bytes) -> tuple[list[bytes], bytes]:
    """Return the key that orders rows: components as raw bytes, then the stream's name."""
    return (path.split(b"/") if path else [], stream)


# --- headers ---------------------------------------------------------------------------------------------------


def _exactly(names: tuple[str, ...]) -> Form:
    return Record(None, required=dict.fromkeys(names, COUNT)).form("counts")


MOUNT = Record(None, required={"device": TEXT, "fs_type": TEXT, "options": TEXT}).form("mount")
SOURCE = Record(
    None,
    required={
        "atime": one_of("untouched", "may_change", "read_only_mount"),
        "host": nullable(TEXT),
        "kind": one_of(*KINDS),
        "mount": nullable(MOUNT),
    },
    optional={"read_only": BOOL},
    names=frozenset({"path"}),
).form("source")
INTERRUPTIONS = Record(
    None,
    required={
        "resumed_at": array(MOMENT, least=1),
        "rows_gone": COUNT,
        "rows_kept": COUNT,
        "rows_taken_again": COUNT,
    },
).form("interruptions")
"""When the acquisition was taken up again, and what became of the rows taken before the last of these times."""
MANIFEST = Record(
    MANIFEST_TYPE,
    required={
        "case": CASE_IDENTITY,
        "digests": DIGESTS,
        "exhibit": EXHIBIT,
        "finished_at": MOMENT,
        "name_encoding": one_of("posix", "wtf-8"),
        "options": Record(
            None,
            required={"exclude": array(TEXT), "include": array(TEXT), "sensitive": BOOL},
            optional={"copies": BOOL},
        ).form("options"),
        "order": one_of("path", "shuffled"),
        "program": PROGRAM,
        "source": SOURCE,
        "started_at": MOMENT,
        "totals": Record(
            None,
            required={"bytes": COUNT, "kinds": _exactly(KINDS), "rows": COUNT, "states": _exactly(STATES)},
        ).form("totals"),
    },
    optional={"interruptions": INTERRUPTIONS},
)
