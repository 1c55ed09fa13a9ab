"""The whole job, as a user has it, in a process that has the model loaded."""  # noqa: INP001 - used by bench.pipeline

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
from pipeline.storage.local import FolderSink, LocalVideo

if TYPE_CHECKING:
    from bench.measuring import Costs
    from pipeline.outcome import Outcome

JOB = "whole job"


def whole_job(clip: Path, config: Config) -> Outcome:
    """Make the clip's dataset, and throw it away."""
    with TemporaryDirectory() as folder:
        source = LocalVideo.at(clip)
        outcome = annotate(
            source,
            config,
            _detector(),
            lambda run_id: FolderSink(Path(folder), source.name, run_id),
            cpus=available_cpus(),
        )
    assert outcome.status == "done", outcome.message  # noqa: S101 - a failure is no measurement
    return outcome


def counts(clip: Path) -> dict[str, int]:
    """Return what the job counts in a clip."""
    return whole_job(clip, Config()).log.counts()


def costs(clip: Path) -> Costs:
    """Do the whole job."""
    _detector()
    return {JOB: timed(lambda: whole_job(clip, Config()))[1]}


@cache
def _detector() -> Detector:
    config = Config().detector
    return Detector(Model.load(config.model), config)
