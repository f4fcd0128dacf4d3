"""Packages of any case, good or wrong, made without the exporter: what another program, or an insider, could make.

A package is a dict of path to bytes here. `evidence_of` gathers what proves rows, `closed` makes it a signed bag: faults
that an exporter would sign go between the two, faults of others come after.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from evidencekit.core import layout
from evidencekit.core.bag_names import map_path, row_path
from evidencekit.core.checkpoint import parse_checkpoint
from evidencekit.core.event import decode_event
from evidencekit.core.merkle import Tree, leaf_hash, prove_inclusion
from evidencekit.core.note import parse_note
from evidencekit.core.values import encode_base64, read_name
from evidencekit.seal.sign import Signer

Files = dict[str, bytes]
NAMESPACE = "evidencekit-package"
WHEN = {"precision": "s", "time": "2026-06-01T08:00:00.000000000Z", "utc_offset_min": 0}
LABELS = {"privacy": "Privacy of persons", "not_requested": "Not asked for", "x-own": "A reason of our own"}
_GROUPS = (("name", 0), ("content", 16), ("metadata", 32))
_OUTSIDE = {"evidence/package.json", "evidence/package.json.sig", "tagmanifest-sha256.txt", "tagmanifest-sha512.txt"}
_NOT_LISTED = _OUTSIDE | {"manifest-sha256.txt", "manifest-sha512.txt"}


def jcs(record: Any) -> bytes:
    """Canonical bytes, without any check."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class Wanted:
    """What a package is to show: all of it, unless said otherwise."""

    rows: Collection[int] | None = None
    """Indexes shown of manifest 1."""
    withheld: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Index to group to ground."""
    ground: str = "not_requested"
    """Of rows that are not shown."""
    events: Mapping[int, str] = field(default_factory=dict)
    """Entries whose events are hidden, and why."""
    leaves: bool = False
    """All leaf hashes, in place of proofs."""
    payload: bool = True
    record: Mapping[str, Any] = field(default_factory=dict)
    """Members of package.json."""


@dataclass
class Parts:
    """A package before it is signed."""

    files: Files
    record: dict[str, Any]
    withheld: dict[str, Any]
    lines: list[dict[str, Any]]
    branches: dict[str, Parts] = field(default_factory=dict)
    """What is shown of adopted cases, by name; their record has the members of one of `branches`."""

    def closed(self, signer: Signer, **changes: Any) -> Files:
        """The signed bag; `changes` are members of package.json."""
        files = self.shown("evidence/")
        branches = [one.record for _, one in sorted(self.branches.items())]
        for name, one in self.branches.items():
            files |= one.shown("evidence/" + "".join(f"branches/{part}/" for part in name.split("/")))
        return close(files, self.record | ({"branches": branches} if branches else {}) | changes, signer)

    def shown(self, place: str) -> Files:
        """The files that lie at a place."""
        made = {
            "withheld.json": jcs(self.withheld),
            "records.jsonl": b"".join(jcs(line) + b"\n" for line in self.lines),
        }
        files = {
            place + path.removeprefix("evidence/") if path.startswith("evidence/") else path: data
            for path, data in self.files.items()
        }
        return files | {place + path: data for path, data in made.items()}


def adopting(case: Path, content: Callable[[bytes], bytes], wanted: Wanted | None = None) -> Parts:
    """Gather what a package of a case has that has nothing sealed itself: of the case that it adopted, `wanted`."""
    names = [path.name for path in (case / layout.BRANCHES).iterdir()]
    branches = {}
    for name in names:
        one = branches[name] = evidence_of(case / layout.branch_folder(name), content, wanted, name=f"{name}/")
        members = ("case", "checkpoint", "items", "log_keys", "manifests")
        one.record = {member: one.record[member] for member in members} | {"name": name}
        del one.files["README.txt"]
    items = sorted(f"{name}/{item}" for name, one in branches.items() for item in one.record["items"])
    hash_only = not any(path.startswith("data/") for one in branches.values() for path in one.files)
    parts = evidence_of(case, content, Wanted(record={"items": items, "hash_only": hash_only}))
    parts.branches = branches
    return parts


def evidence_of(
    case: Path, content: Callable[[bytes], bytes], wanted: Wanted | None = None, *, name: str = "", manifest: str = "1"
) -> Parts:
    """Gather what a package of a case has; `content` gives the bytes of a file by its path in the source.

    By `name` the names of its items begin in the package; `manifest` is the one of which rows are shown.
    """
    wanted = wanted or Wanted()
    size = max(int(path.name) for path in (case / layout.CHECKPOINTS).iterdir() if path.name.isdigit())
    events = [decode_event((case / layout.event_file(index)).read_bytes()) for index in range(size)]
    files = {"README.txt": b"A package of the tests.\n"}
    for index in range(size):
        for path in (case / layout.entry_folder(index)).iterdir():
            if index not in wanted.events or path.name == "entry":
                files[f"evidence/custody/{index:08d}/{path.name}"] = path.read_bytes()
    for path in (case / layout.CHECKPOINTS).iterdir():
        files[f"evidence/checkpoints/{path.name}"] = path.read_bytes()
    for path in (case / layout.OBJECTS).rglob("*") if (case / layout.OBJECTS).exists() else ():
        if path.is_file():
            files[f"evidence/{path.relative_to(case)}"] = path.read_bytes()
    record: dict[str, Any] = {
        "_t": "evidencekit/package/1", "case": events[0]["case"],
        "checkpoint": tree_of((case / layout.checkpoint_file(size)).read_bytes()),
        "confidentiality": None, "created_at": WHEN, "exporter": events[0]["actor"], "files": [], "full": False,
        "hash_only": True, "items": [], "log_keys": events[0]["body"]["log_keys"], "manifests": [],
        "onward_transfer": None, "previous": [], "recipient": None, "transfer": encode_base64(bytes(16)),
        "use_limits": None,
    }  # fmt: skip
    seals = [(index, event) for index, event in enumerate(events) if event["type"] == "seal"]
    entry, seal = next((one for one in seals if one[1]["body"]["manifest"] == manifest), (0, None))
    if seal is None:
        return Parts(files, record | wanted.record, _withheld("0", [], wanted), [])
    rows = _rows(case / layout.manifest_file(int(seal["body"]["manifest"])))
    shown = sorted(range(len(rows)) if wanted.rows is None else wanted.rows)
    lines, payload = _lines(rows, seal, shown, content, wanted, name)
    files |= payload
    if wanted.leaves:
        hashes = (leaf_hash(rows[index]["leaf"]) for index in range(len(rows)))
        files[f"evidence/leaves/{int(manifest):08d}"] = b"".join(hashes)
    hidden = len(rows) - len(shown)
    counted = [{"count": str(hidden), "ground": wanted.ground}] if hidden else []
    record |= {
        "hash_only": not payload, "items": seal["items"],
        "manifests": [{
            "entry": str(entry), "hidden": counted, "item": seal["items"][0], "manifest": manifest,
            "root": seal["body"]["root"], "rows": str(len(rows)), "shown": str(len(shown)),
        }],
    }  # fmt: skip
    return Parts(files, record | wanted.record, _withheld(manifest, counted, wanted), lines)


def tree_of(note: bytes) -> dict[str, str]:
    """A checkpoint as records name it."""
    tree = parse_checkpoint(parse_note(note).text)
    return {"origin": tree.origin, "root": tree.root.hex(), "size": str(tree.size)}


def _rows(path: Path) -> dict[int, dict[str, Any]]:
    columns = ["index", "row_salt", "kind", *(group for group, _ in _GROUPS)]
    found = {}
    for row in pq.read_table(path, columns=columns).to_pylist():
        h = hashlib.sha512(b"evidencekit/salts/1\0" + row["row_salt"]).digest()
        row["salts"] = {group: h[at : at + 16] for group, at in _GROUPS}
        kind = row["kind"].decode() if isinstance(row["kind"], bytes) else row["kind"]
        commitments = {
            group: hashlib.sha256(
                b"evidencekit/group/1\0" + group.encode() + b"\0" + row["salts"][group] + row[group]
            ).hexdigest()
            for group, _ in _GROUPS
        }
        row["leaf"] = jcs({"_t": "evidencekit/row/1", "kind": kind, **commitments})
        found[row["index"]] = row
    return found


def _lines(
    rows: dict[int, dict[str, Any]], seal: dict[str, Any], shown: list[int], content: Callable[[bytes], bytes],
    wanted: Wanted, name: str,
) -> tuple[list[dict[str, Any]], Files]:  # fmt: skip
    tree = Tree(leaf_hash(rows[index]["leaf"]) for index in range(len(rows)))
    item, lines, payload = name + seal["items"][0], [], {}
    for index in shown:
        row = rows[index]
        grounds = dict(wanted.withheld.get(index, {}))
        said = json.loads(row["content"])
        place = None
        if said["sha256"] and said["state"] == "complete" and "content" not in grounds and wanted.payload:
            path = read_name(json.loads(row["name"]), "path")
            place = row_path(item, index) if "name" in grounds else map_path(item, path)
            payload[place] = content(path)
        lines.append({
            "_t": "evidencekit/shown/1", "grounds": grounds, "index": str(index), "leaf": row["leaf"].decode(),
            "groups": {
                group: {"bytes": row[group].decode(), "salt": encode_base64(row["salts"][group])}
                for group, _ in _GROUPS if group not in grounds
            },
            "manifest": seal["body"]["manifest"],
            "payload": None if place is None else {"bytes": str(len(payload[place])), "path": place},
            "proof": None if wanted.leaves else [
                encode_base64(node) for node in prove_inclusion(index, len(rows), tree.node)
            ],
        })  # fmt: skip
    return lines, payload


def _withheld(manifest: str, rows: list[dict[str, str]], wanted: Wanted) -> dict[str, Any]:
    groups = Counter((group, ground) for grounds in wanted.withheld.values() for group, ground in grounds.items())
    used = {row["ground"] for row in rows} | {ground for _, ground in groups} | set(wanted.events.values())
    return {
        "_t": "evidencekit/withheld/1",
        "events": [{"entry": str(entry), "ground": ground} for entry, ground in sorted(wanted.events.items())],
        "grounds": [{"ground": ground, "label": LABELS.get(ground, ground)} for ground in sorted(used)],
        "groups": [
            {"count": str(count), "ground": ground, "group": group, "manifest": manifest}
            for (group, ground), count in sorted(groups.items())
        ],
        "rows": [{**row, "manifest": manifest} for row in rows],
    }


# --- the bag -------------------------------------------------------------------------------------------------------


def close(files: Files, record: dict[str, Any], signer: Signer) -> Files:
    """Make a bag of files, and sign it."""
    payload = {path: data for path, data in files.items() if path.startswith("data/")}
    files = files | {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": f"Payload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}\n".encode(),
        "manifest-sha256.txt": manifest("sha256", payload),
        "manifest-sha512.txt": manifest("sha512", payload),
    }
    return signed(files, record, signer)


def signed(files: Files, record: dict[str, Any], signer: Signer) -> Files:
    """Sign for the files of a bag as they are, and list them in the tag manifests."""
    listed = [
        {"bytes": str(len(data)), "path": path, "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in sorted(files.items())
        if not path.startswith("data/") and path not in _NOT_LISTED
    ]
    files = {path: data for path, data in files.items() if path not in _OUTSIDE}
    files["evidence/package.json"] = data = jcs({**record, "files": record["files"] or listed})
    files["evidence/package.json.sig"] = signer.sign(data, NAMESPACE)
    return tagged(files)


def tagged(files: Files) -> Files:
    """Make the tag manifests anew: anybody can."""
    tags = {
        path: data
        for path, data in files.items()
        if not path.startswith("data/") and not path.startswith("tagmanifest-")
    }
    made = {f"tagmanifest-{algorithm}.txt": manifest(algorithm, tags) for algorithm in ("sha256", "sha512")}
    return files | made


def manifest(algorithm: str, files: Files) -> bytes:
    """A manifest as sha256sum writes it."""
    return b"".join(
        f"{hashlib.new(algorithm, data).hexdigest()}  {path}\n".encode() for path, data in sorted(files.items())
    )


# --- containers ------------------------------------------------------------------------------------------------------


def write_folder(files: Files, folder: Path) -> Path:
    """Write a package as a folder."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def write_zip(files: Files, path: Path, *, method: int = zipfile.ZIP_DEFLATED, top: str = "package") -> Path:
    """Write a package as a .zip."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{top}/{name}")
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data, method)
    return path


def write_tar(files: Files, path: Path, *, top: str = "package") -> Path:
    """Write a package as a .tar."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


WRITERS = {"folder": write_folder, "zip": write_zip, "tar": write_tar}
