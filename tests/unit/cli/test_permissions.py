"""Commands of a user who may do little: what may not be read is recorded, what may not be written is said."""

from __future__ import annotations

import json
import os
import shutil

import pytest

NOBODY = 65534


def warm_up(rc, cli, desk, folder):
    """Whatever a fork of root loads, it loads before: the interpreter may lie where nobody can read it."""
    shutil.copytree(desk / "case", folder / "warm")
    signing = ["--signer", desk / "office/examiner", "--log-key", desk / "log.pem"]
    assert cli("acquire", folder / "warm", desk / "source/docs", "--exhibit", "EX-009", *signing).code == 0
    for command in ("show", "find", "list", "verify"):
        cli(command, folder / "warm")
    shutil.rmtree(folder / "warm")


@pytest.fixture
def place(as_nobody, rc, cli, desk, tmp_path):
    """A case and a source that belong to nobody; half of the source may not be read even by him."""
    office = rc.Office(tmp_path / "office")
    office.open(tmp_path / "case")
    from evidencekit.seal.logkeys import save_log_keys

    save_log_keys(office.keys, tmp_path / "log.pem")
    source = tmp_path / "source"
    (source / "closed/inside").mkdir(parents=True)
    (source / "open").mkdir()
    for name in ("a", "b", "open/c", "closed/d", "closed/inside/e"):
        (source / name).write_text(name)
    (source / "no\nentry").write_text("secret")
    for path in [tmp_path, *tmp_path.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    for name in ("b", "no\nentry", "closed"):
        (source / name).chmod(0)
    warm_up(rc, cli, desk, tmp_path)
    yield tmp_path
    for name in ("b", "no\nentry", "closed"):
        (source / name).chmod(0o700)


def test_what_may_not_be_read_is_an_omission_with_its_reason(cli, place, as_nobody, monkeypatch):
    signing = ["--signer", place / "office/examiner", "--log-key", place / "log.pem"]

    def run():
        acquire = cli("acquire", place / "case", place / "source", "--exhibit", "EX-001", "--no-identify", *signing)
        return (
            acquire,
            cli("show", place / "case"),
            cli("show", place / "case", "--json"),
            cli("verify", place / "case"),
        )

    acquire, show, document, verify = as_nobody(run)
    assert acquire.code == 6, acquire.err
    assert b"OMISSIONS 3" in acquire.out
    assert b"2 not_read" in acquire.out
    assert b"1 not_listed" in acquire.out
    assert show.code == 0
    lines = show.out.decode().splitlines()
    assert "  OMISSIONS 3" in lines
    assert "    2 not_read, permission_denied" in lines
    assert "      no\\nentry" in lines
    (item,) = json.loads(document.out)["items"]
    assert [(entry["state"], entry["reason"], entry["count"], entry["examples"]) for entry in item["omissions"]] == [
        ("not_read", "permission_denied", 2, ["b", "no\\nentry"]),
        ("not_listed", "permission_denied", 1, ["closed"]),
    ]
    assert verify.code == 7
    assert b"2 not_read" in verify.out


def test_the_same_source_read_by_somebody_who_may(cli, place, as_nobody):
    """Compared with the sealed omissions: they are not checked, and no finding."""
    signing = ["--signer", place / "office/examiner", "--log-key", place / "log.pem"]
    acquired = as_nobody(
        lambda: cli("acquire", place / "case", place / "source", "--exhibit", "EX-001", "--no-identify", *signing)
    )
    assert acquired.code == 6
    done = cli("verify", place / "case", "--source", f"EX-001={place / 'source'}", "--json")
    report = json.loads(done.out)
    assert "FAILED" not in report["verdict"], report["findings"]
    assert report["not_checked"]


@pytest.mark.parametrize("where", ["case", "case/custody", "case/checkpoints"])
def test_a_case_that_may_not_be_written(cli, place, as_nobody, where):
    signing = ["--signer", place / "office/examiner", "--log-key", place / "log.pem"]
    (place / where).chmod(0o500)
    done = as_nobody(
        lambda: cli("acquire", place / "case", place / "source", "--exhibit", "EX-001", *signing, "--json")
    )
    assert done.code == 4
    assert json.loads(done.out)["error"]["code"] == "X422"
    (place / where).chmod(0o700)


def test_a_place_where_no_case_can_be_opened(cli, place, as_nobody):
    (place / "closed").mkdir(mode=0o500)
    os.chown(place / "closed", NOBODY, NOBODY)
    opening = ["--reference", "1", "--agency", "A", "--origin", "a.example/1", "--signer", place / "office/examiner"]
    command = ["init", place / "closed/case", *opening, "--log-key", place / "new.pem", "--json"]
    done = as_nobody(lambda: cli(*command))
    assert done.code == 4
    assert json.loads(done.out)["error"]["code"] == "X422"
    assert not (place / "new.pem").exists()


@pytest.mark.parametrize("folder", ["manifests", "checkpoints"])
@pytest.mark.parametrize("command", ["show", "find", "list"])
def test_a_case_that_may_not_be_read(rc, cli, desk, case, tmp_path, as_nobody, command, folder):
    warm_up(rc, cli, desk, tmp_path)
    for path in (case / "manifests").iterdir():
        path.chmod(0)
    (case / folder).chmod(0)
    os.environ["XDG_CACHE_HOME"] = str(tmp_path / "nobody")
    try:
        done = as_nobody(lambda: cli(command, case))
    finally:
        (case / folder).chmod(0o755)
    assert done.code in {3, 4}, done
    assert b"error X" in done.err


def test_verifying_a_case_that_may_not_be_read(rc, cli, desk, case, tmp_path, as_nobody):
    """Not checked, and never said to be broken."""
    warm_up(rc, cli, desk, tmp_path)
    for path in (case / "manifests").iterdir():
        path.chmod(0)
    done = as_nobody(lambda: cli("verify", case, "--json"))
    report = json.loads(done.out)
    assert (done.code, report["verdict"]) == (4, "NOT CHECKED"), report["findings"]
