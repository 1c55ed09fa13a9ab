"""Processes of this machine that do tasks side by side, and whose results come in order.

Unlike `concurrent.futures`, a process that is killed takes only its own task with it, which another
process then does again. Tasks, results and errors are pickled.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from traceback import format_exception
from typing import TYPE_CHECKING, Generic, Self, TypeAlias, TypeVar, cast

from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection

T = TypeVar("T")
R = TypeVar("R")

Report: TypeAlias = Callable[[float, float | None], None]
"""Tells how far a task is, and how far it goes, if that is known."""

Work: TypeAlias = Callable[[T, Report], R]
"""Does a task, and returns its result."""

Progress: TypeAlias = Callable[[int, float, float | None], None]
"""Takes the number of a task, and what its process reported."""

_WATCH_SECONDS = 0.5
KILLED = (
    "Two worker processes in a row were killed over the same part of the work, maybe because no "
    "memory was left. Lower --jobs."
)
"""What is told of a task over which two processes were killed."""


class WorkerPool(Generic[T, R]):
    """Worker processes that end with the `with` block, in whatever way the block is left."""

    def __init__(
        self,
        processes: int,
        prepare: Callable[[], Work[T, R]],
        *,
        watch: Callable[[], None] = lambda: None,
        end_seconds: float = 0.0,
    ) -> None:
        """Create a pool; no process is started yet.

        Args:
            processes: number of worker processes.
            prepare: called once in each process; returns what does a task. It can be pickled.
            watch: called about twice a second while results are waited for. It may raise.
            end_seconds: the time that a process has to end on SIGTERM before it is killed.
        """
        self._end_seconds = end_seconds
        self._processes = processes
        self._prepare = prepare
        self._watch = watch
        self._workers: list[_Worker[T, R]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._end_seconds:
            for worker in self._workers:
                worker.ask_to_end()
        deadline = time.monotonic() + self._end_seconds
        while self._workers:
            self._workers.pop().end(max(0.0, deadline - time.monotonic()))

    def map(
        self,
        tasks: Sequence[T],
        on_progress: Progress = lambda _number, _done, _total: None,
        on_end: Callable[[int], None] = lambda _number: None,
        given_up: Callable[[T], R] | None = None,
    ) -> Iterator[R]:
        """Do all tasks, as many at a time as there are processes; yield the results in order.

        Args:
            tasks: the tasks.
            on_progress: called with the number of a task, and what its process reported last.
            on_end: called with the number of a task that has a result; maybe long before it is
                yielded.
            given_up: returns the result of a task over which two processes were killed. None: it
                is an error.

        Raises:
            BrokenError: two processes were killed over the same task.
            Exception: the first error of a task, or of `prepare`.
        """
        waiting = deque(range(len(tasks)))
        is_second = [False] * len(tasks)
        results: dict[int, R] = {}
        for number in range(len(tasks)):
            while number not in results:
                self._begin(waiting, tasks)
                for worker in self._heard():
                    task = worker.number
                    try:
                        worker.receive(results, on_progress)
                    except EOFError:
                        self._workers.remove(worker)
                        if not is_second[task]:
                            is_second[task] = True
                            waiting.appendleft(task)
                        elif given_up is None:
                            raise BrokenError(KILLED) from None
                        else:
                            results[task] = given_up(tasks[task])
                    if task in results:
                        on_end(task)
            yield results.pop(number)

    def _begin(self, waiting: deque[int], tasks: Sequence[T]) -> None:
        """Give tasks to processes that have none, and start processes as long as some are left."""
        idle = [worker for worker in self._workers if not worker.is_busy]
        while waiting:
            if idle:
                worker = idle.pop()
            elif len(self._workers) < self._processes:
                worker = _Worker(self._prepare)
                self._workers.append(worker)
            else:
                return
            number = waiting.popleft()
            worker.begin(number, tasks[number])

    def _heard(self) -> Iterator[_Worker[T, R]]:
        """Wait for a while; yield the processes that said something, or ended."""
        by_connection = {worker.connection: worker for worker in self._workers if worker.is_busy}
        heard = wait(list(by_connection), _WATCH_SECONDS)
        self._watch()
        for connection in heard:
            yield by_connection[cast("Connection", connection)]


class _Worker(Generic[T, R]):
    """One process, as the parent sees it.

    Attributes:
        connection: the parent's end of the pipe.
        is_busy: whether it has a task.
        number: number of its last task.
    """

    def __init__(self, prepare: Callable[[], Work[T, R]]) -> None:
        # Not forked: threads of ONNX Runtime and their locks would be left behind.
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.is_busy = False
        self.number = -1
        self._process = context.Process(target=_serve, args=(other, prepare), daemon=True)
        self._process.start()
        other.close()

    def begin(self, number: int, task: T) -> None:
        """Give it a task."""
        self.is_busy, self.number = True, number
        with suppress(OSError):  # a process that is gone shows as the end of its messages
            self.connection.send(task)

    def receive(self, results: dict[int, R], on_progress: Progress) -> None:
        """Take what it said.

        Raises:
            EOFError: it has ended.
            Exception: what the task raised.
        """
        try:
            kind, content = self.connection.recv()
        except OSError as error:
            raise EOFError from error
        match kind:
            case "progress":
                on_progress(self.number, *content)
                return
            case "failed":
                raise content
        self.is_busy = False
        results[self.number] = content

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def end(self, seconds: float) -> None:
        """End it, at once or after it had some time to end by itself."""
        self._process.join(seconds)
        self._process.kill()
        self._process.join()
        self.connection.close()


class _ParentGoneError(BaseException):
    """The parent has ended. No task takes this for an error of its own."""


def _serve(connection: Connection, prepare: Callable[[], Work[T, R]]) -> None:
    """Do tasks until the parent is gone. Runs in the worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is for the parent

    def send(kind: str, content: object) -> None:
        with _pipe():
            connection.send((kind, content))

    with suppress(_ParentGoneError):
        try:
            work = prepare()
            while True:
                with _pipe():
                    task = connection.recv()
                send("done", work(task, lambda *far: send("progress", far)))
        except Exception as error:  # noqa: BLE001 - the parent raises it
            send("failed", _picklable(error))


@contextmanager
def _pipe() -> Iterator[None]:
    """Tell an error of the pipe from an error of a task, which may be an `OSError` too."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise _ParentGoneError from error


def _picklable(error: Exception) -> Exception:
    """Return the error as the parent can raise it. Its traceback and its causes are in a note."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - it is of this process
        picklable = error
    except Exception:  # noqa: BLE001 - whatever an error's own methods raise
        picklable = BrokenError(f"{type(error).__name__}: {error}")
    picklable.add_note("".join(format_exception(error)))
    return picklable
