"""Small changes of evidence, from a seed: of bytes, texts, records, DER, signatures, catalogues, and of which files there are.

`mutate_files` changes one thing; `fitted` then makes fit again what stands above it in the record (digests, signatures,
roots, checkpoints), with the published keys of the vectors, so that it is the change that is found and not the seal that it broke.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import io
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.event import NAMESPACE
from evidencekit.core.merkle import Tree, leaf_hash
from evidencekit.seal.logkeys import load_log_keys
from evidencekit.seal.sign import load_signer

Files = dict[str, bytes]
KEYS = Path(__file__).parents[2] / "specs/vectors/cases/keys"
HEX = re.compile(rb"[0-9a-f]{64}")
WORDS = ["", "x", "EX-001", "EX-999", "0", "1", "2", "7", "00", "-1", "+1", "18446744073709551616", "9007199254740993",
         "\u00e9", "e\u0301", "\u202e", "\ufdd0", "\ud800", "\0", "\\", "/", "..", "^~", None, True, False, 3, -1, 2**64,
         [], {}, [[]], "0" * 64, "QUFBQUFBQUFBQUFBQUFBQQ==", "QUFBQUFBQUFBQUFBQUFBQR==", "2026-05-28T20:26:40.000000000Z",
         "2026-02-30T20:26:40.000000000Z", "2026-05-28T20:26:60.000000000Z", "0000-05-28T20:26:40.000000000Z", "x" * 1025,
         "x" * 4097, {"count": "1", "bytes": "1", "sha256": "0" * 64}]  # fmt: skip
MEMBERS = ["x", "path", "path_hex", "reason", "target", "md5", "stream", "_t", "size", "sha256", "items", "holder"]


def jcs(record: Any) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


# --- one value, one record, one text ---------------------------------------------------------------------------------


def spots(value: Any, path: tuple = ()) -> list[tuple]:
    """Places of all members and elements."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [spot for key, each in inner for spot in [(*path, key), *spots(each, (*path, key))]]


def mutate_record(record: Any, pick: Random) -> Any:
    """Change, remove, exchange or add one thing somewhere."""
    record = json.loads(json.dumps(record))
    places = spots(record)
    if not places:
        return record
    *parents, last = pick.choice(places)
    holder = record
    for key in parents:
        holder = holder[key]
    what = pick.randrange(8)
    value = holder[last]
    if what == 0:
        del holder[last]
    elif what == 1 and isinstance(value, str) and value:
        at = pick.randrange(len(value))
        holder[last] = value[:at] + pick.choice("0a1bZ=/ \u00e9\u200f") + value[at + 1 :]
    elif what == 2 and isinstance(value, str) and value.isdigit() and len(value) < 30:
        holder[last] = str(max(0, int(value) + pick.choice([-1, 1, 2, 2**32, 2**64])))
    elif what == 3 and isinstance(holder, dict):
        holder[pick.choice(MEMBERS)] = pick.choice(WORDS)
    elif what == 4 and isinstance(holder, list):
        holder.insert(pick.randrange(len(holder) + 1), pick.choice(holder))
    elif what == 5 and isinstance(value, str) and re.fullmatch(r"evidencekit/[a-z_]+/\d+", value):
        holder[last] = value[:-1] + pick.choice(["2", "0", "10", "99999999999999999999", ""])
    elif what == 6:
        *others, name = pick.choice(places)
        source = record
        for key in others:
            source = source[key]
        holder[last] = json.loads(json.dumps(source[name])) if name in source or isinstance(source, list) else None
    else:
        holder[last] = pick.choice(WORDS)
    return record


def mutate_form(data: bytes, pick: Random) -> bytes:
    """The same record in another form."""
    changes: list[Callable[[bytes], bytes]] = [
        lambda d: d + b"\n",
        lambda d: b"\xef\xbb\xbf" + d,
        lambda d: d.replace(b":", b": ", 1),
        lambda d: d.replace(b"e", b"\\u0065", 1),
        lambda d: d.replace(b"/", b"\\/", 1),
        lambda d: re.sub(rb'("[a-z_]+":"[^"]*")', rb"\1,\1", d, count=1),
        lambda d: re.sub(rb'"(\d+)"', rb"\1", d, count=1),
        lambda d: re.sub(rb'"(\d+)"', rb'"\1.0"', d, count=1),
        lambda d: b"[" * pick.choice([8, 2000]) + d + b"]" * 8,
        lambda d: d.replace(b'":"', b'":"' + b"x" * pick.choice([4096, 60_000]), 1),
        lambda d: d.replace(b"a", b"\xc0\x80", 1),
    ]
    return pick.choice(changes)(data)


def mutate_bytes(data: bytes, pick: Random) -> bytes:
    if not data:
        return b"x"
    at = pick.randrange(len(data))
    what = pick.randrange(4)
    if what == 0:
        return data[:at] + bytes([data[at] ^ 1 << pick.randrange(8)]) + data[at + 1 :]
    if what == 1:
        return data[:at]
    if what == 2:
        return data[:at] + data[at + 1 :]
    return data[:at] + bytes([pick.randrange(256)]) + data[at:]


def mutate_text(data: bytes, pick: Random) -> bytes:
    """Lines removed, doubled, exchanged, ended otherwise; or a byte."""
    lines = data.split(b"\n")
    at, other = pick.randrange(len(lines)), pick.randrange(len(lines))
    what = pick.randrange(8)
    if what == 0:
        lines[at], lines[other] = lines[other], lines[at]
    elif what == 1:
        del lines[at]
    elif what == 2:
        lines.insert(at, lines[other])
    elif what == 3:
        lines[at] += pick.choice([b" ", b"\r", b"\t", b"\0", b"\xff", "\u2028".encode()])
    elif what == 4:
        lines[at] = lines[at].upper() if pick.random() < 0.5 else lines[at].lower()
    elif what == 5:
        return data.rstrip(b"\n") + b"\n" * pick.choice([0, 2])
    else:
        return mutate_bytes(data, pick)
    return b"\n".join(lines)


def mutate_lines(data: bytes, pick: Random) -> bytes:
    """Change, exchange, remove or double lines; or open what a line says, change that, and close it with its commitments."""
    lines = data.split(b"\n")[:-1]
    if not lines:
        return data + b"x"
    at, other = pick.randrange(len(lines)), pick.randrange(len(lines))
    what = pick.randrange(8)
    if what == 0:
        lines[at], lines[other] = lines[other], lines[at]
    elif what == 1:
        del lines[at]
    elif what == 2:
        lines.insert(at, lines[other])
    elif what == 3:
        lines[at] = mutate_form(lines[at], pick)
    else:
        row = json.loads(lines[at])
        if what > 4 and row.get("groups"):
            name = pick.choice(sorted(row["groups"]))
            changed = jcs(mutate_record(json.loads(row["groups"][name]["bytes"]), pick))
            row["groups"][name]["bytes"] = changed.decode("utf-8", "surrogatepass")
            leaf = json.loads(row["leaf"])
            salt = base64.b64decode(row["groups"][name]["salt"])
            leaf[name] = hashlib.sha256(b"evidencekit/group/1\0" + name.encode() + b"\0" + salt + changed).hexdigest()
            if pick.random() < 0.8:
                row["leaf"] = jcs(leaf).decode()
        else:
            row = mutate_record(row, pick)
        lines[at] = jcs(row)
    return b"".join(line + b"\n" for line in lines)


def mutate_base64(data: bytes, pick: Random) -> bytes:
    """A text with one of its base64 parts changed inside."""
    parts = list(re.finditer(rb"[A-Za-z0-9+/\n]{24,}={0,2}", data))
    if not parts or pick.random() < 0.3:
        return mutate_text(data, pick)
    part = pick.choice(parts)
    try:
        inner = base64.b64decode(part[0].replace(b"\n", b"") + b"==")
    except ValueError:
        return mutate_text(data, pick)
    ends = b"\n" if part[0].startswith(b"\n") else b"", b"\n" if part[0].endswith(b"\n") else b""
    body = base64.b64encode(mutate_bytes(inner, pick))
    if b"\n" in part[0].strip():
        body = b"\n".join(body[i : i + 70] for i in range(0, len(body), 70))
    return data[: part.start()] + ends[0] + body + ends[1] + data[part.end() :]


# --- DER -----------------------------------------------------------------------------------------------------------


def read_der(data: bytes) -> list[list] | None:
    """The nodes `[tag, content or nodes]` of some DER; None where it is none."""
    nodes, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            return None
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            if not 0 < size <= 4 or at + size > len(data):
                return None
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            return None
        content: Any = data[at : at + length]
        inner = read_der(content) if tag & 0x20 or (tag == 4 and length > 20) else None
        nodes.append([tag, content if inner is None else inner])
        at += length
    return nodes


def write_der(nodes: list[list], how: dict[int, str]) -> bytes:
    """The nodes as bytes; `how` says by id of a node what is wrong with its length."""
    out = b""
    for node in nodes:
        tag, content = node
        body = content if isinstance(content, bytes) else write_der(content, how)
        size = len(body)
        short = (
            bytes([size])
            if size < 128
            else b"\x81" + bytes([size])
            if size < 256
            else b"\x82" + size.to_bytes(2, "big")
        )
        wrong = how.get(id(node))
        head = {None: short, "long": b"\x83" + size.to_bytes(3, "big"), "endless": b"\x80", "more": bytes([127])}[wrong]
        out += bytes([tag]) + head + body + (b"\0\0" if wrong == "endless" else b"")
    return out


def mutate_der(data: bytes, pick: Random) -> bytes:
    """One node with another length form, tag, content or place; all around it fits again."""
    nodes = read_der(data)
    if not nodes:
        return mutate_bytes(data, pick)
    homes: list[tuple[list, int]] = []

    def walk(inside: list) -> None:
        for i, node in enumerate(inside):
            homes.append((inside, i))
            if isinstance(node[1], list):
                walk(node[1])

    walk(nodes)
    home, i = pick.choice(homes)
    node, how = home[i], {}
    what = pick.randrange(10)
    if what < 2:
        how[id(node)] = pick.choice(["long", "endless", "more"])
    elif what == 2:
        node[0] ^= pick.choice([0x01, 0x20, 0x40, 0x80, 0x1F])
    elif what == 3:
        del home[i]
    elif what == 4:
        home.insert(i, list(node))
    elif what == 5:
        other, j = pick.choice(homes)
        home[i] = [*other[j]] if j < len(other) and other[j] is not node else node
        if any(home[i] is each for each in nodes):
            return mutate_bytes(data, pick)
    elif what == 6 and isinstance(node[1], bytes):
        node[1] = pick.choice([b"\0", b"\xff", b"\0\0", b""]) + node[1]
    elif what == 7 and isinstance(node[1], bytes):
        node[1] = node[1] + pick.choice([b"\0", b"\x80", b"0", b"Z"])
    elif isinstance(node[1], bytes):
        node[1] = mutate_bytes(node[1], pick)
    else:
        node[1].insert(pick.randrange(len(node[1]) + 1), [0x05, b""])
    try:
        return write_der(nodes, how)
    except RecursionError:
        return mutate_bytes(data, pick)


# --- catalogues ----------------------------------------------------------------------------------------------------


def mutate_catalogue(data: bytes, pick: Random) -> bytes:
    """A cell, a row, the header or a byte of a catalogue."""
    try:
        with pq.ParquetFile(io.BytesIO(data)) as file:
            rows, schema = file.read().to_pylist(), file.schema_arrow.remove_metadata()
            kept = {key: text for key, text in file.metadata.metadata.items() if key.startswith(b"evidencekit.")}
    except (pa.ArrowException, OSError, ValueError):
        return mutate_bytes(data, pick)
    what = pick.randrange(8)
    at = pick.randrange(len(rows)) if rows else 0
    if what == 0 or not rows:
        return mutate_bytes(data, pick)
    if what == 1:
        kept[b"evidencekit.header"] = jcs(mutate_record(json.loads(kept[b"evidencekit.header"]), pick))
    elif what == 2:
        del rows[at]
    elif what == 3:
        rows.insert(at, rows[pick.randrange(len(rows))])
    else:
        name = pick.choice(schema.names)
        value = rows[at][name]
        if isinstance(value, bytes) and value.startswith(b"{") and pick.random() < 0.9:
            changed = jcs(mutate_record(json.loads(value), pick)) if pick.random() < 0.8 else mutate_form(value, pick)
            rows[at][name] = changed
        elif isinstance(value, int):
            rows[at][name] = value + pick.choice([-1, 1])
        else:
            rows[at][name] = rows[pick.randrange(len(rows))][name]
    out = io.BytesIO()
    columns = {name: [row[name] for row in rows] for name in schema.names}
    with pq.ParquetWriter(
        out, schema, compression="zstd", compression_level=1, write_page_checksum=True, write_page_index=True,
        max_rows_per_page=1024, write_statistics=["index"], store_schema=False, use_dictionary=False,
    ) as writer:  # fmt: skip
        writer.write_table(pa.table(columns, schema=schema))
        writer.add_key_value_metadata(kept)
    return out.getvalue()


# --- files ---------------------------------------------------------------------------------------------------------


def mutate_file(path: str, data: bytes, pick: Random) -> bytes:
    """One file changed in a way that suits it."""
    if pick.random() < 0.1:
        return mutate_bytes(data, pick)
    if path.endswith(".jsonl"):
        return mutate_lines(data, pick)
    if path.endswith((".json", "/entry")):
        try:
            return jcs(mutate_record(json.loads(data), pick)) if pick.random() < 0.8 else mutate_form(data, pick)
        except (UnicodeError, ValueError):
            return mutate_bytes(data, pick)
    if path.endswith(".parquet"):
        try:
            return mutate_catalogue(data, pick)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            return mutate_bytes(data, pick)
    if path.endswith(".tsr"):
        return mutate_der(data, pick)
    if path.endswith((".sig", ".cosig", ".tlog-proof")) or "checkpoints/" in path:
        return mutate_base64(data, pick)
    return mutate_text(data, pick) if path.endswith(".txt") or "/" not in path else mutate_bytes(data, pick)


def mutate_files(files: Files, pick: Random) -> tuple[Files, str]:
    """One change of one file, or of which files there are; what it was, in words."""
    files = files or {"x": b""}
    kinds: dict[str, list[str]] = {}
    for path in sorted(files):
        kinds.setdefault(re.sub(r"[0-9a-f]{8,}|data/.*", "", path), []).append(path)
    path = pick.choice(kinds[pick.choice(sorted(kinds))])
    out = dict(files)
    what = pick.randrange(14)
    if what == 0:
        del out[path]
    elif what == 1:
        names = [
            "evidence/x",
            "data/x",
            "x",
            path + ".x",
            "custody/00000099/entry",
            "data/EX-001/\u00e9",
            "checkpoints/1",
        ]
        out[pick.choice(names)] = files[path]
    elif what == 2:
        out[path] = files[pick.choice(sorted(files))]
    else:
        out[path] = mutate_file(path, files[path], pick)
    return out, f"{('gone', 'more', 'swap')[what] if what < 3 else 'in'} {path}"


# --- making it fit -------------------------------------------------------------------------------------------------


@cache
def own_keys() -> Path:
    """A copy of the published keys of the vectors that nobody else can read: others are refused."""
    folder = Path(tempfile.mkdtemp(prefix="keys-"))
    atexit.register(shutil.rmtree, folder)
    for path in KEYS.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
        (folder / path.name).chmod(0o600)
    return folder


@cache
def signers() -> dict[str, Any]:
    """The published keys of the vectors by their fingerprints."""
    paths = [path for path in sorted(own_keys().iterdir()) if path.with_name(path.name + ".pub").exists()]
    loaded = [load_signer(path, ask_passphrase=None) for path in paths]
    return {signer.fingerprint: signer for signer in loaded}


@cache
def log_keys() -> Any:
    return load_log_keys(own_keys() / "log.pem", origin=None, ask_passphrase=None)


def renamed(files: Files, before: Files) -> Files:
    """What speaks of a changed file by its digest speaks of it as it is now."""
    new = {hashlib.sha256(before[path]).hexdigest().encode(): hashlib.sha256(data).hexdigest().encode()
           for path, data in files.items() if path in before and before[path] != data}  # fmt: skip
    is_record = (".json", "/entry")
    return {
        path: HEX.sub(lambda found: new.get(found[0], found[0]), data) if new and path.endswith(is_record) else data
        for path, data in files.items()
    }


def logged(files: Files, top: str) -> Files:
    """The log below `top` with events signed, entries chained and checkpoints signed for what they are now."""
    out, tree = dict(files), Tree()
    roots: dict[int, bytes] = {}
    folders = sorted({m[1] for path in files if (m := re.match(re.escape(top) + r"custody/(\d{8})/", path))})
    for index, name in enumerate(folders):
        folder = f"{top}custody/{name}/"
        event, entry = out.get(folder + "event.json"), out.get(folder + "entry")
        if entry is None:
            return out
        try:
            record = json.loads(entry)
            named = [] if event is None else json.loads(event).get("signers", [])
        except (AttributeError, UnicodeError, ValueError):
            record, named = None, []
        if isinstance(record, dict):
            if event is not None:
                record["event"] = hashlib.sha256(event).hexdigest()
                if files.get(folder + "event.json.sig") is not None and isinstance(named, list):
                    signed = [signers().get(key if isinstance(key, str) else "") for key in named]
                    names = ["event.json.sig"] + [f"event.json.{i}.sig" for i in range(2, len(signed) + 1)]
                    for place, signer in zip(names, signed, strict=False):
                        if signer is not None:
                            out[folder + place] = signer.sign(event, NAMESPACE)
                    there = [out[folder + place] for place in names if folder + place in out]
                    record["signatures"] = [hashlib.sha256(data).hexdigest() for data in there]
            if isinstance(record.get("prior"), dict):
                record["prior"]["root"] = tree.root().hex()
            out[folder + "entry"] = jcs(record)
        tree.append(leaf_hash(out[folder + "entry"]))
        roots[index + 1] = tree.root()
    for path, note in files.items():
        match = re.fullmatch(re.escape(top) + r"checkpoints/(\d{8})", path)
        lines = note.split(b"\n")
        if not match or len(lines) < 4 or int(match[1]) not in roots or lines[0].decode("latin1") != log_keys().origin:
            continue
        if lines[2] != base64.b64encode(roots[int(match[1])]):
            out[path] = log_keys().sign_checkpoint(Checkpoint(log_keys().origin, int(match[1]), roots[int(match[1])]))
    return out


def closed(files: Files) -> Files:
    """The same files, in a bag that fits them, listed and signed for."""
    out = dict(files)
    record = json.loads(out["evidence/package.json"])
    tags = {f"{kind}-{name}.txt" for kind in ("manifest", "tagmanifest") for name in ("sha256", "sha512")}
    payload = {path: data for path, data in out.items() if path.startswith("data/")}
    if b"Payload-Oxum" in out.get("bag-info.txt", b""):
        lines = [line for line in out["bag-info.txt"].split(b"\n") if line and not line.startswith(b"Payload-Oxum")]
        sums = f"Payload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}".encode()
        out["bag-info.txt"] = b"\n".join([sums, *lines]) + b"\n"
    own = {"evidence/package.json", "evidence/package.json.sig"}
    if isinstance(record, dict) and isinstance(record.get("files"), list):
        record["files"] = [
            {"bytes": str(len(out[path])), "path": path, "sha256": hashlib.sha256(out[path]).hexdigest()}
            for path in sorted(out, key=str.encode) if path not in tags | own and not path.startswith("data/")
        ]  # fmt: skip
    note = out.get(f"evidence/checkpoints/{str(_member(record, 'checkpoint', 'size')).zfill(8)}", b"").split(b"\n")
    if isinstance(record, dict) and isinstance(record.get("checkpoint"), dict) and len(note) > 3:
        record["checkpoint"]["root"] = base64.b64decode(note[2] + b"==").hex()
    out["evidence/package.json"] = jcs(record)
    signer = signers().get(str(_member(record, "exporter", "key"))) or next(iter(signers().values()))
    out["evidence/package.json.sig"] = signer.sign(out["evidence/package.json"], "evidencekit-package")
    return bagged(out)


def _member(record: Any, *names: str) -> Any:
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def bagged(files: Files) -> Files:
    """The same files with the bag's four lists made anew."""
    out = {path: data for path, data in files.items() if "manifest-sha" not in path}
    for kind, wanted in (
        ("manifest", lambda p: p.startswith("data/")),
        ("tagmanifest", lambda p: not p.startswith(("data/", "tagmanifest"))),
    ):
        listed = [path for path in sorted(out, key=str.encode) if wanted(path)]
        for name in ("sha256", "sha512"):
            lines = [f"{hashlib.new(name, out[path]).hexdigest()}  {path}\n" for path in listed]
            out[f"{kind}-{name}.txt"] = "".join(lines).encode()
    return out


def fitted(files: Files, before: Files, kind: str, pick: Random) -> Files:
    """The changed files, with more or less of what is above the change made to fit it."""
    how = pick.random()
    if how < 0.25 or kind == "proof":
        return files
    out = files
    tops = {""} if kind == "case" else {path[: path.index("custody/")] for path in files if "custody/" in path}
    if pick.random() < 0.8:
        out = renamed(out, before)
        for top in sorted(tops, reverse=True):
            out = logged(out, top)
        out = renamed(out, before | files)
    if kind == "case":
        return out
    try:
        return closed(out) if how < 0.9 else bagged(out)
    except (AttributeError, KeyError, TypeError, UnicodeError, ValueError):
        return bagged(out)
