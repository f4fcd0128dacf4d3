"""The service and its client, each against the letters of C2SP tlog-witness, on this computer alone."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.note import parse_note
from evidencekit.core.witness import MAX_REQUEST, AddCheckpoint, format_add_checkpoint, parse_answer
from evidencekit.errors import BadArgument, CannotFinish, Refused
from evidencekit.journeys.ask_witness import ask_witness, request_of
from evidencekit.journeys.cosign import trust_of
from evidencekit.journeys.logcopy import read_case_copy
from evidencekit.journeys.witness_service import CONNECTIONS, WitnessServer, listening
from evidencekit.read.notelines import verify_cosignature
from evidencekit.seal.logkeys import new_log_keys
from evidencekit.seal.witness import Witness

NOW = 1_780_000_000_000_000_000


@contextmanager
def running(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Told(list):
    """What a service says."""

    def __call__(self, line):
        self.append(line)


@pytest.fixture
def service(grown, witness_key, tmp_path):
    """A witness that knows the log by a policy."""
    trust = trust_of(grown.policy(tmp_path / "policy"))
    witness = Witness(tmp_path / "seen", witness_key, clock=lambda: NOW, policy=trust)
    with running(WitnessServer(("127.0.0.1", 0), witness, tell=Told())) as server:
        yield server


def post(server, body, path="/add-checkpoint", **headers):
    connection = http.client.HTTPConnection(*server.server_address, timeout=20)
    try:
        connection.request("POST", path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read()
    finally:
        connection.close()


def test_a_checkpoint_is_cosigned_and_found_again(service, grown, witness_key):
    copy = read_case_copy(grown.case)
    status, _, body = post(service, request_of(copy, 0))
    assert status == 200
    (line,) = parse_answer(body)
    assert verify_cosignature(witness_key.verifier_key, line, copy.tree)
    connection = http.client.HTTPConnection(*service.server_address, timeout=20)
    connection.request("GET", f"/{sha256(copy.tree.origin.encode()).hexdigest()}/checkpoint")
    note = parse_note(connection.getresponse().read())
    assert parse_checkpoint(note.text) == copy.tree
    assert note.signatures[-1] == line
    for path in ("/", f"/{'0' * 64}/checkpoint", "/../checkpoint", f"/{'0' * 64}/../checkpoint", "/x/log-keys"):
        connection.request("GET", path)  # the connection is kept
        response = connection.getresponse()
        assert (response.status, bool(response.read())) == (404, True)
    connection.close()
    assert service.tell == [f"cosigned {copy.tree.origin} at size 4"]


def test_409_says_the_size_in_its_own_type(service, grown):
    post(service, request_of(read_case_copy(grown.case), 0))
    grown.grow()
    assert post(service, request_of(read_case_copy(grown.case), 0)) == (409, "text/x.tlog.size", b"4\n")


def test_409_of_a_log_never_cosigned_says_0(service, grown):
    assert post(service, request_of(read_case_copy(grown.case), 2)) == (409, "text/x.tlog.size", b"0\n")


def test_404_of_an_unknown_origin(service):
    keys = new_log_keys("other.example/log")
    note = keys.sign_checkpoint(Checkpoint("other.example/log", 1, bytes(32)))
    assert post(service, format_add_checkpoint(AddCheckpoint(0, (), note)))[0] == 404


def test_403_without_a_signature_of_a_known_key(service, office):
    note = new_log_keys(office.origin).sign_checkpoint(Checkpoint(office.origin, 1, bytes(32)))
    assert post(service, format_add_checkpoint(AddCheckpoint(0, (), note)))[0] == 403


def test_403_where_a_line_of_a_known_key_is_bad(service, grown):
    body = request_of(read_case_copy(grown.case), 0)
    assert post(service, body.replace(b"\n4\n", b"\n5\n"))[0] == 403


def test_422_of_bad_proofs_and_forks(service, grown, office):
    copy = read_case_copy(grown.case)
    proof_of_nothing = format_add_checkpoint(AddCheckpoint(0, (bytes(32),), copy.note))
    assert post(service, proof_of_nothing)[0] == 422
    empty = office.keys.sign_checkpoint(Checkpoint(office.origin, 0, bytes(32)))
    assert post(service, format_add_checkpoint(AddCheckpoint(0, (), empty)))[0] == 422
    assert post(service, request_of(copy, 0))[0] == 200
    fork = office.keys.sign_checkpoint(Checkpoint(office.origin, 4, bytes(32)))
    assert post(service, format_add_checkpoint(AddCheckpoint(4, (), fork)))[0] == 422
    grown.grow()
    unproved = format_add_checkpoint(AddCheckpoint(4, (), read_case_copy(grown.case).note))
    assert post(service, unproved)[0] == 422
    assert any("FORK" in line for line in service.tell)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"",
        lambda body: body.replace(b"old 0", b"old  0"),
        lambda body: body.replace(b"old 0", b"old 00"),
        lambda body: body.replace(b"old 0", b"old 5"),  # above the checkpoint's size
        lambda body: body.replace(b"old 0", b"old -1"),
        lambda body: body.replace(b"old 0\n", b"old 0\nAAAA\n"),
        lambda body: body.replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n" * 64),
        lambda body: body.replace(b"\n", b"\r\n"),
        lambda body: body.partition(b"\n\n")[0],
        lambda body: body[:-1],
        lambda body: b"\xff" + body,
    ],
)
def test_400_of_what_is_malformed(service, grown, spoil):
    assert post(service, spoil(request_of(read_case_copy(grown.case), 0)))[0] == 400


def test_other_calls_and_sizes(service):
    assert post(service, b"", path="/sign-subtree")[0] == 404
    assert post(service, b"x" * 10, **{"Content-Length": str(MAX_REQUEST + 1)})[0] == 413
    with socket.create_connection(service.server_address, timeout=20) as raw:
        raw.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 411 ")


def test_too_many_connections_are_hung_up_on(service, grown):
    held = [socket.create_connection(service.server_address, timeout=20) for _ in range(CONNECTIONS)]
    try:
        for one in held:  # each is being served: a request line, and no end
            one.sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
        while service._free._value:
            threading.Event().wait(0.01)
        with socket.create_connection(service.server_address, timeout=20) as late:
            assert late.recv(1) == b""
    finally:
        for one in held:
            one.close()
    while service._free._value < CONNECTIONS:
        threading.Event().wait(0.01)
    assert post(service, request_of(read_case_copy(grown.case), 0))[0] == 200


def test_a_damaged_memory_is_the_witnesses_own_affair(service, grown):
    copy = read_case_copy(grown.case)
    post(service, request_of(copy, 0))
    (service.witness.place(copy.tree.origin) / "checkpoint").write_bytes(b"?")
    status, _, body = post(service, request_of(copy, 0))
    assert (status, b"/" in body) == (500, False)
    assert "X467" in service.tell[-1]


def test_a_damaged_memory_is_not_shown_either(service, grown):
    copy = read_case_copy(grown.case)
    post(service, request_of(copy, 0))
    path = service.witness.place(copy.tree.origin) / "checkpoint"
    path.unlink()
    path.mkdir()
    connection = http.client.HTTPConnection(*service.server_address, timeout=20)
    connection.request("GET", f"/{sha256(copy.tree.origin.encode()).hexdigest()}/checkpoint")
    assert connection.getresponse().status == 500
    connection.close()
    assert "X467" in service.tell[-1]


@pytest.mark.parametrize(
    "begins",
    [b"P", b"POST /add-checkpoint HTTP/1.1\r\nA: ", b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 9999\r\n\r\n"],
)
def test_whoever_drips_does_not_keep_a_place(service, monkeypatch, begins):
    monkeypatch.setattr("evidencekit.journeys.witness_service.DEADLINE", 0.2)
    with socket.create_connection(service.server_address, timeout=20) as slow:
        slow.sendall(begins)
        slow.settimeout(0.01)
        answer = None
        for _ in range(500):
            try:
                slow.sendall(b"x")
                answer = slow.recv(1000)
                break
            except TimeoutError:
                continue
            except OSError:
                answer = b""
                break
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8417", ("127.0.0.1", 8417)),
        ("10.0.0.1:1", ("10.0.0.1", 1)),
        ("[::1]:0", ("::1", 0)),
        (":80", ("127.0.0.1", 80)),
    ],
)
def test_listening(text, address):
    assert listening(text) == address


@pytest.mark.parametrize("text", ["", "x", "1:2:x", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:"])
def test_no_address(text):
    with pytest.raises(ValueError):
        listening(text)


# --- the client -------------------------------------------------------------------------------------------------


def test_the_client_learns_where_the_witness_stands(service, grown, witness_key):
    first = read_case_copy(grown.case)
    ask_witness(first, service.url)
    grown.grow(3)
    copy = read_case_copy(grown.case)
    (line,) = ask_witness(copy, service.url)
    assert verify_cosignature(witness_key.verifier_key, line, copy.tree)
    with pytest.raises(Refused) as caught:
        ask_witness(first, service.url)
    assert caught.value.code == "R537"


def test_the_client_is_told_of_a_fork(service, grown, tmp_path):
    other = grown.copy(tmp_path / "other")
    grown.grow()
    other.grow(2, name="OTHER")
    ask_witness(read_case_copy(grown.case), service.url)
    with pytest.raises(Refused) as caught:
        ask_witness(read_case_copy(other.case), service.url)
    assert caught.value.code == "R538"


@pytest.mark.parametrize(
    ("status", "kind", "body", "code"),
    [
        (404, "text/plain", b"who?", "R535"),
        (403, "text/plain", b"no", "R536"),
        (409, "text/plain", b"3\n", "X469"),
        (409, "text/x.tlog.size", b"many\n", "X469"),
        (409, "text/x.tlog.size", b"3\n", "R537"),  # again and again
        (422, "text/plain", b"\x1b[31m", "R538"),
        (500, "text/plain", b"", "X469"),
        (302, "text/plain", b"elsewhere", "X469"),
        (200, "text/plain", b"", "X469"),
        (200, "text/plain", b"hello\n", "X469"),
        (200, "text/plain", b"x" * (1 << 19), "X469"),
    ],
)
def test_the_client_believes_no_answer(grown, status, kind, body, code):
    class Odd(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with running(HTTPServer(("127.0.0.1", 0), Odd)) as server, pytest.raises((Refused, CannotFinish)) as caught:
        ask_witness(read_case_copy(grown.case), f"http://127.0.0.1:{server.server_address[1]}")
    assert caught.value.code == code
    assert "\x1b" not in str(caught.value)


def test_nobody_there(grown):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(CannotFinish) as caught:
        ask_witness(read_case_copy(grown.case), f"http://127.0.0.1:{port}")
    assert caught.value.code == "X469"


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "file:///etc", "http://", "http://u@h/", "http://h/?q", "http://h:x/", "http://h/ä"]
)
def test_not_a_url(grown, url):
    with pytest.raises(BadArgument) as caught:
        ask_witness(read_case_copy(grown.case), url)
    assert caught.value.code == "U255"
