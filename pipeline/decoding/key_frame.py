"""Where a part of a video begins and ends: key frames whose place in the video is known."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

from pipeline.frame import Display, Track

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.config.schema import SnapName


class ShardMismatchError(Exception):
    """A part of a video is not as the plan says, so its packets cannot be trusted.

    The whole video must then be decoded by one process. The message is one sentence that says why.
    """


class NoIndexError(ShardMismatchError):
    """A container lists only some packets, or none. So the video cannot be divided."""


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A key frame, and where it is found.

    Attributes:
        index: its frame index.
        position_ms: its time after the start of the stream, in milliseconds, exact.
        seek_ticks: decoding time of the key frame before it, in units of the stream's time base.
            Decoding starts there, so that all that this key frame may need is there.
    """

    index: int
    position_ms: Fraction
    seek_ticks: int

    def to_json(self) -> dict[str, Any]:
        """Return the key frame as a JSON object. The time is text, such as `1001/30`."""
        return {
            "index": self.index,
            "position_ms": str(self.position_ms),
            "seek_ticks": self.seek_ticks,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the key frame that `to_json` wrote."""
        position_ms = Fraction(str(value["position_ms"]))
        return cls(int(value["index"]), position_ms, int(value["seek_ticks"]))


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What all parts of one video share. Found with its first frame and its container's index.

    Attributes:
        frames: number of frames by the index.
        first_ms: time of the first frame after the start of the stream, exact.
        start_ms: stream time of the first frame, as `DecodeResult` has it.
        seconds: time from the first frame to the end of the last one, by the index; a little may
            be missing, as it counts from decoding times.
        display: how the images are made of the stored pixels.
        ratio: width to height of a pixel, as the decoder has it at the first frame.
        track: which video track is decoded.
        width, height: size of the images in pixels, before they are turned.
        fps: frames per second by the header; 0 if unknown.
        snap_obstacle: why all parts decode every frame although `sampling.snap` is `key`, as
            `Strategy.obstacle` has it; None if they do not.
        key_frame_seconds: longest time from a key frame to the next one, or to the last frame; 0
            if the packets were not needed.
    """

    frames: int
    first_ms: Fraction
    start_ms: float | None
    seconds: float
    display: Display
    ratio: str
    track: Track
    width: int
    height: int
    fps: float
    snap_obstacle: str | None = None
    key_frame_seconds: float = 0.0

    def pts_ms(self, position_ms: Fraction) -> float:
        """Return the presentation time of a position, as `PresentationClock` rounds it."""
        return round(float(position_ms - self.first_ms), 3)

    def to_json(self) -> dict[str, Any]:
        """Return the facts as a JSON object."""
        return {**asdict(self), "first_ms": str(self.first_ms)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the facts that `to_json` wrote."""
        track = value["track"]
        changed = {
            "first_ms": Fraction(str(value["first_ms"])),
            "display": Display(**value["display"]),
            "track": Track(track["number"], track["count"], tuple(track["ignored"])),
        }
        return cls(**{**value, **changed})


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a video: the segments that one worker decodes.

    Attributes:
        first_segment, end_segment: its segments; the end is exclusive, None: to the end.
        start: the key frame where it begins; None: at the beginning of the video.
        next: the key frame where the next part begins; None: it is the last one.
        facts: what all parts share.
    """

    first_segment: int
    end_segment: int | None
    start: KeyFrame | None
    next: KeyFrame | None
    facts: VideoFacts

    @property
    def start_pts_ms(self) -> float:
        """Presentation time of the key frame where it begins."""
        return 0.0 if self.start is None else self.facts.pts_ms(self.start.position_ms)

    @property
    def seconds(self) -> float:
        """Its length, from its key frame to the next part's."""
        end_ms = 1000 * self.facts.seconds
        if self.next is not None:
            end_ms = self.facts.pts_ms(self.next.position_ms)
        return max(0.0, end_ms - self.start_pts_ms) / 1000

    def ends_before(self, segment: int) -> bool:
        """Tell whether a segment is in a later part."""
        return self.end_segment is not None and segment >= self.end_segment

    def has(self, segment: int) -> bool:
        """Tell whether a segment is in this part."""
        return segment >= self.first_segment and not self.ends_before(segment)

    def snaps(self, snap: SnapName) -> bool:
        """Tell whether samples are moved to key frames. If not, every frame is decoded."""
        return snap == "key" and self.facts.snap_obstacle is None

    def to_json(self) -> dict[str, Any]:
        """Return the part as a JSON object."""
        return {
            "first_segment": self.first_segment,
            "end_segment": self.end_segment,
            "start": None if self.start is None else self.start.to_json(),
            "next": None if self.next is None else self.next.to_json(),
            "facts": self.facts.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the part that `to_json` wrote."""
        start, following, end = value["start"], value["next"], value["end_segment"]
        return cls(
            int(value["first_segment"]),
            None if end is None else int(end),
            None if start is None else KeyFrame.from_json(start),
            None if following is None else KeyFrame.from_json(following),
            VideoFacts.from_json(value["facts"]),
        )
