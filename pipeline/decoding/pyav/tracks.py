"""Choose the video track of a file that is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.stream import Disposition

from pipeline.decoding.pyav.pictures import is_picture
from pipeline.frame import Track

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

# Programs with more tracks are told of as far as a message to the parent may be long.
_MOST_IGNORED = 16


def tracks_by_rank(container: InputContainer) -> list[av.VideoStream]:
    """Return the video tracks that may be decoded, the one to try first in front.

    Tracks that the file marks as default come before others, larger images before smaller ones,
    and then earlier tracks before later ones. In mp4, each track that is switched on counts as
    default. Pictures and tracks of unknown codecs are left out.
    """
    streams = container.streams.video
    return sorted((each for each in streams if _is_known(each) and not is_picture(each)), key=_rank)


def track_of(container: InputContainer, chosen: av.VideoStream) -> Track:
    """Return which of a file's video tracks was chosen."""
    streams = container.streams.video
    others = [_description(each) for each in streams if each.index != chosen.index]
    number = [each.index for each in streams].index(chosen.index) + 1
    return Track(number, len(streams), tuple(others[:_MOST_IGNORED]))


def _rank(track: av.VideoStream) -> tuple[bool, int]:
    is_default = bool(track.disposition & Disposition.default)
    return not is_default, -track.codec_context.width * track.codec_context.height


def _is_known(track: av.VideoStream) -> bool:
    return bool(track.codec_context)  # None for an unknown codec


def _description(track: av.VideoStream) -> str:
    if not _is_known(track):
        return "unknown codec"
    context = track.codec_context
    name = f"{context.name} {context.width}x{context.height}"
    return f"{name}, picture" if is_picture(track) else name
