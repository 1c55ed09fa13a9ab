"""Annotate one video: source -> frames -> detections -> dataset -> published result."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from logging import getLogger
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnxruntime

from pipeline import __version__
from pipeline.concurrency.deferred_signals import DeferredSignals
from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.dataset import coco
from pipeline.dataset.csv_tables import frames_csv, logs_csv
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.report.figures import Subject, figures_of
from pipeline.dataset.report.html import report_html
from pipeline.dataset.report.markdown import report_markdown
from pipeline.decoding.backend import pyav_version
from pipeline.decoding.limits import check_file_size
from pipeline.decoding.opening import open_video
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.digest import run_id
from pipeline.errors import CapacityError, RejectedError, RetryableError
from pipeline.outcome import Outcome
from pipeline.resources.budget import Budget
from pipeline.resources.prices import Rates, bill
from pipeline.resources.time_limit import TimeLimit
from pipeline.runlog import RunLog
from pipeline.stages import FrameStages
from pipeline.storage.publisher import Publisher

if TYPE_CHECKING:
    from pipeline.config.schema import Config
    from pipeline.detection.detector import Detector
    from pipeline.frame import Display, Track
    from pipeline.storage.result_store import PublishedResult, ResultStore
    from pipeline.storage.source import VideoSource

logger = getLogger(__name__)

Progress = Callable[[float, float | None], None]
"""Called with the seconds of video done, and the length according to the header, if known."""

_UNLIMITED = Budget.unlimited()


def annotate(  # noqa: PLR0913 - each argument is a different part of the run
    source: VideoSource,
    config: Config,
    detector: Detector,
    open_store: Callable[[str], ResultStore],
    *,
    cpus: int,
    on_progress: Progress = lambda _done, _total: None,
    budget: Budget = _UNLIMITED,
) -> Outcome:
    """Turn one video into a published dataset, or into a published rejection.

    Args:
        source: the video.
        config: the effective configuration.
        detector: a detector with the same configuration.
        open_store: returns the result store for a run id.
        cpus: number of CPUs to use.
        on_progress: called after each sampled frame.
        budget: the time and the memory that the run has. A video that does not fit is rejected.

    Returns:
        The outcome. A rejected video is an outcome, not an exception.

    Raises:
        PretagError: the run failed: retryable, broken or superseded. No result is visible.
    """
    run = _Run(source, config, detector, budget)
    with Publisher(open_store(run.id), run.id, source, run.log) as publisher:
        try:
            result = publisher.begin()
            if result is None:
                dataset = _process(run, publisher, cpus, on_progress)
                result = _write(run, dataset, publisher)
        except RejectedError as error:
            if isinstance(error, CapacityError) and not budget.is_whole:
                raise RetryableError(
                    f"{error} Other videos of the event took a part of the time. It is tried again."
                ) from error
            result = publisher.reject(error, budget.capacity)
    return Outcome.published(source.uri, run.log.finished(), result)


@dataclass(frozen=True)
class _Run:
    source: VideoSource
    config: Config
    detector: Detector
    budget: Budget
    log: RunLog = field(default_factory=RunLog)

    @property
    def id(self) -> str:
        return run_id(
            self.source.identity,
            self.config.digest(),
            self.detector.model.digest,
            computed_by(),
        )


def _process(run: _Run, publisher: Publisher, cpus: int, on_progress: Progress) -> Dataset:
    """Run the stages in parallel, and return the dataset. Images are written on the way."""
    check_file_size(run.source, run.config.limits)
    time_limit = TimeLimit(run.source.uri, run.budget, run.config.sampling.end_seconds)
    time_limit.check()
    method = run.config.dedupe.method
    dataset = Dataset(
        video=run.source.name,
        size_bytes=run.source.size,
        modified=run.source.modified,
        labels=run.detector.model.labels,
        hash_name=None if method == "none" else method,
    )
    stages = FrameStages(run.config, run.detector, publisher, run.log)
    sampler = Sampler(SamplingGrid.from_config(run.config))
    signals = DeferredSignals()

    def watch() -> None:
        signals.deliver()
        time_limit.check()

    with (
        signals,
        run.source.open() as stream,
        open_video(stream, run.source.uri, run.config, threads=cpus, budget=run.budget) as video,
        OrderedExecutor(cpus, on_failure=run.detector.stop, watch=watch) as executor,
    ):
        decoding = executor.prefetch(
            video.frames(sampler, run.log), watch=video.check_stalled, stop=video.stop
        )
        selected = map(stages.select, decoding)
        detected = executor.map(stages.detect, selected)
        for staged in executor.map_io(stages.write_image, detected):
            watch()
            dataset.add(staged.record, staged.thumbnail)
            done_seconds = staged.record.pts_ms / 1000
            on_progress(done_seconds, video.header.seconds)
            time_limit.add_frame(
                done_seconds,
                video.likely_seconds(done_seconds),
                is_written=staged.jpeg is not None,
            )
    decoded = decoding.result
    dataset.start_ms = decoded.start_ms
    dataset.display, dataset.track = decoded.display, decoded.track
    _tell_of_tracks(run.source.uri, decoded.track)
    dataset.coverage = run.log.coverage = decoded.coverage
    run.log.video_seconds = decoded.duration_ms / 1000
    return dataset


def _tell_of_tracks(name: str, track: Track | None) -> None:
    if track is not None and track.count > 1:
        logger.info(
            "%s has several video tracks",
            name,
            extra={"track": track.number, "tracks": track.count, "ignored": track.ignored},
        )


def _display_warnings(display: Display) -> tuple[str, ...]:
    if display.ratio_changes_ms is None:
        return ()
    seconds = display.ratio_changes_ms / 1000
    warning = (
        f"The aspect ratio of the pixels changes at about {seconds:.1f} seconds. All images were "
        f"made with the first one, {display.sample_aspect_ratio}, so later ones look stretched. "
        "Cut the video there, and upload the parts."
    )
    return (warning,)


def _write(run: _Run, dataset: Dataset, publisher: Publisher) -> PublishedResult:
    """Write the data files, the log and the report; then publish the result."""
    run.detector.check_boxes()
    run.log.detections_by_class = dataset.detections_by_class()
    counts = run.log.counts()
    run.log.warnings = (
        *run.detector.warnings(counts["frames_kept"], counts["detections"]),
        *_display_warnings(dataset.display),
    )
    publisher.put("annotations/instances_default.json", coco.instances(dataset))
    publisher.put("predictions.json", coco.predictions(dataset))
    publisher.put_text("frames.csv", frames_csv(dataset))
    settings = _effective_config(run)
    publisher.put_json("config.json", settings)
    log = run.log.finished()
    publisher.put_text("logs.csv", logs_csv(log))
    figures = figures_of(dataset, log, _subject(run, log, dataset.size_bytes, settings))
    publisher.put_text("report.md", report_markdown(figures))
    publisher.put_text("report.html", report_html(figures, dataset))
    return publisher.finish(log.counts())


def _subject(run: _Run, log: RunLog, size_bytes: int, settings: dict[str, object]) -> Subject:
    capacity = run.budget.capacity
    cost = None
    if capacity is not None:
        is_arm = platform.machine() in {"aarch64", "arm64"}
        cost = bill(
            Rates(capacity.megabytes, is_arm=is_arm),
            work_seconds=log.total_seconds,
            frames=log.stage("encode").items_out,
            size_bytes=size_bytes,
        )
    return Subject(
        run_id=run.id,
        video_uri=run.source.uri,
        every_ms=1000 * run.config.sampling.every_seconds,
        settings=settings,
        bill=cost,
        memory_megabytes=None if capacity is None else capacity.megabytes,
    )


def _effective_config(run: _Run) -> dict[str, object]:
    """Return the content of config.json: everything but the video that decides the result."""
    return {
        "config": run.config.model_dump(mode="json"),
        "model": run.detector.description(),
        "versions": computed_by(),
    }


def computed_by() -> dict[str, str]:
    """Return what computes a result: the versions and the architecture. Part of the run id.

    The same video can give other bytes with another of these.
    """
    return {
        "pretag": __version__,
        "opencv": cv2.__version__,
        "pyav": pyav_version() or "not installed",
        "onnxruntime": onnxruntime.__version__,
        "numpy": np.__version__,
        "architecture": platform.machine(),
    }
