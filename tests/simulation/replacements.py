"""What the simulation replaces in the handler: decoding, detection, the clock, S3's client.

The rest is the code of production: events, worker, publisher, result store, retries.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

from pipeline.errors import CapacityError, RejectedError
from pipeline.storage.s3.retries import Retries
from tests.simulation import shards

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pipeline.run import _Run
    from pipeline.storage.archive_writer import ArchiveForm
    from pipeline.storage.publisher import Publisher
    from pipeline.storage.result_store import PublishedResult
    from tests.simulation.world import World


class InlineExecutor:
    """Calls each function at once, in the calling actor."""

    def __init__(self, *_arguments: object, **_options: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def submit(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Future[Any]:  # noqa: ANN401 - as the executor's
        """Call the function; its result or its error comes with `result()`."""
        from concurrent.futures import Future  # noqa: PLC0415 - not needed by the types

        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **options))
        except Exception as error:  # noqa: BLE001 - the executor keeps any error
            future.set_exception(error)
        return future

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Call the function for each item."""
        return [function(item) for item in items]

    def map_io(self, work: Callable[[Any], Any], items: Iterator[Any]) -> list[Any]:
        """Call the function for each item."""
        return [work(item) for item in items]


class Model:
    """Stands for a version of pretag and its model: another version gives another run id."""

    def __init__(self, version: str) -> None:
        self.digest = version
        self.labels = ("person",)


class Detector:
    """Holds the model."""

    def __init__(self, model: Model, _config: object) -> None:
        self.model = model

    def add_counters(self, _counters: object) -> None:
        """Do nothing."""


class Config:
    """A configuration, given by its name."""

    def __init__(self, name: str, archive: ArchiveForm | None) -> None:
        self.name = name
        self.detector = mock.Mock(classes=())
        self.output = mock.Mock(class_names={}, archive_form=archive, exports=())
        self.dedupe = None
        self.drift = mock.Mock(baseline=None)

    def model_dump(self, mode: str) -> dict[str, str]:
        """Return the name, as the plan of a divided run has it."""
        assert mode == "json"
        return {"name": self.name}

    def digest(self) -> str:
        """Return the name."""
        return self.name


class SilentLogger:
    """Logs nothing."""

    def info(self, *_arguments: object, **_options: object) -> None:
        """Do nothing."""

    exception = warning = info


def process(world: World, run: _Run, publisher: Publisher) -> bytes:
    """Stand for decoding and detection: the video says what happens.

    Files hold the attempt's own number, as ONNX Runtime may compute other bits on another machine.
    So a mix of two attempts is seen.
    """
    video = json.loads(run.source.head)  # type: ignore[attr-defined]
    with publisher.images(world.archive) as put:
        for number in range(2):
            if number == 1:
                _fail(world, video)
            put(f"images/default/{number}.jpg", world.file_content(run.source))
    return world.file_content(run.source)


def _fail(world: World, video: dict[str, Any]) -> None:
    if video["kind"] == "mismatched":  # one invocation can do it after all
        return
    megabytes = world.actor.capacity.megabytes
    if video["kind"] == "bad":
        raise RejectedError("not_a_video", "It is not a video.")
    if megabytes < video.get("needs_megabytes", 0):
        if video["kind"] == "long":
            raise CapacityError("too_long_for_function", "It is too long.")
        world.die()


def write(_run: _Run, content: bytes, publisher: Publisher, _baseline: object) -> PublishedResult:
    """Stand for writing the data files."""
    publisher.put("frames.csv", content)
    return publisher.finish({"frames_kept": 2})


@contextmanager
def replaced(world: World) -> Iterator[None]:
    """Replace the parts of the handler in the block."""
    clock = mock.Mock(time=lambda: world.now)
    replacements: dict[str, Any] = {
        "handler.worker.s3_client": lambda: world.s3,
        "handler.output.s3_client": lambda: world.s3,
        "handler.worker.ThreadPoolExecutor": InlineExecutor,
        "pipeline.storage.s3.run_folder.ThreadPoolExecutor": InlineExecutor,
        "handler.worker.effective_config": lambda _environment, job, _retries: Config(
            job.config.get("name", ""), world.archive
        ),
        "handler.worker.load_model": lambda *_arguments: Model(world.actor.version),
        "handler.worker.emit_outcome": lambda _outcome, _classes: None,
        "handler.worker.emit_superseded": lambda _uri: None,
        "handler.worker.logger": SilentLogger(),
        "handler.output.logger": SilentLogger(),
        "handler.invocation.time": clock,
        "pipeline.storage.s3.result_store.logger": SilentLogger(),
        "pipeline.storage.s3.retries.logger": SilentLogger(),
        "handler.notification.send_notification": world.notify,
        "handler.invocation.secrets.token_hex": lambda _size: world.token(),
        "pipeline.detection.detector.Detector": Detector,
        "pipeline.run._process": lambda run, publisher, *_rest: process(world, run, publisher),
        "pipeline.run._write": write,
        "pipeline.storage.s3.divided.time": clock,
        "pipeline.storage.s3.publication.time": clock,
        "pipeline.storage.s3.result_store.time": clock,
        **shards.replacements(world),
    }
    with ExitStack() as stack:
        for name, replacement in replacements.items():
            stack.enter_context(mock.patch(name, replacement))
        options = {
            **(Retries.__init__.__kwdefaults__ or {}),
            "sleep": lambda _seconds: None,
            "within": lambda attempt, _seconds: attempt(),
        }
        stack.enter_context(mock.patch.object(Retries.__init__, "__kwdefaults__", options))
        yield
