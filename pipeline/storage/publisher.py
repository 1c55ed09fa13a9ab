"""Publish a result so that readers see all of it or nothing.

`manifest.json`, with size and sha256 of each file, is written last. A folder without it is not a
result. A rejected video has a `rejection.json` instead, and no other file.
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
    from pipeline.storage.source import VideoSource

MANIFEST = "manifest.json"
REJECTION = "rejection.json"
LATEST = "latest.json"


class Sink(Protocol):
    """Where the files of one run go: a folder or an S3 prefix."""

    @property
    def location(self) -> str:
        """Folder or S3 prefix of the run, once it is published."""

    def put(self, path: str, data: bytes) -> None:
        """Write one file. The path is relative to the run's folder."""

    def publish(self, latest: bytes | None) -> None:
        """Make the whole run visible at once. Then write `latest.json`, if given."""

    def abandon(self) -> None:
        """Remove everything that could be taken for a result."""


class Publisher:
    """Writes the files of a run, and lists them in the manifest.

    As a context manager, it abandons the sink if an exception leaves the block.
    """

    def __init__(self, sink: Sink, run_id: str, source: VideoSource, log: RunLog) -> None:
        """Create a publisher; nothing is written yet.

        Args:
            sink: where the files go.
            run_id: id of this run.
            source: the video; its URI and identity go into the manifest.
            log: gets the number of files, their bytes and the time.
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
        """Folder or S3 prefix of the run, once it is published."""
        return self._sink.location

    def put(self, path: str, data: bytes) -> None:
        """Write one file. May be called from any thread."""
        with self._log.measure("write") as write:
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
        """Write the rejection, and make it visible."""
        rejection = {
            **self._head,
            "rejected": _now(),
            "reason": error.reason,
            "message": str(error),
        }
        self._sink.put(REJECTION, json_bytes(rejection))
        self._sink.publish(None)


def json_bytes(value: object) -> bytes:
    """Return a value as indented JSON in UTF-8, with a newline at the end."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
