"""Putting a result where it belongs, so that it is either all there or not there.

`manifest.json`, with the size and sha256 of each file, is written last: without it there is no
result. A rejected video has a `rejection.json` in its place, alone.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from pipeline import __version__

if TYPE_CHECKING:
    from types import TracebackType

    from pipeline.errors import RejectedError
    from pipeline.runlog import RunLog
    from pipeline.source import VideoSource

MANIFEST = "manifest.json"
REJECTION = "rejection.json"
LATEST = "latest.json"


class Sink(Protocol):
    """A place for one run's files: a folder or an S3 prefix."""

    @property
    def location(self) -> str:
        """Where the run's files are, once published."""

    def put(self, path: str, data: bytes) -> None:
        """Write one file, by its path within the run's folder."""

    def publish(self, latest: bytes | None) -> None:
        """Make the run visible, all of it at once; then point `latest.json` at it, if given."""

    def abandon(self) -> None:
        """Leave nothing behind that could be taken for a result."""


class Delivery:
    """Writes a run's files and keeps the list of them for the manifest."""

    def __init__(self, sink: Sink, run_id: str, source: VideoSource, log: RunLog) -> None:
        """Start a delivery; as a context manager, it abandons the sink on any exception.

        Args:
            sink: where the files go.
            run_id: of this run.
            source: the video, for the record.
            log: counts files, bytes and seconds.
        """
        self._sink = sink
        self._head = {
            "run_id": run_id,
            "pretag": __version__,
            "source": {"uri": source.uri, **source.identity},
        }
        self._log = log
        self._files: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._sink.abandon()

    @property
    def location(self) -> str:
        """Where the files are, once they are all there."""
        return self._sink.location

    def put(self, path: str, data: bytes) -> None:
        """Write one file; any thread may."""
        with self._log.work("write") as write:
            self._sink.put(path, data)
            digest = hashlib.sha256(data).hexdigest()
            write.items_out += len(data)
        self._files.append({"path": path, "bytes": len(data), "sha256": digest})

    def put_text(self, path: str, text: str) -> None:
        """Write one text file."""
        self.put(path, text.encode())

    def put_json(self, path: str, value: object) -> None:
        """Write one JSON file."""
        self.put(path, json_bytes(value))

    def finish(self, counts: dict[str, int]) -> None:
        """Write the manifest and make the result visible."""
        files = sorted(self._files, key=lambda entry: str(entry["path"]))
        manifest = {**self._head, "finished": _now(), "counts": counts, "files": files}
        self._sink.put(MANIFEST, json_bytes(manifest))
        pointer = {
            "run_id": self._head["run_id"],
            "manifest": f"{self._head['run_id']}/{MANIFEST}",
            "finished": manifest["finished"],
        }
        self._sink.publish(json_bytes(pointer))

    def reject(self, error: RejectedError) -> None:
        """Write why there is no result."""
        rejection = {
            **self._head,
            "rejected": _now(),
            "reason": error.reason,
            "message": str(error),
        }
        self._sink.put(REJECTION, json_bytes(rejection))
        self._sink.publish(None)


def json_bytes(value: object) -> bytes:
    """Return a value as JSON for people and programs alike: indented, UTF-8, newline at the end."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
