"""The folder of a run: read its files, and make it the newest result of its video."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Never

from pipeline.storage.paths import reading, writing
from pipeline.storage.pointer import Pointer
from pipeline.storage.result_store import LATEST, json_bytes
from pipeline.text import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.source import ByteStream


class ResultFolder:
    """Reads the files of a run on a disk.

    Raises:
        InputFileError: from any method, if the folder or a file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def location(self) -> str:
        """The folder, as given."""
        return path_text(self._folder)

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return path_text(self._folder.resolve().name)

    def paths(self) -> list[str]:
        """Return the paths of all files, relative to the folder, sorted.

        Pipes and devices are not files. Links to folders are not followed.
        """
        with reading(self._folder):
            return sorted(
                file.relative_to(self._folder).as_posix()
                for folder, _, names in os.walk(self._folder, onerror=_raise)
                for file in (Path(folder, name) for name in names)
                if file.is_file()
            )

    @contextmanager
    def open(self, path: str) -> Iterator[ByteStream]:
        """Open a file of the folder."""
        file = self._folder / path
        with reading(file), file.open("rb") as stream:
            yield stream

    def promote(self, finished: str) -> None:
        """Make `latest.json` beside the folder name this run. Its source and sequencer stay.

        Args:
            finished: when the result was finished, as in its manifest.

        Raises:
            BrokenError: `latest.json` is damaged, or cannot be written.
        """
        latest = self._folder.resolve().parent / LATEST
        temporary = latest.with_name(f".{LATEST}.{secrets.token_hex(4)}")
        pointer = Pointer(self.run_id, finished)
        with reading(latest):
            if latest.exists():
                current = Pointer.parse(latest.read_bytes(), path_text(latest))
                pointer = current.with_result(self.run_id, finished)
        with writing(latest):
            try:
                temporary.write_bytes(json_bytes(pointer.to_json()))
                temporary.replace(latest)
            finally:
                temporary.unlink(missing_ok=True)


def _raise(error: OSError) -> Never:
    raise error
