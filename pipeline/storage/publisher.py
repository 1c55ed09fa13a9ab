"""Publish a result so that readers see all of it or nothing.

`manifest.json`, with size and sha256 of each file, is written last. A folder without it is not a
result. A rejected video has a `rejection.json` instead, and no other file.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from pipeline import __version__
from pipeline.errors import CapacityError
from pipeline.runlog import StageLog
from pipeline.storage.image_archive import ImageArchive, archive_path
from pipeline.storage.result_store import MANIFEST, REJECTION, Ending, json_bytes
from pipeline.storage.written_file import HashedBlocks, WrittenFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    from pipeline.errors import RejectedError
    from pipeline.resources.capacity import Capacity
    from pipeline.runlog import RunLog
    from pipeline.storage.archive_writer import ArchiveForm, WriteBlock
    from pipeline.storage.result_store import PublishedResult, ResultStore
    from pipeline.storage.source import ByteRange, IdentifiedVideo


class Publisher:
    """Writes the files of a run, and lists them in the manifest.

    As a context manager, it abandons the run if an exception leaves the block.

    Attributes:
        archive: the archive of images; None if there is none, or until it is written.
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
        self.archive: WrittenFile | None = None
        self._files: list[WrittenFile] = []
        self._places: dict[str, tuple[str, ByteRange | None]] = {}

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

    @contextmanager
    def block_writer(self, path: str) -> Iterator[WriteBlock]:
        """Yield a function that writes the next block of one file of any size.

        Each block but the last has at least 5 MiB.
        """
        with self._log.measure("write") as write, self._store.block_writer(path) as write_block:
            blocks = HashedBlocks(path, write_block)
            yield blocks.write
            write.items_out += blocks.size_bytes
        self._files.append(blocks.written())

    @contextmanager
    def images(self, form: ArchiveForm | None) -> Iterator[Callable[[str, bytes], None]]:
        """Yield a function that writes an image, by its path in the run's folder.

        Without an archive, any thread may call it. With one, it writes the next image of the
        archive, for one caller at a time; the archive is there when the context ends without an
        exception.

        Args:
            form: of the archive; None: each image is a file of its own.
        """
        if form is None:
            yield self.put
            return
        path = archive_path(form)
        with self._store.block_writer(path) as write_block:
            blocks = HashedBlocks(path, write_block)
            images = ImageArchive(form, blocks.write, self._log)
            yield images.put
            images.close()
        self._log.add(StageLog("write", items_in=1, items_out=blocks.size_bytes))
        self.archive = blocks.written(images.members)
        self._files.append(self.archive)
        self._places |= {member.path: (path, member.part) for member in images.members}

    def read(self, path: str) -> bytes:
        """Return a file or an image that was written. May be called from any thread."""
        return self._store.read(*self._places.get(path, (path, None)))

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
