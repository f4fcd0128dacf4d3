"""read/timed.py: whoever drips an answer, or never ends it, is waited for until a moment and no longer."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from evidencekit.errors import CannotFinish
from evidencekit.read import web
from evidencekit.read.web import Site

OK = b"HTTP/1.1 200 OK\r\n"
SLOW = {
    "a status line": lambda: itertools.repeat(b"H"),
    "a header": lambda: itertools.chain([OK], itertools.repeat(b"x")),
    "headers": lambda: itertools.chain([OK], itertools.repeat(b"a: b\r\n")),
    "answers that are none yet": lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body": lambda: itertools.chain([OK, b"Content-Length: 60000\r\n\r\n"], itertools.repeat(b"x")),
    "a chunk": lambda: itertools.chain([OK, b"Transfer-Encoding: chunked\r\n\r\nff\r\n"], itertools.repeat(b"x")),
    "what follows chunks": lambda: itertools.chain(
        [OK, b"Transfer-Encoding: chunked\r\n\r\n0\r\n"], itertools.repeat(b"a: b\r\n")
    ),
}


@contextmanager
def dripping(blocks):
    """A server that sends each caller the blocks, one every few milliseconds; gives its URL."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        def send(connection):
            with connection:
                for block in blocks():
                    if over.wait(0.005):
                        return
                    try:
                        connection.sendall(block)
                    except OSError:
                        return

        def serve():
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=send, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize("what", SLOW)
def test_a_server_that_drips(what):
    with dripping(SLOW[what]) as url, Site(url, seconds=0.2) as site:
        begun = time.monotonic()
        with pytest.raises(CannotFinish) as caught:
            site.get("checkpoint", limit=1 << 20)
        assert time.monotonic() - begun < 5
    assert caught.value.code == "X469"


def test_a_server_that_keeps_us_waiting_is_not_asked_for_ever():
    with dripping(SLOW["a body"]) as url, Site(url, seconds=0.05) as site:
        for _ in range(web.SILENCES):
            with pytest.raises(CannotFinish):
                site.get("checkpoint", limit=1 << 20)
        begun = time.monotonic()
        with pytest.raises(CannotFinish, match="not asked again"):
            site.get("checkpoint", limit=1 << 20)
        assert time.monotonic() - begun < 0.05
