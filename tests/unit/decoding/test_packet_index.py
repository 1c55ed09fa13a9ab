"""The packet index, and the videos for which there is none."""

from collections.abc import Callable
from fractions import Fraction
from typing import cast

import pytest

from pipeline.decoding.backend import Capture
from pipeline.decoding.evidence import GapEvidence, HeaderEnd, KnownEnd, VideoEnd
from pipeline.decoding.header import HeaderInfo
from pipeline.decoding.packet_index import PacketIndex
from pipeline.decoding.packet_reading import is_reading_cheaper, read_packet_index


class FakeCapture:
    """A capture for packets. Each grab has a position in milliseconds, or fails if it is None."""

    def __init__(
        self,
        positions: list[float | None],
        key_frame_interval: int = 25,
        end: VideoEnd | None = None,
    ) -> None:
        self._positions = positions
        self._key_frame_interval = key_frame_interval
        self._index = -1
        self._end = end or HeaderEnd()
        self.evidence = GapEvidence(may_miss=isinstance(self._end, HeaderEnd))

    def grab(self) -> bool:
        self._index += 1
        return not self.has_ended and self._positions[self._index] is not None

    @property
    def has_ended(self) -> bool:
        return self._index >= len(self._positions)

    def end(self, _start_ms: float | None) -> VideoEnd:
        return self._end

    @property
    def is_key_packet(self) -> bool:
        return self._index % self._key_frame_interval == 0

    @property
    def position_ms(self) -> Fraction:
        return Fraction(cast("float", self._positions[self._index]))


def read(
    positions: list[float | None],
    header: HeaderInfo | None = None,
    *,
    key_frame_interval: int = 25,
    end: VideoEnd | None = None,
) -> PacketIndex | None:
    capture = cast("Capture", FakeCapture(positions, key_frame_interval, end))
    return read_packet_index(capture, 10_000, header or HeaderInfo())


REGULAR: list[float | None] = [40.0 * n for n in range(1000)]


def test_the_index_has_the_times_and_the_key_frames() -> None:
    index = read(REGULAR)
    assert index is not None
    assert (index.count, index.pts_ms(999), index.first_at_or_after(39_950)) == (1000, 39_960, 999)
    assert list(index.key_frames) == list(range(0, 1000, 25))
    assert (index.key_frame_before(49), index.key_frame_before(50)) == (25, 50)
    assert (index.index_at(Fraction(80)), index.index_at(Fraction(81))) == (2, None)


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


PAUSED: list[float | None] = [*REGULAR[:500], *REGULAR[600:]]


def test_a_pause_is_no_damage_where_the_packets_are_known() -> None:
    assert read(PAUSED) is None
    index = read(PAUSED, end=KnownEnd())
    assert index is not None
    assert (index.count, index.seconds_short) == (900, 0)


def test_a_video_whose_end_is_missing_has_no_index() -> None:
    assert read(REGULAR, end=KnownEnd(unread=1, is_damaged=True)) is None


def test_the_index_knows_how_much_the_end_is_too_early() -> None:
    index = read(REGULAR, end=KnownEnd(short_ms=5000))
    assert index is not None
    assert index.seconds_short == 5


def test_a_frame_that_comes_a_rounding_error_before_a_sample_is_the_sample() -> None:
    index = read([n * 100 / 3 for n in range(1000)])
    assert index is not None
    assert (index.first_at_or_after(2000), index.pts_ms(60)) == (60, 2000)


@pytest.mark.parametrize(
    ("frames", "size_bytes", "is_cheaper"),
    [
        (108_000, 2_250_000_000, True),  # an hour at 5 Mbit/s
        (108_000, 7_030_000_000, True),
        (108_000, 7_050_000_000, False),
        (108_000, 22_500_000_000, False),  # an hour at 50 Mbit/s
        (0, 22_500_000_000, True),
        (-1, 22_500_000_000, True),
    ],
)
def test_packets_are_read_before_if_four_fetches_take_less_time_than_decoding(
    frames: int, size_bytes: int, *, is_cheaper: bool
) -> None:
    """By hand: a frame of 1080p takes 0.77 + 1.2 * 2.0736 = 3.2583 ms, all of them 351.9 s.

    Then 28.15 GB are fetched, or 7.04 GB four times. An unknown number of frames is no reason.
    """
    assert is_reading_cheaper(frames, 1920 * 1080, size_bytes) == is_cheaper


def test_a_small_frame_may_have_more_bytes_for_a_pixel() -> None:
    """By hand: 352 x 288 take 0.89 ms; in that, 71 kB are fetched, or 17.8 four times."""
    assert is_reading_cheaper(1000, 352 * 288, 17_000_000)
    assert not is_reading_cheaper(1000, 352 * 288, 19_000_000)
