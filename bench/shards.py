"""Measure shards of a long video: time by number of processes, and the bytes that are read."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from bench import clips, results
from bench.measuring import show_progress
from pipeline.concurrency.cpus import available_cpus
from pipeline.config.schema import Config
from pipeline.decoding.division import Division
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.resources.budget import Budget
from pipeline.run import annotate
from pipeline.run_in_shards import annotate_in_shards
from pipeline.sharding.plan import Plan
from pipeline.sharding.planning import make_plan
from pipeline.sharding.work import process_shard
from pipeline.storage.local import FolderStore, LocalVideo

if TYPE_CHECKING:
    from pipeline.outcome import Outcome
    from pipeline.sharding.shard_result import ShardResult

_TIMED = {"logs.csv", "report.md", "report.html", "manifest.json"}


class _Run(NamedTuple):
    name: str
    seconds: float
    outcome: Outcome


class Measurement:
    """Runs one clip in one process and in shards."""

    def __init__(self, clip: Path, folder: Path) -> None:
        """Load the model, which is not measured."""
        self._source = LocalVideo.at(clip)
        self._folder = folder
        self._config = Config()
        self._model = Model.load(self._config.detector.model)

    def run(self, processes: int) -> _Run:
        """Annotate the clip, and return the time."""
        name = f"{processes} processes" if processes else "one process"
        show_progress(name)
        source, config = self._source, self._config

        def open_store(run_id: str) -> FolderStore:
            return FolderStore(self._folder / name, source.name, run_id)

        started = time.perf_counter()
        if processes:
            outcome = annotate_in_shards(
                source, config, self._detector(), open_store, processes=processes
            )
        else:
            outcome = annotate(source, config, self._detector(), open_store, cpus=available_cpus())
        return _Run(name, time.perf_counter() - started, outcome)

    def shards(self) -> list[ShardResult]:
        """Return the results of all shards, one segment each, for the bytes that they read."""
        division = Division(self._config.segment.seconds, 1000)
        plan = make_plan(self._source, self._config, division, budget=Budget.unlimited())
        if not isinstance(plan, Plan):
            raise TypeError(plan.reason)
        return [
            process_shard(
                self._source,
                self._config,
                self._detector(),
                plan,
                shard.number,
                put_image=lambda _path, _data: None,
                cpus=available_cpus(),
            )
            for shard in plan.shards
        ]

    def _detector(self) -> Detector:
        return Detector(self._model, self._config.detector)


def main() -> None:
    """Print the tables, and write them with `--write`."""
    parser = argparse.ArgumentParser(description="Measure shards of a long video.")
    parser.add_argument("--minutes", type=int, default=60, help="length of the video")
    arguments, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    results.run(lambda: _section(arguments.minutes), "Measure shards of a long video.")


def _section(minutes: int) -> str:
    clip = clips.of_minutes(minutes)
    with TemporaryDirectory() as folder:
        measurement = Measurement(clip, Path(folder))
        runs = [measurement.run(processes) for processes in (0, 1, 2, 4)]
        first = _files(runs[0])
        rows = [
            (
                run.name,
                f"{run.seconds:.1f}",
                f"{run.seconds / runs[0].seconds:.2f}",
                "yes" if _files(run) == first else "**no**",
            )
            for run in runs
        ]
        shards = measurement.shards()
    size = clip.stat().st_size
    read = [
        next(stage.items_out for stage in shard.stages if stage.name == "fetch") for shard in shards
    ]
    return (
        f"## Shards of a long video\n\n{results.date_and_processor()}, {available_cpus()} CPUs. "
        f"{minutes} minutes of 320x240 at 5 frames per second, made of different views of the "
        "sample, segments of ten minutes. The processes load the model, too.\n\n"
        + results.table(("", "seconds", "ratio", "same files"), rows)
        + f"\nThe {len(shards)} shards read {sum(read) / size:.2f} times the {size / 1e6:.1f} MB "
        f"of the file, and each at most {max(read) / size:.2f} of it, headers included.\n"
    )


def _files(run: _Run) -> dict[str, bytes]:
    """Return the files that must not differ from run to run."""
    folder = Path(run.outcome.result)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in _TIMED
    }


if __name__ == "__main__":
    main()
