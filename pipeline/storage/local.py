"""Read videos from files, and write results to folders."""

from __future__ import annotations

import errno
import secrets
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.digest import sha256_of_file
from pipeline.storage.paths import check_regular_file, read_file, reading, write_file, writing
from pipeline.storage.pointer import Pointer
from pipeline.storage.result_folder import complete_manifest
from pipeline.storage.result_store import LATEST, MANIFEST, Ending, PublishedResult, json_bytes
from pipeline.text import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.storage.archive_writer import WriteBlock
    from pipeline.storage.source import ByteRange, ByteStream


@dataclass(frozen=True)
class LocalVideo:
    """A video in a file, identified by its content, so that a copy has the same run id.

    The file's date is not part of the identity, because a download or a checkout changes it. The
    content is read when the identity is first asked for.
    """

    path: Path
    modified: None = None

    @staticmethod
    def check(path: Path) -> None:
        """Check that a path names a file.

        Raises:
            PathError: it is a URI, does not exist, or is a directory, a pipe or a device.
        """
        check_regular_file(path, f"Name the videos in it: {path_text(path)}/*.mp4")

    @classmethod
    def at(cls, path: Path) -> LocalVideo:
        """Return the video at a path.

        Raises:
            PathError: the path does not name a file.
        """
        with reading(path):
            cls.check(path)
            return cls(path)

    @property
    def uri(self) -> str:
        """The path, as given."""
        return path_text(self.path)

    @property
    def name(self) -> str:
        """The file's name."""
        return path_text(self.path.name)

    @cached_property
    def identity(self) -> dict[str, str]:
        """The sha256 of the content.

        Raises:
            InputFileError: the file may not be read.
        """
        with reading(self.path):
            return {"sha256": sha256_of_file(self.path)}

    @property
    def size(self) -> int:
        """The file's size in bytes.

        Raises:
            InputFileError: the file may not be read.
        """
        with reading(self.path):
            return self.path.stat().st_size

    @contextmanager
    def open(self) -> Iterator[ByteStream]:
        """Open the file.

        Raises:
            InputFileError: the file may not be read.
        """
        with reading(self.path):
            file = self.path.open("rb")
        with file:
            yield file


class FolderStore:
    """Writes a run to `<root>/<video name>/<run id>`.

    Files go to a temporary folder, which is renamed when it is complete. A later run with the same
    id replaces the result, or keeps it if it is complete.

    Raises:
        BrokenError: from any method, if the disk refuses; the message says what and why.
    """

    def __init__(self, root: Path, video_name: str, run_id: str, *, keep: bool = False) -> None:
        """Create a store; nothing is written.

        Args:
            root: folder of all results.
            video_name: folder of the video's results in it, with slashes.
            run_id: id of the run.
            keep: whether a complete dataset of this run is kept.
        """
        self._keep = keep
        self._video_folder = root / video_name
        self._run_folder = self._video_folder / run_id
        self._temporary = self._video_folder / f".{run_id}.{secrets.token_hex(4)}"

    @property
    def location(self) -> str:
        """The folder of the run."""
        return path_text(self._run_folder)

    def begin(self) -> PublishedResult | None:
        """Make the temporary folder. Return the dataset if there is one to keep."""
        if self._keep:
            content = complete_manifest(self._run_folder)
            if content is not None:
                return PublishedResult(self.location, Ending(MANIFEST, content), is_repeated=True)
        with writing(self._video_folder):
            self._video_folder.mkdir(parents=True, exist_ok=True)
            self._temporary.mkdir()
        return None

    def put(self, path: str, data: bytes) -> None:
        """Write one file to the temporary folder."""
        write_file(self._temporary / path, data)

    @contextmanager
    def block_writer(self, path: str) -> Iterator[WriteBlock]:
        """Write one file of any size to the temporary folder, block by block."""
        target = self._temporary / path
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            file = target.open("wb")

        def write(block: bytes) -> None:
            with writing(target):
                file.write(block)

        with file:
            yield write
            with writing(target):
                file.flush()

    def read(self, path: str, part: ByteRange | None = None) -> bytes:
        """Return a file of the temporary folder, or a part of it."""
        return read_file(self._temporary / path, part)

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files from the temporary folder, if they are there."""
        for path in paths:
            target = self._temporary / path
            with writing(target):
                target.unlink(missing_ok=True)

    def remove_folder(self, path: str) -> None:
        """Remove a folder with all files in it from the temporary folder, if it is there."""
        target = self._temporary / path
        with writing(target):
            if target.is_dir():
                shutil.rmtree(target)

    def commit(self, ending: Ending) -> PublishedResult:
        """Write the ending, and rename the folder into place. A dataset also moves `latest.json`.

        `latest.json` is written before the renaming, because the disk may be full.
        """
        pointer = self._video_folder / f".{LATEST}.{secrets.token_hex(4)}"
        try:
            with writing(self._video_folder):
                if ending.is_rejection:
                    shutil.rmtree(self._temporary)
                    self._temporary.mkdir()
                else:
                    content = ending.content
                    latest = Pointer(content["run_id"], content["finished"])
                    pointer.write_bytes(json_bytes(latest.to_json()))
                (self._temporary / ending.name).write_bytes(ending.data())
                self._move_into_place()
                if not ending.is_rejection:
                    pointer.replace(self._video_folder / LATEST)
        finally:
            pointer.unlink(missing_ok=True)
        return PublishedResult(str(self._run_folder), ending)

    def abandon(self) -> None:
        """Remove the temporary folder, and the video's folder if it is empty then."""
        shutil.rmtree(self._temporary, ignore_errors=True)
        if self._video_folder.is_dir() and not any(self._video_folder.iterdir()):
            self._video_folder.rmdir()

    def _move_into_place(self) -> None:
        # A folder cannot be renamed over a folder with files, so an earlier result is moved away
        # first. If another process does the same at the same time, one of two equal results stays.
        old = self._temporary.with_name(f"{self._temporary.name}.old")
        with suppress(FileNotFoundError):
            self._run_folder.rename(old)
        try:
            self._temporary.rename(self._run_folder)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            shutil.rmtree(self._temporary)
        shutil.rmtree(old, ignore_errors=True)
