"""Measure shards of a long video: time by number of workers, the bytes that are read, and kills.

Each way must give the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from bench import clips, results
from bench.measuring import show_progress, timed
from bench.worker_kills import kill_every
from pipeline.concurrency.cpus import available_cpus
from pipeline.config.schema import Config
from pipeline.decoding.division import Division
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.errors import BrokenError
from pipeline.resources.budget import Budget
from pipeline.run import annotate
from pipeline.run_in_shards import annotate_in_shards
from pipeline.sharding.local import StoredImages
from pipeline.sharding.plan import Plan
from pipeline.sharding.planning import make_plan
from pipeline.sharding.work import process_shard
from pipeline.storage.local import FolderStore, LocalVideo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measuring import Cost
    from pipeline.outcome import Outcome

_TIMED = {"logs.csv", "report.md", "report.html", "manifest.json", "latest.json"}


class _Way(NamedTuple):
    """How the clip is annotated.

    Attributes:
        workers: number of worker processes; 0: by one process.
        kill_seconds: how often the oldest worker is killed; None: never.
    """

    workers: int
    kill_seconds: float | None = None

    def __str__(self) -> str:
        name = f"{self.workers} workers" if self.workers else "one process"
        if self.kill_seconds is None:
            return name
        return f"{name}, one killed every {self.kill_seconds:.0f} s"


class _Run(NamedTuple):
    way: _Way
    cost: Cost
    killed: int
    outcome: Outcome | None
    digests: dict[str, str]


class Measurement:
    """Annotates one clip in several ways."""

    def __init__(self, clip: Path, folder: Path, every_seconds: float) -> None:
        """Load the model, which is not measured."""
        self._source = LocalVideo.at(clip)
        self._folder = folder
        self._config = Config.model_validate({"sampling": {"every_seconds": every_seconds}})
        self._model = Model.load(self._config.detector.model)

    def run(self, way: _Way) -> _Run:
        """Annotate the clip. A run that ended because workers were killed has no outcome."""
        show_progress(str(way))
        root = self._folder / str(way)
        with kill_every(way.kill_seconds) as killed:
            outcome, cost = timed(lambda: self._annotated(way.workers, root))
        run = _Run(way, cost, len(killed), outcome, dict(_digests(root)))
        show_progress(
            f"{way}: {cost.seconds:.1f} s, {len(killed)} killed, {len(run.digests)} files"
        )
        return run

    def _annotated(self, workers: int, root: Path) -> Outcome | None:
        source, config = self._source, self._config

        def open_store(run_id: str) -> FolderStore:
            return FolderStore(root, source.name, run_id)

        if not workers:
            return annotate(source, config, self._detector(), open_store, cpus=available_cpus())
        try:
            return annotate_in_shards(
                source, config, self._detector(), open_store, processes=workers
            )
        except BrokenError as error:
            show_progress(str(error))
            return None

    def bytes_of_shards(self) -> list[int]:
        """Return the bytes that a shard of one segment reads: the first, a middle and the last."""
        division = Division(self._config.segment.seconds, 1000)
        plan = make_plan(self._source, self._config, division, budget=Budget.unlimited())
        if not isinstance(plan, Plan):
            raise TypeError(plan.reason)
        last = len(plan.shards) - 1
        return [self._bytes_read(plan, number) for number in sorted({0, last // 2, last})]

    def _bytes_read(self, plan: Plan, number: int) -> int:
        store = FolderStore(self._folder / "shards", self._source.name, "run")
        shard = process_shard(
            self._source, self._config, self._detector(), plan, number,
            images=StoredImages(store), cpus=available_cpus(),
        )  # fmt: skip
        return next(stage.items_out for stage in shard.stages if stage.name == "fetch")

    def _detector(self) -> Detector:
        return Detector(self._model, self._config.detector)


def main() -> None:
    """Print the tables, and write them with `--write`."""
    parser = argparse.ArgumentParser(description="Measure shards of a long video.")
    parser.add_argument("--minutes", type=int, default=60, help="length of the video")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two samples")
    parser.add_argument(
        "--workers", type=int, nargs="*", default=[1, 2, 4], help="numbers of worker processes"
    )
    parser.add_argument(
        "--kills", type=int, nargs="*", default=[], help="again with the last of these numbers of "
        "workers, of which so many are killed in about the time that it took without"
    )  # fmt: skip
    arguments, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    results.run(
        lambda: _section(arguments.minutes, arguments.every, arguments.workers, arguments.kills),
        "Measure shards of a long video.",
    )


def _section(minutes: int, every_seconds: float, workers: list[int], kills: list[int]) -> str:
    clip = clips.of_minutes(minutes)
    size = clip.stat().st_size
    load = os.getloadavg()[0]
    with TemporaryDirectory() as folder:
        measurement = Measurement(clip, Path(folder), every_seconds)
        runs = [measurement.run(_Way(each)) for each in (0, *workers)]
        last = runs[-1]
        for count in kills:
            way = _Way(last.way.workers, last.cost.seconds / (count + 1))
            runs.append(measurement.run(way))
        read = measurement.bytes_of_shards()
    first = runs[0]
    titles = ("", "seconds", "ratio", "CPU s", "bytes read / file", "killed", "same files")
    text = (
        f"{results.date_and_processor()}, {available_cpus()} CPUs. 320x240 at 5 frames per second, "
        "made of different views of the sample, segments of ten minutes; "
        f"{_counts(first)}. The workers load the model, too. Of those that are killed, it is the "
        "oldest one. Shards of one segment, the first, a middle and the last, read at most "
        f"{max(read) / size:.3f} of the {size / 1e6:.1f} MB of the file, headers included. Load of "
        f"the machine at the start: {load:.1f}."
    )
    return (
        f"## Shards of {minutes} minutes of video, a sample every {every_seconds:g} s\n\n"
        + results.paragraph(text)
        + results.table(titles, (_row(run, first, size) for run in runs))
    )


def _counts(run: _Run) -> str:
    counts = {} if run.outcome is None else run.outcome.log.counts()
    names = ("frames_decoded", "frames_sampled", "frames_kept")
    return ", ".join(f"{counts.get(name, 0):,} {name.replace('_', ' ')}" for name in names)


def _row(run: _Run, first: _Run, size: int) -> tuple[str, ...]:
    cost = run.cost
    cells = (str(run.way), f"{cost.seconds:.1f}", f"{cost.seconds / first.cost.seconds:.2f}")
    if run.outcome is None:
        end = "**no**" if run.digests else "ended cleanly: none"
        return *cells, f"{cost.cpu_seconds:.0f}", "", str(run.killed), end
    share = run.outcome.log.stage("fetch").items_out / size
    same = "yes" if run.digests == first.digests else "**no**"
    return *cells, f"{cost.cpu_seconds:.0f}", f"{share:.3f}", str(run.killed), same


def _digests(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the path and the sha256 of each file that must not differ from run to run."""
    for path in root.rglob("*"):
        if path.is_file() and path.name not in _TIMED:
            yield str(path.relative_to(root)), sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
