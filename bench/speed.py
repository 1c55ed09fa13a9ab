"""How long the whole job takes, against a plain script, its own stages alone, and FFmpeg."""  # noqa: INP001 - used by bench.pipeline

from __future__ import annotations

from itertools import chain
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from bench import clips, decoders, stages, three_phase, whole_job
from bench.measuring import added, in_child, rounds, say
from bench.results import Target, table
from bench.stages import STAGES
from bench.three_phase import PHASES, SCRIPT, SCRIPT_WITH_OUR_SESSION
from bench.whole_job import JOB
from pipeline.concurrency.cpus import available_cpus
from tests.support.clips import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.measuring import Rounds

ROUNDS = 7
LONGEST_AGAINST_BOUND = 1.2
LONGEST_AGAINST_SCRIPT = {"sample": 0.6, "1080p": 0.7}
_CONTENDERS = (whole_job.costs, three_phase.costs, stages.costs, decoders.costs)
_ITEMS = {"decode": "frames_decoded", "dedupe": "frames_sampled"}


class Measured(NamedTuple):
    """One clip: the costs of all, and what the job counts in it."""

    rounds: Rounds
    counts: dict[str, int]


def measured() -> tuple[str, list[Target]]:
    """Return the tables, and what was aimed at."""
    by_clip = {"sample": _measured("sample", SAMPLE)}
    by_clip["1080p"] = _measured("1080p clip", in_child(clips.full_hd))
    return f"{_against(by_clip)}\n{_by_stage(by_clip)}", list(_targets(by_clip))


def _measured(name: str, clip: Path) -> Measured:
    say(f"{name}: {ROUNDS} rounds of the whole job, the script, the stages, FFmpeg")
    return Measured(rounds(_CONTENDERS, clip, ROUNDS), in_child(whole_job.counts, clip))


def _targets(by_clip: dict[str, Measured]) -> Iterator[Target]:
    for name, (costs, _) in by_clip.items():
        what = f"{name}: whole job / larger of (slowest stage alone, all stages' CPU s / CPUs)"
        yield Target(what, _against_bound(costs), LONGEST_AGAINST_BOUND)
    for name, (costs, _) in by_clip.items():
        for script in (SCRIPT_WITH_OUR_SESSION, SCRIPT):
            what = f"{name}: whole job / {script}"
            yield Target(what, costs.ratio(JOB, script), LONGEST_AGAINST_SCRIPT[name])


def _against_bound(costs: Rounds) -> float:
    """Return the job's time against the least that its stages could take."""
    ratios = []
    for each in costs:
        alone = [each[stage] for stage in STAGES]
        shared = added(alone).cpu_seconds / available_cpus()
        ratios.append(each[JOB].seconds / max(shared, *(cost.seconds for cost in alone)))
    return median(ratios)


def _against(by_clip: dict[str, Measured]) -> str:
    titles = ["", *chain.from_iterable((f"{name}, s", f"job / this, {name}") for name in by_clip)]
    names = {JOB: JOB, SCRIPT: SCRIPT, SCRIPT_WITH_OUR_SESSION: SCRIPT_WITH_OUR_SESSION}
    names |= {phase: f"- {phase}" for phase in PHASES}
    names |= {stage: f"stage `{stage}` alone" for stage in STAGES}
    names |= {decoders.PYAV: decoders.PYAV}
    if decoders.is_installed():
        names |= {decoders.FFMPEG: decoders.FFMPEG}
    rows = (
        [shown, *chain.from_iterable(_pair(each.rounds, name) for each in by_clip.values())]
        for name, shown in names.items()
    )
    missing = "" if decoders.is_installed() else f"\n{decoders.MISSING}\n"
    return f"### The whole job\n\n{table(titles, rows)}{missing}"


def _pair(costs: Rounds, name: str) -> tuple[str, str]:
    return f"{costs.seconds(name):.3f}", f"{costs.ratio(JOB, name):.2f}"


def _by_stage(by_clip: dict[str, Measured]) -> str:
    columns = ("frames", "frames/s", "CPU ms/frame")
    titles = ["stage", *(f"{column}, {name}" for name in by_clip for column in columns)]
    rows = (
        [f"`{stage}`", *chain.from_iterable(_rates(each, stage) for each in by_clip.values())]
        for stage in STAGES
    )
    return f"### Each stage alone\n\n{table(titles, rows)}"


def _rates(clip: Measured, stage: str) -> tuple[str, str, str]:
    frames = clip.counts[_ITEMS.get(stage, "frames_kept")]
    cpu_seconds = median(each[stage].cpu_seconds for each in clip.rounds)
    rate = frames / clip.rounds.seconds(stage)
    return f"{frames:,}", f"{rate:,.0f}", f"{1000 * cpu_seconds / frames:.2f}"
