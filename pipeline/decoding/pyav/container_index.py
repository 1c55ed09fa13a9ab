"""Find key frames by the index of a container, without reading the packets between them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import numpy as np

from pipeline.decoding.key_frame import KeyFrame, NoIndexError, ShardMismatchError
from pipeline.decoding.packet_index import PacketIndex, PacketPlaces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer

# A longer pause may be a damaged time. What is made of it depends on the frames before.
_LONGEST_PAUSE_SECONDS = 1800


class ContainerIndex:
    """The index of one stream, which lists all packets in decoding order.

    Of the containers that FFmpeg reads, only mp4 and its kin have such an index. Others list key
    frames only, or only some packets, or nothing.

    Attributes:
        frames: number of packets with frames that are shown. An edit list leaves out the others.
        end_ms: the last decoding time, in milliseconds after the start of the stream.
    """

    def __init__(self, container: InputContainer, stream: av.VideoStream, size_bytes: int) -> None:
        """Read the index, which FFmpeg has in memory.

        Args:
            container: the opened file.
            stream: the stream.
            size_bytes: size of the file.

        Raises:
            NoIndexError: the container has no full index.
            ShardMismatchError: what it says cannot be true.
        """
        self._container = container
        self._stream = stream
        self._base_ms = 1000 * (stream.time_base or Fraction(1, av.time_base))
        self._ticks = array("q")  # decoding time of each packet
        self._places = array("q")
        self._sizes = array("q")
        self._keys = array("q")  # numbers of the key frames
        self._hidden = array("q")  # numbers of the packets whose frames are not shown
        if "mov" not in container.format.name or not stream.frames:
            raise NoIndexError("Its container has no index of all frames.")
        self._read(size_bytes)
        self.frames = len(self._ticks) - len(self._hidden)
        self.end_ms = self._position_ms(self._ticks[-1])

    def key_frame_before(self, position_ms: Fraction) -> KeyFrame | None:
        """Return the last key frame before a position; None if only the first one is.

        Reads the packets of the key frame and of the frames that are shown before it and come
        after it.

        Raises:
            ShardMismatchError: the packets are not those of the index.
        """
        key = bisect_left(
            self._keys, position_ms, key=lambda at: self._position_ms(self._ticks[at])
        )
        while key > 1:
            key -= 1
            found = self._key_frame(key)
            if found is not None and found.position_ms < position_ms:
                return found
        return None

    def packet_index(self, offsets: array[int]) -> PacketIndex:
        """Return the times and places of all frames. Only the first packet is read.

        Args:
            offsets: the composition offset of each packet, in decoding order.

        Raises:
            ShardMismatchError: not each packet is a frame with a time of its own.
        """
        if self._hidden or len(offsets) != len(self._ticks):
            raise ShardMismatchError("Its index hides frames, or does not tell when all are shown.")
        first = next(self._packets(0))
        if first.pts is None or first.dts is None:
            raise ShardMismatchError("Its first packet has no time.")
        decoded, later = np.array(self._ticks), np.array(offsets)
        shown = decoded + later + (first.pts - first.dts - offsets[0])
        order = np.argsort(shown, kind="stable")
        is_key = np.zeros(len(shown), bool)
        is_key[np.array(self._keys)] = True
        key_frames = np.flatnonzero(is_key[order])
        if not is_key[order[0]] or np.any(np.diff(shown[order]) <= 0):
            raise ShardMismatchError("It does not begin with a key frame, or times repeat.")
        starts, sizes = np.array(self._places)[order], np.array(self._sizes)[order]
        times = (float(self._position_ms(ticks)) for ticks in shown[order].tolist())
        return PacketIndex(
            array("d", times),
            array("q", key_frames.tolist()),
            places=PacketPlaces(array("q", starts.tolist()), array("q", (starts + sizes).tolist())),
        )

    def _read(self, size_bytes: int) -> None:
        for number, entry in enumerate(self._stream.index_entries):
            if entry.pos < 0 or entry.size <= 0 or entry.pos + entry.size > size_bytes:
                raise ShardMismatchError("Its index lists packets that are not in the file.")
            self._ticks.append(entry.timestamp)
            self._places.append(entry.pos)
            self._sizes.append(entry.size)
            if entry.is_discard:
                self._hidden.append(number)
            if entry.is_keyframe:
                self._keys.append(number)
        longest = _LONGEST_PAUSE_SECONDS * 1000 / self._base_ms
        if any(not 0 < later - earlier < longest for earlier, later in pairwise(self._ticks)):
            raise ShardMismatchError("Its index has times that repeat, or are far apart.")

    def _key_frame(self, key: int) -> KeyFrame | None:
        """Return the key frame of this number among the key frames; None if it is not shown."""
        first = self._keys[key]
        hidden = bisect_left(self._hidden, first)
        if hidden < len(self._hidden) and self._hidden[hidden] == first:
            return None
        packets = self._packets(first)
        packet = next(packets)
        if packet.pts is None:
            return None
        end = bisect_left(self._ticks, packet.pts)
        early = 0
        for number in range(first + 1, end):
            other = next(packets)
            if other.pts is None or other.dts != self._ticks[number] or other.pts < other.dts:
                raise ShardMismatchError("Its packets are not those of its index.")
            early += other.pts < packet.pts and not other.is_discard
        return KeyFrame(
            index=first - hidden + early,
            position_ms=self._position_ms(packet.pts),
            seek_ticks=self._ticks[self._keys[key - 1]],
        )

    def _packets(self, number: int) -> Iterator[av.Packet[av.VideoStream]]:
        """Yield the packets from one on.

        Raises:
            ShardMismatchError: they cannot be read.
        """
        ticks = self._ticks[number]
        has_begun = False
        try:
            self._container.seek(ticks, stream=self._stream)
            for packet in self._container.demux(self._stream):
                has_begun |= packet.dts == ticks and packet.is_keyframe
                if has_begun:
                    yield packet
                elif packet.dts is None or packet.dts >= ticks:
                    break
        except av.FFmpegError as error:
            raise ShardMismatchError("Packets that its index lists cannot be read.") from error
        raise ShardMismatchError("Its packets are not those of its index.")

    def _position_ms(self, ticks: int) -> Fraction:
        return (ticks - (self._stream.start_time or 0)) * self._base_ms
