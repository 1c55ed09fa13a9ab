"""What a decoder library must offer: one small interface, behind which OpenCV or PyAV works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from pipeline.errors import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.frame import Image

_USE_PYAV = "Install pretag[pyav] and leave decoding.backend at auto"

BackendName: TypeAlias = Literal["opencv", "pyav"]
"""A decoder library. Each has an FFmpeg of its own, so a process uses only one of them."""

ConversionCheck: TypeAlias = "Callable[[], str | None]"
"""Returns what FFmpeg said of a refused conversion since the last call; None if it refused none."""


class Capture(Protocol):
    """An opened video, from which frames are decoded in order.

    A position is the stream time after the stream's start, as the container has it. Where a frame
    has no time, its position is 0.
    """

    @property
    def fps(self) -> float:
        """Frames per second according to the header; not positive if unknown."""

    @property
    def frame_count(self) -> float:
        """Number of frames according to the header, or by its length and rate."""

    @property
    def width(self) -> int:
        """Width of the displayed images in pixels, by the header."""

    @property
    def height(self) -> int:
        """Height of the displayed images in pixels, by the header."""

    @property
    def fourcc(self) -> str:
        """Four characters that name the codec; empty if they are unknown."""

    @property
    def codec_name(self) -> str:
        """FFmpeg's name of the codec or its decoder."""

    @property
    def is_misread(self) -> bool:
        """Whether this backend is known to misread such images, so that it must not read any."""

    @property
    def position_ms(self) -> float:
        """Position of the current frame in milliseconds, rounded to microseconds."""

    @property
    def start_ms(self) -> float | None:
        """Stream time of the current frame, to the nearest frame period; None if unknown."""

    def grab(self) -> bool:
        """Decode the next frame. False: a packet is damaged, or the video ends."""

    def retrieve(self) -> Image | None:
        """Convert the current frame: H x W x 3 uint8 BGR, rotated as displayed; None: it failed."""

    def release(self) -> None:
        """Free everything."""


class SeekableCapture(Capture, Protocol):
    """A capture that can also seek, and read packets without decoding them."""

    @property
    def is_key_packet(self) -> bool:
        """Whether the packet that was grabbed last is a key frame."""

    def seek(self, position_ms: float) -> None:
        """Go to about a position. The next grab decodes a frame near it."""


class UnconvertibleError(RejectedError):
    """A frame that this backend cannot convert to an image, so that it has no picture of its own.

    If PyAV is available, it decodes the video from this frame on. Otherwise the video is rejected.

    Attributes:
        index: frame index of the first such frame in the source; 0 if the video showed it at once.
    """

    def __init__(self, reason: str, message: str, index: int) -> None:
        super().__init__(reason, message)
        self.index = index


def interlaced_error(name: str, index: int) -> UnconvertibleError:
    """Return the error for an interlaced frame that OpenCV cannot convert."""
    return UnconvertibleError(
        "interlaced",
        f"{name} is interlaced, which OpenCV cannot convert to images (frame {index}). "
        f"{_USE_PYAV}, or deinterlace it first, which keeps the frame rate: "
        "ffmpeg -i IN -vf bwdif=mode=send_frame OUT.mp4",
        index,
    )


def refused_error(name: str, index: int, said: str) -> UnconvertibleError:
    """Return the error for a frame that FFmpeg's scaler refused; `said` is what it logged."""
    if "interlaced" in said:
        return interlaced_error(name, index)
    return unconvertible_error(name, index)


def unconvertible_error(name: str, index: int) -> UnconvertibleError:
    """Return the error for a frame whose pixel format or colours a backend cannot convert."""
    return UnconvertibleError(
        "unconvertible",
        f"{name} has frames that cannot be converted to images (frame {index}): their pixel format "
        "or colour tags are not supported. Convert it first: ffmpeg -i IN -c:v libx264 -pix_fmt "
        "yuv420p -colorspace bt709 OUT.mp4",
        index,
    )


def bottom_up_error(name: str) -> UnconvertibleError:
    """Return the error for raw images with the last row first, which OpenCV must not decode."""
    return UnconvertibleError(
        "unconvertible",
        f"{name} has raw images whose rows run from the bottom up, which OpenCV cannot convert. "
        f"{_USE_PYAV}, or convert it first: ffmpeg -i IN -c:v libx264 OUT.mp4",
        0,
    )
