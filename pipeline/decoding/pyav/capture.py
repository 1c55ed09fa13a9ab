"""Decode with PyAV, which has an FFmpeg of its own.

The rules are those of OpenCV, so that both give a frame the same index, time and size. What OpenCV
refuses is converted here: interlaced frames are deinterlaced, one image for each frame.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.stream import Discard
from av.video.frame import PictureType

from pipeline.decoding.backend import NextFrame
from pipeline.decoding.display import Orientation, plausible_ratio, ratio_text, square_size
from pipeline.decoding.evidence import GapEvidence
from pipeline.decoding.pyav.container_index import ContainerIndex
from pipeline.decoding.pyav.conversion import Converter, deinterlaced
from pipeline.decoding.pyav.end import known_end, nominal_rate
from pipeline.decoding.pyav.frames import FrameReader
from pipeline.decoding.pyav.orientation import frame_orientation
from pipeline.frame import Display

if TYPE_CHECKING:
    from av.container import InputContainer

    from pipeline.decoding.containers.declared import Declared
    from pipeline.decoding.evidence import KnownEnd
    from pipeline.frame import Image, Track

# Shorter lengths in a header count as unknown, as in OpenCV.
_SHORTEST_SECONDS = 0.000025
# OpenCV's start is a number of frame periods, which is too coarse for slide shows.
_LONGEST_PERIOD_MS = 100.0
# Of which covers are, and the films of some cameras too.
_PHOTO_CODECS = {"mjpeg", "png", "bmp", "gif", "webp", "tiff"}


class PyAvCapture:
    """A `Capture` of one video stream."""

    track: Track | None
    next_rank: int | None
    position_ms: Fraction | None
    evidence: GapEvidence
    failed_grabs: int
    has_ended: bool

    def __init__(  # noqa: PLR0913 - what is read, and how
        self,
        container: InputContainer,
        stream: av.VideoStream,
        declared: Declared,
        size_bytes: int,
        *,
        packets: bool,
        square_pixels: bool,
        track: Track,
        next_rank: int | None,
    ) -> None:
        """Create a capture that stands before the first frame.

        Args:
            container: the opened file, which `release` closes.
            stream: the stream to read.
            declared: what the header says of the length, besides what PyAV tells.
            size_bytes: size of the file.
            packets: grab packets, which are not decoded, instead of frames.
            square_pixels: make images of square pixels.
            track: which track of the file the stream is.
            next_rank: rank of the track to try if this one yields no frame; None: there is none.
        """
        self.track = track
        self.next_rank = next_rank
        self.failed_grabs = 0
        self.has_ended = False
        self.evidence = GapEvidence()
        self.position_ms = None
        self._container = container
        self._declared = declared
        self._size_bytes = size_bytes
        self._grabs_packets = packets
        self._stream = stream
        self._context = stream.codec_context
        self._stored_size = self._context.width, self._context.height
        self._ratio = plausible_ratio(stream.sample_aspect_ratio)
        self._size = (
            square_size(*self._stored_size, self._ratio) if square_pixels else self._stored_size
        )
        self._converter = Converter(*self._size)
        self._frames = FrameReader(container, stream)
        self._packets = iter(self._frames.packets)
        self._before: av.VideoFrame | None = None
        self._frame: av.VideoFrame | None = None
        self._packet: av.Packet[av.VideoStream] | None = None
        self._orientation: Orientation | None = None  # known with the first frame

    @property
    def fps(self) -> float:
        """Frames per second according to the header; 0 if unknown."""
        return float(nominal_rate(self._stream))

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
        return self._size[0]

    @property
    def height(self) -> int:
        """Height of the images in pixels, by the header and before they are rotated."""
        return self._size[1]

    @property
    def display(self) -> Display:
        """How the images are made of the stored pixels; the orientation is that of a frame."""
        orientation = self._orientation or Orientation()
        changes_ms = self._frames.ratio_changes_ms
        return Display(
            *self._stored_size,
            ratio_text(self._ratio),
            orientation.is_mirrored,
            90 * orientation.quarter_turns,
            None if changes_ms is None else round(float(changes_ms), 3),
        )

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
    def may_be_cover(self) -> bool:
        """Whether the images are photos by their codec, beside sound."""
        return self.codec_name in _PHOTO_CODECS and bool(self._container.streams.audio)

    @property
    def is_misread(self) -> bool:
        """False: no such video is known."""
        return False

    @property
    def start_ms(self) -> float | None:
        """Stream time of the current frame, to the nearest frame period; None if unknown."""
        ticks = _ticks(self._frame)
        rate = self._stream.average_rate
        if ticks is None or not rate or rate < 1000 / _LONGEST_PERIOD_MS:
            return None
        periods = round(ticks * self._time_base * rate)
        return round(float(1000 * periods / rate), 3)

    @property
    def is_key_packet(self) -> bool:
        """Whether the packet that was grabbed last is a key frame."""
        return self._packet is not None and self._packet.is_keyframe

    def grab(self) -> bool:
        """Decode the next frame. False: a packet is damaged, or the video ends."""
        if self._grabs_packets:
            return self._grab_packet()
        read = self._frames.next()
        if read is None:
            self.has_ended = self._frames.has_ended
            self.failed_grabs += not self.has_ended
            return False
        frame, self.position_ms, self.evidence = read.frame, read.position_ms, read.evidence
        is_kept = self._frame is not None and self._frame.interlaced_frame
        self._before = self._frame if is_kept else None
        self._frame = frame
        if self._orientation is None:
            self._orientation = frame_orientation(frame)
        return True

    def _grab_packet(self) -> bool:
        packets = self._frames.packets
        for packet in self._packets:
            if packet is None or packets.take_damage() or not packets.is_well_formed(packet):
                return False
            # An edit list leaves out the frames of the packets that it marks.
            if not packet.is_discard:
                self._packet = packet
                self.position_ms = self._frames.packet_ms(packet)
                return True
        self.has_ended = not packets.take_damage()
        return False

    def end(self, _start_ms: float | None) -> KnownEnd:
        """Return what is known of the end of the video, which must have been reached."""
        return known_end(
            self._container, self._stream, self._frames, self._declared, self._size_bytes
        )

    def retrieve(self) -> Image | None:
        """Convert the current frame: H x W x 3 uint8 BGR, as displayed; None: it failed."""
        frame = self._frame
        if frame is None or self._orientation is None:
            return None
        try:
            if frame.interlaced_frame:
                frame = deinterlaced(self._before, frame, self._frames.peek())
            image = self._converter.image(frame)
        except (av.FFmpegError, ValueError):
            return None
        return self._orientation.applied(image)

    def seek(self, position_ms: float) -> None:
        """Go to the last key frame at or before a position. The next grab decodes it."""
        # Rounded, because the milliseconds of a tick are often just below it as a float.
        ticks = round(Fraction(position_ms) / 1000 / self._time_base)
        self._frames.seek(ticks + (self._stream.start_time or 0))

    def seek_key(self, position_ms: float, back_off_ms: float) -> None:
        """Go to the key frame at a position. The next grab decodes it alone, or fails."""
        self.seek(max(0.0, position_ms - back_off_ms))
        self._frames.decode_alone(position_ms)

    @property
    def track_id(self) -> int:
        """The number that the container gives the track."""
        return self._stream.id

    def read_no_other_track(self) -> None:
        """Read no packets of sound, and none of other tracks."""
        for stream in self._container.streams:
            if stream.index != self._stream.index:
                stream.discard = Discard.all

    @property
    def is_interlaced(self) -> bool:
        """Whether the current frame is interlaced. Its image then needs the frames beside it."""
        return self._frame is not None and self._frame.interlaced_frame

    @property
    def duration_ms(self) -> float:
        """How long the current frame is shown, by its packet; 0 if unknown."""
        ticks = 0 if self._frame is None else self._frame.duration or 0
        return max(0.0, float(1000 * ticks * self._time_base))

    def skip_unneeded(self) -> None:
        """Leave out frames that no other frame needs. No frame may have been grabbed."""
        self._context.skip_frame = "NONREF"

    def next_frame(self) -> NextFrame | None:
        """Return the frame that comes next, past damaged packets; None at the end."""
        read = self._frames.next_read()
        return None if read is None else NextFrame(read.position_ms)

    @property
    def ratio(self) -> str:
        """Width to height of a pixel, as the decoder has it now."""
        return ratio_text(self._frames.ratio)

    @property
    def is_intra(self) -> bool:
        """Whether the current frame is encoded without other frames."""
        return self._frame is not None and self._frame.pict_type == PictureType.I

    def seek_to(self, ticks: int) -> None:
        """Go to the key frame with this decoding time, or to one before it."""
        self._frames.seek(ticks)

    def index(self) -> ContainerIndex:
        """Return the index of the container. No frame may be grabbed after it was used."""
        return ContainerIndex(self._container, self._stream, self._size_bytes)

    def release(self) -> None:
        """Free everything."""
        self._before = self._frame = self._packet = None
        self._frames.close()
        self._container.close()

    @property
    def _time_base(self) -> Fraction:
        return self._stream.time_base or Fraction(1, av.time_base)


def _ticks(item: av.VideoFrame | av.Packet[av.VideoStream] | None) -> int | None:
    """Return the presentation time in ticks; that of decoding if there is none."""
    if item is None:
        return None
    return item.dts if item.pts is None else item.pts
