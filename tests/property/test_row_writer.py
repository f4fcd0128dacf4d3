"""The hand-built bytes of rows are those of the encoder, and their hashes those of the core, for every value.

The writer is fast because it spells records by f-strings; this is what makes that bearable.
"""

from __future__ import annotations

import base64
import hashlib
import os

from hypothesis import example, given
from hypothesis import strategies as st

from evidencekit.acquire import rows
from evidencekit.core.digest import group_commitment, group_salts
from evidencekit.core.encoding import GROUP, decode, encode
from evidencekit.core.merkle import leaf_hash
from evidencekit.core.opinions import MEDIA_TYPE
from evidencekit.core.records import (
    CONTENT,
    CONTENT_TYPE,
    CONTENT_XATTRS,
    EXTRA_DIGESTS,
    KINDS,
    MEDIA_TYPE_TYPE,
    METADATA,
    METADATA_TYPE,
    NAME,
    NAME_TYPE,
    REASONS,
    derived_leaf_bytes,
    leaf_bytes,
)
from evidencekit.core.values import name_member

NASTY = [
    b"",
    b"plain",
    b"\xff\xfe",
    b"new\nline",
    b"[/red]",
    b"\x1b[31m",
    "\u202e\u2066".encode(),
    b'quote"\\slash',
    b"\x7f\x00\x1f",
]
names = st.one_of(
    st.sampled_from(NASTY),
    st.binary(max_size=300),
    st.text(max_size=100).map(lambda text: text.encode(errors="replace")),
)
components = names.filter(lambda name: name not in {b"", b".", b".."} and b"/" not in name and b"\0" not in name)
paths = st.lists(components, max_size=5).map(b"/".join)
counts = st.integers(0, 2**64 - 1)
signed = st.integers(-(10**29), 10**29)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
digests = st.binary(min_size=32, max_size=32)
salts = st.binary(min_size=16, max_size=16)


class Status:
    """A stat result with any numbers: file systems are not bound to what ours can hold."""

    def __init__(self, numbers, times):
        (
            self.st_mode,
            self.st_ino,
            self.st_dev,
            self.st_nlink,
            self.st_uid,
            self.st_gid,
            self.st_size,
            self.st_rdev,
        ) = numbers
        self.st_atime_ns, self.st_mtime_ns, self.st_ctime_ns = times


statuses = st.builds(Status, st.lists(counts, min_size=8, max_size=8), st.lists(signed, min_size=3, max_size=3))


def same(data, record, schema):
    """The bytes spell this very record, canonically, and the schema takes it."""
    assert data == encode(record, GROUP)
    found = decode(data, GROUP)
    assert found == record
    schema.check(found)


@given(path=paths, target=st.none() | names)
@example(path=b"", target=None)
def test_name(path, target):
    record = {"_t": NAME_TYPE, **name_member("path", path)}
    if target is not None:
        record.update(name_member("target", target))
    same(rows.name_group(path, target), record, NAME)


@given(
    state=st.sampled_from(["complete", "changed"]),
    size=counts,
    extra=st.sets(st.sampled_from(sorted(EXTRA_DIGESTS))),
    data=st.binary(max_size=20),
    xattrs=st.dictionaries(names.map(lambda name: b"security." + name), st.binary(max_size=50), max_size=3),
)
def test_content_of_what_was_read(state, size, extra, data, xattrs):
    values = {"blake3": hashlib.sha256(data + b"b").digest(), "sha256": hashlib.sha256(data).digest()}
    values.update({name: hashlib.shake_128(data).digest(EXTRA_DIGESTS[name]) for name in extra})
    record = {
        "_t": CONTENT_TYPE,
        "size": str(size),
        "state": state,
        **{name: value.hex() for name, value in values.items()},
    }
    rendered = rows.xattrs_value(sorted(xattrs.items()), refuse) if xattrs else ""
    if xattrs:
        record["xattrs"] = attributes(xattrs)
    same(rows.content_taken(state, size, values, rendered), record, CONTENT)


@given(
    state=st.sampled_from(["complete", "changed", "not_read", "not_listed", "vanished"]),
    size=st.none() | counts,
    reason=st.sampled_from(["", *REASONS]),
    detail=texts,
    xattrs=st.dictionaries(names.map(lambda name: b"user.hash" + name), st.binary(max_size=50), max_size=2),
)
def test_content_of_what_has_no_digests(state, size, reason, detail, xattrs):
    record = {
        "_t": CONTENT_TYPE,
        "blake3": None,
        "sha256": None,
        "size": None if size is None else str(size),
        "state": state,
    }
    if reason:
        record["reason"] = reason
    if detail:
        record["detail"] = detail
    rendered = rows.xattrs_value(sorted(xattrs.items()), refuse) if xattrs else ""
    if xattrs:
        record["xattrs"] = attributes(xattrs)
    same(rows.content_none(state, size, reason=reason, detail=detail, xattrs=rendered), record, CONTENT)


ranges = st.lists(st.tuples(st.integers(1, 2**30), st.integers(1, 2**30)), min_size=1, max_size=20)


def spread(pairs):
    """Make ascending ranges that do not touch, of gaps and lengths."""
    found, end = [], -1
    for gap, length in pairs:
        found.append((end + gap, length))
        end += gap + length
    return found


@given(size=counts, blake3=digests, sha256=digests, pairs=ranges, reason=st.sampled_from(REASONS), detail=texts)
def test_content_with_unreadable_ranges(size, blake3, sha256, pairs, reason, detail):
    found = spread(pairs)
    record = {
        "_t": CONTENT_TYPE,
        "blake3": None,
        "blake3_zero_filled": blake3.hex(),
        "reason": reason,
        "sha256": None,
        "sha256_zero_filled": sha256.hex(),
        "size": str(size),
        "state": "partial",
        "unreadable": [{"length": str(length), "offset": str(offset)} for offset, length in found],
    }
    if detail:
        record["detail"] = detail
    rendered = rows.ranges_value(found, refuse)
    values = {"blake3": blake3, "sha256": sha256}
    same(rows.content_partial(size, values, rendered, reason=reason, detail=detail), record, CONTENT)


@given(
    status=statuses,
    after=st.none() | statuses,
    owner=st.none() | names.filter(bool),
    group=st.none() | names.filter(bool),
    attributes_=st.sets(texts, max_size=4).map(sorted),
    btime=st.none() | signed,
    device=st.booleans(),
    holes=st.just([]) | ranges,
    link=st.none() | st.integers(1, 2**63),
    unreadable=st.sets(st.sampled_from(["holes", "owner", "status", "xattrs"])).map(sorted),
    xattrs=st.dictionaries(names.map(lambda name: b"user.x" + name), st.binary(max_size=50), max_size=3),
)
def test_metadata(status, after, owner, group, attributes_, btime, device, holes, link, unreadable, xattrs):
    record = {
        "_t": METADATA_TYPE,
        "atime_ns": str(status.st_atime_ns),
        "ctime_ns": str(status.st_ctime_ns),
        "device": str(status.st_dev),
        "gid": str(status.st_gid),
        "inode": str(status.st_ino),
        "mode": str(status.st_mode & 0o7777),
        "mtime_ns": str(status.st_mtime_ns),
        "nlink": str(status.st_nlink),
        "uid": str(status.st_uid),
    }
    if after is not None:
        record["after"] = {
            "ctime_ns": str(after.st_ctime_ns),
            "mtime_ns": str(after.st_mtime_ns),
            "size": str(after.st_size),
        }
    if owner is not None:
        record.update(name_member("owner", owner))
    if group is not None:
        record.update(name_member("group", group))
    if attributes_:
        record["attributes"] = attributes_
    if btime is not None:
        record["btime_ns"] = str(btime)
    if device:
        record["rdev"] = str(status.st_rdev)
    if holes:
        record["holes"] = [{"length": str(length), "offset": str(offset)} for offset, length in spread(holes)]
    if link is not None:
        record["link_group"] = str(link)
    if unreadable:
        record["unreadable_metadata"] = unreadable
    if xattrs:
        record["xattrs"] = attributes(xattrs)
    data = rows.metadata_group(
        status,
        names=(
            "" if group is None else rows.name_member("group", group) + ",",
            "" if owner is None else rows.name_member("owner", owner) + ",",
        ),
        after=after,
        attributes=attributes_,
        btime_ns=btime,
        device=device,
        holes=rows.ranges_value(spread(holes), refuse) if holes else "",
        unreadable=unreadable,
        xattrs=rows.xattrs_value(sorted(xattrs.items()), refuse) if xattrs else "",
    )
    if link is not None:
        data = rows.with_link_group(data, link)
    same(data, record, METADATA)


@given(unreadable=st.sets(st.sampled_from(["status", "xattrs"])).map(sorted))
def test_metadata_of_what_was_never_seen(unreadable):
    record = {"_t": METADATA_TYPE}
    if unreadable:
        record["unreadable_metadata"] = unreadable
    same(rows.metadata_group(None, unreadable=unreadable), record, METADATA)


@given(media_type=st.none() | texts, charset=st.none() | texts, error=st.none() | texts)
def test_opinion(media_type, charset, error):
    record = {"_t": MEDIA_TYPE_TYPE, "charset": charset, "error": error, "media_type": media_type}
    same(rows.opinion_group(media_type, charset, error), record, MEDIA_TYPE)


# --- hashes ----------------------------------------------------------------------------------------------------


@given(kind=st.sampled_from(KINDS), salt=salts, name=st.binary(), content=st.binary(), metadata=st.binary())
def test_leaf_of_a_row(kind, salt, name, content, metadata):
    each = group_salts(salt)
    leaf = leaf_bytes(
        kind,
        group_commitment("name", each.name, name),
        group_commitment("content", each.content, content),
        group_commitment("metadata", each.metadata, metadata),
    )
    assert rows.row_leaf_hash(kind, salt, name, content, metadata) == leaf_hash(leaf)


@given(base_index=st.integers(0, 2**63 - 1), base_root=digests, salt=salts, opinion=st.binary())
def test_leaf_of_a_derived_row(base_index, base_root, salt, opinion):
    commitment = group_commitment("opinion", group_salts(salt).name, opinion)
    assert rows.derived_leaf_hash(base_index, base_root, salt, opinion) == leaf_hash(
        derived_leaf_bytes(base_index, base_root, commitment)
    )


@given(count=st.integers(1, 3000))
def test_salts_are_asked_for_in_blocks_and_given_once(count):
    asked = []

    def random(size):
        asked.append(size)
        return os.urandom(size)

    given_ = rows.Salts(random)
    found = [given_.next() for _ in range(count)]
    assert len(set(found)) == count
    assert {len(salt) for salt in found} == {16}
    assert len(asked) == -(-count // 1024)


# --- large values ---------------------------------------------------------------------------------------------------


def refuse(data):
    raise AssertionError("nothing here is large")


def attributes(xattrs):
    return [
        {**name_member("name", name), "value": base64.b64encode(value).decode()}
        for name, value in sorted(xattrs.items())
    ]


@given(count=st.integers(1, 1200), size=st.integers(3000, 3200))
@example(count=500, size=3072)
@example(count=501, size=3073)
def test_what_is_too_large_goes_aside(count, size):
    """Exactly above the limits, and what goes aside is what stands for it, by size, count and digest."""
    kept = {}

    def store(data):
        kept[hashlib.sha256(data).hexdigest()] = data

    ranges_ = [(2 * number, 1) for number in range(count)]
    holes = rows.ranges_value(ranges_, store)
    data = rows.metadata_group(
        Status([1] * 8, [1] * 3), holes=holes, xattrs=rows.xattrs_value([(b"user.a", bytes(size))], store)
    )
    record = decode(data, GROUP)
    METADATA.check(record)
    array = [{"length": "1", "offset": str(2 * number)} for number in range(count)]
    if count <= 500:
        assert record["holes"] == array
    else:
        large = record["holes"]
        whole = kept[large["sha256"]]
        assert (large["count"], large["bytes"]) == (str(count), str(len(whole)))
        assert b'{"x":' + whole + b"}" == encode({"x": array}, GROUP)
    (value,) = (item["value"] for item in record["xattrs"])
    text = base64.b64encode(bytes(size)).decode()
    if len(text) <= 4096:
        assert value == text
    else:
        assert value == {"bytes": str(len(text)), "count": "1", "sha256": hashlib.sha256(text.encode()).hexdigest()}
        assert kept[value["sha256"]] == text.encode()


def test_content_attributes_are_the_formats():
    assert CONTENT_XATTRS == (b"security.", b"user.checksum", b"user.shatag", b"user.hash")
