"""Programs by other hands on a whole sealed case, made by the real commands: signatures, notes, proofs, JSON, Parquet, lists."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

EXHIBIT = "EX-001"
ODD = ["plain", "with space", "new\nline", "back\\slash", "-dash", "\u8bc1\u636e", "[/red]x", "\x1b[31m"]


def run(*arguments: str | Path, cwd: Path, codes: tuple[int, ...] = (0,)) -> bytes:
    command = [sys.executable, "-m", "evidencekit", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=120, check=False)
    assert done.returncode in codes, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Path:
    """A folder with a source of odd names, keys, and a case with two exhibits."""
    folder = tmp_path_factory.mktemp("judged")
    source = folder / "source"
    for number, name in enumerate(ODD):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"content %d\n" % number)
    (source / "link").symlink_to("plain")
    for number in range(60):
        (source / f"{number:02d}.txt").write_text(f"letter {number}\n")
    run("key", "new", "examiner", "--no-passphrase", cwd=folder)
    opening = ("--reference", "1", "--agency", "A", "--origin", "judge.example/1")
    signing = ("--signer", "examiner", "--log-key", "log.pem")
    run("init", "case", *opening, *signing, cwd=folder)
    run("acquire", "case", "source", "--exhibit", EXHIBIT, "--hash", "md5", *signing, cwd=folder)
    run("acquire", "case", "source", "--exhibit", "EX-002", "--sensitive", "--no-identify", *signing, cwd=folder)
    return folder


def entries(case: Path) -> list[Path]:
    return sorted((case / "custody").iterdir())


@pytest.mark.judge("ssh-keygen")
def test_ssh_keygen_verifies_every_event(office):
    key = " ".join((office / "examiner.pub").read_text().split()[:2])
    (office / "allowed").write_text(f'examiner namespaces="evidencekit-event" {key}\n')
    for folder in entries(office / "case"):
        event = (folder / "event.json").read_bytes()
        command = ["ssh-keygen", "-Y", "verify", "-f", office / "allowed", "-I", "examiner", "-n", "evidencekit-event"]
        command += ["-s", folder / "event.json.sig"]
        assert subprocess.run(command, input=event, capture_output=True, check=False).returncode == 0
        assert subprocess.run(command, input=event + b" ", capture_output=True, check=False).returncode != 0
    assert len(entries(office / "case")) == 6


def notes(case: Path) -> dict[int, str]:
    return {int(path.name): path.read_text() for path in sorted((case / "checkpoints").iterdir())}


@pytest.mark.judge("dilithium-py")
def test_another_mldsa_verifies_every_second_line(office):
    from dilithium_py.ml_dsa import ML_DSA_44

    record = json.loads((office / "case/case.json").read_bytes())
    key = base64.b64decode(record["log_keys"][1].split("+", 2)[2])[1:]
    origin = record["origin"].encode()
    for size, note in notes(office / "case").items():
        root = base64.b64decode(note.split("\n")[2])
        line = base64.b64decode(note.split("\n")[5].split(" ")[2])
        name = bytes([len(origin)]) + origin
        message = b"subtree/v1\n\0" + name + bytes(8) + name + struct.pack(">QQ", 0, size) + root
        assert line[4:12] == bytes(8)
        assert ML_DSA_44.verify(key, message, line[12:])
        assert not ML_DSA_44.verify(key, message + b"\0", line[12:])


@pytest.mark.judge("rfc8785")
def test_rfc8785_spells_every_record_alike(office):
    import pyarrow.parquet as pq
    import rfc8785

    case = office / "case"
    records = [case / "case.json", *case.glob("custody/*/entry"), *case.glob("custody/*/event.json")]
    texts = [path.read_bytes() for path in records]
    for path in case.glob("manifests/*.parquet"):
        with pq.ParquetFile(path) as file:
            texts.append(file.metadata.metadata[b"evidencekit.header"])
            table = file.read()
        for column in {"name", "content", "metadata", "opinion"} & set(table.column_names):
            texts += table.column(column).to_pylist()
    assert len(texts) > 400
    for text in texts:
        assert rfc8785.dumps(json.loads(text)) == text


def leaf_of(kind: str, salt: bytes, groups: dict[str, bytes]) -> bytes:
    """A row's leaf from specs/manifest.md section 1 alone."""
    h = hashlib.sha512(b"evidencekit/salts/1\0" + salt).digest()
    commitments = {
        name: hashlib.sha256(
            b"evidencekit/group/1\0" + name.encode() + b"\0" + h[at : at + 16] + groups[name]
        ).hexdigest()
        for name, at in (("name", 0), ("content", 16), ("metadata", 32))
    }
    record = {"_t": "evidencekit/row/1", "kind": kind, **commitments}
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.judge("duckdb")
def test_duckdb_reads_the_rows_and_they_give_the_sealed_root(office, rfc6962):
    import duckdb

    case = office / "case"
    sealed = 0
    for folder in entries(case):
        event = json.loads((folder / "event.json").read_bytes())
        if event["type"] != "seal":
            continue
        path = case / f"manifests/{int(event['body']['manifest']):08d}.parquet"
        with duckdb.connect() as connection:
            sql = f"select * from read_parquet('{path}') order by \"index\""  # noqa: S608 (our own path)
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        assert [row["index"] for row in rows] == list(range(int(event["body"]["rows"])))
        leaves = [leaf_of(row["kind"], row["row_salt"], row) for row in rows]
        assert rfc6962.MTH(leaves).hex() == event["body"]["root"]
        for row in rows:
            content = json.loads(row["content"])
            assert row["state"] == content["state"] == "complete"
            assert (row["sha256"] or b"").hex() == (content["sha256"] or "")
            assert row["size"] == (None if content["size"] is None else int(content["size"]))
        sealed += 1
    assert sealed == 2


@pytest.mark.judge("sha256sum")
def test_sha256sum_agrees_on_pinned_files_and_on_the_source(office):
    case = office / "case"
    lines = []
    for folder in entries(case):
        event = json.loads((folder / "event.json").read_bytes())
        lines.append(f"{json.loads((folder / 'entry').read_bytes())['event']}  {folder / 'event.json'}")
        if event["type"] in {"seal", "derive"}:
            lines.append(
                f"{event['body']['file_sha256']}  {case}/manifests/{int(event['body']['manifest']):08d}.parquet"
            )
    check(["sha256sum", "--strict", "-c"], "\n".join(lines).encode() + b"\n", office)
    for form, program in (("sha256sum", "sha256sum"), ("md5sum", "md5sum")):
        listed = run("list", "case", "--format", form, "--item", EXHIBIT, "--quiet", cwd=office)
        assert check([program, "--strict", "-c"], listed, office / "source") == len(ODD) + 60


@pytest.mark.judge("b3sum")
def test_b3sum_agrees_on_the_source(office):
    listed = run("list", "case", "--format", "b3sum", "--item", EXHIBIT, "--quiet", cwd=office, codes=(0, 6))
    assert check(["b3sum", "-c"], listed, office / "source") > 60


def check(command: list[str], listed: bytes, cwd: Path) -> int:
    """Let a program check a list; return how many lines it was given."""
    (cwd.parent / "list").write_bytes(listed)
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    command = [*command, str(cwd.parent / "list")]
    done = subprocess.run(command, cwd=cwd, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return listed.count(b"\n")
