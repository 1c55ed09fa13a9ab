"""Measure the whole job, each stage alone, and FFmpeg."""

from __future__ import annotations

from itertools import chain
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from bench import clips, other_decoders, stages, whole_job
from bench.measuring import in_child, measure_rounds, show_progress, total
from bench.results import Target, table
from bench.stages import STAGES
from bench.whole_job import JOB
from pipeline.concurrency.cpus import available_cpus
from tests.support.clips import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.measuring import Rounds

ROUNDS = 7
LARGEST_RATIO_TO_BOUND = 1.2
_MEASUREMENTS = (whole_job.measure, stages.measure, other_decoders.measure)
# The count of the frames that each stage processes; `frames_kept` for the others.
_INPUTS = {"decode": "frames_decoded", "dedupe": "frames_sampled"}


class ClipResult(NamedTuple):
    """The measurements of one clip, and the counts of the job."""

    rounds: Rounds
    counts: dict[str, int]


def measure() -> tuple[str, list[Target]]:
    """Return the tables and the targets."""
    by_clip = {"sample": _measure_clip("sample", SAMPLE)}
    by_clip["1080p"] = _measure_clip("1080p clip", in_child(clips.full_hd))
    return f"{_comparison(by_clip)}\n{_stage_rates(by_clip)}", list(_targets(by_clip))


def _measure_clip(name: str, clip: Path) -> ClipResult:
    show_progress(f"{name}: {ROUNDS} rounds of the whole job, the stages, FFmpeg")
    return ClipResult(measure_rounds(_MEASUREMENTS, clip, ROUNDS), in_child(whole_job.counts, clip))


def _targets(by_clip: dict[str, ClipResult]) -> Iterator[Target]:
    for clip, (rounds, _) in by_clip.items():
        name = f"{clip}: whole job / larger of (slowest stage alone, all stages' CPU s / CPUs)"
        yield Target(name, _ratio_to_bound(rounds), LARGEST_RATIO_TO_BOUND)


def _ratio_to_bound(rounds: Rounds) -> float:
    """Return the time of the job, divided by the least time that its stages can take."""
    ratios = []
    for costs in rounds:
        alone = [costs[stage] for stage in STAGES]
        shared = total(alone).cpu_seconds / available_cpus()
        ratios.append(costs[JOB].seconds / max(shared, *(cost.seconds for cost in alone)))
    return median(ratios)


def _comparison(by_clip: dict[str, ClipResult]) -> str:
    titles = ["", *chain.from_iterable((f"{clip}, s", f"job / this, {clip}") for clip in by_clip)]
    shown = {JOB: JOB}
    shown |= {stage: f"stage `{stage}` alone" for stage in STAGES}
    shown |= {other_decoders.PYAV: other_decoders.PYAV}
    if other_decoders.is_installed():
        shown |= {other_decoders.FFMPEG: other_decoders.FFMPEG}
    rows = (
        [title, *chain.from_iterable(_cells(result.rounds, name) for result in by_clip.values())]
        for name, title in shown.items()
    )
    note = "" if other_decoders.is_installed() else f"\n{other_decoders.NOT_INSTALLED}\n"
    return f"### The whole job\n\n{table(titles, rows)}{note}"


def _cells(rounds: Rounds, name: str) -> tuple[str, str]:
    return f"{rounds.seconds(name):.3f}", f"{rounds.ratio(JOB, name):.2f}"


def _stage_rates(by_clip: dict[str, ClipResult]) -> str:
    columns = ("frames", "frames/s", "CPU ms/frame")
    titles = ["stage", *(f"{column}, {clip}" for clip in by_clip for column in columns)]
    rows = (
        [f"`{stage}`", *chain.from_iterable(_rates(result, stage) for result in by_clip.values())]
        for stage in STAGES
    )
    return f"### Each stage alone\n\n{table(titles, rows)}"


def _rates(result: ClipResult, stage: str) -> tuple[str, str, str]:
    frames = result.counts[_INPUTS.get(stage, "frames_kept")]
    cpu_seconds = median(costs[stage].cpu_seconds for costs in result.rounds)
    rate = frames / result.rounds.seconds(stage)
    return f"{frames:,}", f"{rate:,.0f}", f"{1000 * cpu_seconds / frames:.2f}"
