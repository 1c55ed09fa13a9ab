"""The folder for the results of one video, which no other video of the same name shares.

The `source` in the manifests decides which video a folder belongs to: a file is identified by its
content, because its path may name another file tomorrow, and an object in S3 by its bucket and its
key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.digest import sha256_of_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_VIDEO_KEYS = ("sha256", "bucket", "key")  # not the ETag and the version, which an upload changes
_DIGITS = 8


def own_folder(
    folder: str, identity: Mapping[str, str], sources: Iterable[Mapping[str, Any]]
) -> str:
    """Return the folder for the results of a video: the given one, unless another video has it.

    Then eight digits that identify the video follow its name, so that the same video gets the same
    folder each time.

    Args:
        folder: folder of videos with this name, with slashes.
        identity: what identifies the video, as `IdentifiedVideo.identity`.
        sources: the `source` of each manifest in this folder.
    """
    own = _of_video(identity)
    is_taken = False
    for source in sources:
        if _of_video(source) == own:
            return folder
        is_taken = True
    return second_folder(folder, identity) if is_taken else folder


def second_folder(folder: str, identity: Mapping[str, str]) -> str:
    """Return the folder for the results of a video whose first folder another video has."""
    return f"{folder}-{sha256_of_json(_of_video(identity))[:_DIGITS]}"


def _of_video(source: Mapping[str, Any]) -> list[Any]:
    return [source.get(key) for key in _VIDEO_KEYS]
