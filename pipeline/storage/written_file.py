"""What is known of a file that was written: size and digest, and its place in an archive."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pipeline.storage.source import ByteRange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.storage.archive_writer import WriteBlock


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of a run, or a member of an archive.

    Attributes:
        path: relative to the run's folder, or in the archive.
        size_bytes: its size.
        sha256: digest of its content, in hex.
        offset: of a member, where its bytes begin in the archive; None: it is a file of its own.
        members: of an archive, what is in it.
    """

    path: str
    size_bytes: int
    sha256: str
    offset: int | None = None
    members: tuple[WrittenFile, ...] = ()

    @classmethod
    def of(cls, path: str, data: bytes, offset: int | None = None) -> Self:
        """Return the file or the member with this content."""
        return cls(path, len(data), hashlib.sha256(data).hexdigest(), offset)

    @property
    def part(self) -> ByteRange | None:
        """Where the bytes of a member are in its archive; None for a file."""
        return None if self.offset is None else ByteRange(self.offset, self.size_bytes)

    def entry(self) -> dict[str, Any]:
        """Return the file as the manifest lists it."""
        entry: dict[str, Any] = {
            "path": self.path,
            "bytes": self.size_bytes,
            "sha256": self.sha256,
        }
        if self.offset is not None:
            entry["offset"] = self.offset
        if self.members:
            entry["members"] = [member.entry() for member in self.members]
        return entry


class HashedBlocks:
    """Counts and hashes the bytes of one file on their way.

    Attributes:
        size_bytes: number of bytes so far.
    """

    def __init__(self, path: str, write_block: WriteBlock) -> None:
        """Begin a file; `write_block` gets its bytes."""
        self.size_bytes = 0
        self._path = path
        self._write_block = write_block
        self._digest = hashlib.sha256()

    def write(self, block: bytes) -> None:
        """Write the next block."""
        self._digest.update(block)
        self.size_bytes += len(block)
        self._write_block(block)

    def written(self, members: Iterable[WrittenFile] = ()) -> WrittenFile:
        """Return the file, of which all blocks are written."""
        digest = self._digest.hexdigest()
        return WrittenFile(self._path, self.size_bytes, digest, members=tuple(members))
