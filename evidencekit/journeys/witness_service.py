"""A witness over HTTP: C2SP tlog-witness, calls `add-checkpoint` and the monitor's `GET …/checkpoint`.

Promises: bounded sizes, connections and time, whoever asks; one answer for each way of being wrong, as the spec
numbers them; nothing is cosigned that `seal.witness` does not allow. Source: specs/checkpoint.md section 10.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from threading import BoundedSemaphore
from typing import Any

from evidencekit.core.values import display
from evidencekit.core.witness import MAX_REQUEST, SIZE_TYPE, parse_add_checkpoint
from evidencekit.errors import EvidenceError, FormatError, Refused
from evidencekit.read.timed import TimedBytes
from evidencekit.seal.witness import Cosigned, Witness

CONNECTIONS = 16
"""At a time; further ones are hung up on."""
PATIENCE = 10
"""Seconds without a byte until a connection is hung up on."""
DEADLINE = 60
"""Seconds for a request as a whole."""
STATUSES = {"R535": 404, "R536": 403, "R537": 409, "R538": 422}
_TEXT = "text/plain; charset=utf-8"
_ORIGIN_HASH = re.compile("[0-9a-f]{64}")


class WitnessServer(ThreadingHTTPServer):
    """Listens on one address; `serve_forever` and `shutdown` are those of the standard library."""

    daemon_threads = True
    request_queue_size = CONNECTIONS

    def __init__(self, address: tuple[str, int], witness: Witness, *, tell: Callable[[str], None]) -> None:
        """Bind the address; port 0 takes a free one. `tell` hears one line about each request. Raises OSError."""
        self.witness, self.tell = witness, tell
        self._free = BoundedSemaphore(CONNECTIONS)
        super().__init__(address, _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection, or hang up where there are too many."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is nothing to speak of."""


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "evidencekit-witness", ""
    timeout = PATIENCE

    def setup(self) -> None:
        """Let no request last longer than it may."""
        super().setup()
        self._timed = TimedBytes(self.connection, self.rfile.detach(), patience=PATIENCE, end=0)
        self.rfile = BufferedReader(self._timed)

    def handle_one_request(self) -> None:
        """Begin to count for the next request."""
        self._timed.end = time.monotonic() + DEADLINE
        super().handle_one_request()

    def do_POST(self) -> None:
        """`add-checkpoint`."""
        body = self._body()
        if body is None:
            return
        if self.path != "/add-checkpoint":
            self._answer(404, "no such call: POST /add-checkpoint")
            return
        try:
            done = self.server.witness.add(parse_add_checkpoint(body))
        except FormatError as error:
            self._answer(400, error.message)
        except Refused as error:
            self._refuse(error)
        except EvidenceError as error:  # the memory of this witness: nobody else's fault, and nobody's to read
            self._fail(error)
        else:
            self._tell_cosigned(done)
            self._answer(200, done.answer)

    def do_GET(self) -> None:
        """`<origin hash>/checkpoint`: what was cosigned last."""
        digest, slash, name = self.path.removeprefix("/").partition("/")
        note = None
        try:
            if slash and name == "checkpoint" and _ORIGIN_HASH.fullmatch(digest):
                note = self.server.witness.seen_by_hash(digest)
        except EvidenceError as error:
            self._fail(error)
            return
        if note is None:
            self._answer(404, "nothing was cosigned under this name")
        else:
            self._answer(200, note)

    def _body(self) -> bytes | None:
        """Return the request's body; else answer, hang up, and return None: its bytes may still be under way."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or len(length) > 9 or "Transfer-Encoding" in self.headers:
            self._answer(411, "say Content-Length", close=True)
            return None
        if int(length) > MAX_REQUEST:
            self._answer(413, f"a request has at most {MAX_REQUEST} bytes", close=True)
            return None
        try:
            body = self.rfile.read(int(length))
        except TimeoutError:
            body = b""
        if len(body) < int(length):
            self._answer(400, "the request was cut, or came too slowly", close=True)
            return None
        return body

    def _refuse(self, error: Refused) -> None:
        if error.code == "R537":  # how a client learns where this witness stands: nothing is wrong
            self._answer(409, f"{error.facts['size']}\n".encode(), kind=SIZE_TYPE)
        else:
            self.server.tell(f"refused {error.code}: {error.message}")
            self._answer(STATUSES.get(error.code, 500), error.message.partition("\n")[0])

    def _fail(self, error: EvidenceError) -> None:
        self.server.tell(f"error {error.code}: {error.message}")
        self._answer(500, "this witness cannot answer just now")

    def _tell_cosigned(self, done: Cosigned) -> None:
        size = done.tree.size if done.before is None else done.before.size
        before = "" if size == done.tree.size else f", which extends size {size}"
        self.server.tell(f"cosigned {done.tree.origin} at size {done.tree.size}{before}")

    def _answer(self, status: int, body: bytes | str, *, kind: str = _TEXT, close: bool = False) -> None:
        data = f"{display(body)}\n".encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if close or self.close_connection:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the standard library's name)
        """Nothing goes to stderr: what matters is told by `tell`."""


def listening(address: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, `[HOST]:PORT` or a bare `PORT`, which is on this computer only.

    Raises ValueError.
    """
    host, colon, port = address.rpartition(":")
    if not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65_535:
        raise ValueError(address)
    return (host.strip("[]") if colon and host else "127.0.0.1"), int(port)
