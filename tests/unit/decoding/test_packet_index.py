"""The packet index, and the videos for which there is none."""

import io
from collections.abc import Callable
from typing import cast

import pytest

from pipeline.decoding.backend import SeekableCapture
from pipeline.decoding.header import HeaderInfo
from pipeline.decoding.packet_index import PacketIndex, read_packet_index
from pipeline.decoding.stream import GuardedStream


class FakeCapture:
    """A capture for packets. Each grab has a position in milliseconds, or fails if it is None."""

    def __init__(self, positions: list[float | None], key_frame_interval: int = 25) -> None:
        self._positions = positions
        self._key_frame_interval = key_frame_interval
        self._index = -1

    def grab(self) -> bool:
        self._index += 1
        return self._index < len(self._positions) and self._positions[self._index] is not None

    @property
    def frame_count(self) -> float:
        return len(self._positions)

    @property
    def is_key_packet(self) -> bool:
        return self._index % self._key_frame_interval == 0

    @property
    def position_ms(self) -> float:
        return cast("float", self._positions[self._index])


def read(
    positions: list[float | None], header: HeaderInfo | None = None, **options: int
) -> PacketIndex | None:
    stream = GuardedStream(io.BytesIO(b"content"))
    stream.read()  # to the end, as the capture would
    capture = cast("SeekableCapture", FakeCapture(positions, **options))
    return read_packet_index(capture, stream, 10_000, header or HeaderInfo())


REGULAR: list[float | None] = [40.0 * n for n in range(1000)]


def test_the_index_has_the_times_and_the_key_frames() -> None:
    index = read(REGULAR)
    assert index is not None
    assert (index.count, index.pts_ms(999), index.first_at_or_after(39_950)) == (1000, 39_960, 999)
    assert list(index.key_frames) == list(range(0, 1000, 25))
    assert (index.key_frame_before(49), index.key_frame_before(50)) == (25, 50)
    assert (index.index_at(80), index.index_at(81)) == (2, None)


@pytest.mark.parametrize(
    "damage",
    [
        lambda times: [*times[:500], None, *times[500:]],
        lambda times: [*times[:500], *[None] * 150, *times[500:]],
        lambda times: [*times[:500], *times[510:]],
        lambda times: [*times[:500], *times[499:]],
        lambda times: [*times[:500], *times[:500]],
    ],
    ids=[
        "a failed grab",
        "150 failed grabs",
        "missing packets",
        "the same time twice",
        "a clock that was set back",
    ],
)
def test_a_damaged_video_has_no_index(
    damage: Callable[[list[float | None]], list[float | None]],
) -> None:
    assert read(damage(REGULAR)) is None


def test_a_video_with_fewer_packets_than_its_header_counts_has_no_index() -> None:
    assert read(REGULAR, HeaderInfo(40, 1000)) is not None
    assert read(REGULAR, HeaderInfo(60, 1500)) is None


def test_a_video_with_key_frames_too_far_apart_has_no_index() -> None:
    assert read(REGULAR, key_frame_interval=240) is None
