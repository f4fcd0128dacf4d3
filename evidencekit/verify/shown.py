"""What a plain line of records.jsonl says: read at once, and never otherwise than the general way reads it.

Promise: whatever is returned here is what `encoding.decode` and the schema give for the same bytes; where nothing is
returned, they are asked, and say why. Held by tests/property/test_shown.py. Source: specs/package.md section 2.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from evidencekit.core.encoding import GROUP
from evidencekit.core.package_records import MAX_LINE, SHOWN, SHOWN_TYPE
from evidencekit.core.records import DERIVED_ROW_TYPE, KINDS, ROW_TYPE
from evidencekit.core.schema import Record
from evidencekit.errors import FormatError
from evidencekit.verify.groups import plain_group
from evidencekit.verify.run import Run

_REMEMBERED, _SHORT = 1024, 1024
"""Opinions that are kept in mind, and bytes of one that is short enough for it."""
_HEX = '"([0-9a-f]{64})"'
_ROW = re.compile(
    rf'\{{"_t":"{ROW_TYPE}","content":{_HEX},"kind":"({"|".join(KINDS)})","metadata":{_HEX},"name":{_HEX}\}}'
)
_DERIVED = re.compile(
    rf'\{{"_t":"{DERIVED_ROW_TYPE}","base_index":"(0|[1-9][0-9]{{0,18}})","base_root":{_HEX},"opinion":{_HEX}\}}'
)
_MEMBERS = {False: ("content", "kind", "metadata", "name"), True: ("base_index", "base_root", "opinion")}

_TEXT = rb'"(?:[^"\\\x00-\x1f]++|\\["\\])*+"'
_COUNT = rb'"(?:0|[1-9][0-9]{0,18})"'
_GROUND = rb'"(?:[a-z][a-z0-9_]{0,39}|x-[a-z0-9-]{1,40})"'
_SALT, _HASH = rb'"[A-Za-z0-9+/]{21}[AQgw]=="', rb'"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="'
_OPENED = rb'\{"bytes":%b,"salt":%b\}' % (_TEXT, _SALT)


def _members(form: bytes) -> bytes:
    """Return a pattern of an object with some groups, in their order. JSON itself sees to the commas between them."""
    return rb"\{%b\}" % b"".join(
        b'(?:"%b":%b(?:,(?="))?)?' % (name, form) for name in (b"content", b"metadata", b"name", b"opinion")
    )


_LINE = re.compile(
    rb'\{"_t":"%b","grounds":%b,"groups":%b,"index":%b,"leaf":%b,"manifest":%b'
    rb',"payload":(?:null|\{"bytes":%b,"path":%b\}),"proof":(?:null|\[(?:%b(?:,(?="))?){0,64}\])\}'
    % (
        *(SHOWN_TYPE.encode(), _members(_GROUND), _members(_OPENED), _COUNT, _TEXT, _COUNT),
        *(_COUNT, _TEXT, _HASH),
    )
)


def read_shown(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line without its LF."""
    if len(line) > MAX_LINE or _LINE.fullmatch(line) is None:
        return None
    try:
        record: dict[str, Any] = orjson.loads(line)
        for rule in SHOWN.rules:
            rule(record, "")
    except (orjson.JSONDecodeError, FormatError):
        return None
    return record


def read_leaf(leaf: str, *, derived: bool) -> dict[str, Any] | None:
    """Return the members of a row's leaf, or of a derived row's, but `_t`."""
    found = (_DERIVED if derived else _ROW).fullmatch(leaf)
    return None if found is None else dict(zip(_MEMBERS[derived], found.groups(), strict=True))


class OpenedGroups:
    """Reads the groups that lines open. Opinions are few, and come again and again: some are kept in mind."""

    def __init__(self) -> None:
        self._opinions: dict[tuple[str | None, bytes], dict[str, Any]] = {}

    def read(self, run: Run, name: str, data: bytes, schema: Record | None, where: str) -> dict[str, Any] | None:
        """Return a group that is in its only form; None, with a finding where its schema is known, for other bytes."""
        if schema is None:
            return None
        if name != "opinion":
            return plain_group(name, data) or run.decode(data, schema, where, limits=GROUP)
        opinion = self._opinions.get((schema.type, data)) or run.decode(data, schema, where, limits=GROUP)
        if opinion is not None and len(self._opinions) < _REMEMBERED and len(data) < _SHORT:
            self._opinions[schema.type, data] = opinion
        return opinion
