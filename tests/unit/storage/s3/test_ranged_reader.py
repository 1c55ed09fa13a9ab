"""Reading by ranges: the same bytes as the whole, in bounded memory."""

import io
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.storage.s3 import ranged_reader
from pipeline.storage.s3.ranged_reader import RangedReader

BLOCK = 64


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranged_reader, "BLOCK_BYTES", BLOCK)
        yield


class Origin:
    """An object, and a note of which blocks were asked for."""

    def __init__(self, size: int) -> None:
        self.data = bytes(n % 251 for n in range(size))
        self.asked: list[int] = []

    def fetch(self, start: int, end: int) -> bytes:
        assert end - start <= BLOCK
        assert end <= len(self.data)
        self.asked.append(start // BLOCK)
        return self.data[start:end]

    def reader(self) -> RangedReader:
        return RangedReader(self.fetch, len(self.data), self.data[:BLOCK])


moves = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 300)),
        st.tuples(st.just("set"), st.integers(0, 700)),
        st.tuples(st.just("cur"), st.integers(-100, 100)),
        st.tuples(st.just("end"), st.integers(-300, 50)),
    ),
    max_size=30,
)


@given(size=st.integers(0, 600), moves=moves)
def test_it_reads_what_a_file_reads(size: int, moves: list[tuple[str, int]]) -> None:
    origin = Origin(size)
    file = io.BytesIO(origin.data)
    with origin.reader() as reader:
        for kind, number in moves:
            if kind == "read":
                assert reader.read(number) == file.read(number)
            elif kind == "set":
                assert reader.seek(number) == file.seek(number)
            elif kind == "cur":
                assert reader.seek(number, io.SEEK_CUR) == file.seek(number, io.SEEK_CUR)
            else:
                assert reader.seek(number, io.SEEK_END) == file.seek(number, io.SEEK_END)
            assert reader.tell() == file.tell()


def test_reading_through_asks_for_each_block_once_and_ahead() -> None:
    origin = Origin(10 * BLOCK)
    reader = origin.reader()
    reader.read(1)
    reader.close()  # waits for what is on its way
    assert origin.asked == [1]
    with origin.reader() as reader:
        origin.asked.clear()
        while reader.read(50):
            pass
    assert origin.asked == list(range(1, 10))


def test_few_blocks_are_kept() -> None:
    origin = Origin(100 * BLOCK)
    with origin.reader() as reader:
        for _ in range(100):
            reader.read(BLOCK)
            assert len(reader._blocks) <= 4  # noqa: SLF001 - the bound is the test


def test_a_visit_to_the_end_does_not_lose_the_head() -> None:
    origin = Origin(50 * BLOCK)
    with origin.reader() as reader:
        reader.read(10)
        reader.seek(-20, io.SEEK_END)
        reader.read(20)
        reader.seek(10)
        reader.read(10)
    assert 0 not in origin.asked


def test_what_fetching_raises_reading_raises_and_no_thread_is_left() -> None:
    def fetch(_start: int, _end: int) -> bytes:
        raise ConnectionResetError

    before = threading.active_count()
    with RangedReader(fetch, 3 * BLOCK, bytes(BLOCK)) as reader:
        assert reader.readable()
        assert reader.seekable()
        assert reader.read(BLOCK) == bytes(BLOCK)
        with pytest.raises(ConnectionResetError):
            reader.read(1)
    assert threading.active_count() == before
