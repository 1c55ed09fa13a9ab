"""Decode a video part by part in this process, and a clip that can be divided."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import av

from pipeline.config.schema import Config
from pipeline.decoding.key_frame import Part
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.runlog import RunLog
from pipeline.sharding.plan import Plan, Shard
from tests.support import clips

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pipeline.decoding.decoder import DecodeResult
    from pipeline.decoding.division import Division
    from pipeline.frame import Frame, Image
    from pipeline.storage.source import ByteStream

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Seen:
    """What two ways of decoding must have in common, of one frame."""

    index: int
    pts_ms: float
    segment: int
    image: bytes


def drained(items: Generator[T, None, R]) -> tuple[list[T], R]:
    """Return what a generator yields and what it returns."""
    yielded = []
    while True:
        try:
            yielded.append(next(items))
        except StopIteration as end:
            return yielded, end.value


def video_of(stream: ByteStream, config: Config) -> Video:
    """Return a video that PyAV decodes in this process."""
    return Video(stream, "clip", config.limits, threads=2, backend="pyav")


def plan_of(path: Path, config: Config, division: Division) -> Plan:
    """Return the plan of a clip, as it comes out of JSON; it may have one shard only.

    Raises:
        ShardMismatchError: the clip cannot be divided.
    """
    grid = SamplingGrid.from_config(config)
    with path.open("rb") as stream:
        starts, facts = drained(video_of(stream, config).parts(grid, division, RunLog()))
    later = (Shard(number, *start) for number, start in enumerate(starts, start=1))
    plan = Plan(facts, (Shard(0, grid.segment_of(0), None), *later))
    return Plan.from_json(json.loads(json.dumps(plan.to_json())))


def decode(path: Path, config: Config, part: Part | None = None) -> tuple[list[Seen], DecodeResult]:
    """Return the sampled frames of a clip or of a part of it, and the result of decoding."""
    sampler = Sampler(SamplingGrid.from_config(config), part)
    with path.open("rb") as stream:
        frames, result = drained(video_of(stream, config).frames(sampler, RunLog()))
    return [_seen(frame) for frame in frames], result


def decode_in_parts(path: Path, config: Config, plan: Plan) -> tuple[list[Seen], DecodeResult, int]:
    """Return the sampled frames of all parts, the last result, and the number of frames."""
    parts = [
        Part.from_json(json.loads(json.dumps(plan.part(shard.number).to_json())))
        for shard in plan.shards
    ]
    decoded = [decode(path, config, part) for part in parts]
    frames = [frame for seen, _ in decoded for frame in seen]
    return frames, decoded[-1][1], sum(result.coverage.decoded for _, result in decoded)


def clip_with_repeated_scenes(path: Path) -> Path:
    """Return 12 seconds in which scenes come again in later segments.

    Every second scene then has a small spot at another place.
    """
    images = (spotted(number // 4 % 13, number // 52) for number in range(120))
    return clips.write_clip(path, images, options={"g": "10", "bf": "2"})


def spotted(scene: int, time: int) -> Image:
    """Return the image of a scene as it is seen for the n-th time."""
    image = clips.texture(scene, 320, 240).copy()
    left = 20 + 40 * time * (scene % 2)
    image[100:108, left : left + 8] = 255
    return image


def trimmed(source: Path, path: Path, seconds: float) -> Path:
    """Copy an mp4 without its beginning, as editors do: the file hides what is before the cut."""
    with av.open(str(source)) as whole, av.open(str(path), "w") as cut:
        stream = whole.streams.video[0]
        copy = cut.add_stream_from_template(stream)
        assert stream.time_base is not None
        ticks = int(seconds / stream.time_base)
        for packet in whole.demux(stream):
            if packet.dts is not None and packet.pts is not None:
                packet.dts, packet.pts, packet.stream = packet.dts - ticks, packet.pts - ticks, copy
                cut.mux(packet)
    return path


def _seen(frame: Frame) -> Seen:
    return Seen(frame.index, frame.pts_ms, frame.segment, frame.image.tobytes())
