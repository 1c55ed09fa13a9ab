"""All figures of the reports, each computed once."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import __version__
from pipeline.dataset.report.statistics import object_statistics
from pipeline.dataset.report.timeline import timeline
from pipeline.runlog import STAGE_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.coverage import Coverage
    from pipeline.dataset.dataset import Dataset
    from pipeline.dataset.report.statistics import ObjectStatistics
    from pipeline.dataset.report.timeline import Timeline
    from pipeline.frame import Display, Track
    from pipeline.resources.prices import Bill
    from pipeline.runlog import RunLog


@dataclass(frozen=True)
class Subject:
    """What a report is about, besides the dataset and the run log.

    Attributes:
        run_id: the run id.
        video_uri: path or URI of the video.
        every_ms: time between two samples, in milliseconds.
        settings: the content of config.json.
        bill: what the video cost; None if the memory of the function is not known.
        memory_megabytes: memory of the function, if there is a bill.
        archive: name of the archive that has the images; None: each is a file of its own.
    """

    run_id: str
    video_uri: str
    every_ms: float
    settings: Mapping[str, Any]
    bill: Bill | None = None
    memory_megabytes: int | None = None
    archive: str | None = None


@dataclass(frozen=True)
class StageRow:
    """The row of a stage, as all tables show it.

    Attributes:
        name: one of `STAGE_UNITS`.
        items_in, unit_in, items_out, unit_out: counts and their units.
        failed: number of items that could not be processed.
        seconds: time of the stage's own work, with 3 decimals.
        items_per_second: items in for each second, with 1 decimal.
    """

    name: str
    items_in: int
    unit_in: str
    items_out: int
    unit_out: str
    failed: int
    seconds: str
    items_per_second: str


@dataclass(frozen=True)
class CoverageRow:
    """How much of the video was decoded, as all tables show it: times in seconds, 3 decimals.

    Attributes:
        share: share of the frames that were decoded, 0 to 1, with 6 decimals.
        seconds_lost: total length of the missing ranges.
        seconds_short: from the end of the streams to the end that the header gives.
        ranges: start, end and number of frames of the first 100 missing ranges.
    """

    share: str
    seconds_lost: str
    seconds_short: str
    ranges: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Figures:
    """What a report shows.

    Attributes:
        subject: what it is about.
        version: version of pretag.
        model: name of the model.
        video: name of the video.
        size_bytes: size of its file.
        width, height: size of the images in displayed pixels; 0 if there are none.
        display: how the images were made of the stored pixels.
        track: which video track was decoded; None if unknown.
        log: the run log, for counts and plain totals.
        counts: its counts, by name.
        stages: a row for each stage.
        coverage: how much of the video was decoded.
        drops: number of dropped frames by reason, sorted by reason.
        objects: statistics of the objects.
        timeline: what became of the sampled frames over time.
        settings: key and value of the effective configuration, the model and the versions.
    """

    subject: Subject
    version: str
    model: str
    video: str
    size_bytes: int
    width: int
    height: int
    display: Display
    track: Track | None
    log: RunLog
    counts: dict[str, int]
    stages: tuple[StageRow, ...]
    coverage: CoverageRow
    drops: dict[str, int]
    objects: ObjectStatistics
    timeline: Timeline
    settings: tuple[tuple[str, str], ...]


def figures_of(dataset: Dataset, log: RunLog, subject: Subject) -> Figures:
    """Return the figures of a run."""
    line = timeline(
        dataset.frames,
        log.coverage.missing_ranges,
        video_ms=1000 * log.video_seconds,
        every_ms=subject.every_ms,
    )
    drops = sum((cell.dropped for cell in line.cells), Counter[str]())
    width, height = next(((frame.width, frame.height) for frame in dataset.frames), (0, 0))
    return Figures(
        subject=subject,
        version=__version__,
        model=str(subject.settings["model"]["name"]),
        video=dataset.video,
        size_bytes=dataset.size_bytes,
        width=width,
        height=height,
        display=dataset.display,
        track=dataset.track,
        log=log,
        counts=log.counts(),
        stages=stage_rows(log),
        coverage=coverage_row(log.coverage),
        drops=dict(sorted(drops.items())),
        objects=object_statistics(dataset),
        timeline=line,
        settings=tuple(_leaves(subject.settings)),
    )


def stage_rows(log: RunLog) -> tuple[StageRow, ...]:
    """Return a row for each stage, in the order of the data."""
    return tuple(
        StageRow(
            name=stage.name,
            items_in=stage.items_in,
            unit_in=STAGE_UNITS[stage.name][0],
            items_out=stage.items_out,
            unit_out=STAGE_UNITS[stage.name][1],
            failed=stage.failed,
            seconds=f"{stage.seconds:.3f}",
            items_per_second=f"{stage.items_per_second:.1f}",
        )
        for stage in log.stages.values()
    )


def coverage_row(coverage: Coverage) -> CoverageRow:
    """Return how much of the video was decoded, as the tables show it."""
    return CoverageRow(
        share=f"{coverage.share:.6f}",
        seconds_lost=f"{coverage.seconds_lost:.3f}",
        seconds_short=f"{coverage.seconds_short:.3f}",
        ranges=tuple(
            (f"{each.from_ms / 1000:.3f}", f"{each.to_ms / 1000:.3f}", each.frames)
            for each in coverage.missing_ranges
        ),
    )


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted names and texts of all values in a JSON object."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value)) or "none"
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)
