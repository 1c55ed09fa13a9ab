"""A stream that OpenCV may read from: it must not raise, and must not forget."""

import io

import pytest

from pipeline.decoding.stream import GuardedStream


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
    stream.raise_pending_error()


def test_an_error_looks_like_the_end_and_is_raised_later() -> None:
    stream = GuardedStream(Failing(b"0123456789"))
    assert stream.read(4) == b"0123"
    assert stream.read(4) == b""
    stream.seek(0)
    assert stream.read(4) == b""
    with pytest.raises(ConnectionResetError, match="reset by peer"):
        stream.raise_pending_error()


def test_the_first_error_is_the_one_that_is_told() -> None:
    stream = GuardedStream(Failing(b"0123456789"))
    assert stream.seek(1000) == 0
    stream.read(4)
    with pytest.raises(ValueError, match="too far"):
        stream.raise_pending_error()


def test_a_place_before_the_beginning_is_no_place_and_no_error() -> None:
    stream = GuardedStream(io.BytesIO(b"0123456789"))
    assert stream.seek(-5) == -1
    assert stream.read(1) == b"0"
    stream.raise_pending_error()


def test_it_ends_when_it_is_told_to() -> None:
    stream = GuardedStream(io.BytesIO(b"0123456789"))
    stream.stop()
    assert stream.read() == b""
    stream.raise_pending_error()


def test_it_counts_what_it_fetched() -> None:
    stream = GuardedStream(io.BytesIO(b"0123456789"))
    stream.read(4)
    stream.read(100)
    fetched = stream.fetch_log()
    assert (fetched.items_in, fetched.items_out) == (2, 10)


def test_reading_the_same_again_is_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_waiting_for_data_is_not_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    silences: list[float] = []

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            now[0] += 1000
            silences.append(stream.idle_seconds)
            return super().read(size)

    stream = GuardedStream(Slow(b"0123456789"))
    stream.read(1)
    assert (silences, stream.idle_seconds) == ([0], 0)
