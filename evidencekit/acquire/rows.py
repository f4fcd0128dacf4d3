"""A row's bytes, built by hand: groups, commitments, leaf. Five times as fast as an encoder, and never trusted alone.

Promises: for every argument the bytes are those of `core.encoding.encode` on the same record, and the hashes those of
`core.digest` (held by tests/property/test_row_writer.py). Members stand in JCS order: their order here is the format's.
Source: specs/manifest.md sections 1 to 4, specs/encoding.md sections 1, 3 and 5.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from json.encoder import encode_basestring

from evidencekit.core.digest import SALT_SIZE
from evidencekit.core.records import (
    CONTENT_TYPE,
    MEDIA_TYPE_TYPE,
    METADATA_TYPE,
    NAME_TYPE,
    ROW_TYPE,
    derived_leaf_bytes,
)
from evidencekit.core.schema import MAX_ARRAY, MAX_STRING

StoreObject = Callable[[bytes], None]
"""Takes the bytes of a large value, to be kept in `objects/` under their SHA-256."""

_sha256 = hashlib.sha256
_sha512 = hashlib.sha512
_quote = encode_basestring  # the C one, where there is one
_SALTS = b"evidencekit/salts/1\0"
_NAME = b"evidencekit/group/1\0name\0"
_CONTENT = b"evidencekit/group/1\0content\0"
_METADATA = b"evidencekit/group/1\0metadata\0"
_OPINION = b"evidencekit/group/1\0opinion\0"
_SALT_BLOCK = 1024
# A template is filled in twice as fast as an f-string of as many members.
_PLAIN_CONTENT = f'{{"_t":"{CONTENT_TYPE}","blake3":"%s","sha256":"%s","size":"%d","state":"complete"}}'
_PLAIN_METADATA = (
    f'{{"_t":"{METADATA_TYPE}","atime_ns":"%d","btime_ns":"%d","ctime_ns":"%d","device":"%d","gid":"%d",%s"inode":"%d"'
    ',"mode":"%d","mtime_ns":"%d","nlink":"%d",%s"uid":"%d"}'
)
_LEAF = f'\0{{"_t":"{ROW_TYPE}","content":"%s","kind":"%s","metadata":"%s","name":"%s"}}'


class Salts:
    """Random row salts, asked for in blocks."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._block: list[bytes] = []

    def next(self) -> bytes:
        """Return a fresh salt of 16 bytes."""
        if not self._block:
            data = self._random(SALT_SIZE * _SALT_BLOCK)
            self._block = [data[at : at + SALT_SIZE] for at in range(0, len(data), SALT_SIZE)]
        return self._block.pop()


# --- hashes --------------------------------------------------------------------------------------------------


def row_leaf_hash(kind: str, salt: bytes, name: bytes, content: bytes, metadata: bytes) -> bytes:
    """Return the leaf hash of a row from its kind, its salt and the bytes of its groups."""
    h = _sha512(_SALTS + salt).digest()
    leaf = _LEAF % (
        _sha256(_CONTENT + h[16:32] + content).hexdigest(),
        kind,
        _sha256(_METADATA + h[32:48] + metadata).hexdigest(),
        _sha256(_NAME + h[:16] + name).hexdigest(),
    )
    return _sha256(leaf.encode()).digest()


def derived_leaf_hash(base_index: int, base_root: bytes, salt: bytes, opinion: bytes) -> bytes:
    """Return the leaf hash of a derived row."""
    h = _sha512(_SALTS + salt).digest()
    commitment = _sha256(_OPINION + h[:16] + opinion).digest()
    return _sha256(b"\0" + derived_leaf_bytes(base_index, base_root, commitment)).digest()


# --- groups --------------------------------------------------------------------------------------------------


def name_member(key: str, name: bytes) -> str:
    """Return `"key":"text"` or `"key_hex":"hex"`."""
    try:
        return f'"{key}":{_quote(name.decode())}'
    except UnicodeDecodeError:
        return f'"{key}_hex":"{name.hex()}"'


def name_group(path: bytes, target: bytes | None = None, stream: bytes | None = None) -> bytes:
    """Return the group `name`; no link has a stream."""
    more = "" if target is None else "," + name_member("target", target)
    if stream is not None:
        more = "," + name_member("stream", stream)
    return f'{{"_t":"{NAME_TYPE}",{name_member("path", path)}{more}}}'.encode()


def content_taken(state: str, size: int, digests: dict[str, bytes], xattrs: str = "") -> bytes:
    """Return the group `content` of a file that was read whole; `xattrs` is a rendered value, or nothing."""
    if len(digests) == 2:
        between = f'"sha256":"{digests["sha256"].hex()}"'
    else:
        between = ",".join(f'"{name}":"{digests[name].hex()}"' for name in sorted(digests) if name != "blake3")
    more = f',"xattrs":{xattrs}' if xattrs else ""
    return (
        f'{{"_t":"{CONTENT_TYPE}","blake3":"{digests["blake3"].hex()}",{between},"size":"{size}","state":"{state}"{more}}}'
    ).encode()


def content_plain(blake3: str, sha256: str, size: int) -> bytes:
    """Return the group `content` of a whole file with these digests (hex) alone: `content_taken`, but sooner."""
    return (_PLAIN_CONTENT % (blake3, sha256, size)).encode()


def content_none(state: str, size: int | None = None, *, reason: str = "", detail: str = "", xattrs: str = "") -> bytes:
    """Return the group `content` of what has no digests: folders, links, special files, and what was not taken."""
    words = f',"detail":{_quote(detail)}' if detail else ""
    why = f',"reason":"{reason}"' if reason else ""
    number = "null" if size is None else f'"{size}"'
    more = f',"xattrs":{xattrs}' if xattrs else ""
    return (
        f'{{"_t":"{CONTENT_TYPE}","blake3":null{words}{why},"sha256":null,"size":{number},"state":"{state}"{more}}}'
    ).encode()


def content_partial(
    size: int, digests: dict[str, bytes], unreadable: str, *, reason: str, detail: str = "", xattrs: str = ""
) -> bytes:
    """Return the group `content` of a file with unreadable ranges; the digests are over zeros in their places."""
    words = f',"detail":{_quote(detail)}' if detail else ""
    more = f',"xattrs":{xattrs}' if xattrs else ""
    return (
        f'{{"_t":"{CONTENT_TYPE}","blake3":null,"blake3_zero_filled":"{digests["blake3"].hex()}"{words}'
        f',"reason":"{reason}","sha256":null,"sha256_zero_filled":"{digests["sha256"].hex()}","size":"{size}"'
        f',"state":"partial","unreadable":{unreadable}{more}}}'
    ).encode()


def metadata_group(
    status: os.stat_result | None,
    *,
    names: tuple[str, str] = ("", ""),
    after: os.stat_result | None = None,
    attributes: Sequence[str] = (),
    btime_ns: int | None = None,
    device: bool = False,
    holes: str = "",
    unreadable: Sequence[str] = (),
    xattrs: str = "",
) -> bytes:
    """Return the group `metadata`.

    `names` are the rendered members of group and owner, each with its comma; `holes` and `xattrs` rendered values;
    `device` says that `st_rdev` means something; `unreadable` is sorted.
    """
    tail = f',"unreadable_metadata":[{",".join(map(_quote, unreadable))}]' if unreadable else ""
    if xattrs:
        tail += f',"xattrs":{xattrs}'
    late = (
        ""
        if after is None
        else f',"after":{{"ctime_ns":"{after.st_ctime_ns}","mtime_ns":"{after.st_mtime_ns}","size":"{after.st_size}"}}'
    )
    if status is None:
        return f'{{"_t":"{METADATA_TYPE}"{late}{tail}}}'.encode()
    group, owner = names
    flags = f'"attributes":[{",".join(map(_quote, attributes))}],' if attributes else ""
    birth = "" if btime_ns is None else f'"btime_ns":"{btime_ns}",'
    gaps = f'"holes":{holes},' if holes else ""
    number = f'"rdev":"{status.st_rdev}",' if device else ""
    return (
        f'{{"_t":"{METADATA_TYPE}"{late},"atime_ns":"{status.st_atime_ns}",{flags}{birth}"ctime_ns":"{status.st_ctime_ns}"'
        f',"device":"{status.st_dev}","gid":"{status.st_gid}",{group}{gaps}"inode":"{status.st_ino}"'
        f',"mode":"{status.st_mode & 0o7777}","mtime_ns":"{status.st_mtime_ns}","nlink":"{status.st_nlink}"'
        f',{owner}{number}"uid":"{status.st_uid}"{tail}}}'
    ).encode()


def metadata_plain(
    status: os.stat_result, group: str, owner: str, btime_ns: int | None, attributes: Sequence[str]
) -> bytes:
    """Return the group `metadata` of a file with nothing else to tell: `metadata_group`, but sooner."""
    if attributes or btime_ns is None:
        return metadata_group(status, names=(group, owner), attributes=attributes, btime_ns=btime_ns)
    return (_PLAIN_METADATA % (
        status.st_atime_ns, btime_ns, status.st_ctime_ns, status.st_dev, status.st_gid, group, status.st_ino,
        status.st_mode & 0o7777, status.st_mtime_ns, status.st_nlink, owner, status.st_uid,
    )).encode()  # fmt: skip


def with_link_group(metadata: bytes, number: int) -> bytes:
    """Return a group `metadata` with the number of its file among those that have several names.

    No string holds the mark: its quotes would be escaped.
    """
    return metadata.replace(b',"mode":"', b',"link_group":"%d","mode":"' % number, 1)


def opinion_group(media_type: str | None, charset: str | None, error: str | None) -> bytes:
    """Return the group `opinion` of a row of kind media-type."""
    return (
        f'{{"_t":"{MEDIA_TYPE_TYPE}","charset":{_nullable(charset)},"error":{_nullable(error)}'
        f',"media_type":{_nullable(media_type)}}}'
    ).encode()


def _nullable(text: str | None) -> str:
    return "null" if text is None else _quote(text)


# --- values that may be large ------------------------------------------------------------------------------------


def ranges_value(ranges: Sequence[tuple[int, int]], store_object: StoreObject) -> str:
    """Return `(offset, length)` ranges as a value of `holes` or `unreadable`."""
    return _array([f'{{"length":"{length}","offset":"{offset}"}}' for offset, length in ranges], store_object)


def xattrs_value(xattrs: Iterable[tuple[bytes, bytes]], store_object: StoreObject) -> str:
    """Return attributes, sorted by name, as a value of `xattrs`."""
    return _array(
        [f'{{{name_member("name", name)},"value":{_base64(value, store_object)}}}' for name, value in xattrs],
        store_object,
    )


def _base64(value: bytes, store_object: StoreObject) -> str:
    text = base64.b64encode(value)
    return _large(text, 1, store_object) if len(text) > MAX_STRING else f'"{text.decode()}"'


def _array(members: list[str], store_object: StoreObject) -> str:
    text = f"[{','.join(members)}]"
    return _large(text.encode(), len(members), store_object) if len(members) > MAX_ARRAY else text


def _large(data: bytes, count: int, store_object: StoreObject) -> str:
    """Put a value aside and return what stands for it: specs/encoding.md section 3."""
    store_object(data)
    return f'{{"bytes":"{len(data)}","count":"{count}","sha256":"{_sha256(data).hexdigest()}"}}'
