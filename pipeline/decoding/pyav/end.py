"""Know what is missing at the end of a video that PyAV has read."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av

from pipeline.decoding.containers.unread_boxes import unread_bytes
from pipeline.decoding.evidence import KnownEnd
from pipeline.decoding.pyav.demuxer import has_no_times, may_start_anywhere

if TYPE_CHECKING:
    from av.container import InputContainer

    from pipeline.decoding.containers.declared import Declared
    from pipeline.decoding.pyav.frames import FrameReader
    from pipeline.decoding.pyav.packets import PacketReader


def known_end(
    container: InputContainer,
    stream: av.VideoStream,
    frames: FrameReader,
    declared: Declared,
    size_bytes: int,
) -> KnownEnd:
    """Return what is known of the end of a video.

    Args:
        container: the opened file.
        stream: the stream that was read.
        frames: its reader, which has reached the end.
        declared: what the header says of the length, besides what PyAV tells.
        size_bytes: size of the file.
    """
    packets = frames.packets
    is_cut = (declared.size_bytes or 0) > size_bytes
    left = _bytes_left(container, packets, size_bytes)
    is_damaged = is_cut or frames.is_damaged_at_end or _is_unread(packets, left)
    unread = packets.unread
    if container.format.name == "avi" and is_damaged:
        # Its header counts the frames. Some count too many, so that alone says nothing.
        unread = max(0, stream.frames - frames.slots)
    rate = float(nominal_rate(stream))
    return KnownEnd(
        lost=frames.lost_at_end,
        unread=unread,
        short_ms=_short_ms(container, frames, declared),
        left_share=left / packets.furthest if packets.furthest else 0.0,
        is_damaged=is_damaged,
        period_ms=1000 / rate if rate else 0.0,
    )


def _bytes_left(container: InputContainer, packets: PacketReader, size_bytes: int) -> int:
    """Return how many bytes after the last packet may have been packets."""
    if packets.is_listed:
        return 0
    if packets.is_mp4:
        return unread_bytes(container.file.file, packets.furthest, size_bytes)
    return max(0, size_bytes - packets.furthest)


def _is_unread(packets: PacketReader, left: int) -> bool:
    """Tell whether the bytes after the last packet were packets, as far as the container shows."""
    if packets.is_mp4:
        return left > 0
    return packets.is_mxf and left > packets.most_between


def nominal_rate(stream: av.VideoStream) -> Fraction:
    """Return the frames per second according to the header; 0 if unknown."""
    return stream.average_rate or stream.guessed_rate or Fraction(0)


def _short_ms(container: InputContainer, frames: FrameReader, declared: Declared) -> float:
    """Return the time from the last packet of any stream to the end; 0 if that is unknown."""
    seconds = declared.seconds or _header_seconds(container)
    if frames.packets.is_listed or seconds is None:
        return 0.0
    start = min(0.0, (container.start_time or 0) / av.time_base)
    return max(0.0, 1000 * (seconds - frames.packets.end_seconds + start))


def _header_seconds(container: InputContainer) -> float | None:
    """Return the length by the header; None if it says none."""
    is_counted = container.format.name == "avi"  # its header counts frames, not time
    # Containers that may be joined and cut anywhere have no header that gives a length; FFmpeg then
    # looks at the end of the file.
    is_unknown = is_counted or has_no_times(container) or may_start_anywhere(container)
    if is_unknown or not container.duration:
        return None
    return container.duration / av.time_base
