"""Where a video comes from: what it is called, what it is, and its bytes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pipeline.digest import sha256_of_file
from pipeline.errors import BrokenError, RejectedError


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
    def modified(self) -> datetime:
        """When it was last modified, in UTC."""

    def open(self) -> AbstractContextManager[Path]:
        """Lend a readable file with its bytes."""


@dataclass(frozen=True)
class LocalVideo:
    """A video in a file; identified by its content, so that a copy has the same results."""

    path: Path
    sha256: str
    modified: datetime

    @classmethod
    def at(cls, path: Path) -> "LocalVideo":
        """Find the video at a path.

        Raises:
            RejectedError: there is nothing there, or no file.
            BrokenError: it may not be read.
        """
        try:
            if path.is_dir():
                raise RejectedError(
                    "is_a_directory", f"{path} is a directory; name the videos in it."
                )
            digest = sha256_of_file(path)
            modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError as error:
            raise RejectedError("not_found", f"{path} does not exist.") from error
        except OSError as error:
            raise BrokenError(f"{path} cannot be read: {error.strerror}.") from error
        return cls(path, digest, modified)

    @property
    def uri(self) -> str:
        """Its path, as given."""
        return str(self.path)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def identity(self) -> dict[str, str]:
        """Its content's sha256."""
        return {"sha256": self.sha256}

    @contextmanager
    def open(self) -> Iterator[Path]:
        """Lend the file itself."""
        yield self.path
