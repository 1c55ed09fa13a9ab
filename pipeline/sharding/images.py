"""The images of shards: where they are until the shards are merged, and how they are joined.

Without an archive, an image is written where it stays. With one, each shard writes an archive of
its own, and the images that the merge keeps are read from these and written into one.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.errors import BrokenError
from pipeline.storage.image_archive import ImageArchive
from pipeline.storage.source import ByteRange
from pipeline.storage.written_file import WrittenFile

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pipeline.runlog import RunLog
    from pipeline.stages import PutImage
    from pipeline.storage.archive_writer import ArchiveForm, WriteBlock

# A request for each image would cost ten times as much, and eight ranges are in memory at once.
_RANGE_BYTES = 4 * 1024 * 1024


class ShardArchiveError(BrokenError):
    """The archive of a shard is gone or was changed: the shard must be worked on again.

    Attributes:
        shard: number of the shard.
    """

    def __init__(self, archive: str, fault: str) -> None:
        """Create the error.

        Args:
            archive: name of the archive, by `new_archive`.
            fault: what is wrong with it, as a part of a sentence.
        """
        super().__init__(archive, fault)
        self.shard = int(archive.partition("-")[0])

    def __str__(self) -> str:
        archive, fault = self.args
        return (
            f"The archive {archive} with the images of shard {self.shard} {fault}. Do not "
            "delete or change anything below pretag-work/. Send the event of the video again: only "
            "this shard is computed again."
        )


class ShardImages(Protocol):
    """Where the images of shards are until the shards are merged."""

    def put_image(self, path: str, data: bytes) -> None:
        """Write an image where it stays. Any thread may call it."""

    def archive_writer(self, name: str) -> AbstractContextManager[WriteBlock]:
        """Yield a function that writes the next block of a shard's archive."""

    def read_archive(self, name: str, part: ByteRange) -> bytes | None:
        """Return a part of a shard's archive; None if it is gone. Any thread may call it."""

    def remove(self, paths: Sequence[str]) -> None:
        """Remove images that are not in the dataset, by their paths, and all archives of shards."""


def new_archive(number: int, form: ArchiveForm) -> str:
    """Return a name for the archive of a shard. Nobody else who works on the shard has it."""
    return f"{number:05}-{secrets.token_hex(8)}.{form}"


@contextmanager
def written_images(
    images: ShardImages, name: str | None, form: ArchiveForm | None, log: RunLog
) -> Iterator[tuple[PutImage, list[WrittenFile]]]:
    """Yield a function that writes an image of a shard, and the list of what it has written.

    Args:
        images: where they go.
        name: of the shard's archive; None: there is none.
        form: of the archive.
        log: gets the counts and the time. An archive of a shard is no file of the result, so it is
            not counted.
    """
    if name is None or form is None:
        written: list[WrittenFile] = []

        def put(path: str, data: bytes) -> None:
            with log.measure("write") as write:
                images.put_image(path, data)
                written.append(WrittenFile.of(path, data))
                write.items_out += len(data)

        yield put, written
        written.sort(key=lambda image: image.path)
        return
    with images.archive_writer(name) as write_block:
        archive = ImageArchive(form, write_block, log)
        yield archive.put, archive.members
        archive.close()


def read_images(
    images: ShardImages, archives: Mapping[str, Sequence[WrittenFile]]
) -> Generator[tuple[str, bytes], None, None]:
    """Yield path and bytes of images in archives of shards, in order.

    Args:
        images: where the archives are.
        archives: for the name of each archive, some of its members, in order.

    Raises:
        ShardArchiveError: an archive is gone, or was changed.
    """

    def read(group: tuple[str, list[WrittenFile]]) -> list[tuple[str, bytes]]:
        name, members = group
        span = _span(members[0], members[-1])
        data = images.read_archive(name, span)
        if data is None:
            raise ShardArchiveError(name, "is gone")
        return [(each.path, _checked(name, each, data, span.start)) for each in members]

    with OrderedExecutor(cpus=1) as executor:
        for found in executor.map_io(read, _groups(archives)):
            yield from found


def _groups(
    archives: Mapping[str, Sequence[WrittenFile]],
) -> Iterator[tuple[str, list[WrittenFile]]]:
    """Yield the members that are read by one request, and the name of their archive."""
    for name, members in archives.items():
        group: list[WrittenFile] = []
        for member in members:
            if group and _span(group[0], member).size > _RANGE_BYTES:
                yield name, group
                group = []
            group.append(member)
        if group:
            yield name, group


def _span(first: WrittenFile, last: WrittenFile) -> ByteRange:
    start = first.offset or 0
    return ByteRange(start, (last.offset or 0) + last.size_bytes - start)


def _checked(name: str, member: WrittenFile, data: bytes, start: int) -> bytes:
    at = (member.offset or 0) - start
    image = data[at : at + member.size_bytes]
    if hashlib.sha256(image).hexdigest() != member.sha256:
        raise ShardArchiveError(name, f"was changed: {member.path} in it is another one")
    return image
