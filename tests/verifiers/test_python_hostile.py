"""The single-file verifier under what somebody made to break it: it says so, soon, in bounded memory, and never raises."""

from __future__ import annotations

import io
import json
import os
import random
import resource
import stat
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "verifiers/python/verify_evidence.py"
GOOD = ROOT / "specs/vectors/packages/good/0.1_package/package.zip"


def judged(verifier, path):
    started = time.monotonic()
    report = verifier.verify(str(path))
    assert time.monotonic() - started < 20
    assert not [one for one in report["not_checked"] if one["code"] == "internal_error"], report["not_checked"]
    json.dumps(report).encode()
    return report


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_archive_is_judged(verifier, tmp_path, seed):
    pick, data = random.Random(seed), bytearray(GOOD.read_bytes())
    for _ in range(pick.choice([1, 3, 40])):
        data[pick.randrange(len(data))] = pick.randrange(256)
    path = tmp_path / "p.zip"
    path.write_bytes(bytes(data[: pick.randrange(len(data))] if seed % 3 == 0 else data))
    assert judged(verifier, path)["verdict"] in ("FAILED", "INTEGRITY ONLY", "NOT CHECKED")


@pytest.mark.parametrize("size", [0, 1, 3, 22, 511, 512, 1024, 5000])
@pytest.mark.parametrize("start", [b"", b"PK", b"PK\5\6", b"c2sp.org/tlog-proof@v1\n"])
def test_noise_is_refused(verifier, tmp_path, size, start):
    path = tmp_path / "noise"
    path.write_bytes((start + random.Random(size).randbytes(size))[: max(size, len(start))])
    assert judged(verifier, path)["verdict"] == "FAILED"


@pytest.mark.parametrize("data", [b"age-encryption.org/v1\n-> X25519 x\n", b"-----BEGIN AGE ENCRYPTED FILE-----\n"])
def test_what_is_not_read_is_not_checked_and_says_what_to_do(verifier, tmp_path, data):
    path = tmp_path / "p"
    path.write_bytes(data)
    report = judged(verifier, path)
    assert (report["verdict"], report["exit_code"]) == ("NOT CHECKED", 4)
    assert "decrypt" in report["not_checked"][0]["reason"]


def tarred(path, form=tarfile.PAX_FORMAT, change=lambda member: None, names=()):
    """The good package as a .tar; `change` is done to the header of its record, `names` are further entries."""
    with zipfile.ZipFile(GOOD) as archive, tarfile.open(path, "w", format=form) as out:
        for name in [*sorted(archive.namelist()), *names]:
            member = tarfile.TarInfo(name)
            data = archive.read(name) if name in archive.namelist() else b""
            member.size = len(data)
            if name.endswith("package.json"):
                change(member)
            out.addfile(member, io.BytesIO(data))
    return path


def codes(verifier, path):
    return {one["code"] for one in judged(verifier, path)["findings"] if one["severity"] == "error"}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_forms_of_tar(verifier, tmp_path, form):
    assert codes(verifier, tarred(tmp_path / "p.tar", form)) == set()
    long = "package/evidence/" + "long/" * 30 + "x"
    if form != tarfile.USTAR_FORMAT:
        assert codes(verifier, tarred(tmp_path / "p.tar", form, names=[long])) == {"E164", "E165"}


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "E154"),
        ({"type": tarfile.LNKTYPE, "linkname": "package/bagit.txt"}, "E154"),
        ({"type": tarfile.CHRTYPE}, "E154"),
        ({"type": tarfile.FIFOTYPE}, "E154"),
        ({"type": b"g"}, "E151"),
        ({"type": b"V"}, "E151"),
        ({"pax_headers": {"GNU.sparse.major": "1"}}, "E151"),
        ({"pax_headers": {"comment": "x" * 70_000}}, "E151"),
        ({"pax_headers": {"path": "/etc/passwd"}}, "E153"),
        ({"pax_headers": {"size": "99999999999"}}, "E151"),
    ],
)
def test_a_tar_that_is_more_than_files_is_refused(verifier, tmp_path, members, code):
    def change(member):
        for name, value in members.items():
            setattr(member, name, value)
        member.size = 0 if "type" in members else member.size

    assert codes(verifier, tarred(tmp_path / "p.tar", change=change)) == {code}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("package/bagit.txt", "E155"),
        ("package/BAGIT.txt", "E155"),
        ("package/evidence", "E155"),
        ("package/../x", "E153"),
        ("package/aux.txt", "E153"),
        ("package/a:b", "E153"),
        ("other/x", "E153"),
        ("package/" + "d/" * 70 + "x", "E156"),
    ],
)
def test_names_that_a_tar_must_not_have(verifier, tmp_path, name, code):
    assert codes(verifier, tarred(tmp_path / "p.tar", names=[name])) == {code}


def test_a_tar_that_is_cut_off_or_goes_on(verifier, tmp_path):
    path = tarred(tmp_path / "p.tar")
    whole = path.read_bytes()
    for data, code in ((whole + bytes(4096) + b"x", "E152"), (whole.rstrip(b"\0"), "E151"), (whole[:5000], "E151")):
        path.write_bytes(data)
        assert codes(verifier, path) == {code}
    negative = bytearray(whole)
    negative[124:136] = b"\xff" * 12
    path.write_bytes(bytes(negative))
    assert codes(verifier, path) == {"E151"}


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_tar_is_judged(verifier, tmp_path, seed):
    pick = random.Random(seed)
    path = tarred(tmp_path / "p.tar")
    data = bytearray(path.read_bytes())
    for _ in range(pick.choice([1, 3, 40])):
        data[pick.randrange(len(data))] = pick.randrange(256)
    path.write_bytes(bytes(data))
    assert judged(verifier, path)["verdict"] in ("FAILED", "INTEGRITY ONLY")


def rewritten(tmp_path, changes):
    with zipfile.ZipFile(GOOD) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files.update(changes)
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            archive.writestr(name, files[name])
    return path


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"a":' + b"9" * 3_000_000 + b"}",
        b'"' + b'\\"' * 1_000_000 + b"\\",
        b"{",
        b"\xff",
    ],
)
@pytest.mark.parametrize(
    "name", ["package.json", "withheld.json", "records.jsonl", "custody/00000001/event.json", "custody/00000002/entry"]
)
def test_records_made_to_hurt_a_parser(verifier, tmp_path, text, name):
    report = judged(verifier, rewritten(tmp_path, {"package/evidence/" + name: text}))
    assert report["verdict"] == "FAILED"


def test_a_bomb_of_zeros_is_refused_before_it_is_read(verifier, tmp_path):
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = b"".join(packed.compress(bytes(1 << 20)) for _ in range(64)) + packed.flush()
    name = b"package/data/bomb"
    size = 1 << 44  # as it says; ZIP64
    extra = struct.pack("<2H2Q", 1, 16, size, len(body))
    local = (
        struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 8, 0, 33, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(extra))
        + name
        + extra
        + body
    )
    central = (
        struct.pack(
            "<4s6H3I5H2I",
            b"PK\1\2",
            45,
            45,
            0,
            8,
            0,
            33,
            0,
            0xFFFFFFFF,
            0xFFFFFFFF,
            len(name),
            len(extra),
            0,
            0,
            0,
            0,
            0,
        )
        + name
        + extra
    )
    path = tmp_path / "bomb.zip"
    path.write_bytes(local + central + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0))
    assert [one["code"] for one in judged(verifier, path)["findings"]] == ["E156"]


def test_links_are_not_followed_and_devices_are_not_opened(verifier, tmp_path):
    link = zipfile.ZipInfo("package/evidence/package.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert [one["code"] for one in judged(verifier, tmp_path / "p.zip")["findings"]] == ["E154"]
    folder = tmp_path / "folder"
    (folder / "evidence").mkdir(parents=True)
    (folder / "evidence/package.json").write_bytes(b"{}")
    os.mkfifo(folder / "evidence/pipe")
    assert [one["code"] for one in judged(verifier, folder)["findings"]] == ["E154"]


def test_a_case_of_fifos_and_noise_is_judged(verifier, tmp_path):
    case = tmp_path / "case"
    (case / "custody/00000000").mkdir(parents=True)
    (case / "case.json").symlink_to("/dev/zero")
    os.mkfifo(case / "custody/00000000/entry")
    assert judged(verifier, case)["verdict"] == "FAILED"


@pytest.mark.parametrize(
    "policy",
    [
        "version = 2\n",
        "version = 1\nsurprise = 1\n",
        "[[log\n",
    ],
)
def test_a_policy_that_is_not_understood_is_refused(verifier, tmp_path, policy):
    for name, text in (("policy.toml", policy), ("allowed_signers", ""), ("logs.policy", "quorum none\n")):
        (tmp_path / name).write_text(text)
    with pytest.raises(verifier.Usage):
        verifier.verify(str(GOOD), str(tmp_path))
    with pytest.raises(SystemExit) as left:
        verifier.main([str(GOOD), "--policy", str(tmp_path)])
    assert left.value.code == 2


@pytest.mark.trial
def test_many_lines_stream(tmp_path):
    """Twenty thousand lines of which all but the first are wrong: memory stays that of one line and the list of findings."""
    with zipfile.ZipFile(GOOD) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    line = files["package/evidence/records.jsonl"].split(b"\n")[1] + b"\n"
    path = tmp_path / "long.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            with archive.open(name, "w", force_zip64=True) as out:
                if not name.endswith("records.jsonl"):
                    out.write(files[name])
                for _ in range(20 if name.endswith("records.jsonl") else 0):
                    out.write(line * 1000)

    def bounded():
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))

    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(path), "--json"], capture_output=True, check=False, preexec_fn=bounded
    )
    report = json.loads(done.stdout)
    assert report["counts"]["findings"]["by_code"]["E169"] == 19_999
    assert not [one for one in report["not_checked"] if one["code"] == "internal_error"]
