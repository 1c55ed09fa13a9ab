"""The sink on a disk: a temporary folder, renamed when all is in it."""

from __future__ import annotations

import errno
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline.delivery import LATEST
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FolderSink:
    """Writes a run below `<root>/<video name>/<run id>`.

    Raises:
        BrokenError: from any method, when the disk refuses; the message says what and why.
    """

    def __init__(self, root: Path, video_name: str, run_id: str) -> None:
        self._home = root / video_name
        self._final = self._home / run_id
        with _disk(self._home):
            self._home.mkdir(parents=True, exist_ok=True)
            self._working = self._home / f".{run_id}.{secrets.token_hex(4)}"
            self._working.mkdir()

    @property
    def location(self) -> str:
        """The run's folder."""
        return str(self._final)

    def put(self, path: str, data: bytes) -> None:
        """Write one file into the temporary folder."""
        target = self._working / path
        with _disk(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def publish(self, latest: bytes | None) -> None:
        """Rename the folder into place, over an earlier result of the same run id."""
        pointer = self._home / f".{LATEST}.{secrets.token_hex(4)}"
        try:
            with _disk(self._home):
                if latest is not None:  # written before the result shows: the disk may be full
                    pointer.write_bytes(latest)
                self._replace()
                if latest is not None:
                    pointer.replace(self._home / LATEST)
        finally:
            pointer.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Remove the temporary folder, and the video's own if nothing else is in it."""
        shutil.rmtree(self._working, ignore_errors=True)
        if self._home.is_dir() and not any(self._home.iterdir()):
            self._home.rmdir()

    def _replace(self) -> None:
        # A folder cannot be renamed over a full one, so an earlier result steps aside first. If
        # another process does the same at the same time, one of the two equal results stays.
        aside = self._working.with_name(f"{self._working.name}.old")
        with suppress(FileNotFoundError):
            self._final.rename(aside)
        try:
            self._working.rename(self._final)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            shutil.rmtree(self._working)
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BrokenError(f"{path} cannot be written: {error.strerror}.") from error
