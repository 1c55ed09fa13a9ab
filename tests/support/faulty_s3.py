"""An S3 server in this process with one object, whose answers can be made to fail.

A real socket shows what no emulation does: a reset connection, a body that breaks off, silence.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MODIFIED = "Mon, 01 Jan 2024 00:00:00 GMT"


class FaultyS3(ThreadingHTTPServer):
    """Answers each request with the next fault, or properly when no fault is left.

    Faults: `reset` (before the answer), `reset in body`, `truncated`, `silence`, `silence in body`,
    `trickle`, `trickle in body`, or an error code such as `SlowDown`, with its status.
    """

    daemon_threads = True

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data = data
        self.etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        self.faults: list[str] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.written: list[bytes] = []
        self.is_silent = threading.Event()
        self.is_over = threading.Event()

    @property
    def url(self) -> str:
        """The endpoint's URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing: clients that give up are what the tests are about."""


@contextmanager
def faulty_s3(data: bytes) -> Iterator[FaultyS3]:
    """Serve an object in the block."""
    with FaultyS3(data) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.is_over.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyS3

    def do_GET(self) -> None:
        first, last = 0, len(self.server.data) - 1
        status, headers = 200, {}
        if "Range" in self.headers:
            start, _, end = self.headers["Range"].removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(end), last)
            status = 206
            headers = {"Content-Range": f"bytes {first}-{last}/{len(self.server.data)}"}
        self._answer(status, self.server.data[first : last + 1], headers)

    def do_HEAD(self) -> None:
        self._answer(200, b"", {})

    def do_PUT(self) -> None:
        self.server.written.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(200, b"", {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.server.requests.append((self.command, dict(self.headers)))
        fault = self.server.faults.pop(0) if self.server.faults else None
        match fault:
            case "reset":
                self._reset()
            case "silence":
                self._say_nothing()
            case "trickle":
                self._trickle(_head(status, len(body), self.server.etag, headers) + body)
            case None | "reset in body" | "truncated" | "silence in body" | "trickle in body":
                self.wfile.write(_head(status, len(body), self.server.etag, headers))
                self._send_body(body, fault)
            case _:
                code, _, number = fault.partition(" ")
                text = f"<Error><Code>{code}</Code><Message>of the test</Message></Error>".encode()
                self.wfile.write(_head(int(number), len(text), "", {}) + text)

    def _send_body(self, body: bytes, fault: str | None) -> None:
        half = body[: len(body) // 2]
        match fault:
            case None:
                self.wfile.write(body)
            case "reset in body":
                self.wfile.write(half)
                self._reset()
            case "truncated":
                self.wfile.write(half)
                self.close_connection = True
            case "silence in body":
                self.wfile.write(half)
                self._say_nothing()
            case "trickle in body":
                self._trickle(body)

    def _say_nothing(self) -> None:
        self.server.is_silent.set()
        self.server.is_over.wait()
        self.close_connection = True

    def _trickle(self, data: bytes) -> None:
        """Send bytes one by one, so that the client's socket never times out."""
        for byte in data:
            self.wfile.write(bytes([byte]))
            if self.server.is_over.wait(0.02):
                break
        self.close_connection = True

    def _reset(self) -> None:
        linger_no_time = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_no_time)
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _head(status: int, length: int, etag: str, headers: dict[str, str]) -> bytes:
    fields = {
        "Content-Length": str(length),
        "ETag": f'"{etag}"',
        "Last-Modified": MODIFIED,
        **headers,
    }
    lines = [f"HTTP/1.1 {status} OK", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()
