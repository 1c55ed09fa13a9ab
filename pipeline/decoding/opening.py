"""Open a video for decoding: in a process of its own where the platform has the means."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from logging import getLogger
from typing import TYPE_CHECKING

from pipeline.decoding.process.decoder_process import DecoderProcess
from pipeline.decoding.process.spare import IS_SUPPORTED, take_child
from pipeline.decoding.video import Video
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pipeline.config.schema import Config
    from pipeline.decoding.backend import BackendName
    from pipeline.resources.budget import Budget
    from pipeline.storage.source import ByteStream

logger = getLogger(__name__)


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
    limits, backend = config.limits, config.decoding.backend
    if backend == "pyav" and pyav_version() is None:
        raise BrokenError(
            "decoding.backend is pyav, which is not installed. Install pretag[pyav], or set "
            "decoding.backend=auto."
        )
    library: BackendName = "pyav" if backend == "pyav" else "opencv"
    if IS_SUPPORTED:
        can_switch = backend == "auto" and pyav_version() is not None
        return DecoderProcess(
            take_child(library),
            stream,
            name,
            limits,
            threads=threads,
            budget=budget,
            can_switch=can_switch,
        )
    _tell_once()
    return nullcontext(
        Video(stream, name, limits, threads=threads, capacity=budget.capacity, backend=library)
    )


def pyav_version() -> str | None:
    """Return the version of the second backend; None if it is not installed.

    It is not imported: a child does that.
    """
    try:
        return version("av")
    except PackageNotFoundError:
        return None


@cache
def _tell_once() -> None:
    logger.warning(
        "This platform cannot confine the decoder, so videos are decoded in this process. A video "
        "that crashes the decoder ends it."
    )
