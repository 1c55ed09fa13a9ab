"""Decode all frames of a stream with PyAV, in presentation order, past damaged data."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer

# After so many failed reads in a row, the video has ended.
_FAILED_READS_AT_END = 1000


class FrameReader:
    """Reads the frames of one stream. A failure stands where its frame would be."""

    def __init__(self, container: InputContainer, stream: av.VideoStream) -> None:
        self._container = container
        self._stream = stream
        self._ahead: deque[av.VideoFrame | None] = deque()
        self._outcomes = self._decode()

    def next(self) -> av.VideoFrame | None:
        """Return the next frame; None if a packet cannot be read or decoded, and at the end."""
        if self._ahead:
            return self._ahead.popleft()
        return next(self._outcomes, None)

    def peek(self) -> av.VideoFrame | None:
        """Return what `next` will return."""
        if not self._ahead:
            self._ahead.extend(islice(self._outcomes, 1))
        return self._ahead[0] if self._ahead else None

    def close(self) -> None:
        """Free the frames that were read ahead."""
        self._ahead.clear()

    def _decode(self) -> Iterator[av.VideoFrame | None]:
        context = self._stream.codec_context
        for packet in self._packets():
            try:
                yield from [None] if packet is None else context.decode(packet)
            except av.FFmpegError:
                yield None
        with suppress(av.FFmpegError):
            yield from context.decode(None)

    def _packets(self) -> Iterator[av.Packet[av.VideoStream] | None]:
        failed = 0
        packets = self._container.demux(self._stream)
        while failed < _FAILED_READS_AT_END:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                failed += 1
                packets = self._container.demux(self._stream)
                yield None
                continue
            failed = 0
            # An empty packet stands for a frame that repeats the one before it. PyAV would take it
            # for the end.
            if packet.size:
                yield packet
