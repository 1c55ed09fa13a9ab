"""What a decoder library must offer: one small interface, behind which PyAV or OpenCV works."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable
    from fractions import Fraction

    from pipeline.decoding.evidence import GapEvidence, VideoEnd
    from pipeline.decoding.key_frame import KeyFrame
    from pipeline.decoding.packet_index import PacketIndex
    from pipeline.frame import Display, Image, Track

BackendName: TypeAlias = Literal["opencv", "pyav"]
"""A decoder library. Each has an FFmpeg of its own, so a process uses only one of them."""

ConversionCheck: TypeAlias = "Callable[[], str | None]"
"""Returns what FFmpeg said of a refused conversion since the last call; None if it refused none."""


@cache
def has_pyav() -> bool:
    """Tell whether PyAV is installed. It is not imported: the decoder's process does that."""
    spec = find_spec("av")
    return spec is not None and spec.origin is not None  # a mere folder has no origin


def automatic_backend() -> BackendName:
    """Return the backend of `decoding.backend: auto`: PyAV if it is installed, else OpenCV."""
    return "pyav" if has_pyav() else "opencv"


class Capture(Protocol):
    """An opened video, from which frames are decoded in order, or packets are read undecoded.

    A position is the stream time after the stream's start, as the container has it.

    Attributes:
        track: which video track of the file it is; None if unknown.
        next_rank: rank of the track to try if this one yields no frame; None if there is none.
    """

    track: Track | None
    next_rank: int | None

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
    def display(self) -> Display:
        """How the images are made of the stored pixels. Certain once a frame was grabbed."""

    @property
    def fourcc(self) -> str:
        """Four characters that name the codec; empty if they are unknown."""

    @property
    def codec_name(self) -> str:
        """FFmpeg's name of the codec or its decoder."""

    @property
    def may_be_cover(self) -> bool:
        """Whether the images are photos by their codec, beside sound; False if unknown."""

    @property
    def is_misread(self) -> bool:
        """Whether this backend is known to misread such images, so that it must not read any."""

    @property
    def position_ms(self) -> Fraction | None:
        """Position of the current frame in milliseconds, exact; None if it has no time."""

    @property
    def start_ms(self) -> float | None:
        """Stream time of the current frame, to the nearest frame period; None if unknown."""

    @property
    def is_key_packet(self) -> bool:
        """Whether the packet that was grabbed last is a key frame."""

    @property
    def evidence(self) -> GapEvidence:
        """What is known of the time between the current frame and the one before it."""

    @property
    def failed_grabs(self) -> int:
        """Number of grabs that failed, without those that are the end."""

    @property
    def has_ended(self) -> bool:
        """Whether the last failed grab was the end. No grab may follow."""

    def end(self, start_ms: float | None) -> VideoEnd:
        """Return what is known of the end, after `has_ended`.

        Args:
            start_ms: stream time of the first frame; None if unknown.
        """

    def grab(self) -> bool:
        """Go to the next frame or packet. False: a packet is damaged, or the video ends."""

    def retrieve(self) -> Image | None:
        """Convert the current frame: H x W x 3 uint8 BGR, as displayed; None: it failed."""

    def seek(self, position_ms: float) -> None:
        """Go to about a position. The next grab decodes a frame near it."""

    def release(self) -> None:
        """Free everything."""


class KeyFrameIndex(Protocol):
    """The index of a container, which lists all packets of a video.

    Attributes:
        frames: number of frames that are shown.
        end_ms: the last decoding time after the start of the stream, in milliseconds.
    """

    frames: int
    end_ms: Fraction

    def key_frame_before(self, position_ms: Fraction) -> KeyFrame | None:
        """Return the last key frame before a position; None if only the first one is."""

    def packet_index(self, offsets: array[int]) -> PacketIndex:
        """Return times and places of all frames, by their composition offsets in decoding order.

        Raises:
            ShardMismatchError: not each packet is a frame with a time of its own.
        """


@dataclass(frozen=True, slots=True)
class NextFrame:
    """The frame after the current one.

    Attributes:
        position_ms: its position, as `Capture` has it; None if it has no time.
    """

    position_ms: Fraction | None


class IndexedCapture(Capture, Protocol):
    """A capture that can look ahead, and go to one packet exactly. PyAV has it, OpenCV does not."""

    @property
    def duration_ms(self) -> float:
        """How long the current frame is shown, by its packet; 0 if unknown."""

    @property
    def track_id(self) -> int:
        """The number that the container gives the track."""

    def read_no_other_track(self) -> None:
        """Read no packets of sound, and none of other tracks."""

    @property
    def is_interlaced(self) -> bool:
        """Whether the current frame is interlaced. Its image then needs the frames beside it."""

    def seek_key(self, position_ms: float, back_off_ms: float) -> None:
        """Go to the key frame at a position. The next grab decodes it alone, or fails.

        Then no other frame can be grabbed before another seek.

        Args:
            position_ms: its position.
            back_off_ms: packets are read from so much before it.
        """

    def skip_unneeded(self) -> None:
        """Leave out frames that no other frame needs. No frame may have been grabbed."""

    def next_frame(self) -> NextFrame | None:
        """Return the frame that comes next, past damaged packets; None at the end."""

    @property
    def ratio(self) -> str:
        """Width to height of a pixel, as the decoder has it now: it may differ from the header."""

    @property
    def is_intra(self) -> bool:
        """Whether the current frame is encoded without other frames."""

    def seek_to(self, ticks: int) -> None:
        """Go to the key frame with this decoding time, or to one before it."""

    def index(self) -> KeyFrameIndex:
        """Return the index of the container. No frame may be grabbed after it was used.

        Raises:
            ShardMismatchError: there is no full index, or what it says cannot be true.
        """
