"""Decode with OpenCV, which has FFmpeg behind it."""

from __future__ import annotations

import ctypes
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pipeline.decoding.display import Orientation, plausible_ratio, ratio_text, square_size
from pipeline.decoding.evidence import GapEvidence, HeaderEnd
from pipeline.frame import Display

if TYPE_CHECKING:
    from pipeline.decoding.stream import GuardedStream
    from pipeline.frame import Image, Track

# OpenCV gives the start as a number of frame periods. For slide shows that is too coarse.
_LONGEST_PERIOD_MS = 100.0
# This many failed grabs in a row are the end of the video; they take 0.3 seconds. Fewer are enough
# once the whole stream was read and as many grabs were made as the header has frames.
_FAILED_GRABS_AT_END = 10_000
_FAILED_GRABS_AFTER_HEADER_COUNT = 200
_BGR24 = int.from_bytes(b"BGR\x18", "little")
# How FFmpeg marks raw video whose rows run from the bottom up: a codec tag, or the end of the data
# that comes with the codec.
_BOTTOM_UP_TAG, _BOTTOM_UP_DATA = "WRAW", b"BottomUp\0"


class OpenCvCapture:
    """A `Capture` that wraps `cv2.VideoCapture`, which reads the first video track.

    OpenCV reports a damaged packet and the end in the same way, a failed grab:
    https://github.com/opencv/opencv/issues/29722. It tells nothing of what is lost, so packets may
    be missing in each gap between times.

    Attributes:
        track: None, because OpenCV does not tell of other tracks.
        next_rank: None.
    """

    track: Track | None = None
    next_rank: int | None = None
    has_ended: bool
    failed_grabs: int
    evidence: GapEvidence

    def __init__(
        self, capture: cv2.VideoCapture, stream: GuardedStream, *, square_pixels: bool
    ) -> None:
        """Create a capture that stands before the first frame.

        Args:
            capture: opened, at the beginning.
            stream: the stream that it reads.
            square_pixels: make images of square pixels.
        """
        self.has_ended = False
        self.failed_grabs = 0
        self.evidence = GapEvidence(may_miss=True)
        self._capture = capture
        self._stream = stream
        self._reads_past_end_before = stream.reads_past_end
        self._grabs = 0
        self._failed = 0  # in a row
        self._first_ms: Fraction | None = None
        self._orientation = Orientation(self._property(cv2.CAP_PROP_ORIENTATION_META) // 90 % 4)
        self._unscaled_size = (
            self._property(cv2.CAP_PROP_FRAME_WIDTH),
            self._property(cv2.CAP_PROP_FRAME_HEIGHT),
        )
        self._stored_size = self._turned(self._unscaled_size)
        width, height = (self._property(n) for n in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN))
        self._ratio = plausible_ratio(Fraction(width, height) if height else None)
        self._size = (
            self._turned(square_size(*self._stored_size, self._ratio))
            if square_pixels
            else self._unscaled_size
        )

    @property
    def fps(self) -> float:
        """Frames per second according to the header."""
        return self._capture.get(cv2.CAP_PROP_FPS)

    @property
    def frame_count(self) -> float:
        """Number of frames according to the header, or by its length and rate."""
        return self._capture.get(cv2.CAP_PROP_FRAME_COUNT)

    @property
    def width(self) -> int:
        """Width of the displayed images in pixels, by the header."""
        return self._size[0]

    @property
    def height(self) -> int:
        """Height of the displayed images in pixels, by the header."""
        return self._size[1]

    @property
    def display(self) -> Display:
        """How the images are made of the stored pixels. OpenCV does not tell of a mirror."""
        return Display(
            *self._stored_size,
            ratio_text(self._ratio),
            rotation=90 * self._orientation.quarter_turns,
        )

    @property
    def fourcc(self) -> str:
        """Four characters that name the codec; empty if they are not printable."""
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC))
        name = code.to_bytes(4, "little", signed=code < 0).decode("latin-1").strip("\0")
        return name if name.isprintable() else ""

    @property
    def codec_name(self) -> str:
        """FFmpeg's name of the codec, by the four characters; those where FFmpeg knows no name."""
        library = ctypes.CDLL(opencv_library())
        tables = library.avformat_get_riff_video_tags, library.avformat_get_mov_video_tags
        for table in tables:
            table.restype = ctypes.c_void_p
        library.avcodec_get_name.restype = ctypes.c_char_p
        tags = (ctypes.c_void_p * 3)(*(table() for table in tables), None)
        code = ctypes.c_uint32(int(self._capture.get(cv2.CAP_PROP_FOURCC)))
        codec = library.av_codec_get_id(tags, code)
        return library.avcodec_get_name(codec).decode() if codec else self.fourcc

    @property
    def position_ms(self) -> Fraction | None:
        """Position of the current frame in milliseconds; None if it has no time.

        OpenCV reports a frame without a time at 0.
        """
        position_ms = Fraction(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        if self._first_ms is None:
            self._first_ms = position_ms
        elif not position_ms and self._first_ms >= 0:
            return None
        return position_ms

    @property
    def start_ms(self) -> float | None:
        """Stream time of the current frame, to the nearest frame period; None if unknown."""
        # CAP_PROP_PTS is in frame periods, and -2**63 where the rate is unknown.
        periods, rate = self._capture.get(cv2.CAP_PROP_PTS), self.fps
        is_known = rate >= 1000 / _LONGEST_PERIOD_MS and abs(periods) < 2**53
        return round(1000 * periods / rate, 3) if is_known else None

    @property
    def is_key_packet(self) -> bool:
        """Whether the packet that was grabbed last is a key frame."""
        return self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) != 0

    @property
    def may_be_cover(self) -> bool:
        """False: OpenCV does not tell whether there is sound."""
        return False

    @property
    def is_misread(self) -> bool:
        """Whether the images are raw BGR with the last row first.

        OpenCV's wheels from 4.13 on copy them with wrong addresses, which ends the process.
        """
        if int(self._capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)) != _BGR24:
            return False
        if self.fourcc == _BOTTOM_UP_TAG:
            return True
        place = int(self._capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX))
        data: Any = self._capture.retrieve(flag=place)[1]  # None: there is no such data
        return data is not None and bytes(data).endswith(_BOTTOM_UP_DATA)

    def grab(self) -> bool:
        """Decode the next frame. False: a packet is damaged, or the video ends."""
        self._grabs += 1
        if self._capture.grab():
            self.failed_grabs += self._failed
            self.evidence = GapEvidence(may_miss=True, failed=self._failed)
            self._failed = 0
            return True
        self._failed += 1
        self.has_ended = self._is_end()
        return False

    def end(self, start_ms: float | None) -> HeaderEnd:
        """Return what is known of the end of the video, which must have been reached."""
        reads_past_end = self._stream.reads_past_end - self._reads_past_end_before
        return HeaderEnd(start_ms, read_past_end=reads_past_end > 0)

    def _is_end(self) -> bool:
        if self._failed < _FAILED_GRABS_AFTER_HEADER_COUNT or not self._stream.is_read_to_end:
            return self._failed >= _FAILED_GRABS_AT_END
        beyond_header = self._grabs - self.frame_count
        return (
            self._failed >= _FAILED_GRABS_AT_END
            or beyond_header >= _FAILED_GRABS_AFTER_HEADER_COUNT
        )

    def retrieve(self) -> Image | None:
        """Convert the current frame: H x W x 3 uint8 BGR, as displayed; None: it failed."""
        converted, image = self._capture.retrieve()
        if not converted:
            return None
        if self._size != self._unscaled_size:
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_CUBIC)
        return np.asarray(image, dtype=np.uint8)

    def seek(self, position_ms: float) -> None:
        """Go to about a position. The next grab decodes a frame near it."""
        self._capture.set(cv2.CAP_PROP_POS_MSEC, position_ms)

    def release(self) -> None:
        """Free everything."""
        self._capture.release()

    def _property(self, number: int) -> int:
        return int(self._capture.get(number))

    def _turned(self, size: tuple[int, int]) -> tuple[int, int]:
        return size[::-1] if self._orientation.swaps_sides else size


def opencv_library() -> str:
    """Return the path of a library through which FFmpeg's functions of OpenCV can be called."""
    native = vars(cv2).get("_native", cv2)
    return str(native.__file__)
