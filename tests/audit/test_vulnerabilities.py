"""The scan, with the real pip-audit, against a server that answers as OSV does.

https://google.github.io/osv.dev/post-v1-query/
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from supply_chain.locks import all_locks, read_pins
from tests.audit import tools

KNOWN = {("jinja2", "2.10"): "GHSA-test-known-0000"}
IN_THE_IMAGE = (
    "onnxruntime",
    next(p.version for p in read_pins(all_locks()) if p.name == "onnxruntime"),
)


@contextmanager
def osv(advisories: dict[tuple[str, str], str]) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """Answer as OSV in the block; yield the address, and the set of what was asked."""
    asked: set[tuple[str, str]] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = (query["package"]["name"], query["version"])
            asked.add(key)
            body = json.dumps(answer(key)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    def answer(key: tuple[str, str]) -> dict[str, Any]:
        if key not in advisories:
            return {}
        name, _ = key
        affected = {
            "package": {"name": name, "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999"}]}],
        }
        return {
            "vulns": [{"id": advisories[key], "aliases": ["CVE-0000-0001"], "affected": [affected]}]
        }

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_pin_of_every_requirements_file_is_looked_up_whatever_its_marker() -> None:
    pins = {(pin.name, pin.version) for pin in read_pins(all_locks())}
    with osv(KNOWN) as (url, asked):
        result = tools.run("-m", "supply_chain.vulnerabilities", "--osv-url", url)
    assert (result.returncode, result.stderr) == (0, "")
    assert asked == pins | set(KNOWN)
    assert len({version for name, version in asked if name == "numpy"}) == 2


def test_a_known_vulnerability_of_a_package_in_the_image_fails_the_scan() -> None:
    with osv({**KNOWN, IN_THE_IMAGE: "GHSA-test-image-0000"}) as (url, _):
        result = tools.run("-m", "supply_chain.vulnerabilities", "--osv-url", url)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{' '.join(IN_THE_IMAGE)} has CVE-0000-0001, GHSA-test-image-0000")
    assert "(fixed in: 999)" in line


def test_a_source_that_knows_nothing_does_not_pass_for_a_clean_scan() -> None:
    with osv({}) as (url, _):
        result = tools.run("-m", "supply_chain.vulnerabilities", "--osv-url", url)
    assert result.returncode == 3
    assert result.stderr.startswith("NOT SCANNED for known vulnerabilities.")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1/query"])  # a port without a server
def test_a_source_that_cannot_be_reached_does_not_pass_for_a_clean_scan(url: str) -> None:
    result = tools.run("-m", "supply_chain.vulnerabilities", "--osv-url", url)
    assert result.returncode == 3
    assert result.stderr.startswith("NOT SCANNED for known vulnerabilities.")
    assert "Connection refused" in result.stderr
