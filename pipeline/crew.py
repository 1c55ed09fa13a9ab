"""Stages that work side by side: bounded look-ahead, order kept, all ended together.

Each stage is an iterator over the one before it, so the way of the data reads as one chain. A
stage runs at most a few items ahead of its reader: memory holds no more than that, whichever
stage is the slowest.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from concurrent.futures import Future
    from types import TracebackType

T = TypeVar("T")
R = TypeVar("R")

# An upload to S3 takes 30 to 100 ms, of which it computes 2.
_CARRIERS = 8
# How often a waiting reader looks whether its producer is still alive to the world.
_LOOK_SECONDS = 0.5
# A thread that is stuck in a decoder cannot be ended; it is left to die with the process.
_FAREWELL_SECONDS = 5.0


class Crew:
    """Threads that end with the `with` block, however that ends.

    The main thread reads the last stage, so it is free for signals at all times, and raises what
    the first stage to fail raised. Nothing else goes on then: what waits is dropped, what runs is
    waited for.
    """

    def __init__(self, cpus: int, *, on_failure: Callable[[], None] = lambda: None) -> None:
        """Start nothing yet.

        Args:
            cpus: how many items all `map` stages together work on at a time.
            on_failure: called when the block is left by an exception, to cut short what runs.
        """
        self._cpus = cpus
        self._on_failure = on_failure
        self._failure: BaseException | None = None
        self._workers = ThreadPoolExecutor(cpus, thread_name_prefix="worker")
        self._carriers = ThreadPoolExecutor(_CARRIERS, thread_name_prefix="carrier")
        self._producers: list[_Producer[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._on_failure()
        for producer in self._producers:
            producer.stop()
        for pool in (self._workers, self._carriers):
            pool.shutdown(cancel_futures=True)
        for producer in self._producers:
            producer.join()

    def ahead(
        self,
        items: Generator[T, None, None],
        *,
        watch: Callable[[], None] = lambda: None,
        stop: Callable[[], None] = lambda: None,
    ) -> Iterator[T]:
        """Run an iterator in a thread of its own, some items ahead of its reader.

        Args:
            items: closed in that thread, at its end or when the crew ends.
            watch: called twice a second while the reader waits; may raise to give up.
            stop: called, from the main thread, to make `items` end early.
        """
        producer = _Producer(items, self._cpus, stop)
        self._producers.append(producer)
        producer.start()

        def look() -> None:
            if self._failure is not None:
                raise self._failure
            watch()

        return producer.items(look)

    def map(self, work: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
        """Compute side by side, as many items at a time as there are CPUs; keep their order."""
        return self._in_order(self._workers, self._cpus, work, items)

    def deliver(self, work: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
        """Do what mostly waits for a disk or a network, more items at a time; keep their order."""
        return self._in_order(self._carriers, _CARRIERS, work, items)

    def _in_order(
        self, pool: ThreadPoolExecutor, ahead: int, work: Callable[[T], R], items: Iterator[T]
    ) -> Iterator[R]:
        window: deque[Future[R]] = deque()
        for item in items:
            window.append(pool.submit(work, item))
            window[-1].add_done_callback(self._note)
            while window and (len(window) > ahead or window[0].done()):
                yield window.popleft().result()
        while window:
            yield window.popleft().result()

    def _note(self, done: Future[Any]) -> None:
        """Keep the first failure, for whoever waits for something else meanwhile."""
        if not done.cancelled() and self._failure is None:
            self._failure = done.exception()


class _Producer(Generic[T]):
    """An iterator's thread, and the bounded queue to its reader."""

    def __init__(
        self, items: Generator[T, None, None], ahead: int, stop: Callable[[], None]
    ) -> None:
        self._items = items
        self._stop = stop
        self._stopped = False
        self._error: BaseException | None = None
        self._room = threading.Semaphore(ahead)
        self._made: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def items(self, watch: Callable[[], None]) -> Iterator[T]:
        while (item := self._next(watch)) is not _End.END:
            self._room.release()
            yield item
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self._stopped = True
        self._stop()
        self._room.release()

    def join(self) -> None:
        self._thread.join(_FAREWELL_SECONDS)

    def _next(self, watch: Callable[[], None]) -> T | _End:
        while True:
            try:
                return self._made.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                watch()

    def _run(self) -> None:
        try:
            with closing(self._items):
                for item in self._items:
                    self._made.put(item)
                    self._room.acquire()
                    if self._stopped:
                        break
        except BaseException as error:  # noqa: BLE001 - it is raised where the items are read
            self._error = error
        finally:
            self._made.put(_End.END)


class _End(Enum):
    END = auto()
