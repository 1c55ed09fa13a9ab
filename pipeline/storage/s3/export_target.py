"""Write the files of an export below an S3 prefix, or as one archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.errors import PathError
from pipeline.storage.archive_writer import write_archive
from pipeline.storage.export_target import ARCHIVE_SUFFIX
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.client import split_uri

if TYPE_CHECKING:
    from collections.abc import Iterable


class S3Target:
    """An archive, if the URI ends with `.zip`; else a prefix without objects.

    An archive is there when it is complete. Files below a prefix appear one by one.
    """

    def __init__(self, uri: str) -> None:
        """Check that nothing is below the prefix.

        Raises:
            PathError: the URI has no key, or there is something.
            BrokenError, RetryableError: S3 does not say.
        """
        name, key = split_uri(uri.rstrip("/"))
        if not name or not key:
            raise PathError(f"{uri} names no place in a bucket. Write s3://bucket/prefix.")
        self._bucket = Bucket.for_command(name)
        self._key = key
        self._is_archive = key.endswith(ARCHIVE_SUFFIX)
        if not self._is_archive and self._bucket.keys(f"{key}/"):
            raise PathError(
                f"{uri} is not empty, and files of another export would stay among those of this "
                "one. Name a new prefix."
            )

    def write(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write all files."""
        if self._is_archive:
            with self._bucket.block_writer(self._key) as write_block:
                write_archive("zip", files, write_block)
            return
        with OrderedExecutor(cpus=1) as executor:
            for _ in executor.map_io(self._put, iter(files)):
                pass

    def _put(self, file: tuple[str, bytes]) -> None:
        path, data = file
        self._bucket.put(f"{self._key}/{path}", data)
