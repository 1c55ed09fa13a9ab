"""Convert frames of PyAV to BGR images, and deinterlace them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from av.filter import Graph
from av.video.reformatter import ColorPrimaries, ColorTrc, Interpolation, VideoReformatter

from pipeline.decoding.pyav.colours import UNSPECIFIED, YCGCO, bgr_of_ycgco, is_ycgco, settle_tags
from pipeline.decoding.pyav.tone_mapping import HDR, ToneMapper

if TYPE_CHECKING:
    import av

    from pipeline.frame import Image

# One image for each frame; only the two fields of that frame and their neighbours are used.
_DEINTERLACE = "mode=send_frame:parity=auto:deint=interlaced"
# The frames come in order, so their times do not matter.
_ANY_TIME_BASE = Fraction(1, 1000)


# Primaries that a usual screen cannot show. They are mapped to BT.709, as OpenCV does.
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
        self._tone_mapper = ToneMapper(width, height)

    def image(self, frame: av.VideoFrame) -> Image:
        """Return the image of a frame: H x W x 3 uint8 BGR.

        Its colour tags are changed where the scaler would refuse them.

        Raises:
            av.FFmpegError: FFmpeg cannot convert it.
        """
        settle_tags(frame)
        if is_ycgco(frame):
            return bgr_of_ycgco(self._scaled(frame, "yuv444p", dst_color_range=frame.color_range))
        if frame.color_trc in HDR:
            converted = self._tone_mapper.mapped(frame)
        else:
            converted = self._scaled(frame, "bgr24", **_mapping(frame))
        return np.asarray(converted.to_ndarray(), dtype=np.uint8)

    def _scaled(self, frame: av.VideoFrame, pix_fmt: str, **options: int) -> av.VideoFrame:
        """Return a frame in the size of the images.

        The matrix of YCgCo is not passed on: the scaler refuses it, and changes no colours here.
        """
        matrix = frame.colorspace
        if matrix == YCGCO:
            frame.colorspace = UNSPECIFIED
        try:
            return self._scaler.reformat(
                frame,
                width=self._width,
                height=self._height,
                format=pix_fmt,
                interpolation=Interpolation.BICUBIC,
                threads=1,
                **options,
            )
        finally:
            frame.colorspace = matrix


def _mapping(frame: av.VideoFrame) -> dict[str, int]:
    """Return the curve and primaries to which a frame is mapped; nothing if they stay."""
    brightness = frame.color_trc
    if frame.color_primaries not in _WIDE:
        return {}
    return {
        "dst_color_trc": ColorTrc.BT709 if brightness == ColorTrc.UNSPECIFIED else brightness,
        "dst_color_primaries": ColorPrimaries.BT709,
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
