"""core/records.py and core/rules.py against specs/store.md section 2 and specs/manifest.md."""

from __future__ import annotations

import pytest

from evidencekit.core import encoding, records
from evidencekit.core.digest import group_commitment
from evidencekit.core.note import ED25519, MLDSA44, VerifierKey, format_vkey
from evidencekit.errors import FormatError

ORIGIN = "unit7.example/24-117"
TIME = {"precision": "s", "time": "2026-11-22T09:15:02.000000000Z", "utc_offset_min": 60}
KEYS = [format_vkey(VerifierKey(ORIGIN, ED25519, bytes(32))), format_vkey(VerifierKey(ORIGIN, MLDSA44, bytes(1312)))]
OTHER = format_vkey(VerifierKey("unit8.example/1", MLDSA44, bytes(1312)))
H = "0" * 64
CASE = {
    "_t": "evidencekit/case/1",
    "agency": "Unit 7",
    "case": "AAAAAAAAAAAAAAAAAAAAAA==",
    "created_at": TIME,
    "log_keys": KEYS,
    "origin": ORIGIN,
    "reference": "24-117",
}
PROGRAM = {"name": "evidencekit", "parts": {"blake3": "1.0"}, "version": "0.1.0"}
HEADER = {
    "_t": "evidencekit/manifest/1",
    "case": CASE["case"],
    "digests": ["blake3", "md5", "sha256"],
    "exhibit": "EX-001",
    "finished_at": TIME,
    "name_encoding": "posix",
    "options": {"exclude": [], "include": ["*.txt"], "sensitive": False},
    "order": "path",
    "program": PROGRAM,
    "source": {"atime": "untouched", "host": None, "kind": "directory", "mount": None, "path": "/mnt/stick"},
    "started_at": TIME,
    "totals": {
        "bytes": "0",
        "kinds": dict.fromkeys(records.KINDS, "0"),
        "rows": "0",
        "states": dict.fromkeys(records.STATES, "0"),
    },
}
NAME = {"_t": "evidencekit/name/1", "path": "docs/a.txt"}
LINK = NAME | {"target": "../b"}
METADATA = {"_t": "evidencekit/metadata/1"}
AFTER = {"after": {"ctime_ns": "1", "mtime_ns": "-1", "size": "2"}}
ZERO_FILLED = {
    "blake3_zero_filled": H,
    "sha256_zero_filled": H,
    "unreadable": [{"length": "4096", "offset": "0"}],
}


def content(state: str, *, size: str | None = None, digests: bool = False, **more: object) -> dict[str, object]:
    digest = H if digests else None
    return {"_t": "evidencekit/content/1", "blake3": digest, "sha256": digest, "size": size, "state": state, **more}


def xattr(name: str, value: object = "YQ==") -> dict[str, object]:
    return {"name": name, "value": value}


def without(record: dict[str, object], key: str) -> dict[str, object]:
    return {name: value for name, value in record.items() if name != key}


# --- case file and headers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "record"),
    [(records.CASE, CASE), (records.MANIFEST, HEADER)],
    ids=["case", "manifest"],
)
def test_record_is_taken_and_every_member_is_needed(schema, record):
    schema.check(record)
    for key in record:
        with pytest.raises(FormatError):
            schema.check(without(record, key))
    with pytest.raises(FormatError):
        schema.check(record | {"more": "x"})


@pytest.mark.parametrize(
    "change",
    [
        {"log_keys": KEYS[:1]},
        {"log_keys": [*KEYS, OTHER]},
        {"log_keys": KEYS[::-1]},
        {"log_keys": [KEYS[0], OTHER]},
        {"log_keys": [KEYS[0], KEYS[0]]},
        {"log_keys": [KEYS[0] + "=", KEYS[1]]},
        {"log_keys": ["", ""]},
        {"origin": "unit8.example/24-117"},
        {"origin": "unit7/24-117"},
        {"origin": "unit7.example"},
        {"case": "AAAAAAAAAAAAAAAAAAAAAAA="},
        {"created_at": "2026-11-22T09:15:02.000000000Z"},
        {"reference": None},
    ],
)
def test_case_file_with_one_fault(change):
    with pytest.raises(FormatError):
        records.CASE.check(CASE | change)


@pytest.mark.parametrize(
    "change",
    [
        {"digests": ["md5", "sha1"]},
        {"digests": ["blake3", "md5"]},
        {"digests": ["sha256", "blake3"]},
        {"digests": ["blake3", "crc32", "sha256"]},
        {"name_encoding": "utf-8"},
        {"order": "random"},
        {"exhibit": ""},
        {"options": {"exclude": [], "include": []}},
        {"source": HEADER["source"] | {"path_hex": "ff"}},
        {"source": without(HEADER["source"], "path")},
        {"source": HEADER["source"] | {"atime": "unknown"}},
        {"totals": HEADER["totals"] | {"rows": 0}},
        {"totals": HEADER["totals"] | {"kinds": {"file": "0"}}},
        {"totals": HEADER["totals"] | {"states": HEADER["totals"]["states"] | {"lost": "0"}}},
    ],
)
def test_header_with_one_fault(change):
    with pytest.raises(FormatError):
        records.MANIFEST.check(HEADER | change)


# --- groups ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"path": ""},
        {"path": "...", "stream": "s"},
        {"path": "a\nb"},
        {"path": "a\\b"},
        {"target": "/etc/passwd"},
        {"target": ""},
        {"stream": "s", "original": "DOCS~1/A.TXT"},
        {"original_hex": "ff"},
    ],
)
def test_name(change):
    records.NAME.check(NAME | change)
    with pytest.raises(FormatError):
        records.NAME.check(NAME | change | {"owner": "root"})


@pytest.mark.parametrize(
    "change",
    [
        *({"path": path} for path in ("/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\0b")),
        {"path_hex": "ff"},
        {"stream": ""},
        {"stream": "s", "stream_hex": "ff"},
        {"original": "docs/a.txt"},
        {"target": None},
    ],
)
def test_name_with_one_fault(change):
    with pytest.raises(FormatError):
        records.NAME.check(NAME | change)


RANGE_FAULTS = {
    "none": [],
    "empty": [{"length": "0", "offset": "0"}],
    "touching": [{"length": "1", "offset": "0"}, {"length": "1", "offset": "1"}],
    "overlapping": [{"length": "2", "offset": "0"}, {"length": "1", "offset": "1"}],
    "descending": [{"length": "1", "offset": "9"}, {"length": "1", "offset": "0"}],
    "surplus member": [{"length": "1", "offset": "0", "x": "0"}],
    "integer": [{"length": 1, "offset": 0}],
}


@pytest.mark.parametrize("ranges", RANGE_FAULTS.values(), ids=RANGE_FAULTS.keys())
def test_ranges_with_one_fault(ranges):
    with pytest.raises(FormatError):
        records.METADATA.check(METADATA | {"holes": ranges})


def test_ranges():
    apart = [{"length": "1", "offset": "0"}, {"length": "1", "offset": "2"}]
    records.METADATA.check(METADATA | {"holes": apart})
    with pytest.raises(FormatError):
        records.METADATA.check(METADATA | {"holes": apart[::-1]})


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "4095", "uid": "0", "mtime_ns": "-62135596800000000000000", "nlink": "1", "link_group": "1"},
        {"owner": "root", "group_hex": "ff"},
        {"xattrs": [xattr("user.a"), xattr("user.b", "")]},
        {"xattrs": [{"name_hex": "ff", "value": "YQ=="}]},
        {"xattrs": [xattr("user.big", {"bytes": "5464", "count": "1", "sha256": H})]},
        {"xattrs": {"bytes": "90000", "count": "501", "sha256": H}},
        {"attributes": ["hidden", "immutable"], "unreadable_metadata": ["owner"]},
        AFTER,
    ],
)
def test_metadata(change):
    records.METADATA.check(METADATA | change)
    with pytest.raises(FormatError):
        records.METADATA.check(METADATA | change | {"kind": "file"})


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "4096"},
        {"mode": "0644"},
        {"mode": 420},
        {"uid": "-1"},
        {"link_group": "0"},
        {"mtime_ns": "-0"},
        {"mtime_ns": "1.5"},
        {"owner": "root", "owner_hex": "ff"},
        {"attributes": []},
        {"attributes": ["immutable", "hidden"]},
        {"xattrs": []},
        {"xattrs": [xattr("user.b"), xattr("user.a")]},
        {"xattrs": [xattr("user.a"), xattr("user.a")]},
        {"xattrs": [xattr("user.a", "YR==")]},
        {"xattrs": [xattr("user.a", "A" * 5464)]},
        {"xattrs": [xattr("user.a", {"bytes": "10", "count": "1", "sha256": H})]},
        {"xattrs": {"bytes": "90", "count": "3", "sha256": H}},
        *(
            {"xattrs": [xattr(name)]}
            for name in ("security.selinux", "user.checksum.md5", "user.shatag.ts", "user.hash")
        ),
        {"after": {"mtime_ns": "1", "size": "2"}},
    ],
)
def test_metadata_with_one_fault(change):
    with pytest.raises(FormatError):
        records.METADATA.check(METADATA | change)


def test_attributes_that_give_away_content_stand_with_it():
    whole = content("complete", size="0", digests=True)
    records.CONTENT.check(whole | {"xattrs": [xattr("security.ima"), xattr("user.hash.sha256")]})
    with pytest.raises(FormatError):
        records.CONTENT.check(whole | {"xattrs": [xattr("user.comment")]})


@pytest.mark.parametrize(
    "change",
    [
        {"state": "lost"},
        {"size": 0},
        {"sha256": H.replace("0", "A")},
        {"sha256": H[:-2]},
        {"md5": None},
        {"md5": H},
        {"crc32": "00000000"},
        {"reason": "because"},
        {"detail": "x" * 4097},
        {"unreadable": []},
    ],
)
def test_content_with_one_fault(change):
    with pytest.raises(FormatError):
        records.CONTENT.check(content("complete", size="0", digests=True) | change)


# --- state x kind ------------------------------------------------------------------------------------------

REASON = {"reason": "other"}
WHOLE = {
    "file": (NAME, {"size": "3", "digests": True}),
    "symlink": (LINK, {}),
    **{kind: (NAME, {}) for kind in records.KINDS if kind not in {"file", "symlink"}},
}
ALLOWED = {
    *(("complete", kind) for kind in records.KINDS),
    *(("changed", kind) for kind in ("file", "directory", "symlink")),
    ("partial", "file"),
    *(("not_read", kind) for kind in records.KINDS if kind != "directory"),
    ("not_listed", "directory"),
    *(("vanished", kind) for kind in records.KINDS),
}
"""The table of specs/manifest.md, section 5."""


def row(state: str, kind: str) -> tuple[dict, dict, dict]:
    """A row in which all fits, if this state and kind may stand together."""
    name, members = WHOLE[kind]
    if state == "partial":
        return NAME, content(state, size="9000", **ZERO_FILLED, **REASON), METADATA
    if state not in {"complete", "changed"}:
        return NAME, content(state, **REASON), METADATA
    return name, content(state, **members), METADATA | (AFTER if state == "changed" else {})


@pytest.mark.parametrize("kind", records.KINDS)
@pytest.mark.parametrize("state", records.STATES)
def test_state_and_kind(state, kind):
    groups = row(state, kind)
    for schema, group in zip((records.NAME, records.CONTENT, records.METADATA), groups, strict=True):
        schema.check(group)
    if (state, kind) in ALLOWED:
        records.check_row(kind, *groups)
    else:
        with pytest.raises(FormatError):
            records.check_row(kind, *groups)


@pytest.mark.parametrize(
    ("state", "kind", "name", "change", "metadata"),
    [
        ("complete", "file", {}, {"sha256": None}, {}),
        ("complete", "file", {}, {"blake3": None}, {}),
        ("complete", "file", {}, {"size": None}, {}),
        ("complete", "file", {}, {"reason": "other"}, {}),
        ("complete", "file", {}, {"detail": "x"}, {}),
        ("complete", "file", {}, {"unreadable": ZERO_FILLED["unreadable"]}, {}),
        ("complete", "file", {}, {"sha256_zero_filled": H}, {}),
        ("complete", "file", {"target": "x"}, {}, {}),
        ("complete", "file", {}, {}, AFTER),
        ("complete", "file", {}, {}, {"rdev": "1"}),
        ("changed", "file", {}, {}, {"after": None}),
        ("complete", "directory", {}, {"size": "0"}, {}),
        ("complete", "directory", {}, {"sha256": H, "blake3": H}, {}),
        ("complete", "directory", {}, {"md5": "0" * 32}, {}),
        ("complete", "symlink", {"target": None}, {}, {}),
        ("complete", "fifo", {}, {"size": "0"}, {}),
        ("partial", "file", {}, {"sha256": H, "blake3": H}, {}),
        ("partial", "file", {}, {"md5": "0" * 32}, {}),
        ("partial", "file", {}, {"size": None}, {}),
        ("partial", "file", {}, {"unreadable": None}, {}),
        ("partial", "file", {}, {"blake3_zero_filled": None}, {}),
        ("partial", "file", {}, {"reason": None}, {}),
        ("partial", "file", {}, {"reason": "excluded"}, {}),
        ("not_read", "file", {}, {"reason": None}, {}),
        ("not_read", "file", {}, {"sha256": H, "blake3": H}, {}),
        ("not_read", "symlink", {"target": "x"}, {}, {}),
        ("not_listed", "directory", {}, {"size": "0"}, {}),
        ("vanished", "file", {}, {"reason": "excluded"}, {}),
        ("vanished", "file", {}, {"blake3_zero_filled": H}, {}),
    ],
)
def test_row_with_one_fault(state, kind, name, change, metadata):
    def changed(group: dict, changes: dict) -> dict:
        absent = {"target", "after", "unreadable", "blake3_zero_filled", "reason"}
        merged = group | changes
        return {key: value for key, value in merged.items() if value is not None or key not in absent}

    groups = row(state, kind)
    records.check_row(kind, *groups)
    with pytest.raises(FormatError):
        records.check_row(
            kind, *(changed(group, each) for group, each in zip(groups, (name, change, metadata), strict=True))
        )


@pytest.mark.parametrize("kind", ["", "File", "door", "file\n"])
def test_unknown_kind_is_refused(kind):
    with pytest.raises(FormatError):
        records.check_row(kind, NAME, content("complete"), METADATA)


def test_size_of_what_was_not_read_is_told_where_known():
    for size in ("0", None):
        records.check_row("file", NAME, content("not_read", size=size, **REASON), METADATA)
    with pytest.raises(FormatError):
        records.check_row("fifo", NAME, content("not_read", size="0", **REASON), METADATA)


def test_rdev_is_for_devices():
    for kind in ("char_device", "block_device"):
        records.check_row(kind, NAME, content("complete"), METADATA | {"rdev": "2049"})
    with pytest.raises(FormatError):
        records.check_row("fifo", NAME, content("complete"), METADATA | {"rdev": "2049"})


# --- leaves and order --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", records.KINDS)
def test_leaf_is_the_canonical_record(kind):
    name, body, metadata = (group_commitment(group, bytes(16), b"{}") for group in ("name", "content", "metadata"))
    leaf = records.leaf_bytes(kind, name, body, metadata)
    record = encoding.decode(leaf)
    records.ROW.check(record)
    assert record == {
        "_t": "evidencekit/row/1",
        "content": body.hex(),
        "kind": kind,
        "metadata": metadata.hex(),
        "name": name.hex(),
    }


def test_derived_leaf_is_the_canonical_record():
    record = encoding.decode(records.derived_leaf_bytes(7, bytes(32), b"\xff" * 32))
    records.DERIVED_ROW.check(record)
    assert record == {"_t": "evidencekit/derived-row/1", "base_index": "7", "base_root": H, "opinion": "ff" * 32}


def test_order_is_by_components_as_raw_bytes():
    ordered = [
        (b"", b""),
        (b"\x01", b""),
        (b"A", b""),
        (b"a", b""),
        (b"a", b"stream"),
        (b"a/b", b""),
        (b"a/b/c", b""),
        (b"a-b", b""),
        (b"a.b", b""),
        (b"a0", b""),
        ("é".encode(), b""),
        (b"\xff", b""),
    ]
    assert sorted(set(ordered), key=lambda row: records.sort_key(*row)) == ordered
