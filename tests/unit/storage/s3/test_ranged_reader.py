"""The reader of byte ranges: it reads the same bytes as a file, and keeps few of them."""

import io
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.storage import block_stream
from pipeline.storage.s3 import ranged_reader
from pipeline.storage.s3.ranged_reader import RangedReader

BLOCK = 64


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranged_reader, "BLOCK_BYTES", BLOCK)
        yield


class RemoteObject:
    """An object in memory, which notes the numbers of the fetched blocks."""

    def __init__(self, size: int) -> None:
        self.data = bytes(n % 251 for n in range(size))
        self.fetched_blocks: list[int] = []
        self.ranges: list[tuple[int, int]] = []

    def fetch(self, start: int, end: int) -> bytes:
        assert end - start <= BLOCK
        assert end <= len(self.data)
        self.fetched_blocks.append(start // BLOCK)
        self.ranges.append((start, end))
        return self.data[start:end]

    def reader(self) -> RangedReader:
        return RangedReader(self.fetch, len(self.data), self.data[:BLOCK])


moves = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 300)),
        st.tuples(st.just("set"), st.integers(0, 700)),
        st.tuples(st.just("cur"), st.integers(-100, 100)),
        st.tuples(st.just("end"), st.integers(-300, 50)),
        st.tuples(st.just("expect"), st.integers(-20, 700)),
    ),
    max_size=30,
)


@given(size=st.integers(0, 600), moves=moves)
def test_it_reads_and_seeks_like_a_file(size: int, moves: list[tuple[str, int]]) -> None:
    remote = RemoteObject(size)
    file = io.BytesIO(remote.data)
    with remote.reader() as reader:
        for kind, number in moves:
            if kind == "read":
                assert reader.read(number) == file.read(number)
            elif kind == "set":
                assert reader.seek(number) == file.seek(number)
            elif kind == "expect":
                reader.expect(number, number + 90, [(number + 100, number + 190)])
            elif kind == "cur":
                assert reader.seek(number, io.SEEK_CUR) == file.seek(number, io.SEEK_CUR)
            else:
                assert reader.seek(number, io.SEEK_END) == file.seek(number, io.SEEK_END)
            assert reader.tell() == file.tell()


def test_each_block_is_fetched_once_and_one_block_ahead() -> None:
    remote = RemoteObject(10 * BLOCK)
    reader = remote.reader()
    reader.read(1)
    assert remote.fetched_blocks == []
    reader.seek(BLOCK // 2)
    reader.read(1)
    reader.close()  # waits for the fetch ahead
    assert remote.fetched_blocks == [1]
    with remote.reader() as reader:
        remote.fetched_blocks.clear()
        while reader.read(50):
            pass
    assert remote.fetched_blocks == list(range(1, 10))


def test_of_what_is_expected_nothing_around_it_is_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(block_stream, "_FIRST_BYTES", 8)
    remote = RemoteObject(100 * BLOCK)
    with remote.reader() as reader:
        reader.expect(1000, 1030)
        reader.seek(1000)
        assert reader.read(10) + reader.read(20) == remote.data[1000:1030]
        assert remote.ranges == [(1000, 1030)]
        assert reader.read(20) == remote.data[1030:1050]
        assert remote.ranges[1:] == [(1030, 1038), (1038, 1054)]
        reader.expect(5, 20)
        reader.seek(5)
        assert reader.read(15) == remote.data[5:20]
        assert remote.ranges[3:] == []  # the first block is there
        assert (reader.requests, reader.bytes_fetched) == (4, BLOCK + 54)


def test_later_ranges_are_fetched_before_another_one_is_there() -> None:
    remote = RemoteObject(1000)
    begun = {300: threading.Event(), 500: threading.Event()}

    def fetch(start: int, end: int) -> bytes:
        if start in begun:
            begun[start].set()
        else:
            assert all(each.wait(10) for each in begun.values())
        return remote.fetch(start, end)

    later = [(300, 320), (500, 520)]
    with RangedReader(fetch, 1000, remote.data[:BLOCK]) as reader:
        for start, end in ((100, 120), *later):
            reader.expect(start, end, [each for each in later if each[0] > start])
            reader.seek(start)
            assert reader.read(20) == remote.data[start:end]
        assert (reader.requests, reader.bytes_fetched) == (4, BLOCK + 60)
    assert sorted(remote.ranges) == [(100, 120), (300, 320), (500, 520)]


def test_a_later_range_need_not_come_or_exist() -> None:
    remote = RemoteObject(1000)
    with remote.reader() as reader:
        reader.expect(100, 120, [(300, 320), (990, 1010), (2000, 2010), (10, 20), (400, 350)])
        reader.expect(300, 340)
        reader.seek(300)
        assert reader.read(40) == remote.data[300:340]
        reader.seek(990)
        assert reader.read(20) == remote.data[990:]
    # Not those that are known, beyond the end, or empty.
    assert {start for start, _ in remote.ranges} <= {300, 960, 990}


def test_a_long_range_is_fetched_block_by_block() -> None:
    remote = RemoteObject(100 * BLOCK)
    with remote.reader() as reader:
        reader.expect(1000, 1000 + 2 * BLOCK)
        reader.seek(1000)
        assert reader.read(2 * BLOCK) == remote.data[1000 : 1000 + 2 * BLOCK]
    assert remote.ranges == [(1000, 1000 + BLOCK), (1000 + BLOCK, 1000 + 2 * BLOCK)]


def test_at_most_four_blocks_are_kept() -> None:
    remote = RemoteObject(100 * BLOCK)
    with remote.reader() as reader:
        for _ in range(100):
            reader.read(BLOCK)
            assert len(reader._blocks) <= 4  # noqa: SLF001 - only there the bound is visible


def test_the_first_block_stays_after_a_seek_to_the_end() -> None:
    remote = RemoteObject(50 * BLOCK)
    with remote.reader() as reader:
        reader.read(10)
        reader.seek(-20, io.SEEK_END)
        reader.read(20)
        reader.seek(10)
        reader.read(10)
    assert 0 not in remote.fetched_blocks


def test_an_error_of_a_fetch_is_raised_by_read_and_the_thread_ends() -> None:
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
