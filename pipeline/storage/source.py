"""The interfaces of a video's source: what identifies the video, and its bytes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A part of a file.

    Attributes:
        start: offset of its first byte.
        size: its length in bytes, at least 1.
    """

    start: int
    size: int

    @property
    def header(self) -> str:
        """The range as HTTP has it.

        https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2
        """
        return f"bytes={self.start}-{self.start + self.size - 1}"


class ByteStream(Protocol):
    """A readable, seekable stream: a file, a `BytesIO`, an object in S3."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, fewer only at the end; all the rest if negative."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to an offset, and return the new position in bytes."""


@runtime_checkable
class CountedStream(Protocol):
    """A stream whose bytes come by requests.

    Attributes:
        requests: number of requests so far.
        bytes_fetched: the bytes that they asked for.
    """

    requests: int
    bytes_fetched: int


class IdentifiedVideo(Protocol):
    """What tells one version of one video from others."""

    @property
    def uri(self) -> str:
        """Path or `s3://bucket/key` of the video, for messages."""

    @property
    def identity(self) -> dict[str, str]:
        """What identifies this version of this video. Part of the run id."""


class VideoSource(IdentifiedVideo, Protocol):
    """One version of one video, whose bytes can be read."""

    @property
    def name(self) -> str:
        """Name of the folder for its results: the file's name, or the object's key."""

    @property
    def modified(self) -> datetime | None:
        """When this version was made, in UTC; None if that is not part of its identity."""

    @property
    def size(self) -> int:
        """Its size in bytes."""

    def open(self) -> AbstractContextManager[ByteStream]:
        """Open a stream of its bytes."""
