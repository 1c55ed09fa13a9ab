"""Run the stages of a pipeline in parallel, with bounded look-ahead and in order.

Each stage is an iterator over the stage before it, so the code reads as one chain. A stage runs at
most a few items ahead of its reader. So memory is bounded, whichever stage is the slowest.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from concurrent.futures import Future
    from types import TracebackType

T = TypeVar("T")
R = TypeVar("R")

# An upload to S3 takes 30 to 100 ms, of which 2 ms are computing.
_IO_WORKERS = 8
# How often a waiting reader calls `watch` and looks for failures.
_WATCH_SECONDS = 0.5
# A thread that hangs in native code cannot be ended. It is left to end with the process.
_JOIN_SECONDS = 2.0


class OrderedExecutor:
    """Threads that end with the `with` block, in whatever way the block is left.

    The main thread reads the last stage, so it can handle signals at any time. It raises the
    exception of the first stage that fails. Then items that wait are dropped, and items in progress
    are waited for.
    """

    def __init__(
        self,
        cpus: int,
        *,
        on_failure: Callable[[], None] = lambda: None,
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        """Create an executor; no thread is started yet.

        Args:
            cpus: number of items that all `map` stages together process at a time.
            on_failure: called if an exception leaves the block, to stop what is in progress.
            watch: called twice a second while the main thread waits for any stage. It may raise
                to give up.
        """
        self._cpus = cpus
        self._watch = watch
        self._on_failure = on_failure
        self._failure: BaseException | None = None
        self._workers = ThreadPoolExecutor(cpus, thread_name_prefix="worker")
        self._io_workers = ThreadPoolExecutor(_IO_WORKERS, thread_name_prefix="io-worker")
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="in-turn")
        self._prefetchers: list[Prefetcher[Any, Any]] = []

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
        for prefetcher in self._prefetchers:
            prefetcher.stop()
        for pool in (self._workers, self._io_workers, self._turns):
            pool.shutdown(cancel_futures=True)
        for prefetcher in self._prefetchers:
            prefetcher.join()

    def prefetch(
        self,
        items: Generator[T, None, R],
        *,
        watch: Callable[[], None] = lambda: None,
        stop: Callable[[], None] = lambda: None,
    ) -> Prefetcher[T, R]:
        """Run a generator in a thread of its own, some items ahead of its reader.

        Args:
            items: the generator. It is closed in that thread, at its end or when the block ends.
            watch: called twice a second while the reader waits for this stage. It may raise to
                give up.
            stop: called from the main thread to make `items` end early.

        Returns:
            An iterator over the items; its `result` is what the generator returned.
        """

        def check() -> None:
            if self._failure is not None:
                raise self._failure
            self._watch()
            watch()

        prefetcher = Prefetcher(items, self._cpus, check, stop)
        self._prefetchers.append(prefetcher)
        prefetcher.start()
        return prefetcher

    def map(self, work: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
        """Process as many items at a time as there are CPUs; yield the results in order."""
        return self._map_in_order(self._workers, self._cpus, work, items)

    def map_io(self, work: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
        """Process items that mostly wait for a disk or a network; yield the results in order."""
        return self._map_in_order(self._io_workers, _IO_WORKERS, work, items)

    def map_in_turn(self, work: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
        """Process one item at a time, in order, in a thread of its own; yield the results."""
        return self._map_in_order(self._turns, _IO_WORKERS, work, items)

    def _map_in_order(
        self, pool: ThreadPoolExecutor, look_ahead: int, work: Callable[[T], R], items: Iterator[T]
    ) -> Iterator[R]:
        window: deque[Future[R]] = deque()
        for item in items:
            window.append(pool.submit(work, item))
            window[-1].add_done_callback(self._keep_failure)
            while window and (len(window) > look_ahead or window[0].done()):
                yield self._result(window.popleft())
        while window:
            yield self._result(window.popleft())

    def _result(self, future: Future[R]) -> R:
        while not wait((future,), _WATCH_SECONDS).done:
            self._watch()
        return future.result()

    def _keep_failure(self, done: Future[Any]) -> None:
        """Keep the first failure. The reader may be waiting for something else at this time."""
        if not done.cancelled() and self._failure is None:
            self._failure = done.exception()


class Prefetcher(Generic[T, R]):
    """An iterator over a generator that runs in a thread of its own, with a bounded queue between.

    Attributes:
        result: what the generator returned; set once the iteration has ended.
    """

    result: R

    def __init__(
        self,
        items: Generator[T, None, R],
        look_ahead: int,
        check: Callable[[], None],
        stop: Callable[[], None],
    ) -> None:
        self._items = items
        self._check = check
        self._stop = stop
        self._stopped = False
        self._error: BaseException | None = None
        self._free_slots = threading.Semaphore(look_ahead)
        self._queue: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="prefetch", daemon=True)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        item = self._wait_for_item()
        if item is not _End.END:
            self._free_slots.release()
            return item
        if self._error is not None:
            raise self._error
        raise StopIteration

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Make the generator end early."""
        self._stopped = True
        self._stop()
        self._free_slots.release()

    def join(self) -> None:
        """Wait for the thread to end, for a limited time."""
        self._thread.join(_JOIN_SECONDS)

    def _wait_for_item(self) -> T | _End:
        while True:
            try:
                return self._queue.get(timeout=_WATCH_SECONDS)
            except queue.Empty:
                self._check()

    def _run(self) -> None:
        try:
            with closing(self._items):
                self._produce()
        except BaseException as error:  # noqa: BLE001 - it is raised where the items are read
            self._error = error
        finally:
            self._queue.put(_End.END)

    def _produce(self) -> None:
        while not self._stopped:
            try:
                item = next(self._items)
            except StopIteration as end:
                self.result = end.value
                return
            self._queue.put(item)
            self._free_slots.acquire()


class _End(Enum):
    END = auto()
