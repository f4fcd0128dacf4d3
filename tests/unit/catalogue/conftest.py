"""A case made by hand: what the catalogue reads, nothing that only a verifier would look at.

Some sealed rows cannot be made by an acquisition (alternate streams, names that this file system refuses, a million of
them), so they are written here, straight from specs/manifest.md and specs/custody-log.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest

from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.note import ED25519, MLDSA44, VerifierKey, format_vkey
from evidencekit.core.records import DERIVED_TYPE, MANIFEST_TYPE

ORIGIN = "unit7.example/24-117"
KEY = "SHA256:" + "A" * 43
IDENTITY = bytes(range(16))
WHEN = {"precision": "ns", "time": "2026-11-22T09:00:00.000000000Z", "utc_offset_min": None}
PROGRAM = {"name": "evidencekit", "parts": {}, "version": "0"}
KINDS = ("file", "directory", "symlink", "fifo", "socket", "char_device", "block_device", "unknown")
STATES = ("complete", "changed", "partial", "not_read", "not_listed", "vanished")


def jcs(value):
    """Canonical bytes; bytes stand for themselves, so that a test can put anything where a group should be."""
    return (
        value
        if isinstance(value, bytes)
        else json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


def named(key, raw):
    try:
        return {key: raw.decode()}
    except UnicodeDecodeError:
        return {key + "_hex": raw.hex()}


def file_row(
    path, data=b"", *, mtime_ns=1_700_000_000_123_456_789, stream=None, state="complete", md5=False, **metadata
):
    """(kind, name, content, metadata) of a file."""
    import blake3

    taken = state in {"complete", "changed"}
    content = {
        "_t": "evidencekit/content/1",
        "blake3": blake3.blake3(data).hexdigest() if taken else None,
        "sha256": hashlib.sha256(data).hexdigest() if taken else None,
        "size": str(len(data)),
        "state": state,
    }
    if md5 and taken:
        content["md5"] = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if not taken:
        content |= {"reason": "permission_denied", "detail": "EACCES: Permission denied"}
    name = {"_t": "evidencekit/name/1", **named("path", path), **({} if stream is None else named("stream", stream))}
    return "file", name, content, {"_t": "evidencekit/metadata/1", "mtime_ns": str(mtime_ns), **metadata}


def other_row(path, kind="directory", *, target=None, state="complete", reason=None):
    content = {"_t": "evidencekit/content/1", "blake3": None, "sha256": None, "size": None, "state": state}
    if reason:
        content["reason"] = reason
    name = {"_t": "evidencekit/name/1", **named("path", path), **({} if target is None else named("target", target))}
    return kind, name, content, {"_t": "evidencekit/metadata/1", "mode": "493", "mtime_ns": "-1"}


class Fabricated:
    """A case that grows by events."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.manifests = 0
        for folder in ("custody", "manifests", "checkpoints"):
            (path / folder).mkdir(parents=True)
        opening = {
            "agency": "Unit 7",
            "created_at": WHEN,
            "log_keys": [
                format_vkey(VerifierKey(ORIGIN, ED25519, bytes(32))),
                format_vkey(VerifierKey(ORIGIN, MLDSA44, bytes(1312))),
            ],
            "origin": ORIGIN,
            "reference": "24-117",
        }
        self.case = base64.b64encode(IDENTITY).decode()
        (path / "case.json").write_bytes(jcs({"_t": "evidencekit/case/1", "case": self.case, **opening}))
        self.event("open", [], opening)
        self.checkpoint()

    def event(self, kind, items, body, **changes):
        event = {
            "_t": "evidencekit/event/1",
            "actor": {"id": "Jo\x1b[31m", "key": KEY, "organisation": None, "role": None},
            "body": {"_t": f"evidencekit/{kind}/1", **body},
            "case": self.case,
            "classification": None,
            "items": items,
            "language": None,
            "nonce": base64.b64encode(os.urandom(16)).decode(),
            "not_stated": EVENT_TYPES["acquire"].missing(body) if kind == "acquire" else [],
            "occurred_at": WHEN,
            "seen": {"origin": ORIGIN, "root": "00" * 32, "size": str(self.size)},
            "signers": [KEY],
            "time_class": "device",
            "type": kind,
        } | changes
        folder = self.path / f"custody/{self.size:08d}"
        folder.mkdir()
        (folder / "event.json").write_bytes(jcs(event))
        (folder / "entry").write_bytes(jcs(self.entry(items)))
        self.size += 1

    def entry(self, items):
        return {
            "_t": "evidencekit/entry/1",
            "event": "00" * 32,
            "head": "0",
            "index": str(self.size),
            "items_prev": [None for _ in items],
            "prior": {"root": "00" * 32, "size": str(self.size)},
            "recorded_at": f"2026-11-22T09:15:{self.size:02d}.000000000Z",
            "signatures": ["00" * 32],
        }

    def checkpoint(self):
        root = base64.b64encode(hashlib.sha256(b"%d" % self.size).digest()).decode()
        signature = base64.b64encode(bytes(80)).decode()
        text = f"{ORIGIN}\n{self.size}\n{root}\n\n\u2014 {ORIGIN} {signature}\n"
        (self.path / f"checkpoints/{self.size:08d}").write_bytes(text.encode())

    def header(self, item, rows, digests, source, order):
        kinds, states, size = dict.fromkeys(KINDS, 0), dict.fromkeys(STATES, 0), 0
        for kind, _, content, _ in rows:
            kinds[kind] += 1
            if isinstance(content, bytes):
                continue
            states[content["state"]] += 1
            size += int(content["size"] or 0) if content["state"] in {"complete", "changed"} else 0
        return {
            "_t": "evidencekit/manifest/1",
            "case": self.case,
            "digests": sorted(digests),
            "exhibit": item,
            "finished_at": WHEN,
            "name_encoding": "posix",
            "options": {"exclude": [], "include": [], "sensitive": False},
            "order": order,
            "program": PROGRAM,
            "source": {"atime": "untouched", "host": None, "kind": rows[0][0], "mount": None, **named("path", source)},
            "started_at": WHEN,
            "totals": {
                "bytes": str(size),
                "kinds": {k: str(v) for k, v in kinds.items()},
                "rows": str(len(rows)),
                "states": {k: str(v) for k, v in states.items()},
            },
        }

    def write(self, header, columns, kind):
        """Write a Parquet file; return what its event says of it."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.manifests += 1
        path = self.path / f"manifests/{self.manifests:08d}.parquet"
        salt, data = bytes(16), jcs(header)
        metadata = {
            "evidencekit.format": kind,
            "evidencekit.header": data,
            "evidencekit.header_salt": base64.b64encode(salt),
        }
        salts = pa.array([n.to_bytes(16, "big") for n in range(len(columns[0][1]))], pa.binary(16))
        columns = [*columns[:1], ("row_salt", salts, False), *columns[1:]]
        schema = pa.schema([pa.field(name, array.type, null) for name, array, null in columns])
        table = pa.table([array for _, array, _ in columns], schema=schema)
        with (
            path.open("wb") as file,
            pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True, store_schema=False) as writer,
        ):
            writer.add_key_value_metadata(metadata)
            writer.write_table(table, row_group_size=8192)
        return {
            "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "header": hashlib.sha256(b"evidencekit/header/1\0" + salt + data).hexdigest(),
            "manifest": str(self.manifests),
            "root": hashlib.sha256(b"root%d" % self.manifests).hexdigest(),
            "rows": str(table.num_rows),
        }

    def seal(self, item, rows, *, digests=("blake3", "sha256"), source=b"/mnt/source", indexes=None, checkpoint=True,
             header=None):  # fmt: skip
        """Acquire and seal rows that stand in path order already; `header` has members that are to be others."""
        import pyarrow as pa

        acquired = {
            "acquisition_type": "logical",
            "digests": sorted(digests),
            "finished_at": WHEN,
            "started_at": WHEN,
            "tool": PROGRAM,
        }
        self.event("acquire", [item], acquired)
        order = "path" if indexes is None else "shuffled"
        states = ["" if isinstance(row[2], bytes) else row[2]["state"] for row in rows]
        columns = [
            ("index", pa.array(range(len(rows)) if indexes is None else indexes, pa.int64()), False),
            ("name", pa.array([jcs(row[1]) for row in rows], pa.binary()), False),
            ("content", pa.array([jcs(row[2]) for row in rows], pa.binary()), False),
            ("metadata", pa.array([jcs(row[3]) for row in rows], pa.binary()), False),
            ("kind", pa.array([row[0] for row in rows]), False),
            ("path", pa.array([b"" for row in rows], pa.binary()), False),
            ("size", pa.array([None for row in rows], pa.int64()), True),
            ("state", pa.array(states), False),
            ("sha256", pa.array([None for row in rows], pa.binary()), True),
            ("mtime_ns", pa.array([None for row in rows], pa.int64()), True),
        ]
        header = self.header(item, rows, digests, source, order) | (header or {})
        body = self.write(header, columns, MANIFEST_TYPE)
        self.event("seal", [item], body)
        if checkpoint:
            self.checkpoint()
        return body

    def derive(self, item, sealed, types):
        """Seal media types, {index: type}."""
        import pyarrow as pa

        engine = {"data_sha256": None, "name": "libmagic", "version": "5.44"}
        header = {
            "_t": "evidencekit/derived/1",
            "base_manifest": sealed["manifest"],
            "base_root": sealed["root"],
            "case": self.case,
            "engine": engine,
            "exhibit": item,
            "finished_at": WHEN,
            "kind": "media-type",
            "program": PROGRAM,
            "started_at": WHEN,
            "totals": {"errors": "0", "rows": str(len(types))},
        }
        opinions = [
            {"_t": "evidencekit/media-type/1", "charset": None, "error": None, "media_type": one}
            for _, one in sorted(types.items())
        ]
        columns = [
            ("index", pa.array(range(len(types)), pa.int64()), False),
            ("base_index", pa.array(sorted(types), pa.int64()), False),
            ("opinion", pa.array([jcs(one) for one in opinions], pa.binary()), False),
            ("media_type", pa.array([one["media_type"] for one in opinions], pa.string()), True),
        ]
        body = self.write(header, columns, DERIVED_TYPE)
        self.event("derive", [item], body | {"base_root": sealed["root"], "engine": engine, "kind": "media-type"})
        self.checkpoint()
        return body

    def compare(self, item, sealed, opinions, **about):
        """Seal a comparison with a list, {index: members of the group}."""
        import pyarrow as pa

        engine = {"data_sha256": "ab" * 32, "name": "hashdeep", "version": "1.0"}
        groups = {index: {"_t": "evidencekit/match/1", **group} for index, group in sorted(opinions.items())}
        names = [group["result"] for group in groups.values()]
        results = ("differs", "moved", "not_comparable", "not_listed", "same")
        header = {
            "_t": "evidencekit/derived/1",
            "base_manifest": sealed["manifest"],
            "base_root": sealed["root"],
            "case": self.case,
            "engine": engine,
            "exhibit": item,
            "finished_at": WHEN,
            "kind": "match",
            "match": {
                "digests": ["sha256"],
                "entries": "7",
                "mapping": {"add": "", "backslashes": False, "remove": ""},
                "missing": "2",
                "under": "",
                "unreadable_lines": "1",
            }
            | about,
            "program": PROGRAM,
            "started_at": WHEN,
            "totals": {name: str(names.count(name)) for name in results} | {"rows": str(len(names))},
        }
        columns = [
            ("index", pa.array(range(len(groups)), pa.int64()), False),
            ("base_index", pa.array(list(groups), pa.int64()), False),
            ("opinion", pa.array([jcs(group) for group in groups.values()], pa.binary()), False),
            ("result", pa.array(names, pa.string()), True),
        ]
        body = self.write(header, columns, DERIVED_TYPE)
        self.event("derive", [item], body | {"base_root": sealed["root"], "engine": engine, "kind": "match"})
        self.checkpoint()
        return body


ODD = [
    other_row(b""),
    file_row(b".hidden", b"dot"),
    file_row(b"Report.PDF", b"%PDF-1"),
    other_row(b"a"),
    file_row(b"a/b.txt", b"same"),
    other_row(b"a/c"),
    file_row(b"a/c/deep.txt", b"deep"),
    file_row(b"a/copy.txt", b"same"),
    file_row(b"a/empty1"),
    file_row(b"a/empty2"),
    other_row(b"a/link", "symlink", target=b"to\xff"),
    file_row(b"back\\slash", b"1"),
    file_row(b"caf\xc3\xa9.txt", b"2"),
    file_row(b"caf\xe9.txt", b"3"),
    file_row(b'comma, "quote"', b"4"),
    file_row(b"cr\rname", b"5"),
    file_row(b"gone", b"12", state="vanished"),
    file_row(b"locked", b"123", state="not_read"),
    file_row(b"new\nline", b"6"),
    other_row(b"pipe", "fifo"),
    file_row(b"streamed", b"7"),
    file_row(b"streamed", b"8", stream=b"Zone.Identifier"),
    file_row("\u8bc1\u636e\u6587\u4ef6.doc".encode(), b"9", md5=True),
    file_row(b"\xff\xfe", b"10"),
]  # fmt: skip


@pytest.fixture
def fabricate(tmp_path):
    """Make cases: `fabricate()`."""

    def make(name="case"):
        return Fabricated(tmp_path / name)

    return make


@pytest.fixture
def rows():
    """The makers of rows: rows.file, rows.other, rows.odd."""

    class Rows:
        file = staticmethod(file_row)
        other = staticmethod(other_row)
        odd = tuple(ODD)

    return Rows


@pytest.fixture
def odd_case(fabricate):
    """One exhibit with every oddity, media types for two rows."""
    made = fabricate()
    sealed = made.seal("EX-001", ODD)
    made.derive("EX-001", sealed, {2: "application/pdf", 4: "text/plain"})
    return made


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


ODD_FILES = {
    b".hidden": b"dot",
    b"-": b"a dash",
    b"-n": b"an option",
    b" leading space": b"s",
    b"*star": b"t",
    b"#comment": b"c",
    b"back\\slash": b"1",
    b"\\": b"2",
    b"cr\r": b"3",
    b"new\nline": b"4",
    b"\\n": b"5",
    b"caf\xe9": b"6",
    b"sub/\xff\n\\": b"7",
    b"sub/empty": b"",
    "sub/\u8bc1\u636e\u6587\u4ef6.txt".encode(): b"evidence",
    b"sub/same": b"1",
    b'=1+1, "quoted"': b"8",
}  # fmt: skip


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """A real folder of odd names, acquired and sealed by the real writers: real.source, real.case."""
    import secrets
    import time
    from types import SimpleNamespace

    from evidencekit.acquire.options import Options
    from evidencekit.journeys.acquire import Acquisition, acquire_and_seal
    from evidencekit.seal.ledger import Ledger
    from evidencekit.seal.logkeys import new_log_keys
    from evidencekit.seal.opening import open_case
    from evidencekit.seal.sign import load_signer, new_key

    base = tmp_path_factory.mktemp("real")
    source = base / "source"
    for path, data in ODD_FILES.items():
        place = os.fsencode(source) + b"/" + path
        os.makedirs(os.path.dirname(place), exist_ok=True)
        Path(os.fsdecode(place)).write_bytes(data)
    (source / "left out.tmp").write_bytes(b"x")
    (source / "link").symlink_to("sub")
    os.mkfifo(source / "pipe")
    new_key(base / "key", comment="Examiner", passphrase=None)
    signer = load_signer(base / "key", ask_passphrase=None)
    actor = {"id": "Examiner", "key": signer.fingerprint, "organisation": None, "role": None}
    keys = new_log_keys(ORIGIN)
    by = {"clock": time.time_ns, "random": secrets.token_bytes, "utc_offset_min": 0}
    open_case(
        base / "case",
        identity=IDENTITY,
        reference="24-117",
        agency="Unit 7",
        signer=signer,
        actor=actor,
        keys=keys,
        **by,
    )
    options = Options(digests=("blake3", "md5", "sha256"), exclude=("*.tmp",))
    for exhibit in ("EX-001", "EX-002"):
        ledger = Ledger(base / "case", keys=keys, **by)
        request = Acquisition(
            source=source, exhibit=exhibit, program=PROGRAM, options=options, types=exhibit == "EX-001"
        )
        acquire_and_seal(ledger, request, signer=signer, actor=actor, **by)
    return SimpleNamespace(source=source, case=base / "case", actor=actor)
