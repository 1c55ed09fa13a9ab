"""The stream that OpenCV reads from: it keeps errors until they can be raised."""

import io

import pytest

from pipeline.decoding.stream import GuardedStream


class FailingStream(io.BytesIO):
    """Reads 4 bytes and then fails, like a network connection."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= 4:
            raise ConnectionResetError("reset by peer")
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if offset > 100:
            raise ValueError("too far")
        return super().seek(offset, whence)


def test_it_reads_and_seeks_like_the_stream_inside() -> None:
    stream = GuardedStream(io.BytesIO(b"0123456789"))
    assert stream.readable()
    assert stream.seekable()
    assert stream.seek(-3, io.SEEK_END) == 7
    assert stream.read(2) == b"78"
    assert stream.read() == b"9"
    stream.raise_pending_error()


def test_after_an_error_reads_are_empty_and_the_error_is_raised_later() -> None:
    stream = GuardedStream(FailingStream(b"0123456789"))
    assert stream.read(4) == b"0123"
    assert stream.read(4) == b""
    stream.seek(0)
    assert stream.read(4) == b""
    with pytest.raises(ConnectionResetError, match="reset by peer"):
        stream.raise_pending_error()


def test_the_first_of_several_errors_is_raised() -> None:
    stream = GuardedStream(FailingStream(b"0123456789"))
    assert stream.seek(1000) == 0
    stream.read(4)
    with pytest.raises(ValueError, match="too far"):
        stream.raise_pending_error()


def test_a_seek_before_the_beginning_fails_without_an_error() -> None:
    stream = GuardedStream(io.BytesIO(b"0123456789"))
    assert stream.seek(-5) == -1
    assert stream.read(1) == b"0"
    stream.raise_pending_error()


def test_reads_are_empty_once_it_is_stopped() -> None:
    stream = GuardedStream(io.BytesIO(b"0123456789"))
    stream.stop()
    assert stream.read() == b""
    stream.raise_pending_error()


def test_reads_and_bytes_are_counted() -> None:
    stream = GuardedStream(io.BytesIO(b"0123456789"))
    stream.read(4)
    stream.read(100)
    fetch = stream.fetch_log()
    assert (fetch.items_in, fetch.items_out) == (2, 10)


def test_reading_the_same_bytes_again_does_not_reset_idle_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stream = GuardedStream(io.BytesIO(b"0123456789"))
    now[0] = 105
    stream.read(4)
    now[0] = 107
    assert stream.idle_seconds == 2
    stream.seek(0)
    stream.read(4)
    assert stream.idle_seconds == 2
    stream.read(1)
    assert stream.idle_seconds == 0


def test_a_slow_read_does_not_count_as_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    idle_during_read: list[float] = []

    class SlowStream(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            now[0] += 1000
            idle_during_read.append(stream.idle_seconds)
            return super().read(size)

    stream = GuardedStream(SlowStream(b"0123456789"))
    stream.read(1)
    assert (idle_during_read, stream.idle_seconds) == ([0], 0)
