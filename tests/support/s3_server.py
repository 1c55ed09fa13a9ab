"""moto's S3 behind a real socket, for commands in processes of their own.

moto's own server needs packages that the development environment does not have. This one sends each
request to the S3 that moto emulates in this process.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import requests

from tests.support.lambda_function import REGION, VARIABLES, emulated_s3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

_S3 = f"https://s3.{REGION}.amazonaws.com"
_OF_ONE_CONNECTION = {"connection", "content-length", "transfer-encoding"}


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[str] = []


@contextmanager
def s3_server() -> Iterator[tuple[S3Client, dict[str, str], list[str]]]:
    """Serve S3 in the block, with the buckets of `emulated_s3`.

    Yields:
        A client of it, the variables by which a process finds it, and all requests so far, such as
        `GET /bucket/key`.
    """
    with emulated_s3() as client, _Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
        variables = {name: VARIABLES[name] for name in names}
        variables["AWS_ENDPOINT_URL_S3"] = f"http://127.0.0.1:{server.server_port}"
        try:
            yield client, variables, server.requests
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    server: _Server

    def _forward(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name != "Host"}
        answer = requests.request(
            self.command, f"{_S3}{self.path}", headers=headers, data=body, timeout=60
        )
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        is_head = self.command == "HEAD"
        length = answer.headers.get("Content-Length", "0") if is_head else len(answer.content)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(b"" if is_head else answer.content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward  # noqa: N815 - by http.server

    def log_message(self, *_: object) -> None:
        """Print nothing."""
