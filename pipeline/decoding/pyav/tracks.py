"""Choose the video track of a file that is decoded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from av.stream import Disposition

from pipeline.decoding.display import plausible_ratio, square_size
from pipeline.decoding.pyav.pictures import is_picture
from pipeline.frame import Track

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

# Programs with more tracks are told of as far as a message to the parent may be long.
_MOST_IGNORED = 16
# The file is opened anew for each track that is tried, and a header can declare thousands.
_MOST_TRIED = 16
_UNKNOWN = "unknown codec"  # PyAV gives no context of it
_TOO_LARGE = "over limits.megapixels"


class Choice(NamedTuple):
    """Which of the video tracks of a file may be read, and which of these is.

    Attributes:
        codecs: FFmpeg's names of the only decoders that may be used; None: any.
        megapixels: largest image that may be read.
        square_pixels: whether images are made of square pixels.
        rank: number of the track among those that may be read: 0 is the one to try first.
    """

    codecs: tuple[str, ...] | None = None
    megapixels: float = math.inf
    square_pixels: bool = True
    rank: int = 0


def tracks_by_rank(container: InputContainer, choice: Choice) -> list[av.VideoStream]:
    """Return the video tracks that may be decoded, the one to try first in front.

    Tracks that the file marks as default come before others, larger images before smaller ones,
    and then earlier tracks before later ones. In mp4, each track that is switched on counts as
    default. Pictures and tracks of codecs that are unknown or not allowed are left out. So are
    those of images that are too large, unless all are, and all after the first 16.
    """
    obstacles = [(each, _obstacle(each, choice)) for each in container.streams.video]
    allowed = [each for each, obstacle in obstacles if obstacle is None]
    too_large = [each for each, obstacle in obstacles if obstacle == _TOO_LARGE]
    return sorted(allowed or too_large, key=_rank)[:_MOST_TRIED]


def track_of(container: InputContainer, chosen: av.VideoStream, choice: Choice) -> Track:
    """Return which of a file's video tracks was chosen."""
    streams = container.streams.video
    others = [_description(each, choice) for each in streams if each.index != chosen.index]
    number = [each.index for each in streams].index(chosen.index) + 1
    return Track(number, len(streams), tuple(others[:_MOST_IGNORED]))


def _rank(track: av.VideoStream) -> tuple[bool, int]:
    is_default = bool(track.disposition & Disposition.default)
    return not is_default, -track.codec_context.width * track.codec_context.height


def _obstacle(track: av.VideoStream, choice: Choice) -> str | None:
    """Return why a track is not read, whatever other tracks there are; None if it may be."""
    context = track.codec_context
    if not bool(context):
        return _UNKNOWN
    if is_picture(track):
        return "picture"
    if choice.codecs is not None and context.name not in choice.codecs:
        return "not in limits.codecs"
    size = context.width, context.height
    if choice.square_pixels:
        size = square_size(*size, plausible_ratio(track.sample_aspect_ratio))
    return _TOO_LARGE if math.prod(size) > choice.megapixels * 1_000_000 else None


def _description(track: av.VideoStream, choice: Choice) -> str:
    obstacle = _obstacle(track, choice)
    if obstacle == _UNKNOWN:
        return obstacle
    context = track.codec_context
    name = f"{context.name} {context.width}x{context.height}"
    return name if obstacle is None else f"{name}, {obstacle}"
