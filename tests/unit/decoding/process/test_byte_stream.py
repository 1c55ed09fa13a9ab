"""The video's bytes between the two processes."""

import io
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding.process.byte_stream import ByteServer, ServedStream
from pipeline.errors import RetryableError
from pipeline.storage.s3.ranged_reader import BLOCK_BYTES, RangedReader
from pipeline.storage.source import ByteStream

DATA = bytes(range(256)) * 9000


@contextmanager
def served(stream: ByteStream) -> Iterator[tuple[ByteServer, ServedStream]]:
    own, other = socket.socketpair()
    with own, other:
        server = ByteServer(stream, own)
        server.start()
        yield server, ServedStream(other, server.size, is_ranged=server.is_ranged)


@given(st.lists(st.tuples(st.integers(-10, len(DATA) + 10), st.integers(-1, 600_000)), max_size=8))
def test_reads_return_what_the_stream_has(reads: list[tuple[int, int]]) -> None:
    with served(io.BytesIO(DATA)) as (_, stream):
        for offset, size in reads:
            start = stream.seek(offset)
            end = len(DATA) if size < 0 else start + size
            assert stream.read(size) == DATA[start:end]


def test_seeking_counts_from_all_three_places() -> None:
    with served(io.BytesIO(DATA)) as (_, stream):
        assert stream.seek(-4, io.SEEK_END) == len(DATA) - 4
        assert stream.seek(2, io.SEEK_CUR) == len(DATA) - 2
        assert stream.read() == DATA[-2:]


@pytest.mark.parametrize("start", [5_000_000, 4_000_000], ids=["apart", "half known"])
def test_an_announced_range_is_one_request(start: int) -> None:
    data = bytes(range(251)) * 80_000
    asked: list[tuple[int, int]] = []

    def fetch(first: int, end: int) -> bytes:
        asked.append((first, end))
        return data[first:end]

    end = start + 1_500_000
    with (
        RangedReader(fetch, len(data), data[:BLOCK_BYTES]) as reader,
        served(reader) as (_, stream),
    ):
        stream.expect(start, end)
        stream.seek(start)
        assert b"".join(stream.read(32_768) for _ in range(45)) == data[start : start + 45 * 32_768]
        assert asked == [(max(start, BLOCK_BYTES), end)]
        stream.expect(10_000_000, 10_100_000)
        stream.seek(10_000_000)
        assert stream.read(100_000) == data[10_000_000:10_100_000]
        assert asked[1:] == [(10_000_000, 10_100_000)]


def test_later_ranges_are_announced_with_the_first_bytes_of_a_range() -> None:
    data = bytes(range(251)) * 80_000
    asked: list[tuple[int, int]] = []

    def fetch(first: int, end: int) -> bytes:
        asked.append((first, end))
        return data[first:end]

    ranges = [(number * 5_000_000, number * 5_000_000 + 900_000) for number in (1, 2, 3)]
    with (
        RangedReader(fetch, len(data), data[:BLOCK_BYTES]) as reader,
        served(reader) as (_, stream),
    ):
        stream.expect(*ranges[0], ranges[1:])
        stream.seek(ranges[0][0])
        stream.read(10)
        assert reader.requests == 4
        for number, (start, end) in enumerate(ranges[1:], 2):
            stream.expect(start, end, ranges[number:])
            stream.seek(start)
            assert stream.read(end - start) == data[start:end]
    assert sorted(asked) == ranges


class Failing(io.BytesIO):
    def read(self, _size: int | None = -1, /) -> bytes:
        raise RetryableError("S3 failed.")


def test_an_error_of_the_stream_is_kept_for_the_parent() -> None:
    with served(Failing(DATA)) as (server, stream):
        with pytest.raises(OSError, match="could not read"):
            stream.read(1)
        assert isinstance(server.error, RetryableError)


@pytest.mark.parametrize(
    ("offset", "size", "expected"),
    [(0, 2**31 - 1, 524_288), (0, -1, 0), (-5, 10, 10), (2**62, 10, 0)],
)
@pytest.mark.parametrize("announced", [-(2**62), 0, 1, 2**62])
def test_a_child_cannot_make_the_parent_read_much(
    offset: int, size: int, expected: int, announced: int
) -> None:
    own, other = socket.socketpair()
    with (
        own,
        other,
        RangedReader(lambda start, end: DATA[start:end], len(DATA), DATA[:BLOCK_BYTES]) as reader,
    ):
        server = ByteServer(reader, own)
        server.start()
        later = (-5, 2**62, 2**62, 2**62 + 1)
        other.sendall(struct.pack("<qiqqqqq", offset, size, announced, *later))
        assert struct.unpack("<i", other.recv(4, socket.MSG_WAITALL)) == (expected,)
        assert server.error is None
        assert reader.requests == 1
