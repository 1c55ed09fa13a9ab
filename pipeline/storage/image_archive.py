"""Write the images of a run into one archive.

A request to S3 for each image costs more than finding objects in it; an archive costs one request
for each 16 MiB. Paths in it are those that the images would have in the run's folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.storage.archive_writer import ArchiveWriter
from pipeline.storage.written_file import WrittenFile

if TYPE_CHECKING:
    from pipeline.runlog import RunLog
    from pipeline.storage.archive_writer import ArchiveForm, WriteBlock


def archive_path(form: ArchiveForm) -> str:
    """Return the path of the archive in the run's folder."""
    return f"images.{form}"


class ImageArchive:
    """An archive of images, in the order in which they come.

    Attributes:
        members: the images in it.
    """

    def __init__(self, form: ArchiveForm, write_block: WriteBlock, log: RunLog) -> None:
        """Begin an archive.

        Args:
            form: `zip` or `tar`.
            write_block: gets its bytes.
            log: gets the time that writing takes. It is one file, so nothing is counted here.
        """
        self.members: list[WrittenFile] = []
        self._writer = ArchiveWriter(form, write_block)
        self._log = log

    def put(self, path: str, data: bytes) -> None:
        """Write the next image. Not to be called by two threads at a time."""
        with self._log.timed("write"):
            offset = self._writer.add(path, data)
        self.members.append(WrittenFile.of(path, data, offset))

    def close(self) -> None:
        """Write the end of the archive."""
        with self._log.timed("write"):
            self._writer.close()
