"""Witnesses, published logs and comparisons as somebody types them: what is said, the exit code, what is left."""

from __future__ import annotations

import json
import re
import shutil
import stat
import threading

import pytest

from evidencekit.core.note import parse_vkey


@pytest.fixture
def key(cli, tmp_path):
    done = cli("checkpoint", "witness-key", tmp_path / "witness", "--name", "partner.example/w", "--json")
    assert done.code == 0
    return tmp_path / "witness", json.loads(done.out)["vkey"]


@pytest.fixture
def cosign(cli, key, tmp_path):
    """Cosign something with the same memory each time."""

    def run(what, *more):
        return cli("checkpoint", "cosign", what, "--witness-key", key[0], "--state", tmp_path / "seen", *more)

    return run


@pytest.fixture
def policy(key, case, desk, tmp_path):
    folder = tmp_path / "policy"
    folder.mkdir()
    record = json.loads((case / "case.json").read_bytes())
    (folder / "policy.toml").write_text(f'version = 1\n[[log]]\norigin = "{record["origin"]}"\n')
    line = " ".join((desk / "office/examiner.pub").read_text().split()[:2])
    (folder / "allowed_signers").write_text(f"examiner {line}\n")
    logs = "".join(f"log {vkey}\n" for vkey in record["log_keys"])
    (folder / "logs.policy").write_text(f"{logs}witness W {key[1]}\nquorum W\n")
    return folder


def size_of(cli, case):
    return json.loads(cli("checkpoint", "show", case, "--json").out)["size"]


def test_a_key(cli, key, tmp_path):
    path, vkey = key
    assert parse_vkey(vkey).name == "partner.example/w"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert cli("checkpoint", "witness-key", path, "--name", "x").code == 5
    for name in ("", "a b", "a+b"):
        assert cli("checkpoint", "witness-key", tmp_path / "other", "--name", name).code == 2
    assert not (tmp_path / "other").exists()
    path.chmod(0o644)
    done = cli("checkpoint", "witness", "--witness-key", path, "--state", tmp_path / "seen")
    assert (done.code, b"R515" in done.err) == (5, True)


def test_the_whole_round_by_file(cli, cosign, case, policy, signing, tmp_path):
    done = cosign(case, "-o", tmp_path / "cosigned")
    assert (done.code, done.err) == (0, b"")
    assert b"TRUSTED ON FIRST USE" in done.out
    size = size_of(cli, case)
    done = cli("checkpoint", "import", case, tmp_path / "cosigned", "--policy", policy, *signing, "--json")
    (entered,) = json.loads(done.out)["entered"]
    assert (done.code, entered["size"], entered["verified"]) == (0, size, True)
    done = cli("verify", case, "--policy", policy, "--json")
    report = json.loads(done.out)
    assert (done.code, report["aspects"]["witness"]["status"], report["counts"]["witnessed"]) == (0, "ok", size)
    assert b"witnessed    size" in cli("verify", case, "--policy", policy).out
    assert cli("checkpoint", "import", case, tmp_path / "cosigned", *signing).code == 5  # twice

    request = tmp_path / "request"
    assert cli("checkpoint", "witnesses", case, "--request-out", request, "--old", size).code == 0
    done = cosign(request, "--json")
    assert (done.code, json.loads(done.out)["before"]) == (0, size)


def test_stdout_holds_the_note_alone(cosign, case, cli):
    done = cosign(case)
    assert done.out.startswith(json.loads((case / "case.json").read_bytes())["origin"].encode())
    assert done.out.endswith(b"\n")
    assert b"cosigned" in done.err


def test_a_fork_is_refused_and_compared(cli, cosign, case, signing, desk, tmp_path):
    shutil.copytree(case, tmp_path / "other")
    for where, name in ((case, "EX-8"), (tmp_path / "other", "EX-9")):
        (tmp_path / "src").mkdir(exist_ok=True)
        (tmp_path / "src" / name).write_text(name)
        assert cli("acquire", where, tmp_path / "src", "--exhibit", name, "--no-identify", *signing).code == 0
    assert cosign(case, "-o", tmp_path / "a").code == 0
    done = cosign(tmp_path / "other", "-o", tmp_path / "b")
    assert (done.code, b"R538" in done.err, b"FORK" in done.err) == (5, True, True)
    assert not (tmp_path / "b").exists()
    assert len(list((tmp_path / "seen").glob("*/forks/*"))) == 2

    done = cli("compare", case, tmp_path / "other", "--json", "-o", tmp_path / "fork")
    found = json.loads(done.out)
    assert (done.code, found["relation"], len(found["proof"])) == (3, "fork", 2)
    assert [(tmp_path / f"fork.{name}").read_text() for name in "ab"] == found["proof"]
    done = cli("compare", case, tmp_path / "other")
    assert (done.code, done.out.startswith(b"FORK: ")) == (3, True)
    assert cli("compare", case, tmp_path / "a").code == 0
    assert cli("compare", tmp_path / "other", tmp_path / "a").code == 3


def test_compare_says_what_cannot_be(cli, case, tmp_path):
    (tmp_path / "odd").write_text("?")
    assert cli("compare", case, tmp_path / "odd").code == 2
    assert cli("compare", case, tmp_path / "nothing").code == 2
    assert cli("compare", case, case, "-o", case / "fork").code == 5
    done = cli("compare", case, case, "--json")
    assert (done.code, json.loads(done.out)["relation"]) == (0, "equal")


def test_published_and_verified(cli, cosign, case, policy, tmp_path):
    www = tmp_path / "www"
    assert cosign(case, "-o", tmp_path / "cosigned").code == 0
    done = cli("publish", case, www, "--json")
    assert (done.code, json.loads(done.out)["size"]) == (0, size_of(cli, case))
    assert cli("verify", www).code == 7
    assert cli("verify", www, "--policy", policy).code == 4  # its quorum is not met
    assert cli("publish", case, www, "--cosigned", tmp_path / "cosigned").code == 0
    done = cli("verify", www, "--policy", policy)
    assert (done.code, done.out.startswith(b"VERIFIED (log)")) == (0, True)
    assert cli("compare", www, case).code == 0
    assert cli("publish", case, case / "www").code == 5
    assert cli("verify", www, "--source", tmp_path).code == 2
    for path in (www / "tile/entries").rglob("*"):
        path.write_bytes(b"?") if path.is_file() else None
    done = cli("verify", www, "--json")
    assert (done.code, json.loads(done.out)["findings"][0]["code"]) == (3, "E435")


@pytest.mark.parametrize("url", ["http://", "http://u:p@h/", "https://h/?q"])
def test_urls_that_cannot_be(cli, url):
    assert cli("verify", url).code == 2
    assert cli("compare", url, url).code == 2


def test_usage(cli, cosign, case, signing, tmp_path):
    assert cli("checkpoint", "witnesses", case).code == 2
    assert cli("checkpoint", "witnesses", case, "--at", "http://127.0.0.1:1").code == 2  # nobody signs
    assert cli("checkpoint", "witnesses", case, "--at", "nonsense", *signing).code == 2
    (tmp_path / "odd").write_text("?")
    assert cli("checkpoint", "import", case, tmp_path / "odd", *signing).code == 2
    assert cosign(tmp_path / "odd").code == 3
    assert cosign(case, "-o", case / "x").code == 5
    assert cosign(tmp_path / "odd", "--log-vkey", "x").code == 2


def test_the_service_and_its_client(cli, cosign, key, case, policy, signing, tmp_path, monkeypatch):
    """The command itself, stopped as Ctrl-C stops it, while a client asks it twice."""
    from evidencekit.journeys import witness_service

    started, told = threading.Event(), []

    class Stoppable(witness_service.WitnessServer):
        def __init__(self, *args, **more):
            super().__init__(*args, **more)
            told.append(self)
            started.set()

    monkeypatch.setattr(witness_service, "WitnessServer", Stoppable)
    cosign(case)  # so that the service knows the log
    command = (
        "checkpoint",
        "witness",
        "--witness-key",
        key[0],
        "--state",
        tmp_path / "seen",
        "--listen",
        "127.0.0.1:0",
    )
    from evidencekit.cli.main import evidencekit

    thread = threading.Thread(
        target=lambda: evidencekit.main([*map(str, command), "--quiet"], standalone_mode=False), daemon=True
    )
    thread.start()
    assert started.wait(20)
    url = told[0].url
    try:
        asked = ("checkpoint", "witnesses", case, "--at", url, "--policy", policy, *signing)
        done = cli(*asked)
        assert (done.code, b"verified by your policy" in done.out) == (0, True)
        assert cli(*asked).code == 0
    finally:
        told[0].shutdown()
        thread.join(20)
    assert not thread.is_alive()


def test_an_address_that_cannot_be(cli, key, tmp_path):
    done = cli("checkpoint", "witness", "--witness-key", key[0], "--state", tmp_path / "seen", "--listen", "x")
    assert (done.code, b"no address" in done.err) == (2, True)


def test_messages_name_log_and_size_and_what_to_do(cosign, case, tmp_path):
    assert cosign(case, "-o", tmp_path / "a").code == 0
    shutil.rmtree(case / "custody/00000003")
    (case / "checkpoints").joinpath("00000004").unlink()
    done = cosign(case, "-o", tmp_path / "b")
    assert done.code == 5
    assert re.search(rb"unit7\.example/real.*size 4.*\n  Nothing was cosigned", done.err)
