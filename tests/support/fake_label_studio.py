"""A small server that answers as Label Studio does, for what a handover asks.

tests/oracles has the same tests with the real server.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "0123456789abcdef"  # noqa: S105 - of a server in the tests
JWT = "a.b.c"


class FakeLabelStudio(ThreadingHTTPServer):
    """The server and what it holds.

    Attributes:
        projects, tasks, uploads: what was made.
        refuse_after: number of imports of tasks after which the server fails.
        lose: whether uploads are stored under another name.
        requests_left: number of requests that the last short-lived token is good for.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.projects: list[dict[str, Any]] = []
        self.tasks: list[dict[str, Any]] = []
        self.uploads: list[tuple[str, bytes]] = []
        self.refuse_after = 1000
        self.lose = False
        self.requests_left = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def fake_label_studio() -> Iterator[FakeLabelStudio]:
    """Run a server in the block."""
    with FakeLabelStudio() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: FakeLabelStudio

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Log nothing."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if not self._is_allowed():
            return
        page = dict(part.split("=") for part in query.split("&") if part)
        first = (int(page.get("page", 1)) - 1) * int(page.get("page_size", 1))
        last = first + int(page.get("page_size", 1))
        if path == "/api/projects":
            rows = self.server.projects
            self._answer(200, {"count": len(rows), "results": rows[first:last]})
        elif path == "/api/tasks":
            rows = [each for each in self.server.tasks if str(each["project"]) == page["project"]]
            self._answer(200, {"total": len(rows), "tasks": rows[first:last]})
        elif path == "/html":
            self._answer(200, None)
        else:
            number = int(path.rpartition("/")[2])
            name = "other.jpg" if self.server.lose else self.server.uploads[number - 1][0]
            self._answer(200, {"id": number, "file": f"upload/1/0a1b2c3d-{name}"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/token/refresh":
            self.server.requests_left = 30
            self._answer(200, {"access": "short-lived"})
        elif not self._is_allowed():
            return
        elif self.path == "/api/projects":
            project = {"id": len(self.server.projects) + 1, **json.loads(body)}
            self.server.projects.append(project)
            self._answer(201, project)
        elif self.path.endswith("commit_to_project=false"):
            self._answer(201, {"file_upload_ids": list(self._stored(body))})
        elif not self.server.refuse_after:
            self._answer(503, {})
        else:
            self.server.refuse_after -= 1
            tasks = [{"project": int(self.path.split("/")[3]), **each} for each in json.loads(body)]
            self.server.tasks += tasks
            count = len(tasks)
            self._answer(201, {"task_count": count, "prediction_count": count})

    def _stored(self, body: bytes) -> Iterator[int]:
        for part in body.split(b"\r\n--")[:-1]:
            head, _, data = part.partition(b"\r\n\r\n")
            name = re.search(rb'filename="([^"]+)"', head)
            assert name is not None
            self.server.uploads.append((name[1].decode(), data))
            yield len(self.server.uploads)

    def _is_allowed(self) -> bool:
        given = self.headers.get("Authorization")
        if given == f"Token {TOKEN}":
            return True
        if given == "Bearer short-lived" and self.server.requests_left:
            self.server.requests_left -= 1
            return True
        self._answer(401, {"detail": "Invalid token."})
        return False

    def _answer(self, status: int, value: object) -> None:
        data = b"<html>" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
