"""Measure the whole job: annotate a clip in a process that has loaded the model."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.measuring import timed
from pipeline.concurrency.cpus import available_cpus
from pipeline.config.schema import Config
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.run import annotate
from pipeline.storage.local import FolderStore, LocalVideo

if TYPE_CHECKING:
    from bench.measuring import Costs
    from pipeline.outcome import Outcome

JOB = "whole job"


def measure(clip: Path) -> Costs:
    """Run the whole job once. Loading the model is not measured."""
    detector()
    return {JOB: timed(lambda: run_job(clip, Config()))[1]}


def run_job(clip: Path, config: Config) -> Outcome:
    """Annotate a clip, and delete the result."""
    with TemporaryDirectory() as folder:
        source = LocalVideo.at(clip)
        outcome = annotate(
            source,
            config,
            detector(),
            lambda run_id: FolderStore(Path(folder), source.name, run_id),
            cpus=available_cpus(),
        )
    assert outcome.status == "done", outcome.message  # noqa: S101 - only successes are measured
    return outcome


def counts(clip: Path) -> dict[str, int]:
    """Return the counts of the job for a clip."""
    return run_job(clip, Config()).log.counts()


@cache
def detector() -> Detector:
    """Return a detector with the default model. It is loaded once in each process."""
    config = Config().detector
    return Detector(Model.load(config.model), config)
