"""Packets: what is sound enough to seek by."""

import io
from collections.abc import Callable
from typing import cast

import cv2
import pytest

from pipeline.decoding.header import HeaderInfo
from pipeline.decoding.packet_index import PacketIndex, read_packet_index
from pipeline.decoding.stream import GuardedStream


class Played:
    """Plays grabs back, as a capture for packets tells them: a position, or None for a failure."""

    def __init__(self, positions: list[float | None], every_key: int = 25) -> None:
        self._positions = positions
        self._every_key = every_key
        self._at = -1

    def grab(self) -> bool:
        self._at += 1
        return self._at < len(self._positions) and self._positions[self._at] is not None

    def get(self, name: int) -> float:
        if name == cv2.CAP_PROP_FRAME_COUNT:
            return len(self._positions)
        if name == cv2.CAP_PROP_LRF_HAS_KEY_FRAME:
            return float(self._at % self._every_key == 0)
        return cast("float", self._positions[self._at])


def read(
    positions: list[float | None], claim: HeaderInfo | None = None, **keys: int
) -> PacketIndex | None:
    stream = GuardedStream(io.BytesIO(b"all of it"))
    stream.read()
    capture = cast("cv2.VideoCapture", Played(positions, **keys))
    return read_packet_index(capture, stream, 10_000, claim or HeaderInfo())


SOUND: list[float | None] = [40.0 * n for n in range(1000)]


def test_sound_packets_tell_times_and_key_frames() -> None:
    found = read(SOUND)
    assert found is not None
    assert (found.count, found.pts_ms(999), found.first_at_or_after(39_950)) == (1000, 39_960, 999)
    assert list(found.key_frames) == list(range(0, 1000, 25))
    assert (found.key_frame_before(49), found.key_frame_before(50)) == (25, 50)
    assert (found.index_at(80), found.index_at(81)) == (2, None)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda all_: [*all_[:500], None, *all_[500:]],  # one that fails on the way is no end
        lambda all_: [*all_[:500], *[None] * 150, *all_[500:]],
        lambda all_: [*all_[:500], *all_[510:]],  # a hole
        lambda all_: [*all_[:500], *all_[499:]],  # the same time twice
        lambda all_: [*all_[:500], *all_[:500]],  # the clock set back
    ],
)
def test_what_is_doubtful_is_not_sought(
    spoil: Callable[[list[float | None]], list[float | None]],
) -> None:
    assert read(spoil(SOUND)) is None


def test_fewer_packets_than_the_index_lists_are_not_all() -> None:
    assert read(SOUND, HeaderInfo(40, 1000)) is not None
    assert read(SOUND, HeaderInfo(60, 1500)) is None


def test_far_key_frames_are_seen_early() -> None:
    assert read(SOUND, every_key=240) is None
