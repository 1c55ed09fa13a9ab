"""Threads side by side: order, bounds, the first cause, and nothing left behind."""

import threading
from collections.abc import Callable, Generator, Iterator

import pytest

from pipeline.concurrency.ordered_executor import OrderedExecutor


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def numbers(count: int, made: list[int] | None = None) -> Generator[int, None, None]:
    for number in range(count):
        if made is not None:
            made.append(number)
        yield number


def test_results_keep_the_order_of_their_items() -> None:
    first_may_end = threading.Event()

    def late_first(number: int) -> int:
        if number == 0:
            assert first_may_end.wait(10)
        else:
            first_may_end.set()
        return number * number

    with OrderedExecutor(cpus=2) as executor:
        squares = executor.map(late_first, executor.prefetch(numbers(50)))
        assert list(executor.map_io(str, squares)) == [str(n * n) for n in range(50)]


@pytest.mark.parametrize("cpus", [1, 2, 5])
def test_as_many_items_are_worked_on_as_there_are_cpus(cpus: int) -> None:
    together = threading.Barrier(cpus, timeout=10)
    with OrderedExecutor(cpus) as executor:
        assert len(list(executor.map(lambda _: together.wait(), numbers(cpus * 4)))) == cpus * 4


def test_no_stage_runs_far_ahead_of_its_reader() -> None:
    made: list[int] = []
    with OrderedExecutor(cpus=2) as executor:
        items = executor.map(lambda number: number, executor.prefetch(numbers(1000, made)))
        for taken in range(100):
            assert next(items) == taken
            assert len(made) <= taken + 8


def test_an_iterators_error_is_raised_where_it_is_read() -> None:
    def failing() -> Generator[int, None, None]:
        yield 1
        raise OSError("the disk is gone")

    with OrderedExecutor(cpus=2) as executor:
        items = executor.prefetch(failing())
        assert next(items) == 1
        with pytest.raises(OSError, match="the disk is gone"):
            next(items)


@pytest.mark.parametrize("stage", ["map", "map_io"])
def test_an_error_ends_all_with_the_first_cause(stage: str) -> None:
    made: list[int] = []
    closed = threading.Event()

    def endless() -> Generator[int, None, None]:
        try:
            while True:
                made.append(len(made))
                yield made[-1]
        finally:
            closed.set()

    def fail_at(number: int) -> int:
        if number >= 10:
            raise ValueError(f"item {number}")
        return number

    def chain(executor: OrderedExecutor) -> Iterator[int]:
        work: dict[str, Callable[[Callable[[int], int], Iterator[int]], Iterator[int]]] = {
            "map": executor.map,
            "map_io": executor.map_io,
        }
        return work[stage](fail_at, executor.prefetch(endless()))

    with pytest.raises(ValueError, match="item 10"), OrderedExecutor(cpus=2) as executor:
        list(chain(executor))
    assert closed.is_set()
    assert len(made) < 40


def test_a_producer_that_works_on_is_told_to_stop() -> None:
    told = threading.Event()

    def busy() -> Generator[int, None, None]:
        yield 1
        assert told.wait(10)

    with OrderedExecutor(cpus=1) as executor:
        assert next(executor.prefetch(busy(), stop=told.set)) == 1


def test_a_waiting_reader_may_give_up() -> None:
    told = threading.Event()

    def silent() -> Generator[int, None, None]:
        told.wait(10)
        yield 1

    def watch() -> None:
        raise TimeoutError("nothing new")

    with pytest.raises(TimeoutError, match="nothing new"), OrderedExecutor(cpus=1) as executor:
        next(executor.prefetch(silent(), watch=watch, stop=told.set))
