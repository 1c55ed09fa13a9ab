"""Counts and times of a run: a row for each stage, and the coverage of the video.

`logs.csv`, the report and the metrics are all made from the run log, so they cannot disagree.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from pipeline.coverage import Coverage
from pipeline.drift.drift import drift_json
from pipeline.resources.peak_memory import PeakMemory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.drift.drift import Drift, NotCompared
    from pipeline.resources.prices import Bill

STAGE_UNITS: dict[str, tuple[str, str]] = {
    "fetch": ("reads", "bytes"),
    "decode": ("frames decoded", "frames sampled"),
    "dedupe": ("frames sampled", "frames kept"),
    "detect": ("frames kept", "detections"),
    "encode": ("frames kept", "images"),
    "write": ("files", "bytes"),
}
"""For each stage, in the order of the data, the units of `items_in` and `items_out`."""


@dataclass
class StageLog:
    """Counts and time of one stage.

    Attributes:
        name: one of `STAGE_UNITS`.
        items_in, items_out: counts, in the units of `STAGE_UNITS`.
        failed: number of items that could not be processed, such as corrupt frames.
        seconds: time spent in the stage's own work, summed over threads. Stages run in parallel,
            so their sum is larger than the run's time.
    """

    name: str
    items_in: int = 0
    items_out: int = 0
    failed: int = 0
    seconds: float = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the time of the block to `seconds`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started

    @property
    def items_per_second(self) -> float:
        """Items in per second; 0 if no time was measured."""
        return self.items_in / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class ShardTimes:
    """How long the shards of a divided run took.

    Attributes:
        seconds: time of each shard, in order.
        megabytes: memory of the function that worked on them; None: processes of one machine did.
    """

    seconds: tuple[float, ...] = ()
    megabytes: int | None = None

    def and_one(self, seconds: float) -> ShardTimes:
        """Return the times with those of the next shard."""
        return replace(self, seconds=(*self.seconds, seconds))

    @property
    def slowest(self) -> int:
        """The number of the slowest shard."""
        return max(range(len(self.seconds)), key=self.seconds.__getitem__)


@dataclass
class RunLog:
    """All counts and times of a run. Any thread may add to it.

    Attributes:
        stages: a `StageLog` for each stage, in order.
        detections_by_class: number of objects by label, over the dataset.
        coverage: how much of the video was decoded.
        warnings: sentences that a person has to read about the result.
        video_seconds: presentation time that the run reached.
        total_seconds: time from the log's creation to `finished()`. For a run that many invocations
            did, the time of all of them.
        peak_memory_megabytes: peak memory of the process so far, and of the decoder's process. Both
            have about 25 MB of libraries, which they share.
        decoder_megabytes: peak memory of the decoder's process; 0 if decoding has none.
        shards: times of the shards; None if the run was not divided.
        drift: how much the run differs from the baseline; None if there is none.
        bill: what the run costs on AWS, by estimate; None outside of a function, or if it is not
            complete.
    """

    stages: dict[str, StageLog] = field(
        default_factory=lambda: {name: StageLog(name) for name in STAGE_UNITS}
    )
    detections_by_class: Counter[str] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)
    warnings: tuple[str, ...] = ()
    video_seconds: float = 0.0
    total_seconds: float = 0.0
    peak_memory_megabytes: float = 0.0
    decoder_megabytes: float = 0.0
    shards: ShardTimes | None = None
    drift: Drift | NotCompared | None = None
    bill: Bill | None = None
    _started: float = field(default_factory=time.perf_counter, repr=False)
    _adding: Lock = field(default_factory=Lock, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent to another process: all but the lock."""
        return {**self.__dict__, "_adding": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the log, with a new lock."""
        self.__dict__.update(state, _adding=Lock())

    def stage(self, name: str) -> StageLog:
        """Return the row of one of `STAGE_UNITS`."""
        return self.stages[name]

    def add(self, done: StageLog) -> None:
        """Add the counts and the time of `done` to the row of its stage."""
        with self._adding:
            stage = self.stages[done.name]
            stage.items_in += done.items_in
            stage.items_out += done.items_out
            stage.failed += done.failed
            stage.seconds += done.seconds

    def count_fetched(self, requests: int, size: int) -> None:
        """Set what the source was asked for, in place of what the decoder read of it."""
        with self._adding:
            fetch = self.stages["fetch"]
            fetch.items_in, fetch.items_out = requests, size

    def add_decoder(self, megabytes: float) -> None:
        """Note the peak memory of a decoder's process.

        Of several, the largest counts: they run one after the other.
        """
        self.decoder_megabytes = max(self.decoder_megabytes, megabytes)

    @contextmanager
    def measure(self, name: str) -> Iterator[StageLog]:
        """Measure the block as one item of a stage.

        The block may count on the yielded `StageLog`. If it raises, its time is added, but the
        item is not counted.
        """
        done = StageLog(name)
        try:
            with done.timed():
                yield done
            done.items_in += 1
        finally:
            self.add(done)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage. No item is counted."""
        done = StageLog(name)
        try:
            with done.timed():
                yield
        finally:
            self.add(done)

    def finished(self) -> RunLog:
        """Return a copy with the total time and the peak memory.

        The copy does not change any more, so `logs.csv`, the report and the metrics agree.
        """
        return replace(
            self,
            stages={name: replace(stage) for name, stage in self.stages.items()},
            detections_by_class=self.detections_by_class.copy(),
            total_seconds=time.perf_counter() - self._started + self._seconds_elsewhere,
            peak_memory_megabytes=_peak_memory_megabytes() + self.decoder_megabytes,
        )

    @property
    def dollars(self) -> float | None:
        """What the run costs, as the log, the metrics and all files show it; None: no bill."""
        return None if self.bill is None else round(self.bill.total, 6)

    def figures(self) -> dict[str, Any]:
        """Return what lists of results show of a finished run, as a JSON object."""
        return {
            "coverage": round(self.coverage.share, 6),
            "seconds": round(self.total_seconds, 3),
            "dollars": self.dollars,
            "drift": None if self.drift is None else drift_json(self.drift),
        }

    @property
    def _seconds_elsewhere(self) -> float:
        if self.shards is None or self.shards.megabytes is None:
            return 0.0
        return sum(self.shards.seconds)

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for each second of video."""
        return self.total_seconds / self.video_seconds if self.video_seconds else 0.0

    def counts(self) -> dict[str, int]:
        """Return the counts for summaries, by name."""
        decode, dedupe = self.stage("decode"), self.stage("dedupe")
        return {
            "frames_decoded": decode.items_in,
            "frames_skipped": self.coverage.skipped,
            "frames_corrupt": decode.failed,
            "frames_lost": self.coverage.lost,
            "frames_sampled": decode.items_out,
            "frames_kept": dedupe.items_out,
            "detections": self.stage("detect").items_out,
        }


def _peak_memory_megabytes() -> float:
    with closing(PeakMemory()) as memory:
        return memory.kibibytes() / 1024
