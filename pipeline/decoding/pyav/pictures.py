"""Know which video streams of PyAV are only pictures: covers, thumbnails and photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.stream import Disposition

from pipeline.decoding.containers.formats.iso import PHOTO_BRANDS

if TYPE_CHECKING:
    import av

_BRANDS = ("major_brand", "compatible_brands")


def is_picture(stream: av.VideoStream) -> bool:
    """Tell whether a video stream is a picture, or pictures that go with chapters, and no video.

    In a file of photos (HEIC, AVIF), FFmpeg gives each photo, each tile of it and each preview as
    a stream of its own with a clock of seconds. A sequence of photos is a usual track beside them.
    """
    if stream.disposition & Disposition.attached_pic:  # covers, and thumbnails of chapters
        return True
    return stream.time_base == 1 and _is_photo_file(stream)


def _is_photo_file(stream: av.VideoStream) -> bool:
    metadata = stream.container.metadata
    brands = "".join(metadata.get(key, "") for key in _BRANDS)
    return any(brands[at : at + 4].encode() in PHOTO_BRANDS for at in range(0, len(brands), 4))
