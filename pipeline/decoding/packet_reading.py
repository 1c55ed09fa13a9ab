"""Index a video's packets without decoding them: the time of each frame, and the key frames.

`read_packet_index` reads all packets. Where each range of bytes costs a request, and the container
lists its packets, `listed_packet_index` reads only the list. Where it does not,
`is_reading_cheaper` tells whether reading pays.

OpenCV returns packets instead of frames if CAP_PROP_FORMAT is -1. A thousand packets take a few
milliseconds. https://docs.opencv.org/4.x/d4/d15/group__videoio__flags__base.html
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.decoding.containers.formats.iso_samples import composition_offsets
from pipeline.decoding.evidence import HeaderEnd
from pipeline.decoding.gap_detector import GapDetector
from pipeline.decoding.packet_index import PacketIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.coverage import Coverage
    from pipeline.decoding.backend import Capture, IndexedCapture, KeyFrameIndex
    from pipeline.decoding.header import HeaderInfo
    from pipeline.decoding.stream import GuardedStream

# Packets come in decoding order, so a few can be earlier than one before them, by much at a pause.
# More in a row show that the clock was set back.
_REORDERING_MS = 1000.0
_MOST_EARLY = 16
# Assumed cost of one seek, in decoded frames, until one was measured. OpenCV decodes at least 16.
SEEK_COST_FRAMES = 40
# Number of key frames to read before their distance is judged.
_KEY_FRAMES_TO_JUDGE = 4
DECODE_MS = 0.77, 1.20
"""CPU milliseconds to decode a frame, and more for each megapixel: see handler/work_estimate.py."""

# What S3 sends to one reader, and how often a video is fetched more often than to decode it: once
# for its packets, and three times for fragmented mp4, which FFmpeg reads to its end at each
# opening.
_FETCHED_BYTES_A_MS = 80_000
_MOST_FETCHES = 4


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
    latest_ms, early = -math.inf, 0
    for time_ms, is_key_frame in _packets(capture):
        is_early = time_ms is not None and time_ms < latest_ms - _REORDERING_MS
        early = early + 1 if is_early else 0
        if time_ms is None or early > _MOST_EARLY:
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


def listed_packet_index(
    capture: IndexedCapture, stream: GuardedStream, interval_ms: float
) -> PacketIndex | None:
    """Return the index that a container's header gives, if seeking may be faster.

    Damage of packets does not show there.

    Args:
        capture: opened for packets, at the beginning. Nothing else can be grabbed from it then.
        stream: what it reads.
        interval_ms: as in `read_packet_index`.

    Returns:
        The index; None if every frame should be decoded.

    Raises:
        ShardMismatchError: the header has no full list of packets, or none that can be true.
        Exception: whatever reading the stream raised.
    """
    try:
        index = times_listed(capture.index(), capture, stream)
    finally:
        stream.raise_pending_error()
    first_keys = index.key_frames[:_KEY_FRAMES_TO_JUDGE]
    end = first_keys[-1] + 1 if len(first_keys) == _KEY_FRAMES_TO_JUDGE else index.count
    key_times = array("d", (index.times_ms[key] for key in first_keys))
    if interval_ms == math.inf or _seeking_may_be_faster(
        index.times_ms[:end], key_times, interval_ms
    ):
        return index
    return None


def times_listed(
    listed: KeyFrameIndex, capture: IndexedCapture, stream: GuardedStream
) -> PacketIndex:
    """Return the packet index that a container's index and its table of offsets give.

    Args:
        listed: the index of the capture.
        capture: the capture.
        stream: what it reads.

    Raises:
        ShardMismatchError: not each packet is a frame with a time of its own.
    """
    place = stream.tell()
    offsets = composition_offsets(stream, capture.track_id, listed.frames)
    stream.seek(place)
    return listed.packet_index(offsets)


def is_reading_cheaper(frames: float, pixels: int, size_bytes: int) -> bool:
    """Tell whether to fetch a video for its packets, too, takes less time than to decode it.

    Args:
        frames: their number, as far as it is known; not positive if it is not.
        pixels: those of a frame.
        size_bytes: size of the video.
    """
    each_ms, for_a_megapixel_ms = DECODE_MS
    decode_ms = frames * (each_ms + for_a_megapixel_ms * pixels / 1e6)
    return frames <= 0 or _MOST_FETCHES * size_bytes <= decode_ms * _FETCHED_BYTES_A_MS


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
