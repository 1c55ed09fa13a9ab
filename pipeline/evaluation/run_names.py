"""The names by which tools and folders call a run and its video."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.storage.manifest import ContentError, Manifest, parse
from pipeline.storage.paths import reading
from pipeline.storage.result_store import MANIFEST
from pipeline.text import path_text

if TYPE_CHECKING:
    from pathlib import Path

_RUN_ID_DIGITS = 8
_RUN = re.compile(r"-[0-9a-f]{8}$")


@dataclass(frozen=True, slots=True)
class RunNames:
    """What names a run.

    Attributes:
        video: file name of the video, such as `street.mp4`; empty if it is unknown.
        run_id: its run id; empty if it is unknown.
    """

    video: str = ""
    run_id: str = ""

    @classmethod
    def of(cls, folder: Path) -> RunNames:
        """Return the names of the run in a folder, by its manifest, or else by its place.

        Raises:
            InputFileError: the manifest may not be read.
        """
        path = folder / MANIFEST
        if path.is_file():
            with reading(path):
                data = path.read_bytes()
            try:
                manifest = parse(Manifest, data)
            except ContentError:
                pass  # `pretag verify` tells; the boxes are in another file
            else:
                uri = manifest.source.uri.replace("\\", "/")
                return cls(PurePosixPath(uri).name, manifest.run_id)
        resolved = folder.resolve()
        return cls(path_text(resolved.parent.name), path_text(resolved.name))

    def is_run(self, name: str) -> bool:
        """Tell whether a name is that of this run: its id, or a text that ends with the id.

        Names that are unique over several runs end with the first 8 digits: `street-f5f8366f`.
        """
        start = self.run_id[:_RUN_ID_DIGITS]
        return bool(start) and name.endswith((self.run_id, start))

    def is_video(self, name: str) -> bool:
        """Tell whether a name is that of the video, with or without its suffix or a run id."""
        names = {_plain(self.video), _plain(PurePosixPath(self.video).stem)} - {""}
        return not names.isdisjoint({_plain(name), _plain(_RUN.sub("", name))})


UNKNOWN = RunNames()


def _plain(name: str) -> str:
    """Return a name without what tools change: case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")
