"""Where a video comes from: what it is called, what it is, and its bytes."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline.digest import sha256_of_file
from pipeline.errors import BrokenError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path, PurePath

    from pipeline.stream import ByteStream


class VideoSource(Protocol):
    """One version of one video."""

    @property
    def uri(self) -> str:
        """What a person calls it: a path, or `s3://bucket/key`."""

    @property
    def name(self) -> str:
        """The folder its results lie in: the file's name, or the object's key."""

    @property
    def identity(self) -> dict[str, str]:
        """What makes it this version of this video; part of the run id."""

    @property
    def modified(self) -> datetime | None:
        """When this version was made, in UTC; None if that is not part of what it is."""

    def open(self) -> AbstractContextManager[ByteStream]:
        """Lend a readable, seekable stream of its bytes."""


@dataclass(frozen=True)
class LocalVideo:
    """A video in a file; identified by its content, so that a copy has the same results.

    A file's date is not part of its content: a download or a checkout makes it anew.
    """

    path: Path
    sha256: str
    modified: None = None

    @classmethod
    def at(cls, path: Path) -> LocalVideo:
        """Find the video at a path.

        Raises:
            RejectedError: there is nothing there, or no file.
            BrokenError: it may not be read.
        """
        shown = printable(path)
        if path.is_dir():
            raise RejectedError("is_a_directory", f"{shown} is a directory; name the videos in it.")
        if not path.exists():
            raise RejectedError("not_found", f"{shown} does not exist.")
        if not path.is_file():
            raise RejectedError("not_a_file", f"{shown} is a pipe or a device, not a file.")
        with _readable(path):
            return cls(path, sha256_of_file(path))

    @property
    def uri(self) -> str:
        """Its path, as given."""
        return printable(self.path)

    @property
    def name(self) -> str:
        """The file's name."""
        return printable(self.path.name)

    @property
    def identity(self) -> dict[str, str]:
        """Its content's sha256."""
        return {"sha256": self.sha256}

    @contextmanager
    def open(self) -> Iterator[ByteStream]:
        """Lend the file itself.

        Raises:
            BrokenError: it may not be read.
        """
        with _readable(self.path):
            file = self.path.open("rb")
        with file:
            yield file


def printable(name: str | PurePath) -> str:
    """Return a file's name as text; bytes that are no UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BrokenError(f"{printable(path)} cannot be read: {error.strerror}.") from error
