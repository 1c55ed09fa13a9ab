"""What happened in a run: one row a stage.

It alone feeds logs.csv, the report and the metrics, so that the three can never disagree.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING

from pipeline.coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterator

# Stage -> what goes in, what comes out. The order is the way of the data.
STAGES: dict[str, tuple[str, str]] = {
    "fetch": ("reads", "bytes"),
    "decode": ("frames decoded", "frames sampled"),
    "dedupe": ("frames sampled", "frames kept"),
    "detect": ("frames kept", "detections"),
    "encode": ("frames kept", "images"),
    "write": ("files", "bytes"),
}


@dataclass
class Stage:
    """One stage's row.

    Attributes:
        items_in, items_out: counts, in the units that `STAGES` names.
        failed: items that could not be worked on, such as corrupt frames.
        seconds: time in the stage's own work, summed over its threads, without waiting for its
            neighbours. Stages run side by side, so together they take more than the whole.
    """

    name: str
    items_in: int = 0
    items_out: int = 0
    failed: int = 0
    seconds: float = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the time of the block to the stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started

    @property
    def items_per_second(self) -> float:
        """Items taken in a second; 0 where nothing was timed."""
        return self.items_in / self.seconds if self.seconds else 0.0


@dataclass
class RunLog:
    """All of a run's counts and timings.

    Attributes:
        stages: a row a stage, in order.
        detections_by_class: label -> count, over the dataset.
        coverage: what was decoded of the video, and what is missing.
        video_seconds: how far into the video the work went.
        total_seconds: from the log's beginning to `finished()`.
        peak_memory_megabytes: of the process so far.
    """

    stages: dict[str, Stage] = field(default_factory=lambda: {name: Stage(name) for name in STAGES})
    detections_by_class: Counter[str] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)
    video_seconds: float = 0.0
    total_seconds: float = 0.0
    peak_memory_megabytes: float = 0.0
    _started: float = field(default_factory=time.perf_counter, repr=False)
    _adding: Lock = field(default_factory=Lock, repr=False)

    def stage(self, name: str) -> Stage:
        """Return the row of one of `STAGES`."""
        return self.stages[name]

    def add(self, done: Stage) -> None:
        """Add what a thread counted to its stage's row."""
        with self._adding:
            stage = self.stages[done.name]
            stage.items_in += done.items_in
            stage.items_out += done.items_out
            stage.failed += done.failed
            stage.seconds += done.seconds

    @contextmanager
    def work(self, name: str) -> Iterator[Stage]:
        """Time the block for a stage, count one item if it ends well, and add what it counts."""
        done = Stage(name)
        try:
            with done.timed():
                yield done
            done.items_in += 1
        finally:
            self.add(done)

    def finished(self) -> RunLog:
        """Return the log as it stands, with total time and peak memory.

        The copy no longer changes: what is written after it (logs.csv, the report, metrics)
        tells the same story.
        """
        return replace(
            self,
            stages={name: replace(stage) for name, stage in self.stages.items()},
            detections_by_class=self.detections_by_class.copy(),
            total_seconds=time.perf_counter() - self._started,
            peak_memory_megabytes=_peak_memory_megabytes(),
        )

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of video: below 1 is faster than watching it."""
        return self.total_seconds / self.video_seconds if self.video_seconds else 0.0

    def counts(self) -> dict[str, int]:
        """Return the counts that summaries show, by name."""
        decode, dedupe = self.stage("decode"), self.stage("dedupe")
        return {
            "frames_decoded": decode.items_in,
            "frames_corrupt": decode.failed,
            "frames_lost": self.coverage.lost,
            "frames_sampled": decode.items_out,
            "frames_kept": dedupe.items_out,
            "detections": self.stage("detect").items_out,
        }


def _peak_memory_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, KiB elsewhere: https://docs.python.org/3/library/resource.html
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
