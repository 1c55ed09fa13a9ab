"""Index a video's packets without decoding them: the time of each frame, and the key frames.

OpenCV returns packets instead of frames if CAP_PROP_FORMAT is -1. A thousand packets take a few
milliseconds. https://docs.opencv.org/4.x/d4/d15/group__videoio__flags__base.html
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.decoding.evidence import HeaderEnd
from pipeline.decoding.gap_detector import GapDetector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from pipeline.decoding.backend import Capture
    from pipeline.decoding.header import HeaderInfo
    from pipeline.runlog import Coverage

# Packets come in decoding order, so their times can be a few frames out of order. A larger step
# back shows that the clock was set back.
_REORDERING_MS = 1000.0
# Assumed cost of one seek, in decoded frames, until one was measured. OpenCV decodes at least 16.
SEEK_COST_FRAMES = 40
# Number of key frames to read before their distance is judged.
_KEY_FRAMES_TO_JUDGE = 4


@dataclass(frozen=True)
class PacketIndex:
    """The frames of an undamaged video in presentation order.

    Attributes:
        times_ms: stream time of each frame, as the decoder will report it, ascending.
        key_frames: frame indexes of the key frames, ascending; the first is 0.
        seconds_short: time from the last packet to the end that the header gives.
    """

    times_ms: array[float]
    key_frames: array[int]
    seconds_short: float = 0.0

    def index_at(self, position_ms: Fraction | None) -> int | None:
        """Return the index of the frame at exactly this stream time; None if there is none."""
        if position_ms is None:
            return None
        stream_ms = float(position_ms)
        index = bisect_left(self.times_ms, stream_ms)
        is_found = index < len(self.times_ms) and self.times_ms[index] == stream_ms
        return index if is_found else None

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.times_ms)

    def pts_ms(self, index: int) -> float:
        """Return a frame's presentation time in milliseconds after the first frame."""
        return round(self.times_ms[index] - self.times_ms[0], 3)

    def first_at_or_after(self, pts_ms: float) -> int:
        """Return the index of the first frame at or after a presentation time; `count` if none."""
        first_ms = self.times_ms[0]
        return bisect_left(self.times_ms, pts_ms, key=lambda time_ms: round(time_ms - first_ms, 3))

    def last_at_or_before(self, pts_ms: float) -> int:
        """Return the index of the last frame at or before a presentation time, which is not < 0."""
        first_ms = self.times_ms[0]
        after = bisect_right(
            self.times_ms, pts_ms, key=lambda time_ms: round(time_ms - first_ms, 3)
        )
        return after - 1

    def key_frame_before(self, index: int) -> int:
        """Return the index of the last key frame at or before a frame."""
        return self.key_frames[bisect_right(self.key_frames, index) - 1]


def read_packet_index(
    capture: Capture, interval_ms: float, header: HeaderInfo
) -> PacketIndex | None:
    """Return the index if seeking is safe and may be faster than decoding everything.

    Seeking is safe if each packet is one frame with a time of its own and nothing is missing. It
    may be faster if samples are further apart than key frames. Where they are not, the first few
    seconds show it and the rest is not read.

    Args:
        capture: opened for packets, at the beginning.
        interval_ms: time between two samples, in milliseconds; infinity: it need not be faster.
        header: what the video's header says.

    Returns:
        The index; None if every frame should be decoded.
    """
    frame_times, key_times = array("d"), array("d")
    latest_ms = -math.inf
    for time_ms, is_key_frame in _packets(capture):
        if time_ms is None or time_ms < latest_ms - _REORDERING_MS:
            return None
        latest_ms = max(latest_ms, time_ms)
        frame_times.append(time_ms)
        if is_key_frame:
            key_times.append(time_ms)
        may_judge = interval_ms < math.inf and len(key_times) <= _KEY_FRAMES_TO_JUDGE
        if may_judge and not _seeking_may_be_faster(frame_times, key_times, interval_ms):
            return None
    if not _is_real_end(capture):
        return None
    times_ms = array("d", sorted(frame_times))
    if not key_times or times_ms[0] != key_times[0]:
        return None
    coverage = _coverage(times_ms, capture, header)
    if coverage is None or coverage.lost:
        return None
    key_frames = array("q", (bisect_left(times_ms, time_ms) for time_ms in sorted(key_times)))
    return PacketIndex(times_ms, key_frames, coverage.seconds_short)


def _packets(capture: Capture) -> Iterator[tuple[float | None, bool]]:
    while capture.grab():
        position_ms = capture.position_ms
        yield None if position_ms is None else float(position_ms), capture.is_key_packet


def _is_real_end(capture: Capture) -> bool:
    """Tell whether the first failed grab was the end, and not a damaged packet in the middle."""
    while not capture.has_ended:
        if capture.grab() or not capture.evidence.may_miss:
            return False
    return True


def _seeking_may_be_faster(
    frame_times: array[float], key_times: array[float], interval_ms: float
) -> bool:
    """Tell from the first packets whether a seek may cost less than decoding between samples."""
    intervals = (frame_times[-1] - frame_times[0]) / interval_ms
    if len(key_times) < _KEY_FRAMES_TO_JUDGE:
        return intervals <= _KEY_FRAMES_TO_JUDGE
    if intervals <= 0:
        return False
    frames_between_samples = len(frame_times) / intervals
    frames_between_key_frames = len(frame_times) / (len(key_times) - 1)
    return frames_between_samples > SEEK_COST_FRAMES + frames_between_key_frames


def _coverage(times_ms: array[float], capture: Capture, header: HeaderInfo) -> Coverage | None:
    """Return what is missing by times and header; None if times repeat, or the index has more."""
    end = capture.end(None)
    if isinstance(end, HeaderEnd):
        if header.frames is not None and len(times_ms) < header.frames:
            return None
        end = HeaderEnd()
    if any(earlier >= later for earlier, later in pairwise(times_ms)):
        return None
    gaps = GapDetector()
    for time_ms in times_ms:
        gaps.add_frame(time_ms - times_ms[0], capture.evidence)
    return gaps.finish(end)
