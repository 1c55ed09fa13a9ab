"""Decode with PyAV, which has an FFmpeg of its own: for videos that OpenCV cannot read rightly.

The rules are those of OpenCV, so that both give a frame the same index, time and size. What OpenCV
refuses is converted here: interlaced frames are deinterlaced, one image for each frame.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import av._core
import av.logging
import numpy as np
from av.container import Flags
from av.stream import Disposition

from pipeline.decoding.pyav_conversion import Converter, deinterlaced
from pipeline.decoding.pyav_frames import FrameReader

if TYPE_CHECKING:
    from av.container import InputContainer

    from pipeline.decoding.container import Container
    from pipeline.decoding.stream import GuardedStream
    from pipeline.frame import Image

# FFmpeg's own messages name neither the file nor a remedy.
av.logging.set_level(av.logging.PANIC)

# Shorter lengths in a header count as unknown, as in OpenCV.
_SHORTEST_SECONDS = 0.000025
# OpenCV's start is a number of frame periods, which is too coarse for slide shows.
_LONGEST_PERIOD_MS = 100.0


class PyAvCapture:
    """A `Capture` of the first video stream that is no cover image."""

    def __init__(self, container: InputContainer, stream: av.VideoStream) -> None:
        self._container = container
        self._stream = stream
        self._context = stream.codec_context
        size = self._context.width, self._context.height
        self._converter = Converter(*size)
        self._frames = FrameReader(container, stream)
        self._before: av.VideoFrame | None = None
        self._frame: av.VideoFrame | None = None
        self._quarter_turns: int | None = None  # clockwise; known with the first frame

    @property
    def fps(self) -> float:
        """Frames per second according to the header; 0 if unknown."""
        return float(self._rate)

    @property
    def frame_count(self) -> float:
        """Number of frames according to the header, or by its length and rate."""
        if self._stream.frames:
            return self._stream.frames
        seconds = (self._container.duration or 0) / av.time_base
        if seconds < _SHORTEST_SECONDS:
            seconds = float((self._stream.duration or 0) * self._time_base)
        return math.floor(seconds * self.fps + 0.5)

    @property
    def width(self) -> int:
        """Width of the images in pixels, by the header and before they are rotated."""
        return self._context.width

    @property
    def height(self) -> int:
        """Height of the images in pixels, by the header and before they are rotated."""
        return self._context.height

    @property
    def fourcc(self) -> str:
        """Four characters that name the codec; its name if there are none."""
        tag = self._context.codec_tag.strip("\0")
        return tag if tag and tag.isprintable() else self.codec_name

    @property
    def codec_name(self) -> str:
        """FFmpeg's name of the decoder."""
        return self._context.name

    @property
    def is_misread(self) -> bool:
        """False: no such video is known."""
        return False

    @property
    def position_ms(self) -> float:
        """Position of the current frame in milliseconds, rounded to microseconds."""
        ticks = None if self._frame is None else _ticks(self._frame)
        if ticks is None:
            return 0.0
        return round(float((ticks - (self._stream.start_time or 0)) * self._time_base * 1000), 3)

    @property
    def start_ms(self) -> float | None:
        """Stream time of the current frame, to the nearest frame period; None if unknown."""
        ticks = None if self._frame is None else _ticks(self._frame)
        rate = self._stream.average_rate
        if ticks is None or not rate or rate < 1000 / _LONGEST_PERIOD_MS:
            return None
        periods = round(ticks * self._time_base * rate)
        return round(float(1000 * periods / rate), 3)

    def grab(self) -> bool:
        """Decode the next frame. False: a packet is damaged, or the video ends."""
        frame = self._frames.next()
        if frame is None:
            return False
        is_kept = self._frame is not None and self._frame.interlaced_frame
        self._before = self._frame if is_kept else None
        self._frame = frame
        if self._quarter_turns is None:
            self._quarter_turns = _quarter_turns(frame)
        return True

    def retrieve(self) -> Image | None:
        """Convert the current frame: H x W x 3 uint8 BGR, rotated as displayed; None: it failed."""
        frame = self._frame
        if frame is None:
            return None
        try:
            if frame.interlaced_frame:
                frame = deinterlaced(self._before, frame, self._frames.peek())
            image = self._converter.image(frame)
        except (av.FFmpegError, ValueError):
            return None
        return np.ascontiguousarray(np.rot90(image, -(self._quarter_turns or 0)))

    def release(self) -> None:
        """Free everything."""
        self._before = self._frame = None
        self._frames.close()
        self._container.close()

    @property
    def _rate(self) -> Fraction:
        return self._stream.average_rate or self._stream.guessed_rate or Fraction(0)

    @property
    def _time_base(self) -> Fraction:
        return self._stream.time_base or Fraction(1, av.time_base)


def open_with_pyav(
    stream: GuardedStream,
    container: Container,
    threads: int,
    *,
    codec: str | None = None,
    **options: str | int,
) -> PyAvCapture | None:
    """Open the video in a stream with PyAV; return None if it does not open.

    Args:
        stream: read from its beginning.
        container: the only container that it may be.
        threads: number of threads the decoder may use.
        codec: the only decoder that may be used; None: any.
        options: further options of FFmpeg's demuxers.

    Raises:
        Exception: whatever reading the stream raised.
    """
    all_options = {"protocol_whitelist": "none", "format_whitelist": container.demuxer, **options}
    stream.rewind()
    try:
        opened = av.open(
            stream,
            "r",
            format=container.demuxer.partition(",")[0],
            container_options={key: str(value) for key, value in all_options.items()},
            metadata_errors="ignore",
        )
    except (av.FFmpegError, ValueError):
        stream.raise_pending_error()
        return None
    video = _first_video(opened)
    if video is None or codec not in {None, video.codec_context.name}:
        opened.close()
        return None
    # PyAV makes up times of packets that have none, by reading ahead. OpenCV does not.
    opened.flags &= ~cast("int", Flags.gen_pts.value)
    video.thread_count = threads
    video.thread_type = "AUTO"
    return PyAvCapture(opened, video)


def pyav_library() -> str:
    """Return the path of a library through which FFmpeg's functions of PyAV can be called."""
    return str(av._core.__file__)  # noqa: SLF001 - PyAV has no function for it


def _first_video(container: InputContainer) -> av.VideoStream | None:
    for stream in container.streams.video:
        is_cover = bool(stream.disposition & Disposition.attached_pic)
        # A stream of an unknown codec has no context.
        if not is_cover and stream.codec_context is not None:
            return stream
    return None


def _ticks(frame: av.VideoFrame) -> int | None:
    """Return the frame's time as OpenCV takes it: that of its packet's decoding, if it has none."""
    return frame.dts if frame.pts is None else frame.pts


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Return by how many quarter turns clockwise an image is displayed; 0 for other angles."""
    turns, rest = divmod(-frame.rotation, 90)
    return 0 if rest else turns % 4
