"""A line that is read at once is what the general way reads; what that refuses is never read at once."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evidencekit.core.encoding import decode
from evidencekit.core.package_records import SHOWN, decode_record, encode_record
from evidencekit.core.records import CONTENT, DERIVED_ROW, METADATA, NAME, ROW
from evidencekit.core.values import encode_base64
from evidencekit.errors import FormatError
from evidencekit.verify.groups import decode_group, plain_group
from evidencekit.verify.shown import read_leaf, read_shown

HEX = "ab" * 32
SCHEMAS = {"name": NAME, "content": CONTENT, "metadata": METADATA}
NAMES = st.sampled_from(
    ["a.txt", "docs/a b.pdf", "ü/日本.txt", 'quote"d', "back\\slash", "line\nend", "\x7f", "", "a//b"]
)
SALTS = st.binary(min_size=16, max_size=16).map(encode_base64)
LABEL = [{"name": "security.selinux", "value": encode_base64(b"unconfined_u")}]


def jcs(record) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@st.composite
def groups(draw):
    extra = draw(st.sampled_from([{}, {"md5": "0" * 32}, {"sha1": "0" * 40, "sha512": "f" * 128}, {"xattrs": LABEL}]))
    content = {"_t": "evidencekit/content/1", "blake3": HEX, "sha256": HEX, "size": "7", "state": "complete"} | extra
    metadata = {"_t": "evidencekit/metadata/1", "mode": "420", "mtime_ns": draw(st.sampled_from(["-1", "0", "17"]))}
    found = {
        "content": jcs(content),
        "metadata": jcs(metadata),
        "name": jcs({"_t": "evidencekit/name/1", "path": draw(NAMES)}),
    }
    return {name: data for name, data in found.items() if draw(st.booleans())} or {"name": found["name"]}


@st.composite
def lines(draw):
    opened = draw(st.one_of(groups(), st.just({"opinion": b'{"_t":"evidencekit/media-type/1"}'})))
    left = set() if "opinion" in opened else SCHEMAS.keys() - opened.keys()
    payload = st.fixed_dictionaries({"bytes": st.just("7"), "path": NAMES})
    return {
        "_t": "evidencekit/shown/1",
        "grounds": {name: draw(st.sampled_from(["privacy", "x-own-word"])) for name in left},
        "groups": {name: {"bytes": data.decode(), "salt": draw(SALTS)} for name, data in opened.items()},
        "index": draw(st.sampled_from(["0", "12", str(2**64 - 1)])),
        "leaf": jcs({"_t": "evidencekit/row/1", "content": HEX, "kind": "file", "metadata": HEX, "name": HEX}).decode(),
        "manifest": "1",
        "payload": draw(payload) if "content" in opened and draw(st.booleans()) else None,
        "proof": draw(st.none() | st.lists(st.binary(min_size=32, max_size=32).map(encode_base64), max_size=3)),
    }


def general(data):
    try:
        return decode_record(SHOWN, data)
    except FormatError:
        return None


@st.composite
def changed(draw, data):
    """Return bytes in which a piece is left out, doubled or replaced."""
    start = draw(st.integers(0, len(data)))
    stop = draw(st.integers(start, min(len(data), start + 12)))
    pieces = [
        b"",
        b",",
        b'"',
        b"\\",
        b"\\u0041",
        b"\\n",
        b"\xff",
        b" ",
        b"1.5",
        b"null",
        b"{}",
        b"=",
        b"B",
        b"\x00",
        b"00",
    ]
    return data[:start] + draw(st.sampled_from([*pieces, 2 * data[start:stop]])) + data[stop:]


@given(lines())
def test_what_a_writer_writes_is_read_at_once(line):
    path = "" if line["payload"] is None else line["payload"]["path"]
    is_plain = "\n" not in path and len(line["index"]) < 19
    assert read_shown(encode_record(SHOWN, line)) == (line if is_plain else None)


@given(lines().map(lambda line: encode_record(SHOWN, line)).flatmap(changed))
@example(b'{"_t":"evidencekit/shown/1"}')
def test_a_line_that_was_changed_is_read_as_the_general_way_reads_it(data):
    assert read_shown(data) in (None, general(data))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"leaf":""', b'"leaf": ""'),  # another spelling
        (b'"privacy","name"', b'"privacy""name"'),  # no comma
        (b'{"content":"privacy"', b'{"content":"privacy","content":"privacy"'),
        (b'AA=="', b'AB=="'),  # base64 with bits that nobody reads
        (b'"index":"4"', b'"index":4'),
        (b'"index":"4"', b'"index":"04"'),
        (b'"payload":null', b'"payload":null,"x":1.5'),
        ("ü".encode(), b"\\u00fc"),
        ("ü".encode(), b"\xfc"),
        (b"end", b"\\u000a"),
        (b'"proof":null', b'"proof":["AA=="]'),
    ],
)
def test_each_other_spelling_is_left_to_the_general_way(old, new):
    line = {
        "_t": "evidencekit/shown/1",
        "grounds": {"content": "privacy", "name": "privacy"},
        "groups": {"metadata": {"bytes": "ü end", "salt": "A" * 22 + "=="}},
        "index": "4",
        "leaf": "",
        "manifest": "1",
        "payload": None,
        "proof": None,
    }
    data = encode_record(SHOWN, line)
    assert read_shown(data) == line
    assert old in data
    changed = data.replace(old, new, 1)
    assert general(changed) is None
    assert read_shown(changed) is None


@given(groups(), st.data())
def test_a_group_is_what_the_general_way_makes_of_it(opened, data):
    for name, group in opened.items():
        for bytes_ in (group, data.draw(changed(group))):
            found = plain_group(name, bytes_)
            assert found is None or found == decode_group(name, bytes_, SCHEMAS[name])


@pytest.mark.parametrize("extra", [{}, {"md5": "0" * 32, "sha3_256": HEX}, {"xattrs": LABEL}])
def test_plain_groups_are_read_at_once(extra):
    content = {"_t": "evidencekit/content/1", "blake3": HEX, "sha256": HEX, "size": "7", "state": "complete"} | extra
    assert plain_group("content", jcs(content)) == content
    for group in ({"_t": "evidencekit/name/1", "path": "ü"}, {"_t": "evidencekit/metadata/1", "mode": "420"}):
        assert plain_group(group["_t"].split("/")[1], jcs(group)) == group


@given(st.sampled_from(["file", "socket", "fil"]), st.sampled_from(["0", "7", "07", str(2**64)]), st.data())
def test_a_leaf_is_what_the_general_way_makes_of_it(kind, index, data):
    row = {"_t": "evidencekit/row/1", "content": HEX, "kind": kind, "metadata": HEX, "name": HEX}
    derived = {"_t": "evidencekit/derived-row/1", "base_index": index, "base_root": HEX, "opinion": HEX}
    for leaf, schema in ((row, ROW), (derived, DERIVED_ROW)):
        for text in (jcs(leaf), data.draw(changed(jcs(leaf)))):
            found = read_leaf(text.decode(errors="replace"), derived=schema is DERIVED_ROW)
            if found is not None:
                said = decode(text)
                schema.check(said)
                assert said == {"_t": schema.type, **found}
    assert read_leaf(jcs(row | {"kind": "file"}).decode(), derived=False) is not None
