"""The interface of a result store: where the files of a run go, and how the run ends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from pipeline.storage.archive_writer import WriteBlock
    from pipeline.storage.source import ByteRange

MANIFEST = "manifest.json"
REJECTION = "rejection.json"
LATEST = "latest.json"


@dataclass(frozen=True)
class Ending:
    """How a run ends: with a dataset and its manifest, or with a rejection.

    Attributes:
        name: `manifest.json` or `rejection.json`.
        content: the content of this file, as a JSON object.
    """

    name: str
    content: Mapping[str, Any]

    @property
    def is_rejection(self) -> bool:
        """Whether the video was rejected."""
        return self.name == REJECTION

    @property
    def video_uri(self) -> str | None:
        """Path or `s3://bucket/key` of the video; None if the file does not say it."""
        uri: str | None = self.content.get("source", {}).get("uri")
        return uri

    def data(self) -> bytes:
        """Return the content of the file."""
        return json_bytes(self.content)


@dataclass(frozen=True)
class PublishedResult:
    """A result that readers can see.

    Attributes:
        location: folder or S3 prefix of the run.
        ending: how the run ended.
        is_repeated: whether another attempt had decided this result.
    """

    location: str
    ending: Ending
    is_repeated: bool = False


class ResultStore(Protocol):
    """Where one attempt writes the files of a run, and where they are published."""

    @property
    def location(self) -> str:
        """Folder or S3 prefix of the run, where readers will see it."""

    def begin(self) -> PublishedResult | None:
        """Prepare to write. Return the result if there is one already; the run then has ended.

        Raises:
            CapacityError: earlier attempts crashed on this video.
        """

    def put(self, path: str, data: bytes) -> None:
        """Write one file, which is not visible yet. The path is relative to the run's folder."""

    def block_writer(self, path: str) -> AbstractContextManager[WriteBlock]:
        """Yield a function that writes the next block of one file of any size.

        Each block but the last has at least 5 MiB. The file is there when the context ends without
        an exception.
        """

    def read(self, path: str, part: ByteRange | None = None) -> bytes:
        """Return a file that this attempt wrote, or a part of it. Any thread may call it."""

    def commit(self, ending: Ending) -> PublishedResult:
        """End the run, and make its result visible.

        A manifest publishes the files that it lists. A rejection drops all files.

        Returns:
            The result: with this ending, or with that of another attempt which was earlier.
        """

    def abandon(self) -> None:
        """Remove all that this attempt wrote, after an error. What is published stays."""


def json_bytes(value: object) -> bytes:
    """Return a value as indented JSON in UTF-8, with a newline at the end."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
