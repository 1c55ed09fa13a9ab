"""Open a video for decoding: in a process of its own where the platform has the means."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from functools import cache
from logging import getLogger
from typing import TYPE_CHECKING, Self

from pipeline.child_process.launching import IS_SUPPORTED
from pipeline.decoding.backend import automatic_backend, has_pyav
from pipeline.decoding.process.decoder_process import DecoderProcess
from pipeline.decoding.process.spare import take_child
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.errors import BrokenError
from pipeline.runlog import RunLog

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pipeline.config.schema import Config
    from pipeline.resources.budget import Budget
    from pipeline.storage.source import ByteStream, VideoSource

logger = getLogger(__name__)


class OpenedVideo:
    """A source that is open, and its video. A context manager, which closes both.

    Attributes:
        source: the source.
        log: the log of the run that gets this video. Its time begins now.
        stream: the bytes of the source.
        video: the video; nothing is read before `begin`, or before its frames are.
    """

    def __init__(
        self, source: VideoSource, config: Config, *, threads: int, budget: Budget
    ) -> None:
        """Open the source, and the video as `open_video` does.

        Raises:
            PretagError: the source cannot be opened, or the configured backend is not installed.
        """
        self.source = source
        self.log = RunLog()
        self._sampler = Sampler(SamplingGrid.from_config(config))
        with ExitStack() as stack:
            self.stream = stack.enter_context(source.open())
            self.video = stack.enter_context(
                open_video(self.stream, source.uri, config, threads=threads, budget=budget)
            )
            self._stack = stack.pop_all()

    def begin(self) -> None:
        """Begin to decode the whole video, if a process of its own does it.

        That saves time if the frames are read later: other things can be prepared meanwhile.
        """
        if isinstance(self.video, DecoderProcess):
            self.video.begin(self._sampler)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()


def open_video(
    stream: ByteStream, name: str, config: Config, *, threads: int, budget: Budget
) -> AbstractContextManager[DecoderProcess | Video]:
    """Return a video; nothing is read yet. At the end of the block its process has ended.

    Args:
        stream: readable and seekable; the caller closes it after the block.
        name: name of the video in messages.
        config: the configured limits and backend.
        threads: number of threads the decoder may use.
        budget: the time and the memory that the run has.

    Raises:
        BrokenError: the configured backend is not installed.
    """
    limits, choice = config.limits, config.decoding.backend
    if choice == "pyav" and not has_pyav():
        raise BrokenError(
            "decoding.backend is pyav, which is not installed. Install pretag[pyav], or set "
            "decoding.backend=auto."
        )
    if IS_SUPPORTED:
        backend = automatic_backend() if choice == "auto" else choice
    else:
        # This process has OpenCV's FFmpeg already, and must not have two.
        backend = "opencv" if choice == "auto" else choice
    if config.sampling.pick == "on_show" and backend != "pyav":
        raise BrokenError(
            "sampling.pick is on_show, which the backend opencv cannot do, as it does not look "
            "ahead. Install pretag[pyav] and set decoding.backend=pyav, or set "
            "sampling.pick=at_or_after."
        )
    square_pixels = config.decoding.square_pixels
    if IS_SUPPORTED:
        return DecoderProcess(
            take_child(backend),
            stream,
            name,
            limits,
            threads=threads,
            budget=budget,
            square_pixels=square_pixels,
        )
    _tell_once()
    return nullcontext(
        Video(
            stream,
            name,
            limits,
            threads=threads,
            capacity=budget.capacity,
            backend=backend,
            square_pixels=square_pixels,
        )
    )


@cache
def _tell_once() -> None:
    logger.warning(
        "This platform cannot confine the decoder, so videos are decoded in this process. A video "
        "that crashes the decoder ends it."
    )
