"""Step 9, one row: are its three groups in their only form, and do they fit together?

Most rows are plain: for those one pattern a group decides, and it accepts nothing that the general way (decode, schema,
`check_row`) would refuse. Whatever the patterns do not accept goes the general way, so the answer is always its.
A property test holds the two together. Source: specs/manifest.md sections 2 to 5, specs/encoding.md.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from evidencekit.core import encoding
from evidencekit.core.encoding import GROUP
from evidencekit.core.records import CONTENT, EXTRA_DIGESTS, KINDS, METADATA, NAME, check_row
from evidencekit.core.schema import Record
from evidencekit.core.values import check_wtf8, parse_count, read_name
from evidencekit.errors import FormatError

_INT64 = 2**63 - 1
_LONGEST_NAME = 65_536
_TEXT = rb'[^"\\\x00-\x1f]*'
_COUNT = rb"(?:0|[1-9][0-9]{0,18})"  # shorter than the form allows: what is longer goes the general way
_SIGNED = rb"(?:0|-?[1-9][0-9]{0,18})"
_PLAIN_NAME = re.compile(rb'\{"_t":"evidencekit/name/1","path":"(%b)"(,"target":"%b")?\}' % (_TEXT, _TEXT))
_NOT_PLAIN = bytes(range(32)) + b'"\\'
_BAD_COMPONENT = re.compile(rb"(?:^|/)\.{0,2}(?:/|\Z)")
# One attribute of the system, as SELinux sets on every file; its value is looked at besides.
_LABEL = rb'(?:,"xattrs":\[\{"name":"security\.[!#-\[\]-~]{1,200}","value":"([A-Za-z0-9+/]{0,4094}={0,2})"\}\])?'
_NO_CONTENT = re.compile(
    rb'\{"_t":"evidencekit/content/1","blake3":null,"sha256":null,"size":null,"state":"complete"%b\}' % _LABEL
)
_WHOLE = {name: b"[0-9a-f]{%d}" % (2 * size) for name, size in (EXTRA_DIGESTS | {"blake3": 32, "sha256": 32}).items()}
_CONTENT = re.compile(
    rb'\{"_t":"evidencekit/content/1",%b"size":"%b","state":"complete"%b\}'
    % (
        b"".join(
            (b'(?:"%b":"%b",)?' if name in EXTRA_DIGESTS else b'"%b":"%b",') % (name.encode(), form)
            for name, form in sorted(_WHOLE.items())
        ),
        _COUNT,
        _LABEL,
    )
)
# Devices go the general way: one that is the source itself is read like a file.
_OTHER_KINDS = frozenset(KINDS) - {"file", "char_device", "block_device"}


def metadata_pattern(captured: frozenset[str]) -> re.Pattern[bytes]:
    """Return a pattern of plain metadata in its only form; the members captured stand in the order of their names."""
    forms = dict.fromkeys(("device", "gid", "inode", "nlink", "uid"), _COUNT)
    forms |= {"link_group": rb"[1-9][0-9]{0,17}", "mode": rb"(?:0|[1-9][0-9]{0,2}|[1-3][0-9]{3})"}
    forms |= dict.fromkeys(("atime_ns", "btime_ns", "ctime_ns", "mtime_ns"), _SIGNED)
    forms |= dict.fromkeys(("group", "owner"), rb"[ !#-\[\]-~]{0,256}")
    members = b"".join(
        b'(?:,"%b":"%b")?' % (name.encode(), b"(%b)" % form if name in captured else form)
        for name, form in sorted(forms.items())
    )
    return re.compile(rb'\{"_t":"evidencekit/metadata/1"%b\}' % members)


_PLAIN_METADATA = metadata_pattern(frozenset({"link_group", "mtime_ns"}))
_HEAD, _END = b'{"_t":"evidencekit/name/1","path":"', b'"}'


class View(NamedTuple):
    """What the view columns of a row have to say."""

    path: bytes
    size: int | None
    state: str
    sha256: bytes | None
    mtime_ns: int | None


class Parsed(NamedTuple):
    """A row whose groups are in order."""

    view: View
    link_group: int | None
    stream: bytes
    large: list[dict[str, Any]]
    """Large values, whose content lies in `objects/`."""
    copy: tuple[str, int] | None
    """SHA-256 (hex) under which a copy of the content may lie in `objects/`, and its size."""
    excluded: bool = False
    """Left out because of a glob."""


class Groups:
    """Reads the groups of the rows of one manifest."""

    def __init__(self, digests: Iterable[str] | None, name_encoding: str) -> None:
        """Take what the header says: the digests of each file (None: nobody knows), and what names are made of."""
        self._any = digests is None
        self._extra = frozenset(digests or ()) & EXTRA_DIGESTS.keys()
        self._wtf8 = name_encoding == "wtf-8"
        members = {name: b"[0-9a-f]{%d}" % (2 * EXTRA_DIGESTS[name]) for name in self._extra}
        members |= {"blake3": b"[0-9a-f]{64}", "sha256": b"([0-9a-f]{64})", "size": b"(%b)" % _COUNT}
        text = b",".join(b'"%b":"%b"' % (name.encode(), form) for name, form in sorted(members.items()))
        self._plain_content = re.compile(rb'\{"_t":"evidencekit/content/1",%b,"state":"complete"%b\}' % (text, _LABEL))

    def read(self, kind: str, name: bytes, content: bytes, metadata: bytes) -> Parsed:
        """Return what a row says.

        Raises:
            FormatError: a group is not in its only form, over a limit (code F102), or contradicts another.
        """
        parsed = None if self._wtf8 else self._plain(kind, name, content, metadata)
        return parsed or self._general(kind, name, content, metadata)

    def plain_file(
        self,
        groups: tuple[bytes, bytes, bytes],
        view: tuple[bytes, int | None, bytes | None, int | None],
    ) -> re.Match[bytes] | None:
        """Return a match, its first member the link group, where a complete file is plain and its view columns agree.

        `groups` are name, content and metadata; `view` is path, size, SHA-256 and mtime as the columns say. Of two rows
        that `read` finds in order and equal to their columns, this may know one; of any other it knows none.
        """
        name, content, metadata = groups
        path, size, digest, mtime = view
        about = _PLAIN_METADATA.fullmatch(metadata)
        taken = self._plain_content.fullmatch(content)
        if about is None or taken is None or digest is None or self._wtf8:
            return None
        sealed, stated, label = taken.groups()
        said = about[2]
        if (
            name == _HEAD + path + _END
            and _is_plain_path(path)
            and sealed == digest.hex().encode()
            and size == int(stated)
            and (mtime is None if said is None else mtime == int(said))
            and _is_base64(label)
            and len(name) <= _LONGEST_NAME
        ):
            return about
        return None

    def _plain(self, kind: str, name: bytes, content: bytes, metadata: bytes) -> Parsed | None:
        """Return what a plain row says: a whole file, folder, link or special file with plain metadata."""
        named = _plain_name(name)
        about = None if named is None else _PLAIN_METADATA.fullmatch(metadata)
        if named is None or about is None:
            return None
        size = sha256 = copy = None
        if kind == "file":
            taken = self._plain_content.fullmatch(content)
            if taken is None or named[2] is not None or not _is_base64(taken[3]):
                return None
            digest, size = taken[1].decode(), int(taken[2])
            sha256, copy = bytes.fromhex(digest), (digest, size)
        else:
            bare = _NO_CONTENT.fullmatch(content)
            if bare is None or kind not in _OTHER_KINDS or (named[2] is None) == (kind == "symlink"):
                return None
            if not _is_base64(bare[1]):
                return None
        link_group, mtime = about[1], None if about[2] is None else int(about[2])
        view = View(named[1], size, "complete", sha256, mtime)
        if (size is not None and size > _INT64) or (mtime is not None and not -_INT64 <= mtime <= _INT64):
            return None
        return Parsed(view, None if link_group is None else int(link_group), b"", [], copy)

    def _general(self, kind: str, name: bytes, content: bytes, metadata: bytes) -> Parsed:
        if kind not in KINDS:
            raise FormatError("kind", expected="one of " + " ".join(KINDS), found=ascii(kind)[:40])
        names = orjson.loads(name) if _plain_name(name) else decode_group("name", name, NAME)
        taken = decode_group("content", content, CONTENT)
        plain = _PLAIN_METADATA.fullmatch(metadata)
        about = orjson.loads(metadata) if plain else decode_group("metadata", metadata, METADATA)
        check_row(kind, names, taken, about)
        if self._wtf8:
            _check_wtf8(names)
        if not self._any and taken["sha256"] is not None and EXTRA_DIGESTS.keys() & taken.keys() != self._extra:
            expected = "the digests that the header names: " + (" ".join(sorted(self._extra)) or "no others")
            raise FormatError("content", expected=expected, found=" ".join(sorted(EXTRA_DIGESTS.keys() & taken.keys())))
        stream = read_name(names, "stream") if "stream" in names or "stream_hex" in names else b""
        large = [value for record in (taken, about) for value in large_values(record)]
        digest = taken["sha256"] or taken.get("sha256_zero_filled")
        copy = None if digest is None else (digest, parse_count(taken["size"]))
        link_group = parse_count(about["link_group"]) if "link_group" in about else None
        excluded = taken.get("reason") == "excluded"
        return Parsed(view_of(names, taken, about), link_group, stream, large, copy, excluded)


def decode_group(group: str, data: bytes, schema: Record) -> dict[str, Any]:
    """Return one group of a row.

    Raises:
        FormatError: it is not in its only form, or over a limit (code F102); the place starts with the group's name.
    """
    try:
        record = encoding.decode(data, GROUP)
        schema.check(record)
    except FormatError as error:
        place = f"{group}: {error.place}"
        raise FormatError(place, expected=error.expected, found=error.found, code=error.code) from error
    return record


def plain_group(group: str, data: bytes) -> dict[str, Any] | None:
    """Return one group of a row where it is plain; whatever is returned, `decode_group` returns the same."""
    if group == "name":
        is_plain = _plain_name(data) is not None
    elif group == "metadata":
        is_plain = _PLAIN_METADATA.fullmatch(data) is not None
    else:
        found = _CONTENT.fullmatch(data) or _NO_CONTENT.fullmatch(data)
        is_plain = found is not None and _is_base64(found[1])
    return orjson.loads(data) if is_plain else None


def path_of(name: bytes) -> bytes:
    """Return the path that a group `name` says.

    Raises:
        FormatError: it is not in its only form.
    """
    plain = _plain_name(name)
    return plain[1] if plain else read_name(decode_group("name", name, NAME), "path")


def view_of(names: dict[str, Any], taken: dict[str, Any], about: dict[str, Any]) -> View:
    """Return the view columns that the groups of a row demand. Source: specs/manifest.md section 9."""
    mtime = int(about["mtime_ns"]) if "mtime_ns" in about else None
    size = None if taken["size"] is None else parse_count(taken["size"])
    return View(
        path=read_name(names, "path"),
        size=size if size is None or size < 2**63 else None,
        state=taken["state"],
        sha256=None if taken["sha256"] is None else bytes.fromhex(taken["sha256"]),
        mtime_ns=mtime if mtime is not None and -(2**63) <= mtime < 2**63 else None,
    )


def _plain_name(name: bytes) -> re.Match[bytes] | None:
    named = _PLAIN_NAME.fullmatch(name)
    if named is None or len(name) > _LONGEST_NAME or (named[1] and _BAD_COMPONENT.search(named[1])):
        return None
    if not name.isascii():
        try:
            name.decode()
        except UnicodeDecodeError:
            return None
    return named


def _is_plain_path(path: bytes) -> bool:
    """Tell whether a group `name` may say a path in these very bytes."""
    if path.translate(None, _NOT_PLAIN) != path:
        return False
    if path:
        within = b"/%b/" % path
        if b"//" in within or b"/./" in within or b"/../" in within:
            return False
    if not path.isascii():
        try:
            path.decode()
        except UnicodeDecodeError:
            return False
    return True


def _is_base64(text: bytes | None) -> bool:
    """Tell whether text of the right characters is the only spelling of its bytes."""
    if not text:
        return True
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)) == text
    except ValueError:
        return False


def _check_wtf8(record: dict[str, Any]) -> None:
    for member in ("path", "stream", "target", "original"):
        if member in record or member + "_hex" in record:
            check_wtf8(read_name(record, member), member)


def large_values(value: object) -> list[dict[str, Any]]:
    """Return the large values in a group, wherever the schema allows one (specs/encoding.md section 3)."""
    if isinstance(value, dict):
        if "count" in value and "sha256" in value and "bytes" in value:
            return [value]
        return [found for member in value.values() for found in large_values(member)]
    if isinstance(value, list):
        return [found for member in value for found in large_values(member)]
    return []
