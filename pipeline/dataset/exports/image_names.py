"""Names of images that are unique over all videos and runs, for tools that match images by name."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

# What no file system, URL or list of file names takes for something else.
_UNSAFE = re.compile(r"[^\w-]+")
_LONGEST_STEM = 60
_RUN_ID_DIGITS = 8


def run_stem(video: str, run_id: str) -> str:
    """Return a name for a run of a video, such as `street-f5f8366f`.

    It has the name of the video without folders and suffix, so that people recognise it, and a part
    of the run id, so that videos of one name, and runs of one video, are told apart.

    Args:
        video: name, path or URI of the video.
        run_id: its run id.
    """
    name = unicodedata.normalize("NFC", PurePosixPath(video.replace("\\", "/")).stem)
    safe = _UNSAFE.sub("_", name).strip("_-")[:_LONGEST_STEM]
    return f"{safe or 'video'}-{run_id[:_RUN_ID_DIGITS]}"


def unique_name(stem: str, file_name: str) -> str:
    """Return the unique name of an image of a run: `street-f5f8366f-frame_000123.jpg`."""
    return f"{stem}-{file_name}"
