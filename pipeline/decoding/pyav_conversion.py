"""Convert frames of PyAV to BGR images, as OpenCV converts them, and deinterlace them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from av.filter import Graph
from av.video.reformatter import ColorPrimaries, ColorTrc, Interpolation, VideoReformatter

if TYPE_CHECKING:
    import av

    from pipeline.frame import Image

# One image for each frame; only the two fields of that frame and their neighbours are used.
_DEINTERLACE = "mode=send_frame:parity=auto:deint=interlaced"
# The frames come in order, so their times do not matter.
_ANY_TIME_BASE = Fraction(1, 1000)


# Brightness of HDR (PQ and HLG), and primaries that a usual screen cannot show: FFmpeg maps both to
# BT.709 where the target leaves them open, as OpenCV does.
_HDR = {ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67}
_WIDE = {
    ColorPrimaries.FILM,
    ColorPrimaries.BT2020,
    ColorPrimaries.SMPTE428,
    ColorPrimaries.SMPTE431,
    ColorPrimaries.SMPTE432,
}


class Converter:
    """Converts the frames of one video to images of one size.

    A frame can differ from those before it in size, pixel format and colours. FFmpeg's scaler sees
    the properties of each frame, and fits it into the size of the video.
    """

    def __init__(self, width: int, height: int) -> None:
        """Create a converter to images of this size, in pixels."""
        self._width = width
        self._height = height
        self._scaler = VideoReformatter()

    def image(self, frame: av.VideoFrame) -> Image:
        """Return the image of a frame: H x W x 3 uint8 BGR.

        Raises:
            av.FFmpegError: FFmpeg cannot convert it.
        """
        converted = self._scaler.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="bgr24",
            interpolation=Interpolation.BICUBIC,
            threads=1,
            **_mapping(frame),
        )
        return np.asarray(converted.to_ndarray(), dtype=np.uint8)


def _mapping(frame: av.VideoFrame) -> dict[str, int]:
    """Return to which brightness and primaries a frame is mapped; nothing if they stay as they are.

    PyAV then leaves both out, so that values which FFmpeg refuses do no harm.
    """
    brightness, primaries = frame.color_trc, frame.color_primaries
    if brightness not in _HDR and primaries not in _WIDE:
        return {}
    is_kept = brightness not in _HDR and brightness != ColorTrc.UNSPECIFIED
    is_shown = primaries not in _WIDE and primaries != ColorPrimaries.UNSPECIFIED
    return {
        "dst_color_trc": brightness if is_kept else ColorTrc.BT709,
        "dst_color_primaries": primaries if is_shown else ColorPrimaries.BT709,
    }


def deinterlaced(
    before: av.VideoFrame | None, frame: av.VideoFrame, after: av.VideoFrame | None
) -> av.VideoFrame:
    """Return a frame without interlacing, made of its own lines and of those of its neighbours.

    Args:
        before: the frame before it; None if there is none, or it is not interlaced.
        frame: an interlaced frame.
        after: the frame after it; None if there is none.

    Raises:
        av.FFmpegError: FFmpeg cannot deinterlace it.
    """
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=_ANY_TIME_BASE
    )
    graph.link_nodes(source, graph.add("bwdif", _DEINTERLACE), graph.add("buffersink"))
    graph.configure()
    has_before = before is not None and _are_alike(before, frame)
    has_after = after is not None and _are_alike(after, frame)
    # The filter holds back one frame. None is the end, after which it gives that one too.
    if has_before:
        source.push(before)
    source.push(frame)
    source.push(after if has_after else None)
    if has_before:
        graph.vpull()
    return graph.vpull()


def _are_alike(first: av.VideoFrame, second: av.VideoFrame) -> bool:
    """Tell whether a filter takes both frames as frames of one video."""
    return (first.width, first.height, first.format.name) == (
        second.width,
        second.height,
        second.format.name,
    )
