"""Cases with any rows and any entries, signed by the right keys: what an insider could make, or a broken program.

The real writer opens the case and signs; what it would refuse is written here by hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidencekit.core import encoding, layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.digest import header_commitment, sha256
from evidencekit.core.event import NAMESPACE, Entry, decode_event, encode_entry, encode_event, new_event
from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.core.opinions import RESULTS
from evidencekit.core.records import DERIVED_TYPE, KINDS, MANIFEST_TYPE, STATES
from evidencekit.core.values import encode_base64, format_instant, moment
from evidencekit.errors import FormatError
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.logkeys import LogKeys, new_log_keys
from evidencekit.seal.opening import open_case
from evidencekit.seal.sign import Signer, load_signer, new_key
from evidencekit.write.parquet import DerivedRows, DerivedWriter, ManifestRows, ManifestWriter

ORIGIN = "unit7.example/built"
IDENTITY = bytes(range(16))
PROGRAM = {"name": "builder", "parts": {}, "version": "1"}
WHEN = moment(1_780_000_000_000_000_000)
VIEW = ("index", "row_salt", "path", "size", "state", "sha256", "mtime_ns", "kind")


def jcs(record: Any) -> bytes:
    """Canonical bytes, without any check; bytes stand for themselves."""
    if isinstance(record, bytes):
        return record
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def file_row(path: str, content: bytes = b"x", *, metadata: dict | None = None, **more: Any) -> dict[str, Any]:
    """A plain file; `content` etc. of `more` are members of the group `content`."""
    group = {
        "_t": "evidencekit/content/1", "blake3": hashlib.sha256(b"b" + content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(), "size": str(len(content)), "state": "complete",
    } | more  # fmt: skip
    return {
        "kind": "file",
        "name": {"_t": "evidencekit/name/1", "path": path},
        "content": group,
        "metadata": {"_t": "evidencekit/metadata/1", "mode": "420", "mtime_ns": "5"} | (metadata or {}),
    }


def folder_row(path: str = "", kind: str = "directory", **more: Any) -> dict[str, Any]:
    """A folder, or with another kind something else without content."""
    content = {"_t": "evidencekit/content/1", "blake3": None, "sha256": None, "size": None, "state": "complete"} | more
    return {
        "kind": kind,
        "name": {"_t": "evidencekit/name/1", "path": path},
        "content": content,
        "metadata": {"_t": "evidencekit/metadata/1", "mode": "493"},
    }


MATCH = {
    "digests": ["sha256"], "entries": "3", "mapping": {"add": "", "backslashes": False, "remove": ""}, "missing": "0",
    "under": "", "unreadable_lines": "0",
}  # fmt: skip
"""What the header of a comparison says of it."""
PLAIN = (folder_row(), file_row("a"), folder_row("d"), file_row("d/b", b"yy"))
"""Rows of a small sound manifest."""


def stored(row: dict[str, Any], index: int) -> dict[str, Any]:
    """The columns of a row; what a row names itself stands as it is."""
    content, metadata, name = row["content"], row["metadata"], row["name"]
    view: dict[str, Any] = {"index": index, "row_salt": hashlib.sha256(b"salt%d" % index).digest()[:16]}
    if isinstance(content, dict) and isinstance(name, dict) and isinstance(metadata, dict):
        size, mtime = content.get("size"), metadata.get("mtime_ns")
        view |= {
            "path": bytes.fromhex(name["path_hex"]) if "path_hex" in name else name.get("path", "").encode(),
            "size": None if size is None else int(size),
            "state": content.get("state"),
            "sha256": None if content.get("sha256") is None else bytes.fromhex(content["sha256"]),
            "mtime_ns": None if mtime is None else int(mtime),
        }
    view |= {"path": b"", "size": None, "state": "complete", "sha256": None, "mtime_ns": None} | view
    view |= {key: row[key] for key in VIEW if key in row}
    return view | {"name": jcs(name), "content": jcs(content), "metadata": jcs(metadata)}


def row_leaf(row: dict[str, Any]) -> bytes:
    """The leaf hash of a stored row: specs/manifest.md section 1, a second time."""
    h = hashlib.sha512(b"evidencekit/salts/1\0" + row["row_salt"]).digest()
    commitments = {
        group: hashlib.sha256(
            b"evidencekit/group/1\0" + group.encode() + b"\0" + h[at : at + 16] + row[group]
        ).hexdigest()
        for group, at in (("name", 0), ("content", 16), ("metadata", 32))
    }
    return leaf_hash(jcs({"_t": "evidencekit/row/1", "kind": row["kind"], **commitments}))


@dataclass
class Builder:
    """One case, its keys, and the pen in hand."""

    folder: Path
    keys: LogKeys = field(init=False)
    signer: Signer = field(init=False)
    other: Signer = field(init=False)

    def __post_init__(self) -> None:
        for name in ("examiner", "other"):
            new_key(self.folder / name, comment=name, passphrase=None)
        self.signer = load_signer(self.folder / "examiner", ask_passphrase=None)
        self.other = load_signer(self.folder / "other", ask_passphrase=None)
        self.keys = new_log_keys(ORIGIN)
        open_case(
            self.case, identity=IDENTITY, reference="24-117", agency="Unit 7", signer=self.signer, actor=self.actor(),
            keys=self.keys, clock=time.time_ns, random=os.urandom, utc_offset_min=None,
        )  # fmt: skip

    @property
    def case(self) -> Path:
        """The case folder."""
        return self.folder / "case"

    def actor(self, signer: Signer | None = None, name: str = "examiner") -> dict[str, Any]:
        return {"id": name, "key": (signer or self.signer).fingerprint, "organisation": None, "role": None}

    def ledger(self) -> Ledger:
        """The real writer: it refuses to go on after anything odd."""
        return Ledger(self.case, keys=self.keys, clock=time.time_ns, random=os.urandom, utc_offset_min=None)

    # --- the log ----------------------------------------------------------------------------------------------

    def leaves(self) -> list[bytes]:
        size = 0
        found = []
        while (self.case / layout.entry_file(size)).exists():
            found.append((self.case / layout.entry_file(size)).read_bytes())
            size += 1
        return found

    def root(self, size: int | None = None) -> bytes:
        tree = CompactRange()
        tree.extend(leaf_hash(leaf) for leaf in self.leaves()[:size])
        return tree.root()

    def event(self, kind: str, items: list[str], body: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """An event that fits the log as it stands; `changes` are members of the envelope."""
        size = len(self.leaves())
        return new_event(
            kind=kind, items=items, body=body, case=encode_base64(IDENTITY), actor=self.actor(),
            signers=[self.signer.fingerprint], seen={"origin": ORIGIN, "root": self.root().hex(), "size": str(size)},
            nonce=encode_base64(os.urandom(16)), occurred_at=moment(time.time_ns()),
        ) | changes  # fmt: skip

    def enter(self, event: dict[str, Any] | bytes, *, signers: list[Signer] | None = None, **changes: Any) -> int:
        """Append an entry without asking any rule, and its checkpoint; `changes` are members of the entry."""
        data = event if isinstance(event, bytes) else encode_event(event)
        try:
            decoded = decode_event(data)
        except FormatError:
            decoded = {"items": [], "type": ""}
        signatures = [signer.sign(data, NAMESPACE) for signer in signers or [self.signer]]
        index = len(self.leaves())
        fields: dict[str, Any] = {
            "index": index, "event": sha256(data), "head": index, "items_prev": self.places(decoded["items"], divides=decoded["type"] in {"split", "copy"}),
            "prior_root": self.root(), "prior_size": index, "recorded_at": format_instant(time.time_ns()),
            "signatures": tuple(sha256(signature) for signature in signatures),
        }  # fmt: skip
        folder = self.case / layout.entry_folder(index)
        folder.mkdir()
        (folder / "event.json").write_bytes(data)
        for place, signature in enumerate(signatures):
            (folder / layout.signature_name(place)).write_bytes(signature)
        (folder / "entry").write_bytes(encode_entry(Entry(**(fields | changes))))
        self.checkpoint()
        return index

    def places(self, items: list[str], *, divides: bool = False) -> tuple[str | None, ...]:
        """`items_prev` by looking through the log; where the event `divides` the first item, parts follow that."""
        last: dict[str, str] = {}
        size = len(self.leaves())
        for index in range(size):
            with contextlib.suppress(FormatError):
                event = decode_event((self.case / layout.event_file(index)).read_bytes())
                last |= {item: f"{index}/{place}" for place, item in enumerate(event["items"])}
        parent = f"{size}/0" if divides else None
        return tuple(last.get(item, parent if place else None) for place, item in enumerate(items))

    def checkpoint(self, size: int | None = None, root: bytes | None = None, name: int | None = None) -> Path:
        """Sign a note; its size, root and file name can be lies."""
        size = len(self.leaves()) if size is None else size
        tree = Checkpoint(ORIGIN, size, self.root(size) if root is None else root)
        path = self.case / layout.checkpoint_file(size if name is None else name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.keys.sign_checkpoint(tree))
        return path

    def acquire(self, exhibit: str = "EX-001") -> int:
        body = {"acquisition_type": "logical", "digests": ["blake3", "sha256"], "finished_at": WHEN,
                "started_at": WHEN, "tool": PROGRAM}  # fmt: skip
        return self.enter(self.event("acquire", [exhibit], body))

    # --- catalogues -------------------------------------------------------------------------------------------

    def header(self, rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
        """The header that fits stored rows."""
        kinds = {kind: sum(row["kind"] == kind for row in rows) for kind in KINDS}
        states = {state: sum(row["state"] == state for row in rows) for state in STATES}
        size = sum(row["size"] or 0 for row in rows if row["state"] in {"complete", "changed"})
        totals = {
            "bytes": str(size), "kinds": {kind: str(n) for kind, n in kinds.items()}, "rows": str(len(rows)),
            "states": {state: str(n) for state, n in states.items()},
        }  # fmt: skip
        return {
            "_t": MANIFEST_TYPE, "case": encode_base64(IDENTITY), "digests": ["blake3", "sha256"],
            "exhibit": "EX-001", "finished_at": WHEN, "name_encoding": "posix",
            "options": {"exclude": [], "include": [], "sensitive": False}, "order": "path", "program": PROGRAM,
            "source": {"atime": "untouched", "host": None, "kind": "directory", "mount": None, "path": "/s"},
            "started_at": WHEN, "totals": totals,
        } | changes  # fmt: skip

    def seal(
        self, rows: Any = PLAIN, *, exhibit: str = "EX-001", header: dict[str, Any] | None = None, raw: bytes | None = None,
        **body: Any,
    ) -> str:  # fmt: skip
        """Write a manifest of any rows and seal it, root and all; return its place. `body_X` is member X of the event."""
        number = self.next_manifest()
        where = layout.manifest_file(number)
        columns = [stored(row, index) for index, row in enumerate(rows)]
        if (header or {}).get("order") == "shuffled":
            order = sorted(range(len(columns)), key=lambda place: row_leaf(columns[place]))
            for index, place in enumerate(order):
                columns[place]["index"] = index
        data = jcs(self.header(columns, exhibit=exhibit, **(header or {}))) if raw is None else raw
        (self.case / "manifests").mkdir(exist_ok=True)
        with ManifestWriter(self.case / where) as writer:
            batch = ManifestRows()
            for row in columns:
                for name in ManifestRows.__slots__:
                    getattr(batch, name).append(row[name])
            writer.write(batch)
            digest = writer.finish(data, bytes(16))
        tree = CompactRange()
        tree.extend(row_leaf(row) for row in sorted(columns, key=lambda row: row["index"]))
        self.acquire(exhibit)
        self.enter(self.event("seal", [exhibit], {
            "file_sha256": digest.hex(), "header": header_commitment(bytes(16), data).hex(), "manifest": str(number),
            "root": tree.root().hex(), "rows": str(len(columns)),
        } | {name.removeprefix("body_"): value for name, value in body.items()}))  # fmt: skip
        return where

    def derive(
        self, opinions: list[dict[str, Any]], *, base: int = 1, item: str = "EX-001", kind: str = "media-type",
        columns: str | None = None, **changes: Any,
    ) -> str:  # fmt: skip
        """Write a derived manifest about manifest `base` and seal it; an opinion is `{base_index, group, view, …}`.

        `columns` is the kind whose columns the file has, if not those of `kind`; `changes` are members of the header.
        """
        seal = next(
            event["body"]
            for event in map(self.read_event, range(len(self.leaves())))
            if event["type"] == "seal" and event["body"]["manifest"] == str(base)
        )
        number = self.next_manifest()
        where = layout.manifest_file(number)
        rows, tree = DerivedRows(), CompactRange()
        for index, opinion in enumerate(opinions):
            salt = hashlib.sha256(b"derived%d" % opinion.get("salt", index)).digest()[:16]
            group = jcs(opinion["group"])
            h = hashlib.sha512(b"evidencekit/salts/1\0" + salt).digest()
            commitment = hashlib.sha256(b"evidencekit/group/1\0opinion\0" + h[:16] + group).hexdigest()
            leaf = {"_t": "evidencekit/derived-row/1", "base_index": str(opinion["base_index"]),
                    "base_root": seal["root"], "opinion": commitment}  # fmt: skip
            tree.append(leaf_hash(jcs(leaf)))
            rows.index.append(opinion.get("index", index))
            rows.row_salt.append(salt)
            rows.base_index.append(opinion["base_index"])
            rows.opinion.append(group)
            rows.view.append(opinion.get("view"))
        engine = {"data_sha256": None, "name": "engine", "version": "1"}
        totals = {"errors": "0", "rows": str(len(opinions))}
        if kind == "match":
            engine |= {"data_sha256": "11" * 32}
            changes = {"match": MATCH} | changes
            results = Counter(opinion["view"] for opinion in opinions)
            totals = {name: str(results[name]) for name in RESULTS} | {"rows": str(len(opinions))}
        header = {
            "_t": DERIVED_TYPE, "base_manifest": str(base), "base_root": seal["root"],
            "case": encode_base64(IDENTITY), "engine": engine, "exhibit": item, "finished_at": WHEN,
            "kind": kind, "program": PROGRAM, "started_at": WHEN, "totals": totals,
        } | changes  # fmt: skip
        data = encoding.encode(header)
        with DerivedWriter(self.case / where, columns or kind) as writer:
            writer.write(rows)
            digest = writer.finish(data, bytes(16))
        self.enter(self.event("derive", [item], {
            "base_root": seal["root"], "engine": engine, "file_sha256": digest.hex(),
            "header": header_commitment(bytes(16), data).hex(), "kind": kind, "manifest": str(number),
            "root": tree.root().hex(), "rows": str(len(opinions)),
        }))  # fmt: skip
        return where

    def next_manifest(self) -> int:
        return 1 + len(list((self.case / "manifests").glob("*.parquet")))

    def read_event(self, index: int) -> dict[str, Any]:
        return decode_event((self.case / layout.event_file(index)).read_bytes())

    # --- the recipient ----------------------------------------------------------------------------------------

    def policy(
        self, settings: str = "", *, signers: str | None = None, logs: str | None = None, revoked: str = ""
    ) -> Path:
        """A policy folder that admits the log by its keys, and the examiner."""
        folder = self.folder / f"policy{len(list(self.folder.glob('policy*')))}"
        folder.mkdir()
        (folder / "policy.toml").write_text("version = 1\n" + (settings or f'[[log]]\norigin = "{ORIGIN}"\n'))
        (folder / "allowed_signers").write_text(f"examiner {self.public_key()}\n" if signers is None else signers)
        listed = "".join(f"log {key}\n" for key in self.keys.vkeys) + "quorum none\n"
        (folder / "logs.policy").write_text(listed if logs is None else logs)
        if revoked:
            (folder / "revoked.toml").write_text(revoked)
        return folder

    def public_key(self, name: str = "examiner") -> str:
        return " ".join((self.folder / f"{name}.pub").read_text().split()[:2])


def opinion(base_index: int, media_type: str | None = "text/plain", **more: Any) -> dict[str, Any]:
    """One opinion for `Builder.derive`."""
    group = {"_t": "evidencekit/media-type/1", "charset": None, "error": None, "media_type": media_type}
    return {"base_index": base_index, "group": group, "view": media_type} | more


def compared(
    base_index: int, result: str = "same", *, more: dict[str, Any] | None = None, **group: Any
) -> dict[str, Any]:
    """One comparison with a list for `Builder.derive(kind="match")`; `group` are members of the group."""
    members: dict[str, dict[str, Any]] = {
        "same": {"compared": ["sha256", "size"]},
        "differs": {"compared": ["sha256", "size"], "listed": {"sha256": "00" * 32}},
        "moved": {"compared": ["sha256"], "listed_as": "elsewhere"},
    }
    record = {"_t": "evidencekit/match/1", "result": result, **members.get(result, {})} | group
    return {"base_index": base_index, "group": record, "view": result} | (more or {})
