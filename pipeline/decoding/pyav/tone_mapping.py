"""Map the brightness and colours of HDR to those of a usual screen, as BT.709 has them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from av.filter import Graph
from av.video.reformatter import ColorTrc

if TYPE_CHECKING:
    import av

HDR = frozenset({ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67})
"""The curves of HDR: PQ and HLG."""

# `perceptual` bends the curve so that the peak of the mastering display becomes white. The other
# intents cut off what is brighter than white, and PyAV's own scaler offers no choice.
# https://ffmpeg.org/ffmpeg-scaler.html
_MAPPING = "flags=bicubic:intent=perceptual:out_transfer=bt709:out_primaries=bt709"
# Frames are pushed one by one, so their times do not matter.
_ANY_TIME_BASE = Fraction(1, 1000)


class ToneMapper:
    """Maps frames of HDR to images of one size.

    FFmpeg first makes a table of all colours, which takes about 4 seconds of one CPU, and again if
    the properties of the frames change.
    """

    def __init__(self, width: int, height: int) -> None:
        """Create a mapper to images of this size, in pixels."""
        self._options = f"w={width}:h={height}:{_MAPPING}"
        self._graph: Graph | None = None
        self._properties: tuple[object, ...] = ()

    def mapped(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return a frame in bgr24, with the colours of BT.709.

        Raises:
            av.FFmpegError: FFmpeg cannot convert it.
        """
        properties = (
            *(frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range),
            *(frame.color_trc, frame.color_primaries),
        )
        if self._graph is None or properties != self._properties:
            self._graph, self._properties = self._configured(frame), properties
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _configured(self, frame: av.VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=_ANY_TIME_BASE
        )
        scaler, target = graph.add("scale", self._options), graph.add("format", "bgr24")
        graph.link_nodes(source, scaler, target, graph.add("buffersink"))
        graph.configure()
        return graph
