"""Parallel stages: order, bounded look-ahead, errors, and threads that end."""

import threading
from collections.abc import Generator, Iterator

import pytest

from pipeline.concurrency.ordered_executor import OrderedExecutor


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def numbers(count: int, produced: list[int] | None = None) -> Generator[int, None, None]:
    """Yield numbers, and append each to `produced` before it is yielded."""
    for number in range(count):
        if produced is not None:
            produced.append(number)
        yield number


def test_results_keep_the_order_of_their_items() -> None:
    second_started = threading.Event()

    def square(number: int) -> int:
        if number == 0:
            assert second_started.wait(10)
        else:
            second_started.set()
        return number * number

    with OrderedExecutor(cpus=2) as executor:
        squares = executor.map(square, executor.prefetch(numbers(50)))
        assert list(executor.map_io(str, squares)) == [str(n * n) for n in range(50)]


def test_items_in_turn_are_processed_one_at_a_time_and_in_order() -> None:
    working, seen = threading.Lock(), []

    def see(number: int) -> int:
        assert working.acquire(blocking=False)
        seen.append(number)
        working.release()
        return number

    with OrderedExecutor(cpus=4) as executor:
        items = executor.map(lambda number: number, numbers(200))
        assert list(executor.map_in_turn(see, items)) == list(range(200))
    assert seen == list(range(200))


@pytest.mark.parametrize("cpus", [1, 2, 5])
def test_as_many_items_are_processed_at_a_time_as_there_are_cpus(cpus: int) -> None:
    # The barrier opens only if as many threads wait at the same time.
    barrier = threading.Barrier(cpus, timeout=10)
    with OrderedExecutor(cpus) as executor:
        assert len(list(executor.map(lambda _: barrier.wait(), numbers(cpus * 4)))) == cpus * 4


def test_a_stage_runs_only_a_few_items_ahead_of_its_reader() -> None:
    produced: list[int] = []
    with OrderedExecutor(cpus=2) as executor:
        items = executor.map(lambda number: number, executor.prefetch(numbers(1000, produced)))
        for number in range(100):
            assert next(items) == number
            assert len(produced) <= number + 8


def test_an_error_of_a_generator_is_raised_in_its_reader() -> None:
    def failing() -> Generator[int, None, None]:
        yield 1
        raise OSError("the disk is gone")

    with OrderedExecutor(cpus=2) as executor:
        items = executor.prefetch(failing())
        assert next(items) == 1
        with pytest.raises(OSError, match="the disk is gone"):
            next(items)


@pytest.mark.parametrize("stage", ["map", "map_io"])
def test_the_first_error_ends_all_stages_and_is_raised(stage: str) -> None:
    produced: list[int] = []
    closed = threading.Event()

    def endless() -> Generator[int, None, None]:
        try:
            while True:
                produced.append(len(produced))
                yield produced[-1]
        finally:
            closed.set()

    def fail_from_10(number: int) -> int:
        if number >= 10:
            raise ValueError(f"item {number}")
        return number

    with pytest.raises(ValueError, match="item 10"), OrderedExecutor(cpus=2) as executor:
        list(getattr(executor, stage)(fail_from_10, executor.prefetch(endless())))
    assert closed.is_set()
    assert len(produced) < 40


def test_a_prefetched_generator_is_stopped_when_its_reader_leaves() -> None:
    stopped = threading.Event()

    def wait_for_stop() -> Generator[int, None, None]:
        yield 1
        assert stopped.wait(10)

    with OrderedExecutor(cpus=1) as executor:
        assert next(executor.prefetch(wait_for_stop(), stop=stopped.set)) == 1


def test_watch_may_raise_while_the_reader_waits() -> None:
    stopped = threading.Event()

    def yield_after_stop() -> Generator[int, None, None]:
        stopped.wait(10)
        yield 1

    def watch() -> None:
        raise TimeoutError("no item came")

    with pytest.raises(TimeoutError, match="no item came"), OrderedExecutor(cpus=1) as executor:
        next(executor.prefetch(yield_after_stop(), watch=watch, stop=stopped.set))


@pytest.mark.parametrize("stage", ["map", "map_io"])
def test_the_executors_watch_may_raise_while_an_item_is_in_progress(stage: str) -> None:
    stopped = threading.Event()

    def watch() -> None:
        raise TimeoutError("the time is over")

    with (
        pytest.raises(TimeoutError, match="the time is over"),
        OrderedExecutor(cpus=1, on_failure=stopped.set, watch=watch) as executor,
    ):
        next(getattr(executor, stage)(lambda _: stopped.wait(10), numbers(1)))


@pytest.mark.parametrize("cpus", [1, 2, 5])
def test_the_number_of_items_at_a_time_is_known_where_the_worker_is_slow(cpus: int) -> None:
    # `pipeline.decoding.memory` counts on it.
    produced: list[int] = []
    is_full, produced_in_time = threading.Event(), []

    def endless() -> Generator[int, None, None]:
        while True:
            produced.append(len(produced))
            if len(produced) == 2 * (cpus + 1):
                is_full.set()
            yield produced[-1]

    def work(_: int) -> int:
        produced_in_time.append(is_full.wait(10))
        return len(produced)

    with OrderedExecutor(cpus) as executor:
        assert next(executor.map(work, executor.prefetch(endless()))) == 2 * (cpus + 1)
    assert all(produced_in_time)
