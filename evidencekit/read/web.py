"""One web server, asked with bounds: size, time, one connection. No redirect is followed.

Only what a command names by its URL is ever asked. Nothing that comes back is believed here.
"""

from __future__ import annotations

import base64
import http.client
import io
import socket
import time
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import SplitResult, unquote, urlsplit

from evidencekit.core.values import display, short
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.read.timed import TimedBytes

IDLE = 30.0
"""Seconds without a byte."""
DEADLINE = 300.0
"""Seconds for one answer as a whole."""
SILENCES = 3
"""A server that kept us waiting so often is not asked again."""
_BLOCK = 1 << 16
_PORTS = {"http": 80, "https": 443}


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    kind: str
    """Its Content-Type, as it stands."""
    body: bytes
    location: str | None = None
    """Where a redirection leads, which is not followed."""

    @property
    def told(self) -> str:
        """Return the status in words, for a message."""
        return f"status {self.status}" + (f", a redirection to {short(self.location)}" if self.location else "")


class Site:
    """A URL, and what lies below it. Use it in a `with`."""

    def __init__(
        self, url: str, *, is_prefix: bool = True, proxy: str | None = None, seconds: float = DEADLINE
    ) -> None:
        """Take a URL; nothing is asked yet.

        Args:
            url: of http or https, without a user's name.
            is_prefix: resources below it are asked for; else it is asked itself, and may have a query.
            proxy: the URL of the proxy that leads there (http); None: the server is asked directly.
            seconds: for one answer as a whole.

        Raises:
            BadArgument: U255, not the URL of a web server, or of a proxy.
        """
        parts = _split(url)
        if parts is None or parts.scheme not in _PORTS or parts.username is not None or (is_prefix and parts.query):
            hint = "As in https://witness.example/prefix."
            raise BadArgument(f"{display(url)} is no URL that can be asked.", code="U255", hint=hint)
        self.url, self.host = url.rstrip("/"), parts.hostname or ""
        self._parts, self._port = parts, parts.port or _PORTS[parts.scheme]
        self._proxy = None if not proxy else _proxy(proxy)
        self._seconds, self._wait = seconds, min(IDLE, seconds)
        self._connection: http.client.HTTPConnection | None = None
        self._silences = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get(self, path: str, *, limit: int) -> Answer:
        """Ask for a resource below the URL, of at most `limit` bytes.

        Raises:
            CannotFinish: X469, no answer, or one that is too large.
        """
        return self._ask("GET", path, None, {"Accept-Encoding": "gzip, identity"}, limit)

    def post(self, path: str, body: bytes, *, kind: str, accept: str = "*/*", limit: int) -> Answer:
        """Send a body of a Content-Type below the URL, or with an empty path to the URL itself.

        Raises:
            CannotFinish: X469, no answer, or one that is too large.
        """
        return self._ask("POST", path, body, {"Content-Type": kind, "Accept": accept}, limit)

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], limit: int) -> Answer:
        if self._silences >= SILENCES:
            raise self._unusable(path, f"it kept us waiting {SILENCES} times, and is not asked again")
        again = self._connection is not None  # a connection that was idle may have been closed by the other side
        try:
            return self._exchange(method, path, body, headers, limit)
        except TimeoutError as error:
            self.close()
            self._silences += 1
            raise self._unusable(path, str(error)) from error
        except (http.client.HTTPException, OSError, UnicodeError) as error:
            self.close()
            if not again:
                raise self._unusable(path, str(error) or type(error).__name__) from error
        return self._ask(method, path, body, headers, limit)

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], limit: int) -> Answer:
        end = time.monotonic() + self._seconds
        if self._connection is None:
            self._connection = self._connect()
        elif self._connection.sock is not None:
            self._connection.sock.settimeout(self._wait)
        sent = {"User-Agent": "evidencekit", **headers}
        target = self._target(path)
        if self._proxy is not None and self._parts.scheme == "http":  # https goes through a tunnel instead
            target = f"http://{self._parts.netloc}{target}"
            sent |= _authorization(self._proxy)
        self._connection.response_class = _within(end)
        self._connection.request(method, target, body=body, headers=sent)
        with self._connection.getresponse() as response:
            data = self._read(response, path, limit)
            if response.headers.get("Content-Encoding", "identity").lower() == "gzip":
                data = self._unpacked(data, path, limit)
            location = response.headers.get("Location") if 300 <= response.status < 400 else None
            return Answer(response.status, response.headers.get("Content-Type", ""), data, location)

    def _connect(self) -> http.client.HTTPConnection:
        maker = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        if self._proxy is None:
            return maker(self.host, self._port, timeout=self._wait)
        connection = maker(self._proxy.hostname or "", self._proxy.port or _PORTS["http"], timeout=self._wait)
        if self._parts.scheme == "https":
            connection.set_tunnel(self.host, self._port, headers=_authorization(self._proxy))
        return connection

    def _target(self, path: str) -> str:
        if path:
            return f"{self._parts.path.rstrip('/')}/{path}"
        return (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")

    def _read(self, response: http.client.HTTPResponse, path: str, limit: int) -> bytes:
        data = bytearray()
        while block := response.read(_BLOCK):
            data += block
            if len(data) > limit:
                self.close()
                raise self._unusable(path, f"it is larger than {limit} bytes")
        if response.length:  # http.client takes an early end for the end
            raise http.client.IncompleteRead(bytes(data), response.length)
        return bytes(data)

    def _unpacked(self, data: bytes, path: str, limit: int) -> bytes:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            plain = unpacker.decompress(data, limit)
        except zlib.error as error:
            raise self._unusable(path, f"not gzip: {error}") from error
        if not unpacker.eof or unpacker.unused_data:
            raise self._unusable(path, f"not gzip of at most {limit} bytes")
        return plain

    def _unusable(self, path: str, why: str) -> CannotFinish:
        url = f"{self.url}/{path}" if path else self.url
        return CannotFinish(
            f"{display(url)} gives no answer that can be used: {display(why.rstrip('.'))}.",
            code="X469",
            hint="Check the URL and the network, and try again; or go without: `--request-out FILE` writes a request "
            "to be carried, and a published log can be brought as a folder.",
            url=url,
        )


def _within(end: float) -> type[http.client.HTTPResponse]:
    """Return a class of responses that are read until `end`: status, headers and body alike."""

    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp = io.BufferedReader(TimedBytes(sock, self.fp.detach(), patience=IDLE, end=end))

    return Response


def _proxy(text: str) -> SplitResult:
    """Return the parts of a proxy's URL, which may name a user: the message does not show it."""
    parts = _split(text if "://" in text else f"http://{text}")
    if parts is None or parts.scheme != "http":
        hint = "As in https_proxy=http://proxy.example:3128; no_proxy names the hosts that need none."
        raise BadArgument("The proxy that the environment names is no http URL.", code="U255", hint=hint)
    return parts


def _authorization(proxy: SplitResult) -> dict[str, str]:
    """Return the header by which a proxy knows whoever asks, if its URL names somebody."""
    if proxy.username is None:
        return {}
    known = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": "Basic " + base64.b64encode(known).decode()}


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL that has a host and nothing odd, None for any other text."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    printable = url.isascii() and url.isprintable() and " " not in url
    return parts if parts.hostname and printable and not parts.fragment else None
