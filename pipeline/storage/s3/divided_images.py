"""The images of a divided run until it is merged: files where they stay, or archives of shards.

Archives lie below `pretag-work/`. Each has a name that nobody else uses, and the result of its
shard names it. So two who work on one shard do not meet, and the one whose result counts has the
archive that counts.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from pipeline.storage.written_file import WrittenFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from pipeline.storage.archive_writer import WriteBlock
    from pipeline.storage.s3.bucket import Bucket
    from pipeline.storage.source import ByteRange


class DividedImages:
    """The images of the shards of one run."""

    def __init__(self, bucket: Bucket, folder: str, archives: str) -> None:
        """Describe them; nothing is requested.

        Args:
            bucket: the bucket for results.
            folder: key prefix of the run's visible folder, without a slash at the end.
            archives: key prefix of the archives of shards.
        """
        self._bucket = bucket
        self._folder = folder
        self._archives = archives
        self._earlier: dict[str, WrittenFile] = {}
        self._adding = Lock()

    def put_image(self, path: str, data: bytes) -> None:
        """Write an image into the visible folder, unless it is there. Any thread may call it.

        One that is there was written when this shard was worked on before, perhaps on another CPU.
        """
        key = f"{self._folder}/{path}"
        while not self._bucket.create(key, data):
            found = self._bucket.head(key)
            if found is not None:
                with self._adding:
                    self._earlier[path] = WrittenFile(path, found.size_bytes, found.sha256)
                return

    def as_they_lie(self, images: Iterable[WrittenFile]) -> tuple[WrittenFile, ...]:
        """Return the images with size and digest of what is in the bucket."""
        return tuple(self._earlier.get(image.path, image) for image in images)

    def archive_writer(self, name: str) -> AbstractContextManager[WriteBlock]:
        """Yield a function that writes the next block of a shard's archive."""
        return self._bucket.block_writer(self._archives + name)

    def read_archive(self, name: str, part: ByteRange) -> bytes | None:
        """Return a part of a shard's archive; None if it is gone. Any thread may call it."""
        found = self._bucket.get(self._archives + name, part)
        return None if found is None else found.data

    def remove(self, paths: Sequence[str]) -> None:
        """Do nothing: images go when the run is published, and archives when it has ended."""

    def remove_archives(self) -> None:
        """Remove all archives of shards. Done after the results that name them are removed."""
        self._bucket.delete(self._bucket.keys(self._archives))
