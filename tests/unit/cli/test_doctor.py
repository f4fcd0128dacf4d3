"""The program checks itself: with nothing in the environment, as a user who may do little, and where something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import evidencekit
from evidencekit.cli import doctor

EXPECTED = {
    "version", "program files", "parts", "sha256 known answer", "sha1 known answer", "md5 known answer",
    "sha3_256 known answer", "blake3 known answer", "log signatures", "Parquet", "libmagic", "clock", "free space",
    "rogue time-stamp self-test",
}  # fmt: skip


def checks(done):
    found = json.loads(done.out)["checks"]
    return {check["name"]: check for check in found}


def test_all_is_well(cli, tmp_path):
    done = cli("doctor", tmp_path, "--json")
    assert (done.code, done.err) == (0, b"")
    found = checks(done)
    assert found.keys() == EXPECTED
    assert {check["status"] for check in found.values()} == {"ok"}
    assert "rogue tokens were refused" in found["rogue time-stamp self-test"]["found"]
    assert "SHA-256" in found["program files"]["found"]
    people = cli("doctor", tmp_path)
    assert people.code == 0
    assert b"all that was checked is well" in people.out
    assert all(name.encode() in people.out for name in EXPECTED)


def test_with_an_empty_environment(tmp_path):
    """As `env -i python -m evidencekit doctor` does it."""
    done = subprocess.run(
        ["env", "-i", sys.executable, "-m", "evidencekit", "doctor", "--json"],
        capture_output=True, check=False, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["checks"]
    assert done.stderr == b""


def test_as_a_user_who_may_do_little(cli, tmp_path, as_nobody, monkeypatch):
    assert cli("doctor", tmp_path).code == 0  # what it loads, it loads before

    def run():
        os.environ.clear()
        return os.geteuid(), os.access(evidencekit.__file__, os.R_OK), cli("doctor", tmp_path, "--json")

    user, is_readable, done = as_nobody(run)
    assert user == 65534
    failed = {check["name"] for check in json.loads(done.out)["checks"] if check["status"] == "failed"}
    # a checkout in a home that is closed to others: then its files, libmagic's data among them, cannot be read
    assert failed <= (set() if is_readable else {"program files", "libmagic"})
    assert is_readable or "program files" in failed
    assert done.code == (4 if failed else 0), done.out
    assert checks(done).keys() == EXPECTED


def test_the_digest_over_the_program_is_the_same_each_time(cli, tmp_path):
    one, other = (checks(cli("doctor", tmp_path, "--json"))["program files"]["found"] for _ in range(2))
    assert one == other


def test_whatever_a_check_raises_is_a_failure_with_a_name(cli, tmp_path, monkeypatch):
    def _parquet():
        raise RuntimeError("broken \x1b[31m")

    monkeypatch.setattr(doctor, "_parquet", _parquet)
    done = cli("doctor", tmp_path, "--json")
    assert done.code == 4
    assert checks(done)["parquet"]["status"] == "failed"
    people = cli("doctor", tmp_path)
    assert people.code == 4
    assert b"failed: parquet" in people.out


@pytest.mark.parametrize(("now", "status"), [(doctor.EARLIEST * 10**9 + 1, "ok"), (0, "failed")])
def test_a_clock_that_cannot_be_right(cli, tmp_path, monkeypatch, now, status):
    monkeypatch.setattr(doctor.surroundings, "clock", lambda: now)
    assert checks(cli("doctor", tmp_path, "--json"))["clock"]["status"] == status


def test_a_library_that_gives_another_answer(cli, tmp_path, monkeypatch):
    import hashlib

    class Wrong:
        def hexdigest(self):
            return "00"

    monkeypatch.setattr(hashlib, "new", lambda *_, **__: Wrong())
    found = checks(cli("doctor", tmp_path, "--json"))
    assert found["sha256 known answer"]["status"] == "failed"
    assert found["blake3 known answer"]["status"] == "ok"


def test_a_folder_that_is_not_there(cli, tmp_path):
    done = cli("doctor", tmp_path / "nowhere", "--json")
    assert done.code == 4
    (failed,) = [check for check in checks(done).values() if check["status"] == "failed"]
    assert "nowhere" in failed["found"]


def test_a_library_that_believes_rogues(cli, tmp_path, monkeypatch):
    from evidencekit.read import token_selftest

    monkeypatch.setattr(token_selftest, "library_fault", lambda _token, _authority: None)
    token_selftest.self_test.cache_clear()
    try:
        done = cli("doctor", tmp_path, "--json")
    finally:
        token_selftest.self_test.cache_clear()
    assert done.code == 4
    found = checks(done)["rogue time-stamp self-test"]
    assert found["status"] == "failed"
    assert found["found"] == "rfc3161-client believed an embedded rogue authority"
