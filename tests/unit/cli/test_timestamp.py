"""`checkpoint timestamp`: on line and by files, what is refused before anything is recorded, what a crash leaves."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from evidencekit.core import layout
from evidencekit.read.token import parse_token

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def city(tsa):
    return tsa.Maker("City")


@pytest.fixture(scope="module")
def state(tsa):
    return tsa.Maker("State")


@contextmanager
def serving(**answers):
    """An authority on 127.0.0.1 for each path: `answers` are functions of the request's bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = answers[self.path[1:]](self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)


@pytest.fixture
def policy(tmp_path, desk, rc, city, state):
    folder = tmp_path / "policy"
    (folder / "tsa").mkdir(parents=True)
    text = f'version = 1\nrequire = ["time"]\n[time]\nauthorities = 2\n[[log]]\norigin = "{rc.ORIGIN}"\n'
    (folder / "policy.toml").write_text(text + 'vouched_by = ["examiner"]\n')
    key = " ".join((desk / "office/examiner.pub").read_text().split()[:2])
    (folder / "allowed_signers").write_text(f"examiner {key}\n")
    (folder / "logs.policy").write_text("quorum none\n")
    for maker in (city, state):
        (folder / "tsa" / f"{maker.name.lower()}.pem").write_bytes(maker.root.pem)
    return folder


def files(case):
    return sorted(path.name for path in (case / "checkpoints").iterdir() if not path.name.isdigit())


def newest(case):
    return max(int(path.name) for path in (case / "checkpoints").iterdir() if path.name.isdigit())


def stamps_of(case, size):
    """The exact bytes of a checkpoint."""
    return (case / layout.checkpoint_file(size)).read_bytes()


def test_two_authorities_on_line(cli, case, signing, policy, city, state):
    size = newest(case)
    with serving(a=lambda data: city.answer(data, NOW), b=lambda data: state.answer(data, NOW)) as url:
        done = cli(
            "checkpoint", "timestamp", case, "--tsa", f"{url}/a", "--tsa", f"{url}/b", "--policy", policy, *signing,
            "--json",
        )  # fmt: skip
    assert done.code == 0, done
    record = json.loads(done.out)
    assert record["authorities_checked"] is True
    assert [one["authority"] for one in record["entered"]] == ["city", "state"]
    assert record["size"] == newest(case) == size + 2
    assert files(case) == [f"{size:08d}.127-0-0-1-2.tsr", f"{size:08d}.127-0-0-1.tsr"]
    assert cli("verify", case, "--policy", policy).code == 0


def test_by_files_on_another_day(cli, case, signing, policy, city, state, tmp_path):
    """The log has grown meanwhile: the checkpoint is found by the imprint."""
    size = newest(case)
    assert cli("checkpoint", "timestamp", case, "--request-out", tmp_path / "req.tsq").code == 0
    request = (tmp_path / "req.tsq").read_bytes()
    for maker in (city, state):
        (tmp_path / f"{maker.name}.tsr").write_bytes(maker.answer(request, NOW))
    for maker in (city, state):
        done = cli(
            "checkpoint", "timestamp", case, "--response-in", tmp_path / f"{maker.name}.tsr", "--request",
            tmp_path / "req.tsq", "--policy", policy, *signing,
        )  # fmt: skip
        assert done.code == 0, done
        assert f"the checkpoint at size {size} existed at" in done.out.decode()
    assert files(case) == [f"{size:08d}.city-stamp.tsr", f"{size:08d}.state-stamp.tsr"]
    assert cli("verify", case, "--policy", policy).code == 0


def test_without_a_policy_it_says_what_was_not_checked(cli, case, signing, city, tmp_path):
    (tmp_path / "a.tsr").write_bytes(city.stamp(stamps_of(case, newest(case)), NOW))
    done = cli("checkpoint", "timestamp", case, "--response-in", tmp_path / "a.tsr", "--name", "mine", *signing)
    assert done.code == 0
    assert "NOT CHECKED: whether these authorities are whom they say they are" in done.out.decode()
    assert cli("verify", case).code == 7


def test_one_that_fails_does_not_cost_the_others(cli, case, signing, city):
    with serving(a=lambda data: city.answer(data, NOW), b=lambda _: b"<html>") as url:
        done = cli("checkpoint", "timestamp", case, "--tsa", f"{url}/b", "--tsa", f"{url}/a", *signing, "--json")
    assert done.code == 4
    record = json.loads(done.out)
    assert len(record["entered"]) == 1
    assert record["failed"][0]["code"] == "F100"
    assert len(files(case)) == 1
    assert cli("verify", case).code == 7


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (lambda city, data: city.answer(data, NOW, nonce=1), "R530", "E422"),
        (lambda city, data: city.answer(data, NOW, with_hash=False), "R530", "E425"),
        (lambda city, data: city.answer(data, NOW, imprint=bytes(64)), "R532", "none of the case's checkpoints"),
        (lambda city, data: city.answer(data, NOW, status=2), "X462", "granted no time-stamp"),
        (lambda city, data: city.answer(data, NOW - timedelta(days=3650)), "R530", "E426"),
        (lambda _, data: data, "F100", "DER of RFC 3161"),
    ],
)
def test_checked_before_it_is_accepted(cli, case, signing, policy, city, answer, code, says):
    before = newest(case)
    with serving(a=lambda data: answer(city, data)) as url:
        done = cli("checkpoint", "timestamp", case, "--tsa", f"{url}/a", "--policy", policy, *signing, "--json")
    failed = json.loads(done.out)["failed"]
    assert (done.code, failed[0]["code"]) == (4, code)
    assert says in failed[0]["message"]
    assert (newest(case), files(case)) == (before, [])


def test_an_authority_that_the_policy_does_not_know(cli, case, signing, policy, tsa, tmp_path):
    (tmp_path / "x.tsr").write_bytes(tsa.Maker("Elsewhere").stamp(stamps_of(case, newest(case)), NOW))
    done = cli("checkpoint", "timestamp", case, "--response-in", tmp_path / "x.tsr", "--policy", policy, *signing)
    assert (done.code, files(case)) == (5, [])
    assert b"R531" in done.err
    assert b"Elsewhere stamp" in done.err


def test_the_nonce_of_a_request_in_a_file(cli, case, signing, city, tmp_path):
    assert cli("checkpoint", "timestamp", case, "--request-out", tmp_path / "req.tsq").code == 0
    (tmp_path / "a.tsr").write_bytes(city.stamp(stamps_of(case, newest(case)), NOW, nonce=5))
    arguments = ["checkpoint", "timestamp", case, "--response-in", tmp_path / "a.tsr", *signing]
    assert cli(*arguments, "--request", tmp_path / "req.tsq").code == 5
    assert b"U253" in cli(*arguments, "--request", tmp_path / "a.tsr").err
    assert cli(*arguments).code == 0


def test_entered_once(cli, case, signing, city, tmp_path):
    (tmp_path / "a.tsr").write_bytes(city.stamp(stamps_of(case, newest(case)), NOW))
    arguments = ["checkpoint", "timestamp", case, "--response-in", tmp_path / "a.tsr", *signing]
    assert cli(*arguments).code == 0
    again = cli(*arguments)
    assert again.code == 5
    assert b"R533" in again.err


def test_names(cli, case, signing, city, state, tmp_path):
    note = stamps_of(case, newest(case))
    for maker in (city, state):
        (tmp_path / f"{maker.name}.tsr").write_bytes(maker.stamp(note, NOW))
    both = ["--response-in", tmp_path / "City.tsr", "--response-in", tmp_path / "State.tsr", *signing]
    refused = cli("checkpoint", "timestamp", case, *both, "--name", "one", "--name", "one")
    assert refused.code == 5
    assert b"R501" in refused.err
    assert files(case) == []
    assert cli("checkpoint", "timestamp", case, *both, "--name", "one").code == 2
    assert b"U251" in cli("checkpoint", "timestamp", case, *both, "--name", "One", "--name", "b").err
    assert cli("checkpoint", "timestamp", case, *both, "--name", "one", "--name", "two").code == 0


@pytest.mark.parametrize(
    "arguments", [[], ["--tsa", "http://a.example/"], ["--tsa", "http://a.example/", "--request-out", "x.tsq"]]
)
def test_which_way(cli, case, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("checkpoint", "timestamp", case, *arguments)
    assert done.code == 2
    assert b"U252" in done.err


def test_urls(cli, case, signing):
    done = cli("checkpoint", "timestamp", case, "--tsa", "file:///etc/passwd", *signing)
    assert done.code == 2
    assert b"U255" in done.err


def test_a_request_is_no_file_of_the_case(cli, case, tmp_path):
    assert cli("checkpoint", "timestamp", case, "--request-out", case / "req.tsq").code == 5
    (tmp_path / "req.tsq").write_bytes(b"")
    assert cli("checkpoint", "timestamp", case, "--request-out", tmp_path / "req.tsq").code == 5


def test_a_program_that_fails_its_test_enters_nothing(cli, case, signing, city, tmp_path, monkeypatch):
    monkeypatch.setattr("evidencekit.journeys.timestamp.self_test", lambda: "it believed a rogue")
    (tmp_path / "a.tsr").write_bytes(city.stamp(stamps_of(case, newest(case)), NOW))
    done = cli("checkpoint", "timestamp", case, "--response-in", tmp_path / "a.tsr", *signing)
    assert done.code == 4
    assert b"X463" in done.err
    assert files(case) == []


class Power(BaseException):
    """It went off."""


def test_power_lost_after_the_file(cli, case, signing, city, tmp_path, monkeypatch):
    """A stray that is named; entering the answer again takes it up."""
    from evidencekit.seal.ledger import Ledger

    (tmp_path / "a.tsr").write_bytes(city.stamp(stamps_of(case, newest(case)), NOW))
    arguments = ["checkpoint", "timestamp", case, "--response-in", tmp_path / "a.tsr", *signing]
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", lambda *_, **__: (_ for _ in ()).throw(Power()))
        with pytest.raises(Power):
            cli(*arguments)
    assert len(files(case)) == 1
    report = json.loads(cli("verify", case, "--json").out)
    assert [one["code"] for one in report["findings"] if one["severity"] == "warning"][-1] == "W902"
    assert report["verdict"] == "NOT CHECKED"
    assert cli(*arguments).code == 0
    assert cli("verify", case).code == 7


def test_what_an_interrupted_request_left_is_entered_by_its_file(cli, case, signing, city, tmp_path):
    """It bears the name of the host that was asked; the authority asked again would give another token."""
    size = newest(case)
    left = case / "checkpoints" / layout.token_name(size, "tsa-example")
    left.write_bytes(city.stamp(stamps_of(case, size), NOW))
    assert cli("checkpoint", "timestamp", case, "--response-in", left, *signing).code == 0
    assert files(case) == [left.name]
    assert cli("verify", case).code == 7


def test_several_of_which_one_was_entered_before_the_power_was_lost(cli, case, signing, city, state, tmp_path):
    note = stamps_of(case, newest(case))
    for maker in (city, state):
        (tmp_path / f"{maker.name}.tsr").write_bytes(maker.stamp(note, NOW))
    both = ["--response-in", tmp_path / "City.tsr", "--response-in", tmp_path / "State.tsr"]
    assert cli("checkpoint", "timestamp", case, *both[:2], *signing).code == 0
    done = cli("checkpoint", "timestamp", case, *both, *signing, "--json")
    assert (done.code, [one["by"] for one in json.loads(done.out)["entered"]]) == (0, ["State stamp"])
    assert cli("checkpoint", "timestamp", case, *both, *signing).code == 5


def test_power_lost_before_the_checkpoint(cli, case, signing, city, desk, tmp_path, monkeypatch):
    from evidencekit.seal.ledger import Ledger

    (tmp_path / "a.tsr").write_bytes(city.stamp(stamps_of(case, newest(case)), NOW))
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "checkpoint", lambda _: (_ for _ in ()).throw(Power()))
        with pytest.raises(Power):
            cli("checkpoint", "timestamp", case, "--response-in", tmp_path / "a.tsr", *signing)
    report = json.loads(cli("verify", case, "--json").out)
    assert {"W901"} <= {one["code"] for one in report["findings"]}
    assert cli("checkpoint", "finish", case, "--log-key", desk / "log.pem").code == 0
    assert cli("verify", case).code == 7


def test_the_stored_answer_is_the_answer(cli, case, signing, city, tmp_path):
    data = city.stamp(stamps_of(case, newest(case)), NOW, unsorted=True)
    (tmp_path / "a.tsr").write_bytes(data)
    assert cli("checkpoint", "timestamp", case, "--response-in", tmp_path / "a.tsr", *signing).code == 0
    assert (case / "checkpoints" / files(case)[0]).read_bytes() == data
    assert parse_token(data).by == "City stamp"
