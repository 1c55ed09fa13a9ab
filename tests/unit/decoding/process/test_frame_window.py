"""The child decodes ahead of the parent, in bounded memory."""

import errno
import os
import socket
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest

from pipeline.decoding.memory import MOST_AHEAD, most_ahead_bytes
from pipeline.decoding.process.channel import Channel, channel_pair
from pipeline.decoding.process.frame_window import FrameWindow
from pipeline.decoding.process.shared_clock import SharedClock
from pipeline.frame import Frame
from pipeline.resources.capacity import Capacity


class Sides(NamedTuple):
    window: FrameWindow
    parent: Channel
    clock: SharedClock


@pytest.fixture
def sides() -> Iterator[Sides]:
    ends = channel_pair()
    descriptor = SharedClock.create()
    clock = SharedClock(descriptor)
    yield Sides(FrameWindow(Channel(ends[0]), clock, None), Channel(ends[1]), clock)
    os.close(descriptor)
    for end in ends:
        end.close()


def frame(number: int, share: float) -> Frame:
    """Return a frame that takes this share of the memory for frames."""
    pixels = int(most_ahead_bytes(None) * share) // 3
    return Frame(number, 0.0, 0, np.zeros((1, pixels, 3), np.uint8))


def received(parent: Channel) -> list[int]:
    """Return the indexes of the frames that wait for the parent."""
    indexes = []
    while parent.has_message():
        message = parent.receive()
        assert message is not None
        assert message.descriptor is not None
        os.close(message.descriptor)
        indexes.append(message.content["index"])
    return indexes


def test_frames_are_handed_over_before_they_are_asked_for(sides: Sides) -> None:
    for number in range(4):
        assert sides.window.wait()
        sides.window.send(frame(number, 0.25))
    assert received(sides.parent) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("shares", "needed"),
    [
        ([0.25] * 3, 0),
        ([0.25] * 4, 1),
        ([0.5, 0.75], 2),
        ([1.5], 1),
        ([1e-5] * (MOST_AHEAD - 1), 0),
        ([1e-5] * MOST_AHEAD, 1),
    ],
)
def test_a_full_window_waits_until_the_next_frame_fits(
    sides: Sides, monkeypatch: pytest.MonkeyPatch, shares: list[float], needed: int
) -> None:
    for number, share in enumerate(shares):
        sides.window.send(frame(number, share))
    asked = 0
    receive = Channel.receive

    def answer(end: Channel) -> object:
        nonlocal asked
        asked += 1
        sides.parent.send("next", freed=[])
        return receive(end)

    monkeypatch.setattr(Channel, "receive", answer)
    assert sides.window.wait()
    assert asked == needed


def test_a_window_ends_when_the_parent_is_gone(sides: Sides) -> None:
    sides.window.send(frame(0, 1.5))
    sides.parent.close()
    assert not sides.window.wait()


def test_memory_that_the_parent_has_freed_is_used_again(sides: Sides) -> None:
    sides.window.send(frame(0, 0.25))
    received(sides.parent)
    sides.parent.send("next", freed=[0])
    assert sides.window.wait()
    sides.window.send(frame(1, 0.25))
    message = sides.parent.receive()
    assert message is not None
    assert (message.content["memory"], message.descriptor) == (0, None)


def test_a_small_function_has_a_small_window() -> None:
    sizes = [most_ahead_bytes(Capacity(megabytes, 900)) // 2**20 for megabytes in (512, 1024, 3008)]
    assert sizes == [16, 32, 64]


def test_a_frame_that_the_kernel_refuses_for_now_is_handed_over_later(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [OSError(errno.ETOOMANYREFS, "Too many references")]
    send = socket.send_fds

    def refuse_once(end: socket.socket, data: list[bytes], descriptors: list[int]) -> int:
        if refusals:
            raise refusals.pop()
        return send(end, data, descriptors)

    sides.window.send(frame(0, 0.25))
    sides.parent.send("next", freed=[])
    monkeypatch.setattr(socket, "send_fds", refuse_once)
    sides.window.send(frame(1, 0.25))
    assert received(sides.parent) == [0, 1]


def test_a_refusal_that_no_waiting_ends_is_raised(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> int:
        raise OSError(errno.ETOOMANYREFS, "Too many references")

    monkeypatch.setattr(socket, "send_fds", refuse)
    with pytest.raises(OSError, match="Too many references"):
        sides.window.send(frame(0, 0.25))


def test_waiting_for_the_parent_is_progress(sides: Sides) -> None:
    sides.window.send(frame(0, 1.5))
    before = sides.clock.idle_seconds()
    sides.parent.send("next", freed=[])
    sides.window.wait()
    assert sides.clock.idle_seconds() < before
