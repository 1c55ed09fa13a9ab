"""A stream that OpenCV may read from: it must not raise, and must not forget."""

import io

import pytest

from pipeline.stream import GuardedStream


class Failing(io.BytesIO):
    """Fails after its first bytes, as a network does."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= 4:
            raise ConnectionResetError("reset by peer")
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if offset > 100:
            raise ValueError("too far")
        return super().seek(offset, whence)


def test_it_reads_and_moves_as_the_stream_does() -> None:
    stream = GuardedStream(io.BytesIO(b"0123456789"))
    assert stream.readable()
    assert stream.seekable()
    assert stream.seek(-3, io.SEEK_END) == 7
    assert stream.read(2) == b"78"
    assert stream.read() == b"9"
    stream.check()


def test_an_error_looks_like_the_end_and_is_raised_later() -> None:
    stream = GuardedStream(Failing(b"0123456789"))
    assert stream.read(4) == b"0123"
    assert stream.read(4) == b""
    stream.seek(0)
    assert stream.read(4) == b""
    with pytest.raises(ConnectionResetError, match="reset by peer"):
        stream.check()


def test_the_first_error_is_the_one_that_is_told() -> None:
    stream = GuardedStream(Failing(b"0123456789"))
    assert stream.seek(1000) == 0
    stream.read(4)
    with pytest.raises(ValueError, match="too far"):
        stream.check()
