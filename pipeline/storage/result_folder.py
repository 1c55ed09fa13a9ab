"""The folder of a run: read its files, and make it the newest result of its video."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

from pipeline.storage.manifest import ContentError, Manifest, parse, source_in
from pipeline.storage.paths import read_file, reading, writing
from pipeline.storage.pointer import Pointer
from pipeline.storage.result_store import LATEST, MANIFEST, json_bytes
from pipeline.storage.video_folder import own_folder
from pipeline.text import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.source import ByteRange, ByteStream, IdentifiedVideo


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

    def read_part(self, path: str, part: ByteRange) -> bytes:
        """Return a part of a file of the folder."""
        return read_file(self._folder / path, part)

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


def complete_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a run whose files are all there with their sizes; else None.

    `pretag verify` compares the content too.
    """
    try:
        data = (folder / MANIFEST).read_bytes()
        manifest = parse(Manifest, data)
        is_complete = manifest.run_id == path_text(folder.name) and all(
            (folder / file.path).stat().st_size == file.size_bytes for file in manifest.files
        )
    except (OSError, ContentError):
        return None
    content: dict[str, Any] = json.loads(data)
    return content if is_complete else None


def own_folder_below(root: Path, folder: str, video: IdentifiedVideo) -> str:
    """Return the folder for the results of a video, relative to that of all results.

    Args:
        root: the folder of all results.
        folder: the folder for a video of this name, with slashes.
        video: the video. See `own_folder`.
    """
    return own_folder(folder, video.identity, sources_of_datasets(root / folder))


def sources_of_datasets(video_folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the `source` of each manifest in the folder of a video. A damaged one is left out."""
    for path in sorted(video_folder.glob(f"*/{MANIFEST}")):
        # An attempt in progress is in a folder whose name begins with a dot.
        if not path.parent.name.startswith("."):
            with suppress(OSError, ContentError):
                yield source_in(path.read_bytes())


def _raise(error: OSError) -> Never:
    raise error
