"""The parent's side: a video that is decoded in a child.

It has the interface of `Video`: frames, header, watchdog.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from logging import getLogger
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from pipeline.decoding.decoder import DecodeResult
from pipeline.decoding.header import HeaderInfo
from pipeline.decoding.key_frame import VideoFacts
from pipeline.decoding.limits import stalled_error
from pipeline.decoding.process.answers import add_work, part_of, result_of
from pipeline.decoding.process.byte_stream import ByteServer
from pipeline.decoding.process.failures import crash_error, crashed, error_of
from pipeline.decoding.process.launching import END_SECONDS
from pipeline.decoding.process.shared_memory import ImageReader
from pipeline.frame import Frame

if TYPE_CHECKING:
    from pipeline.config.schema import LimitsConfig
    from pipeline.decoding.decoder import Frames
    from pipeline.decoding.division import Division
    from pipeline.decoding.key_frame import KeyFrame, Part
    from pipeline.decoding.part_search import Parts
    from pipeline.decoding.process.channel import Message
    from pipeline.decoding.process.launching import Child
    from pipeline.decoding.sampling import Sampler, SamplingGrid
    from pipeline.resources.budget import Budget
    from pipeline.runlog import RunLog
    from pipeline.storage.source import ByteStream

logger = getLogger(__name__)

_Item: TypeAlias = "Frame | DecodeResult | tuple[int, KeyFrame] | VideoFacts | Exception | None"

_MEGABYTE = 2**20
_CPU_SECONDS_WITHOUT_DEADLINE = 48 * 3600


class DecoderProcess:
    """A video that is decoded in a process of its own.

    Attributes:
        header: what the header says; empty until the first frame.
    """

    def __init__(  # noqa: PLR0913 - as `Video`
        self,
        child: Child,
        stream: ByteStream,
        name: str,
        limits: LimitsConfig,
        *,
        threads: int,
        budget: Budget,
        square_pixels: bool = True,
    ) -> None:
        """Create a video; nothing is read yet.

        Args:
            child: the process, which belongs to this video from now on.
            stream: readable and seekable; the caller closes it.
            name: name of the video in messages.
            limits: the configured limits.
            threads: number of threads the decoder may use.
            budget: the time and the memory that the run has.
            square_pixels: make images of square pixels.
        """
        self.header = HeaderInfo()
        self._child = child
        self._name = name
        self._limits = limits
        self._threads = threads
        self._square_pixels = square_pixels
        self._budget = budget
        self._bytes = ByteServer(stream, child.byte_end)
        self._images = ImageReader()
        self._last_ms: float | None = None  # pts of the last frame
        self._has_begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._child.close()
        self._bytes.join(END_SECONDS)

    def begin(self, sampler: Sampler) -> None:
        """Begin to decode the frames that `frames` yields. It must get an equal sampler then."""
        self._has_begun = True
        self._start(sampler.grid, part=sampler.part)

    def frames(self, sampler: Sampler, log: RunLog) -> Frames:
        """Yield the sampled frames; add the counts of `fetch` and `decode` to the log.

        Raises:
            RejectedError: the video cannot be read, exceeds a limit, crashed the decoder, no frame
                of it decodes, or none is in the sampled range.
            CapacityError: its images do not fit the memory of the function.
            Exception: whatever reading the stream raised.
        """
        if not self._has_begun:
            self.begin(sampler)
        while True:
            item = self._next(log)
            if isinstance(item, Frame):
                with contextlib.suppress(OSError):
                    self._child.channel.send("next", freed=self._images.take_freed())
                yield item
            elif isinstance(item, DecodeResult):
                return item
            elif isinstance(item, Exception):
                raise item

    def parts(self, grid: SamplingGrid, division: Division, log: RunLog) -> Parts:
        """Yield where each part but the first begins, as `Video.parts` does.

        Raises:
            ShardMismatchError: the video cannot be divided.
            Exception: as `frames`.
        """
        self._start(grid, division=division)
        while True:
            item = self._next(log)
            if isinstance(item, tuple):
                yield item
            elif isinstance(item, VideoFacts):
                return item
            elif isinstance(item, Exception):
                raise item

    def _start(
        self, grid: SamplingGrid, part: Part | None = None, division: Division | None = None
    ) -> None:
        self._bytes.start()
        self._child.clock.set()
        with contextlib.suppress(OSError):  # a child that is gone shows as the end of its messages
            self._child.channel.send(
                "start",
                **self._job(grid),
                part=None if part is None else part.to_json(),
                division=None if division is None else asdict(division),
            )

    def likely_seconds(self, done_seconds: float) -> float | None:
        """Return the likely length, as seen after so many seconds of video; None if unknown."""
        share = self._bytes.position / self._bytes.size if self._bytes.size else 0.0
        return self.header.likely_seconds(done_seconds, share)

    def check_stalled(self) -> None:
        """Check from another thread that the decoder makes progress.

        Raises:
            RejectedError: it made none for longer than the limit.
        """
        is_waiting = self._bytes.is_reading
        if not is_waiting and self._child.clock.idle_seconds() > self._limits.stalled_seconds:
            raise stalled_error(self._name, self._limits)

    def stop(self) -> None:
        """Make `frames` end soon. May be called from any thread."""
        self._child.kill()

    def _job(self, grid: SamplingGrid) -> dict[str, Any]:
        capacity = self._budget.capacity
        seconds_left = self._budget.deadline.seconds_left()
        cpu_seconds = min(seconds_left * self._threads, _CPU_SECONDS_WITHOUT_DEADLINE)
        return {
            "name": self._name,
            "size": self._bytes.size,
            "is_ranged": self._bytes.is_ranged,
            "grid": asdict(grid),
            "limits": self._limits.model_dump(mode="json"),
            "threads": self._threads,
            "square_pixels": self._square_pixels,
            "capacity": None if capacity is None else asdict(capacity),
            # Not less, because what the decoder allocates and never uses counts too. If both
            # processes need more than there is, the system ends the larger one, which is the child.
            "more_bytes": None if capacity is None else capacity.megabytes * _MEGABYTE,
            "cpu_seconds": int(cpu_seconds) + 1,
        }

    def _next(self, log: RunLog) -> _Item:
        """Return what the child hands over next; the error to raise; None for a mere note."""
        try:
            message = self._child.channel.receive()
            return self._crash() if message is None else self._content(message, log)
        except (ArithmeticError, LookupError, TypeError, ValueError, OSError, RecursionError):
            # A hostile video may control the child, so its messages are not trusted.
            return crashed(self._name, "its process sends what no decoder sends", self._progress())

    def _content(self, message: Message, log: RunLog) -> _Item:
        content = message.content
        match message.kind:
            case "ready" | "confined" | "header":
                self._note(message)
                return None
            case "frame":
                return self._frame(message)
            case "part":
                return part_of(content)
        add_work(content, log)
        match message.kind:
            case "result":
                self.header = HeaderInfo(**content["header"])
                return result_of(content)
            case "facts":
                return VideoFacts.from_json(content["facts"])
        return self._bytes.error or error_of(message, self._name, self._progress())

    def _note(self, message: Message) -> None:
        if message.kind == "header":
            self.header = HeaderInfo(**message.content)
        elif message.content.get("refused"):
            logger.warning(
                "The kernel refused restrictions of the decoder's process",
                extra={"refused": message.content["refused"]},
            )

    def _frame(self, message: Message) -> Frame:
        content = message.content
        self._images.drop([int(number) for number in content["dropped"]])
        if message.descriptor is not None:
            self._images.add(int(content["memory"]), message.descriptor)
        image = self._images.read(
            int(content["memory"]), int(content["height"]), int(content["width"])
        )
        index, pts_ms = int(content["index"]), float(content["pts_ms"])
        self._last_ms = pts_ms
        return Frame(index, pts_ms, int(content["segment"]), image)

    def _crash(self) -> Exception:
        """Return the error for a child that ended without a last message."""
        code = self._child.end()
        logger.info(
            "The process of the decoder ended",
            extra={"exit_code": code, "output": self._child.log_tail()},
        )
        return self._bytes.error or crash_error(code, self._name, self._progress())

    def _progress(self) -> str:
        if self._last_ms is None:
            return "No sampled frame was decoded before."
        return f"Frames up to {self._last_ms / 1000:.1f} seconds were decoded before."
