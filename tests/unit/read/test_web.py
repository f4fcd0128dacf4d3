"""read/web.py: a server on 127.0.0.1 that answers well, badly, too much, too slowly, cut off, or elsewhere."""

from __future__ import annotations

import base64
import gc
import gzip
import socket
import threading
import warnings
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.read.web import Site


@contextmanager
def serving(answer):
    """A server that answers each request with `answer(handler)`; it ends with the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_POST(self):
            self.server.seen.append(
                (self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])))
            )
            answer(self)

        def do_GET(self):
            self.server.seen.append((self.path, dict(self.headers), b""))
            answer(self)

        def do_CONNECT(self):
            self.server.seen.append((self.path, dict(self.headers), b""))
            self.send_error(403)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)


def says(status=200, body=b"", length=None, **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = length is not None

    return answer


def post(url, **options):
    with Site(url, is_prefix=False, **options) as site:
        return site.post("", b"request", kind="text/x-question", limit=1000)


def test_an_answer():
    with serving(says(body=b"answer", Content_Type="text/x-answer")) as (server, url):
        answer = post(f"{url}/stamp/?for=me")
        ((path, headers, body),) = server.seen
    assert (answer.status, answer.kind, answer.body) == (200, "text/x-answer", b"answer")
    assert (path, headers["Content-Type"], body) == ("/stamp/?for=me", "text/x-question", b"request")


def test_resources_below_a_prefix_over_one_connection():
    with serving(says(body=gzip.compress(b"tile"), Content_Encoding="gzip")) as (server, url):
        with Site(f"{url}/log/") as site:
            assert [site.get(path, limit=100).body for path in ("checkpoint", "tile/0/000")] == [b"tile", b"tile"]
        assert [path for path, _, _ in server.seen] == ["/log/checkpoint", "/log/tile/0/000"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["file:///etc/passwd", "http://127.0.0.1:9/", "/elsewhere"])
def test_no_redirection_is_followed(status, where):
    with serving(says(status, Location=where)) as (server, url):
        answer = post(url)
        assert len(server.seen) == 1
    assert answer.status == status
    assert where in answer.told


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (says(body=bytes(1001)), "larger"),
        (says(body=bytes(10), length=20), "10"),
        (says(body=b"plain", Content_Encoding="gzip"), "gzip"),
        (says(body=gzip.compress(bytes(1001)), Content_Encoding="gzip"), "gzip"),
        (says(body=gzip.compress(b"a") + b"b", Content_Encoding="gzip"), "gzip"),
    ],
)
def test_unusable(answer, found):
    with serving(answer) as (_, url), pytest.raises(CannotFinish) as caught:
        post(url)
    assert caught.value.code == "X469"
    assert found in caught.value.message


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_trickle_ends(begins):
    gate = threading.Event()

    def drip(handler):
        try:
            handler.wfile.write(begins)
            while not gate.wait(0.05):
                handler.wfile.write(b"x")
        except OSError:
            return

    with serving(drip) as (_, url):
        with pytest.raises(CannotFinish) as caught:
            post(url, seconds=0.3)
        gate.set()
    assert caught.value.code == "X469"


def test_nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(CannotFinish) as caught:
            post(f"http://127.0.0.1:{taken.getsockname()[1]}/", seconds=2)
    assert caught.value.code == "X469"
    assert "--request-out" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "tsa.example",
            "file:///etc/passwd",
            "ftp://a.example/",
            "http://",
            "http://[",
            "https://a b/",
            "data:,x",
        ),
        *(
            "http://me:secret@a.example/",
            "http://a.example:x/",
            "http://a.example/#top",
            "http://a.example/?q",
            "http://é.example/",
        ),
    ],
)
def test_refused_urls(url):
    with pytest.raises(BadArgument) as caught:
        Site(url)
    assert caught.value.code == "U255"


def test_hosts():
    assert Site("https://TSA.example:8443/x").host == "tsa.example"


def test_a_proxy_is_asked_for_http():
    with serving(says(body=b"answer")) as (server, url):
        proxy = url.replace("//", "//me:pass%20word@")
        assert post("http://tsa.invalid:81/stamp", proxy=proxy).body == b"answer"
        ((path, headers, _),) = server.seen
    assert path == "http://tsa.invalid:81/stamp"
    assert headers["Host"] == "tsa.invalid:81"
    assert base64.b64decode(headers["Proxy-Authorization"].removeprefix("Basic ")) == b"me:pass word"


def test_a_proxy_makes_the_tunnel_for_https():
    with serving(says()) as (server, url), pytest.raises(CannotFinish) as caught:
        post("https://tsa.invalid/stamp", proxy=url.removeprefix("http://"))
    assert [path for path, _, _ in server.seen] == ["tsa.invalid:443"]
    assert "403" in caught.value.message
    del caught  # and with it the frames that hold the socket
    with warnings.catch_warnings():  # http.client forgets to close its answer to a refused tunnel
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "https://proxy.example", "http://", "http://me:secret@["])
def test_refused_proxies(proxy):
    with pytest.raises(BadArgument) as caught:
        Site("https://tsa.example", proxy=proxy)
    assert caught.value.code == "U255"
    assert "secret" not in str(caught.value)
