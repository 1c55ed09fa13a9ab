"""An HTTP proxy in front of a service, which decides about each request what goes wrong.

The client under test has the proxy's URL as its AWS. It speaks real HTTP over real sockets, so its
own errors, time-outs and connections are tested too.
"""

from __future__ import annotations

import http.client
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

# Those that belong to one connection: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
_OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "expect", "content-length"}
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Request:
    """A request of the client.

    Attributes:
        method: such as `PUT`.
        target: path and query, percent-encoded.
        headers: the headers, in lower case.
        body: the body.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The decoded path, without the query: `/bucket/key`."""
        return unquote(urlsplit(self.target).path)

    @property
    def operation(self) -> str:
        """What the request does in S3 or EventBridge, such as `PUT`, `COPY` or `PutEvents`."""
        if "x-amz-copy-source" in self.headers:
            return "COPY"
        if "delete" in urlsplit(self.target).query.split("&"):
            return "DELETE"
        if "list-type=2" in self.target:
            return "LIST"
        return self.headers.get("x-amz-target", self.method).rpartition(".")[2]


@dataclass(frozen=True)
class Answer:
    """An answer of the service.

    Attributes:
        status: the HTTP status.
        headers: the headers, in lower case.
        body: the body.
        sent: number of bytes of the body after which the connection is reset; None: all are sent.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    sent: int | None = None


Forward = Callable[[Request], Answer]
"""Lets the service carry out a request."""
Exchange = Callable[[Request, Forward], Answer | None]
"""Answers a request, with or without the service. None: the connection is reset."""

UNAVAILABLE = Answer(
    HTTPStatus.SERVICE_UNAVAILABLE,
    {"content-type": "application/xml"},
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
)
"""What S3 answers when it has too much to do."""


@contextmanager
def faulty_proxy(forward: Forward, exchange: Exchange, host: str = "127.0.0.1") -> Iterator[str]:
    """Run a proxy in the block, on a free port; return its URL.

    Args:
        forward: lets the service carry out a request, such as `http_service(url)`.
        exchange: called for each request, in the request's own thread.
        host: the address on which the proxy listens.
    """

    class Handler(_Handler):
        def answer(self, request: Request) -> Answer | None:
            return exchange(request, forward)

    server = _Server((host, 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def http_service(url: str) -> Forward:
    """Return a function that forwards requests to an HTTP service at `http://host:port`."""
    address = urlsplit(url).netloc

    def forward(request: Request) -> Answer:
        connection = http.client.HTTPConnection(address, timeout=30)
        try:
            headers = _end_to_end(request.headers)
            connection.request(request.method, request.target, request.body, headers)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    return forward


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a client that was killed does not close its connection
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the base class
        """Print the error, unless a client that was killed took no answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it delays the second packet of an answer by 40 ms

    def answer(self, request: Request) -> Answer | None:
        raise NotImplementedError

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.answer(Request(self.command, self.path, headers, body))
        if answer is not None:
            self._send(answer)
        if answer is None or answer.sent is not None:
            self._reset()

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in _end_to_end(answer.headers).items():
            self.send_header(name, value)
        # The answer to HEAD has the length of the body that GET would have.
        length = answer.headers.get("content-length") if self.command == "HEAD" else None
        self.send_header("content-length", length or str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: answer.sent])

    def _reset(self) -> None:
        """Close the connection at once, with RST instead of FIN."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        os.close(self.connection.detach())


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in _OF_CONNECTION}
