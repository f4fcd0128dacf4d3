"""Schemas against anything that JSON can say: a record is taken or refused with FormatError, nothing else is raised."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from deep import deep
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core import encoding, records
from evidencekit.core.event import ENTRY, EVENT, decode_event, new_event
from evidencekit.errors import FormatError

VECTORS = json.loads((Path(__file__).parents[2] / "specs" / "vectors" / "manifest.json").read_text())
GROUPS = {"name": records.NAME, "content": records.CONTENT, "metadata": records.METADATA}
H = "0" * 64
SEAL = new_event(
    kind="seal",
    items=["EX-001"],
    body={"file_sha256": H, "header": H, "manifest": "1", "root": H, "rows": "1"},
    case="AAAAAAAAAAAAAAAAAAAAAA==",
    actor={"id": "a", "key": "SHA256:" + "a" * 43, "organisation": None, "role": None},
    signers=["SHA256:" + "a" * 43],
    seen={"origin": "unit7.example/1", "root": H, "size": "0"},
    nonce="AAAAAAAAAAAAAAAAAAAAAA==",
    occurred_at={"precision": "s", "time": "2026-11-22T09:15:02.000000000Z", "utc_offset_min": None},
)
PRIOR = {
    "_t": "evidencekit/entry/1",
    "event": H,
    "head": "0",
    "index": "0",
    "items_prev": ["0/0", None],
    "prior": {"root": H, "size": "0"},
    "recorded_at": "2026-11-22T09:15:02.123456789Z",
    "signatures": [H],
}
TAKEN = [
    (EVENT, SEAL),
    (ENTRY, PRIOR),
    (records.MANIFEST, json.loads(VECTORS["header"]["text"])),
    *((schema, json.loads(row[name])) for row in VECTORS["rows"] for name, schema in GROUPS.items()),
]
MEMBERS = [
    "_t",
    "path",
    "path_hex",
    "owner_hex",
    "target",
    "stream",
    "original",
    "xattrs",
    "holes",
    "after",
    "type",
    "body",
]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 2**53 - 1),
    st.sampled_from(["", "0", "-0", "x" * 5000, "1/0", H, "ff", "evidencekit/seal/2", "evidencekit/name/1"]),
    st.sampled_from([[], {}, [[]], [{}], [None], {"a": 1}, {"sha256": 1}, {"bytes": "1", "count": "1", "sha256": H}]),
    st.text(max_size=3),
)


def places(value: object) -> list[tuple]:
    """Every container in a value, with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@st.composite
def damaged(draw):
    """A record that would be taken, with up to three members replaced, removed or added."""
    schema, record = draw(st.sampled_from(TAKEN))
    record = copy.deepcopy(record)
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places(record)))
        action = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if action == "replace" or isinstance(container, list):
            container[key] = copy.deepcopy(draw(JUNK))
        elif action == "remove" and len(record) > 1:
            del container[key]
        else:
            container[draw(st.sampled_from(MEMBERS))] = copy.deepcopy(draw(JUNK))
    return schema, record


@given(case=damaged())
@deep(400)
def test_damaged_records_are_taken_or_refused(case):
    schema, record = case
    try:
        schema.check(record)
        data = encoding.encode(record)
    except FormatError:
        return
    assert encoding.decode(data) == record
    if schema is EVENT:
        assert decode_event(data) == record


@given(kind=st.sampled_from([*records.KINDS, "", "door"]), rows=st.tuples(*[st.sampled_from(VECTORS["rows"])] * 3))
def test_any_groups_together_are_taken_or_refused(kind, rows):
    groups = [json.loads(row[name]) for row, name in zip(rows, GROUPS, strict=True)]
    try:
        records.check_row(kind, *groups)
    except FormatError:
        return
    assert kind in records.KINDS
    is_source = groups[0].get("path") == ""
    assert (groups[1]["sha256"] is not None) <= (kind == "file" or (kind == "block_device" and is_source))
