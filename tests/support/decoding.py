"""Decode a whole video, as a run does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.config.schema import Config, LimitsConfig
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.runlog import RunLog

if TYPE_CHECKING:
    from pipeline.decoding.video import DecodeResult
    from pipeline.frame import Frame
    from pipeline.storage.source import ByteStream


class Decoded(NamedTuple):
    """The sampled frames of a video, and the result of decoding it."""

    frames: list[Frame]
    result: DecodeResult


def decode(  # noqa: PLR0913 - the same choices as a run has
    stream: ByteStream,
    name: str,
    config: Config | None = None,
    limits: LimitsConfig | None = None,
    *,
    threads: int = 1,
    log: RunLog | None = None,
) -> Decoded:
    """Decode a video; by default sample a frame a second."""
    video = Video(stream, name, limits or LimitsConfig(), threads=threads)
    items = video.frames(Sampler(SamplingGrid.from_config(config or Config())), log or RunLog())
    frames = []
    while True:
        try:
            frames.append(next(items))
        except StopIteration as end:
            return Decoded(frames, end.value)
