"""Publish a result so that readers see all of it or nothing.

`manifest.json`, with size and sha256 of each file, is written last. A folder without it is not a
result. A rejected video has a `rejection.json` instead, and no other file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from pipeline import __version__
from pipeline.errors import CapacityError
from pipeline.storage.result_store import MANIFEST, REJECTION, Ending, json_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from pipeline.errors import RejectedError
    from pipeline.resources.capacity import Capacity
    from pipeline.runlog import RunLog
    from pipeline.storage.result_store import PublishedResult, ResultStore
    from pipeline.storage.source import IdentifiedVideo


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of a run.

    Attributes:
        path: relative to the run's folder.
        size_bytes: its size.
        sha256: digest of its content, in hex.
    """

    path: str
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, path: str, data: bytes) -> Self:
        """Return the file with this content."""
        return cls(path, len(data), hashlib.sha256(data).hexdigest())

    def entry(self) -> dict[str, Any]:
        """Return the file as the manifest lists it."""
        return {"path": self.path, "bytes": self.size_bytes, "sha256": self.sha256}


class Publisher:
    """Writes the files of a run, and lists them in the manifest.

    As a context manager, it abandons the run if an exception leaves the block.
    """

    def __init__(
        self, store: ResultStore, run_id: str, source: IdentifiedVideo, log: RunLog
    ) -> None:
        """Create a publisher; nothing is written yet.

        Args:
            store: where the files go.
            run_id: id of this run.
            source: the video; its URI and identity go into the manifest.
            log: gets the number of files, their bytes and the time.
        """
        self._store = store
        self._head = {
            "run_id": run_id,
            "pretag": __version__,
            "source": {"uri": source.uri, **source.identity},
        }
        self._log = log
        self._files: list[WrittenFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._store.abandon()

    def begin(self) -> PublishedResult | None:
        """Prepare to write. Return the result if there is one already; the run then has ended."""
        return self._store.begin()

    @property
    def location(self) -> str:
        """Folder or S3 prefix of the run, where readers will see it."""
        return self._store.location

    def put(self, path: str, data: bytes) -> None:
        """Write one file. May be called from any thread."""
        with self._log.measure("write") as write:
            self._store.put(path, data)
            written = WrittenFile.of(path, data)
            write.items_out += len(data)
        self._files.append(written)

    def note(self, files: Iterable[WrittenFile]) -> None:
        """List files that others wrote to the same store. Their work is in no log yet."""
        self._files += files

    def put_blocks(self, path: str, blocks: Iterable[bytes]) -> None:
        """Write one file of any size; each block but the last has at least 5 MiB."""
        digest, size_bytes = hashlib.sha256(), 0

        def counted() -> Iterator[bytes]:
            nonlocal size_bytes
            for block in blocks:
                digest.update(block)
                size_bytes += len(block)
                yield block

        with self._log.measure("write") as write:
            self._store.put_blocks(path, counted())
            write.items_out += size_bytes
        self._files.append(WrittenFile(path, size_bytes, digest.hexdigest()))

    def read(self, path: str) -> bytes:
        """Return a file that was written. May be called from any thread."""
        return self._store.read(path)

    def put_text(self, path: str, text: str) -> None:
        """Write one text file."""
        self.put(path, text.encode())

    def put_json(self, path: str, value: object) -> None:
        """Write one JSON file."""
        self.put(path, json_bytes(value))

    def finish(
        self, counts: dict[str, int], figures: Mapping[str, Any] | None = None
    ) -> PublishedResult:
        """Write the manifest, and make the result visible.

        Args:
            counts: the counts of the run.
            figures: its coverage, time, cost and drift, for lists of results.
        """
        files = [each.entry() for each in sorted(self._files, key=lambda each: each.path)]
        manifest = {**self._head, "finished": _now(), "counts": counts, "files": files}
        if figures is not None:
            manifest["figures"] = figures
        return self._store.commit(Ending(MANIFEST, manifest))

    def reject(self, error: RejectedError, capacity: Capacity | None) -> PublishedResult:
        """Write the rejection, and make it visible.

        Args:
            error: why the video is rejected.
            capacity: that of the function; written for a lack of capacity alone. None: no limit.
        """
        rejection = {
            **self._head,
            "rejected": _now(),
            "reason": error.reason,
            "message": str(error),
        }
        if isinstance(error, CapacityError) and capacity is not None:
            rejection["capacity"] = capacity.to_json()
        return self._store.commit(Ending(REJECTION, rejection))


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
