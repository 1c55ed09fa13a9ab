"""Measure decoding of samples that are moved to key frames, against exact samples."""

from __future__ import annotations

import io
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from bench import clips, results
from bench.measuring import in_child, measure_rounds, show_progress, timed
from bench.results import Target, date_and_processor, table
from pipeline.concurrency.cpus import available_cpus
from pipeline.config.schema import Config
from pipeline.decoding.video import Video
from pipeline.storage.s3.ranged_reader import BLOCK_BYTES, RangedReader
from tests.support.decoding import decode, sampled_frames
from tests.support.needed_packets import needed_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measuring import Costs, Rounds

ROUNDS = 3
SMALLEST_RATIO = 10
_WAYS = (("exact", 1), ("reference", 1), ("key", 1), ("key", 2))
_FETCHED = (("mp4", "exact", 20), ("mp4", "key", 2), ("mkv", "key", 2), ("ts", "key", 2))


def measure() -> str:
    """Return the section of RESULTS.md."""
    clip = in_child(clips.full_hd_with_key_frames)
    show_progress(f"key frames: {ROUNDS} rounds of 5 minutes of 1080p")
    rounds = measure_rounds((_measure,), clip, ROUNDS)
    exact = _name("exact", 1)
    rows = [
        (
            _name(snap, every),
            *(f"{seconds:.2f}" for seconds in _medians(rounds, _name(snap, every))),
            f"{_cpu_ratio(rounds, exact, _name(snap, every)):.1f}",
        )
        for snap, every in _WAYS
    ]
    targets = [
        Target(
            f"decode, CPU: exact / {_name('key', every)}",
            _cpu_ratio(rounds, exact, _name("key", every)),
            SMALLEST_RATIO,
            is_minimum=True,
        )
        for every in (1, 2)
    ]
    return (
        f"## Key frames\n\n{date_and_processor()}; medians of {ROUNDS} rounds. 5 minutes of "
        "1080p30 in H.264, 6 Mbit/s,\nnoise as of a camera, a key frame each 2 seconds; decoding "
        "alone.\n\n"
        + table(("", "s", "CPU s", "less CPU time, times"), rows)
        + "\n"
        + table(("ratio", "measured", "target", ""), (target.row for target in targets))
        + "\nThe same clip by ranges, as from S3; `needed` are the packets of the samples:\n\n"
        + table(
            ("", "requests", "MB fetched", "MB needed", "MB of the file"),
            [in_child(_ranges, *each) for each in _FETCHED],
        )
    )


def _name(snap: str, every: int) -> str:
    return f"{snap}, a sample every {every} s"


def _medians(rounds: Rounds, name: str) -> tuple[float, float]:
    return rounds.seconds(name), median(costs[name].cpu_seconds for costs in rounds)


def _cpu_ratio(rounds: Rounds, name: str, other: str) -> float:
    return median(costs[name].cpu_seconds / costs[other].cpu_seconds for costs in rounds)


def _config(snap: str, every: int) -> Config:
    return Config.model_validate({"sampling": {"snap": snap, "every_seconds": every}})


def _measure(clip: Path) -> Costs:
    return {
        _name(snap, every): timed(partial(_decode, clip, _config(snap, every)))[1]
        for snap, every in _WAYS
    }


def _decode(clip: Path, config: Config) -> None:
    with clip.open("rb") as stream:
        threads = available_cpus()
        video = Video(stream, clip.name, config.limits, threads=threads, backend="pyav")
        for _ in sampled_frames(video, config):
            pass


def _ranges(suffix: str, snap: str, every: int) -> tuple[str, ...]:
    """Return how much of a clip in a container is fetched, and how much its samples need."""
    clip = clips.full_hd_with_key_frames(suffix)
    data = clip.read_bytes()

    def fetch(start: int, end: int) -> bytes:
        return data[start:end]

    with RangedReader(fetch, len(data), data[:BLOCK_BYTES]) as reader:
        frames = decode(reader, clip.name, _config(snap, every)).frames
        counts = reader.requests, reader.bytes_fetched
    needed = needed_bytes(io.BytesIO(data), [frame.index for frame in frames])
    megabytes = (f"{size / 1e6:.1f}" for size in (counts[1], needed, len(data)))
    return (f"{suffix}, {_name(snap, every)}", str(counts[0]), *megabytes)


if __name__ == "__main__":
    results.run(measure, "Measure decoding of key frames alone.")
