"""One video's way through the pipeline: frames -> detections -> dataset -> sink."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnxruntime

from pipeline import __version__, coco
from pipeline.dataset import AnnotatedFrame, Dataset
from pipeline.delivery import Delivery
from pipeline.digest import run_id
from pipeline.errors import RejectedError
from pipeline.outcome import Outcome
from pipeline.report import report_markdown
from pipeline.runlog import RunLog
from pipeline.sampling import Grid, Sampler
from pipeline.selection import Selection
from pipeline.tables import frames_csv, logs_csv
from pipeline.video import Video

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.dataset import SampledFrame
    from pipeline.delivery import Sink
    from pipeline.detection.detector import Detector
    from pipeline.frame import Frame
    from pipeline.source import VideoSource

Progress = Callable[[float, float | None], None]
"""Called with seconds of video done, and how many the header claims there are."""


def annotate(
    source: VideoSource,
    config: Config,
    detector: Detector,
    open_sink: Callable[[str], Sink],
    on_progress: Progress = lambda _done, _total: None,
) -> Outcome:
    """Turn one video into a dataset, or say why it cannot be.

    Args:
        source: the video.
        config: the effective configuration.
        detector: bound to the same configuration.
        open_sink: makes the place for the files of a run id.
        on_progress: told of the way through the video.

    Returns:
        The outcome; a rejected video is one, and no exception.

    Raises:
        PretagError: retryable, broken or superseded; no result is visible then.
    """
    run = _Run(source, config, detector)
    try:
        with run.delivery(open_sink) as delivery:
            dataset = _work(run, delivery, on_progress)
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
        model = self.detector.model.sha256
        return run_id(self.source.identity, self.config.digest(), model, __version__)

    def delivery(self, open_sink: Callable[[str], Sink]) -> Delivery:
        return Delivery(open_sink(self.id), self.id, self.source, self.log.stage("write"))


def _work(run: _Run, delivery: Delivery, on_progress: Progress) -> Dataset:
    """Take the frames one by one; the kept ones' images are delivered on the way."""
    method = run.config.dedupe.method
    dataset = Dataset(
        video=run.source.name,
        modified=run.source.modified,
        labels=run.detector.model.labels,
        hash_name=None if method == "none" else method,
    )
    selection = Selection(run.config.dedupe)
    with ExitStack() as lent:
        with run.log.work("fetch") as fetch:
            stream = lent.enter_context(run.source.open())
            fetch.items_out += 1
        video = lent.enter_context(closing(Video(stream, run.source.uri)))
        for frame in video.frames(Sampler(Grid.of(run.config)), run.log):
            with run.log.work("dedupe") as dedupe:
                sampled = selection.judge(frame, selection.fingerprint(frame))
                dedupe.items_out += sampled.twin is None
            dataset.sampled.append(sampled)
            if sampled.twin is None:
                kept = _detected(run, frame, sampled)
                dataset.kept.append(kept)
                if run.config.output.images:
                    delivery.put(f"images/default/{kept.file_name}", _jpeg(run, frame))
            on_progress(frame.pts_ms / 1000, video.hinted_seconds)
        dataset.start_ms = video.start_ms
        run.log.video_seconds = video.duration_ms / 1000
    return dataset


def _detected(run: _Run, frame: Frame, sampled: SampledFrame) -> AnnotatedFrame:
    with run.log.work("detect") as detect:
        found = run.detector.detect(frame.image)
        detect.items_out += len(found)
    height, width = frame.image.shape[:2]
    return AnnotatedFrame(sampled, width, height, found)


def _jpeg(run: _Run, frame: Frame) -> bytes:
    with run.log.work("encode") as encode:
        quality = [cv2.IMWRITE_JPEG_QUALITY, run.config.output.jpeg_quality]
        _, jpeg = cv2.imencode(".jpg", frame.image, quality)
        encode.items_out += 1
    return jpeg.tobytes()


def _write(run: _Run, dataset: Dataset, delivery: Delivery) -> RunLog:
    """Deliver the data files, then the log's, then the manifest; return the finished log."""
    for frame in dataset.kept:
        found = frame.detections.class_ids.tolist()
        run.log.detections_by_class.update(dataset.labels[class_id] for class_id in found)
    delivery.put_json("annotations/instances_default.json", coco.instances(dataset))
    delivery.put_json("predictions.json", coco.predictions(dataset))
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
        "model": {"name": run.detector.model.name, "sha256": run.detector.model.sha256},
        "versions": {
            "pretag": __version__,
            "opencv": cv2.__version__,
            "onnxruntime": onnxruntime.__version__,
            "numpy": np.__version__,
        },
    }
