"""The sink on a disk: a temporary folder, renamed when all is in it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.delivery import LATEST
from pipeline.errors import BrokenError


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
            self._working = Path(tempfile.mkdtemp(prefix=f".{run_id}.", dir=self._home))
            self._working.chmod(0o755)  # mkdtemp's 0700 would hide the result from its readers

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
        with _disk(self._final):
            if self._final.exists():
                # A folder cannot be renamed over a full one; the old result leaves first.
                shutil.rmtree(self._final)
            self._working.rename(self._final)
        if latest is not None:
            pointer = self._home / LATEST
            with _disk(pointer):
                fresh = pointer.with_name(f".{LATEST}.{os.getpid()}")
                fresh.write_bytes(latest)
                fresh.replace(pointer)

    def abandon(self) -> None:
        """Remove the temporary folder, and the video's own if nothing else is in it."""
        shutil.rmtree(self._working, ignore_errors=True)
        if self._home.is_dir() and not any(self._home.iterdir()):
            self._home.rmdir()


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BrokenError(f"{path} cannot be written: {error.strerror}.") from error
