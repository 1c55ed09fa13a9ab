"""Annotate one video: source -> frames -> detections -> dataset -> published result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnxruntime

from pipeline import __version__
from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.dataset import coco
from pipeline.dataset.csv_tables import frames_csv, logs_csv
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.report import report_markdown
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.digest import run_id
from pipeline.errors import RejectedError
from pipeline.outcome import Outcome
from pipeline.runlog import RunLog
from pipeline.stages import FrameStages
from pipeline.storage.publisher import Publisher

if TYPE_CHECKING:
    from pipeline.config.schema import Config
    from pipeline.detection.detector import Detector
    from pipeline.storage.publisher import Sink
    from pipeline.storage.source import VideoSource

Progress = Callable[[float, float | None], None]
"""Called with the seconds of video done, and the length according to the header, if known."""


def annotate(  # noqa: PLR0913 - each argument is a different part of the run
    source: VideoSource,
    config: Config,
    detector: Detector,
    open_sink: Callable[[str], Sink],
    *,
    cpus: int,
    on_progress: Progress = lambda _done, _total: None,
) -> Outcome:
    """Turn one video into a published dataset, or into a published rejection.

    Args:
        source: the video.
        config: the effective configuration.
        detector: a detector with the same configuration.
        open_sink: returns the sink for a run id.
        cpus: number of CPUs to use.
        on_progress: called after each sampled frame.

    Returns:
        The outcome. A rejected video is an outcome, not an exception.

    Raises:
        PretagError: the run failed: retryable, broken or superseded. No result is visible.
    """
    run = _Run(source, config, detector)
    try:
        with run.publisher(open_sink) as publisher:
            dataset = _process(run, publisher, cpus, on_progress)
            log = _write(run, dataset, publisher)
    except RejectedError as error:
        with run.publisher(open_sink) as publisher:
            publisher.reject(error)
        return Outcome.rejected(source.uri, error, run.log.finished(), publisher.location)
    return Outcome.done(source.uri, log, publisher.location)


@dataclass(frozen=True)
class _Run:
    source: VideoSource
    config: Config
    detector: Detector
    log: RunLog = field(default_factory=RunLog)

    @property
    def id(self) -> str:
        model = self.detector.model.digest
        return run_id(self.source.identity, self.config.digest(), model, __version__)

    def publisher(self, open_sink: Callable[[str], Sink]) -> Publisher:
        return Publisher(open_sink(self.id), self.id, self.source, self.log)


def _process(run: _Run, publisher: Publisher, cpus: int, on_progress: Progress) -> Dataset:
    """Run the stages in parallel, and return the dataset. Images are written on the way."""
    method = run.config.dedupe.method
    dataset = Dataset(
        video=run.source.name,
        modified=run.source.modified,
        labels=run.detector.model.labels,
        hash_name=None if method == "none" else method,
    )
    stages = FrameStages(run.config, run.detector, publisher, run.log)
    sampler = Sampler(SamplingGrid.from_config(run.config))
    with (
        run.source.open() as stream,
        OrderedExecutor(cpus, on_failure=run.detector.stop) as executor,
    ):
        video = Video(stream, run.source.uri, run.config.limits, threads=cpus)
        decoding = executor.prefetch(
            video.frames(sampler, run.log), watch=video.check_stalled, stop=video.stop
        )
        selected = map(stages.select, decoding)
        detected = executor.map(stages.detect, selected)
        for staged in executor.map_io(stages.write_image, detected):
            dataset.frames.append(staged.record)
            on_progress(staged.record.pts_ms / 1000, video.header.seconds)
    decoded = decoding.result
    dataset.start_ms = decoded.start_ms
    dataset.coverage = run.log.coverage = decoded.coverage
    run.log.video_seconds = decoded.duration_ms / 1000
    return dataset


def _write(run: _Run, dataset: Dataset, publisher: Publisher) -> RunLog:
    """Write the data files, the log, the report and the manifest; return the finished log."""
    run.log.detections_by_class = dataset.detections_by_class()
    publisher.put("annotations/instances_default.json", coco.instances(dataset))
    publisher.put("predictions.json", coco.predictions(dataset))
    publisher.put_text("frames.csv", frames_csv(dataset))
    publisher.put_json("config.json", _effective_config(run))
    log = run.log.finished()
    publisher.put_text("logs.csv", logs_csv(log))
    report = report_markdown(dataset, log, run.id, run.detector.model.name)
    publisher.put_text("report.md", report)
    publisher.finish(log.counts())
    return log


def _effective_config(run: _Run) -> dict[str, object]:
    """Return the content of config.json: everything but the video that decides the result."""
    return {
        "config": run.config.model_dump(mode="json"),
        "model": run.detector.description(),
        "versions": {
            "pretag": __version__,
            "opencv": cv2.__version__,
            "onnxruntime": onnxruntime.__version__,
            "numpy": np.__version__,
        },
    }
