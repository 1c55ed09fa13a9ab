"""Decode a video the way a run does, and return all sampled frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.config.schema import Config
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.runlog import RunLog

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pipeline.decoding.backend import BackendName
    from pipeline.decoding.decoder import DecodeResult
    from pipeline.decoding.process.decoder_process import DecoderProcess
    from pipeline.frame import Frame
    from pipeline.storage.source import ByteStream


class Decoded(NamedTuple):
    """The sampled frames of a video, the result of decoding it, and the log."""

    frames: list[Frame]
    result: DecodeResult
    log: RunLog


def decode(
    stream: ByteStream,
    name: str,
    config: Config | None = None,
    *,
    threads: int = 1,
    backend: BackendName = "pyav",
) -> Decoded:
    """Decode a video. By default one frame a second is sampled."""
    config = config or Config()
    video = Video(
        stream,
        name,
        config.limits,
        threads=threads,
        backend=backend,
        square_pixels=config.decoding.square_pixels,
    )
    return drained(video, config)


def drained(video: Video | DecoderProcess, config: Config) -> Decoded:
    """Decode a video to its end."""
    log = RunLog()
    items = video.frames(Sampler(SamplingGrid.from_config(config)), log)
    frames = []
    while True:
        try:
            frames.append(next(items))
        except StopIteration as end:
            return Decoded(frames, end.value, log)


def decode_file(path: Path, *, backend: BackendName = "pyav", **sampling: float | str) -> Decoded:
    """Decode a file. By default one frame a second is sampled."""
    config = Config.model_validate({"sampling": sampling})
    with path.open("rb") as stream:
        return decode(stream, path.name, config, backend=backend)


def sampled_frames(
    video: Video, config: Config | None = None, log: RunLog | None = None
) -> Generator[Frame, None, DecodeResult]:
    """Yield the sampled frames of a video. By default one frame a second is sampled."""
    grid = SamplingGrid.from_config(config or Config())
    return video.frames(Sampler(grid), log or RunLog())
