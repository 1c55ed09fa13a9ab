"""Messages between the two sides, also after one of them has ended."""

from collections.abc import Iterator

import pytest

from pipeline.decoding.process.channel import Channel, channel_pair


@pytest.fixture
def sides() -> Iterator[tuple[Channel, Channel]]:
    ends = channel_pair()
    yield Channel(ends[0]), Channel(ends[1])
    for end in ends:
        end.close()


def test_the_last_messages_of_a_side_that_read_nothing_arrive(
    sides: tuple[Channel, Channel],
) -> None:
    child, parent = sides
    child.send("result", number=1)
    parent.send("next")
    child.close()
    message = parent.receive()
    assert message is not None
    assert (message.kind, message.content) == ("result", {"number": 1})
    assert parent.receive() is None


def test_a_message_and_an_end_are_seen_before_they_are_received(
    sides: tuple[Channel, Channel],
) -> None:
    child, parent = sides
    assert not parent.has_message()
    child.send("result")
    assert parent.has_message()
    parent.receive()
    assert not parent.has_message()
    child.close()
    assert parent.has_message()
