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

DATA = bytes(range(256)) * 9000


@contextmanager
def served(stream: io.BytesIO) -> Iterator[tuple[ByteServer, ServedStream]]:
    own, other = socket.socketpair()
    with own, other:
        server = ByteServer(stream, own)
        server.start()
        yield server, ServedStream(other, server.size)


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
@pytest.mark.parametrize("is_range", [False, True])
def test_a_child_cannot_make_the_parent_read_much(
    offset: int, size: int, expected: int, *, is_range: bool
) -> None:
    own, other = socket.socketpair()
    with own, other:
        server = ByteServer(io.BytesIO(DATA), own)
        server.start()
        other.sendall(struct.pack("<qi?", offset, size, is_range))
        assert struct.unpack("<i", other.recv(4, socket.MSG_WAITALL)) == (expected,)
        assert server.error is None
