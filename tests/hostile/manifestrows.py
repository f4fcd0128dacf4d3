"""Rows of a manifest, read without evidencekit: by pyarrow and json."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


@dataclass
class Row:
    """One row."""

    case: Path
    path: bytes
    kind: str
    name: dict[str, Any]
    content: dict[str, Any]
    metadata: dict[str, Any]

    @property
    def state(self) -> str:
        return self.content["state"]

    @property
    def reason(self) -> str | None:
        return self.content.get("reason")

    @property
    def target(self) -> bytes | None:
        return raw(self.name, "target")

    @cached_property
    def xattrs(self) -> dict[bytes, bytes]:
        """The attributes of both groups, values out of objects/, too."""
        found = {}
        for group in (self.content, self.metadata):
            listed = group.get("xattrs", [])
            if isinstance(listed, dict):
                listed = json.loads(self.large(listed))
            for one in listed:
                value = one["value"]
                text = self.large(value) if isinstance(value, dict) else value
                name = raw(one, "name")
                assert name is not None
                found[name] = base64.b64decode(text, validate=True)
        return found

    @property
    def holes(self) -> list[tuple[int, int]]:
        listed = self.metadata.get("holes", [])
        if isinstance(listed, dict):
            listed = json.loads(self.large(listed))
        return [(int(one["offset"]), int(one["length"])) for one in listed]

    def large(self, value: dict[str, str]) -> bytes:
        """Return a large value from objects/."""
        (found,) = (self.case / "objects").rglob(value["sha256"])
        data = found.read_bytes()
        assert len(data) == int(value["bytes"])
        return data


def raw(record: dict[str, Any], key: str) -> bytes | None:
    """Return the bytes of a name-like member."""
    if key in record:
        return record[key].encode()
    return bytes.fromhex(record[key + "_hex"]) if key + "_hex" in record else None


def read(case: Path, number: int = 1) -> dict[bytes, Row]:
    """Return the rows of a manifest by path."""
    table = pq.read_table(case / f"manifests/{number:08d}.parquet").to_pylist()
    found = {}
    for stored in table:
        groups = [json.loads(stored[group]) for group in ("name", "content", "metadata")]
        path = raw(groups[0], "path")
        assert path == stored["path"]
        found[path] = Row(case, path, stored["kind"], *groups)
    assert len(found) == len(table), "a path stands twice"
    return found


def header(case: Path, number: int = 1) -> dict[str, Any]:
    """Return the header of a manifest."""
    return json.loads(pq.ParquetFile(case / f"manifests/{number:08d}.parquet").metadata.metadata[b"evidencekit.header"])
