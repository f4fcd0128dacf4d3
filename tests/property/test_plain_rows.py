"""The quick way of reading a row accepts nothing that the general way refuses, and reads the same from it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json

import pytest
from deep import deep
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core import encoding
from evidencekit.core.records import CONTENT, EXTRA_DIGESTS, KINDS, METADATA, NAME, check_row
from evidencekit.core.values import parse_count, read_name
from evidencekit.errors import FormatError
from evidencekit.verify.groups import Groups

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
COMPONENT = PLAIN.filter(lambda text: text not in {"", ".", ".."} and "/" not in text)
COUNT = st.one_of(st.integers(0, 4096), st.integers(0, 2**64 - 1)).map(str)
SIGNED = st.one_of(st.integers(-9, 9), st.integers(-(10**30) + 1, 10**30 - 1)).map(str)
HEX = st.integers(0, 2**256 - 1).map(lambda n: f"{n:064x}")
LABEL = st.fixed_dictionaries({"name": st.just("security.selinux"), "value": st.binary(max_size=20).map(base64.b64encode).map(bytes.decode)})  # fmt: skip


def jcs(record) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@st.composite
def rows(draw):
    kind = draw(st.sampled_from(KINDS))
    name = {"_t": "evidencekit/name/1", "path": "/".join(draw(st.lists(COMPONENT, max_size=3)))}
    content = {"_t": "evidencekit/content/1", "blake3": None, "sha256": None, "size": None, "state": "complete"}
    if kind == "file":
        content |= {"blake3": draw(HEX), "sha256": draw(HEX), "size": draw(COUNT)}
        if draw(st.booleans()):
            content["md5"] = "0" * 32
    if kind == "symlink":
        name["target"] = draw(PLAIN)
    if draw(st.integers(0, 3)) == 0:
        content["xattrs"] = [draw(LABEL)]
    optional = dict.fromkeys(("atime_ns", "btime_ns", "ctime_ns", "mtime_ns"), SIGNED)
    optional |= dict.fromkeys(("device", "gid", "inode", "link_group", "mode", "nlink", "uid"), COUNT)
    optional |= dict.fromkeys(("group", "owner"), PLAIN)
    metadata = {"_t": "evidencekit/metadata/1"} | draw(st.fixed_dictionaries({}, optional=optional))
    return [kind, jcs(name), jcs(content), jcs(metadata)]


MUTATIONS = (b'"', b"\\", b"/", b".", b"..", b"\0", b"\n", b"\x1f", b"\x7f", b"\xff", b"\xed\xa0\x80", b"0", b"-", b"+1", b" ",
             b"1.5", b"null", b"{", b"[]", b',"x":"y"', b"A", "é".encode(), b"=", b"\\u0041", b"99999999999999999999")  # fmt: skip


@st.composite
def mutated(draw):
    row = draw(rows())
    for _ in range(draw(st.integers(0, 2))):
        which = draw(st.integers(1, 3))
        data = row[which]
        at, cut = draw(st.integers(0, len(data))), draw(st.integers(0, 3))
        row[which] = data[:at] + draw(st.sampled_from(MUTATIONS)) + data[at + cut :]
    if draw(st.integers(0, 9)) == 0:
        row[0] = draw(st.sampled_from([*KINDS, "pipe", ""]))
    return row


def generally(kind: str, name: bytes, content: bytes, metadata: bytes, digests: list[str]):
    """What the core alone says of a row."""
    records = []
    for data, schema in ((name, NAME), (content, CONTENT), (metadata, METADATA)):
        record = encoding.decode(data, encoding.GROUP)
        schema.check(record)
        records.append(record)
    names, taken, about = records
    check_row(kind, names, taken, about)
    if taken["sha256"] is not None and EXTRA_DIGESTS.keys() & taken.keys() != set(digests) & EXTRA_DIGESTS.keys():
        raise FormatError("content", expected="the header's digests", found="others")
    size = None if taken["size"] is None else parse_count(taken["size"])
    mtime = int(about["mtime_ns"]) if "mtime_ns" in about else None
    return (
        read_name(names, "path"),
        size if size is None or size < 2**63 else None,
        taken["state"],
        None if taken["sha256"] is None else bytes.fromhex(taken["sha256"]),
        mtime if mtime is not None and -(2**63) <= mtime < 2**63 else None,
    )


@pytest.mark.parametrize("digests", [["blake3", "sha256"], ["blake3", "md5", "sha256"]])
@deep(600)
@given(row=mutated())
def test_both_ways_agree(digests, row):
    kind, name, content, metadata = row
    try:
        expected = generally(*row, digests)
    except FormatError:
        expected = None
    try:
        parsed = Groups(digests, "posix").read(kind, name, content, metadata)
    except FormatError:
        parsed = None
    assert (parsed and tuple(parsed.view)) == expected


COLUMN = {  # what a view column may say instead
    0: st.sampled_from([b"", b"a", b"a/b"]),
    1: st.one_of(st.none(), st.integers(-1, 5)),
    2: st.one_of(st.none(), st.binary(min_size=32, max_size=32)),
    3: st.one_of(st.none(), st.integers(-9, 9)),
}


@pytest.mark.parametrize("digests", [["blake3", "sha256"], ["blake3", "md5", "sha256"]])
@deep(600)
@given(data=st.data(), row=mutated())
def test_a_plain_file_is_in_order_and_what_its_columns_say(digests, data, row):
    _, *written = row
    groups = Groups(digests, "posix")
    columns = [*data.draw(st.tuples(*COLUMN.values()))]
    try:
        view = groups.read("file", *written).view
    except FormatError:
        view = None
        with contextlib.suppress(
            ValueError, KeyError, TypeError, AttributeError
        ):  # the likeliest lie: what the groups seem to say
            name, content, metadata = map(json.loads, written)
            columns = [
                name["path"].encode(),
                int(content["size"]),
                bytes.fromhex(content["sha256"]),
                int(metadata["mtime_ns"]),
            ]
    else:
        columns = [view.path, view.size, view.sha256, view.mtime_ns]
        if data.draw(st.booleans()):
            place = data.draw(st.integers(0, 3))
            columns[place] = data.draw(COLUMN[place])
    if groups.plain_file(tuple(written), tuple(columns)) is not None:
        assert view is not None
        assert [view.path, view.size, view.sha256, view.mtime_ns] == columns
        assert view.state == "complete"


@pytest.mark.parametrize("path", ["a/../b", "./a", "a//b", "/a", "a/", "..", ".", 'a"', "a\\", "a\n"])
def test_a_plain_file_has_a_plain_path(path):
    sha = hashlib.sha256(b"").hexdigest()
    content = {"_t": "evidencekit/content/1", "blake3": sha, "sha256": sha, "size": "0", "state": "complete"}
    written = [
        b'{"_t":"evidencekit/name/1","path":"%b"}' % path.encode(),
        jcs(content),
        b'{"_t":"evidencekit/metadata/1"}',
    ]
    groups, columns = Groups(["blake3", "sha256"], "posix"), (0, bytes.fromhex(sha), None)
    assert groups.plain_file(tuple(written), (path.encode(), *columns)) is None
    good = [written[0].replace(path.encode(), b".a/...b"), *written[1:]]
    assert groups.plain_file(tuple(good), (b".a/...b", *columns)) is not None
    bad = [written[0].replace(path.encode(), b"\xff"), *written[1:]]
    assert groups.plain_file(tuple(bad), (b"\xff", *columns)) is None


def test_the_quick_way_is_taken():
    content = {
        "_t": "evidencekit/content/1", "blake3": "0" * 64, "sha256": hashlib.sha256(b"").hexdigest(), "size": "0",
        "state": "complete",
    }  # fmt: skip
    metadata = {"_t": "evidencekit/metadata/1", "atime_ns": "-1", "gid": "0", "group": "root", "link_group": "3",
                "mode": "420", "mtime_ns": "1795305600123456789", "nlink": "2", "owner": "a b", "uid": "0"}  # fmt: skip
    groups = Groups(["blake3", "sha256"], "posix")
    name = jcs({"_t": "evidencekit/name/1", "path": "a/é"})
    assert groups._plain("file", name, jcs(content), jcs(metadata)) is not None
    labelled = content | {"xattrs": [{"name": "security.selinux", "value": "eA=="}]}
    assert groups._plain("file", name, jcs(labelled), jcs(metadata)) is not None
    assert groups._plain("file", name, jcs(labelled).replace(b"eA==", b"eB=="), jcs(metadata)) is None
    assert groups._plain("fifo", name, jcs(content), jcs(metadata)) is None
