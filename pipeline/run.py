"""One video's way through the pipeline: frames -> detections -> dataset -> sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnxruntime

from pipeline import __version__, coco
from pipeline.crew import Crew
from pipeline.dataset import Dataset
from pipeline.delivery import Delivery
from pipeline.digest import run_id
from pipeline.errors import RejectedError
from pipeline.outcome import Outcome
from pipeline.report import report_markdown
from pipeline.runlog import RunLog
from pipeline.sampling import Grid, Sampler
from pipeline.stages import Stages
from pipeline.tables import frames_csv, logs_csv
from pipeline.video import Video

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.delivery import Sink
    from pipeline.detection.detector import Detector
    from pipeline.source import VideoSource

Progress = Callable[[float, float | None], None]
"""Called with seconds of video done, and how many the header claims there are."""


def annotate(  # noqa: PLR0913 - what, how, with what, whereto, on what, and who is told
    source: VideoSource,
    config: Config,
    detector: Detector,
    open_sink: Callable[[str], Sink],
    *,
    cpus: int,
    on_progress: Progress = lambda _done, _total: None,
) -> Outcome:
    """Turn one video into a dataset, or say why it cannot be.

    Args:
        source: the video.
        config: the effective configuration.
        detector: bound to the same configuration.
        open_sink: makes the place for the files of a run id.
        cpus: how many to use.
        on_progress: told of the way through the video.

    Returns:
        The outcome; a rejected video is one, and no exception.

    Raises:
        PretagError: retryable, broken or superseded; no result is visible then.
    """
    run = _Run(source, config, detector)
    try:
        with run.delivery(open_sink) as delivery:
            dataset = _work(run, delivery, cpus, on_progress)
            log = _write(run, dataset, delivery)
    except RejectedError as error:
        with run.delivery(open_sink) as delivery:
            delivery.reject(error)
        return Outcome.rejected(source.uri, error, run.log.finished(), delivery.location)
    return Outcome.done(source.uri, log, delivery.location)


@dataclass(frozen=True)
class _Run:
    """What one run is made of."""

    source: VideoSource
    config: Config
    detector: Detector
    log: RunLog = field(default_factory=RunLog)

    @property
    def id(self) -> str:
        model = self.detector.model.digest
        return run_id(self.source.identity, self.config.digest(), model, __version__)

    def delivery(self, open_sink: Callable[[str], Sink]) -> Delivery:
        return Delivery(open_sink(self.id), self.id, self.source, self.log)


def _work(run: _Run, delivery: Delivery, cpus: int, on_progress: Progress) -> Dataset:
    """Run the stages side by side; the kept frames' images are delivered on the way."""
    method = run.config.dedupe.method
    dataset = Dataset(
        video=run.source.name,
        modified=run.source.modified,
        labels=run.detector.model.labels,
        hash_name=None if method == "none" else method,
    )
    stages = Stages(run.config, run.detector, delivery, run.log)
    with run.source.open() as stream, Crew(cpus, on_failure=run.detector.stop) as crew:
        video = Video(stream, run.source.uri, run.config.limits, threads=cpus)
        decoded = video.frames(Sampler(Grid.of(run.config)), run.log)
        frames = crew.ahead(decoded, watch=video.watch, stop=video.stop)
        labelled = crew.map(stages.label, map(stages.judge, frames))
        for frame in crew.deliver(stages.deliver, labelled):
            dataset.add(frame.sampled, frame.annotated)
            on_progress(frame.sampled.pts_ms / 1000, video.claim.seconds)
        dataset.start_ms = video.start_ms
        dataset.coverage = run.log.coverage = video.coverage
        run.log.video_seconds = video.duration_ms / 1000
    return dataset


def _write(run: _Run, dataset: Dataset, delivery: Delivery) -> RunLog:
    """Deliver the data files, then the log's, then the manifest; return the finished log."""
    for frame in dataset.kept:
        found = frame.detections.class_ids.tolist()
        run.log.detections_by_class.update(dataset.labels[class_id] for class_id in found)
    delivery.put("annotations/instances_default.json", coco.instances(dataset))
    delivery.put("predictions.json", coco.predictions(dataset))
    delivery.put_text("frames.csv", frames_csv(dataset))
    delivery.put_json("config.json", _effective(run))
    log = run.log.finished()
    delivery.put_text("logs.csv", logs_csv(log))
    report = report_markdown(dataset, log, run.id, run.detector.model.name)
    delivery.put_text("report.md", report)
    delivery.finish(log.counts())
    return log


def _effective(run: _Run) -> dict[str, object]:
    """Return config.json: all that, besides the video, decides the result."""
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
