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
from pipeline.dataset import coco
from pipeline.dataset.classes import with_categories
from pipeline.dataset.csv_tables import frames_csv, logs_csv
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.report.figures import Subject, figures_of
from pipeline.dataset.report.html import report_html
from pipeline.dataset.report.markdown import report_markdown
from pipeline.decoding.backend import pyav_version
from pipeline.decoding.limits import check_file_size
from pipeline.deduplication.selection import FrameSelector
from pipeline.digest import run_id
from pipeline.errors import CapacityError, RejectedError, RetryableError
from pipeline.outcome import Outcome
from pipeline.processing import Processing
from pipeline.resources.budget import Budget
from pipeline.resources.hand_over import NoHandOver
from pipeline.resources.prices import Rates, bill, is_arm
from pipeline.resources.time_limit import TOO_LONG
from pipeline.runlog import RunLog, ShardTimes
from pipeline.sharding.merge import ShardMerge
from pipeline.storage.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.config.schema import Config
    from pipeline.detection.detector import Detector
    from pipeline.frame import Display, Track
    from pipeline.resources.hand_over import HandOver
    from pipeline.sharding.plan import Plan
    from pipeline.sharding.shard_result import ShardResult
    from pipeline.storage.result_store import PublishedResult, ResultStore
    from pipeline.storage.source import VideoSource

logger = getLogger(__name__)

Progress = Callable[[float, float | None], None]
"""Called with the seconds of video done, and the length according to the header, if known."""

_UNLIMITED, _STAYS = Budget.unlimited(), NoHandOver()


def annotate(  # noqa: PLR0913 - each argument is a different part of the run
    source: VideoSource,
    config: Config,
    detector: Detector,
    open_store: Callable[[str], ResultStore],
    *,
    cpus: int,
    on_progress: Progress = lambda _done, _total: None,
    budget: Budget = _UNLIMITED,
    hand_over: HandOver = _STAYS,
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
        hand_over: lets others do a run that does not fit its time.

    Returns:
        The outcome. A rejected video is an outcome, not an exception.

    Raises:
        ConfigError: a config key does not fit the model.
        HandedOverError: others do the run.
        PretagError: the run failed: retryable, broken or superseded. No result is visible.
    """
    run = _Run(source, config, detector, budget)
    with Publisher(open_store(run.id), run.id, source, run.log) as publisher:
        try:
            result = publisher.begin()
            if result is None:
                hand_over.before_work()
                dataset = _process(run, publisher, cpus, on_progress)
                result = _write(run, dataset, publisher)
        except RejectedError as rejection:
            error = rejection
            if isinstance(error, CapacityError) and error.reason == TOO_LONG:
                error = hand_over.out_of_time(error)
            if isinstance(error, CapacityError) and not budget.is_whole:
                raise RetryableError(
                    f"{error} Other videos of the event took a part of the time. It is tried again."
                ) from error
            result = publisher.reject(error, budget.capacity)
    return Outcome.published(source.uri, run.log.finished(), result)


def publish_shards(  # noqa: PLR0913 - as `annotate`, and what the shards gave
    source: VideoSource,
    config: Config,
    detector: Detector,
    open_store: Callable[[str], ResultStore],
    *,
    plan: Plan,
    results: Iterable[ShardResult],
    remove_images: Callable[[Sequence[str]], None],
    budget: Budget = _UNLIMITED,
) -> Outcome:
    """Merge the results of all shards of a video, and publish the dataset.

    Args:
        source: the video.
        config: the configuration that was planned and worked with.
        detector: a detector with the same configuration. It detects nothing.
        open_store: returns the result store for a run id. It must have the images of the shards.
        plan: the plan.
        results: the results of its shards, in order, each once. Read after the store has begun.
        remove_images: removes images that were written and are not in the dataset, by their paths.
        budget: the time that there is.

    Raises:
        ShardMismatchError: the results do not fit together. Nothing was published.
        PretagError: as `annotate`.
    """
    run = _Run(source, config, detector, budget)
    with Publisher(open_store(run.id), run.id, source, run.log) as publisher:
        result = publisher.begin()
        if result is None:
            dataset = _new_dataset(run)
            if budget.capacity is not None:
                run.log.shards = ShardTimes(megabytes=budget.capacity.megabytes)
            merge = ShardMerge(plan, config.dedupe, dataset, run.log)
            for each in results:
                merge.add(each)
                detector.add_counters(each.counters)
            merge.finish()
            publisher.note(merge.images)
            remove_images(merge.dropped_images)
            _tell_of_tracks(source.uri, dataset.track)
            result = _write(run, dataset, publisher)
    return Outcome.published(source.uri, run.log.finished(), result)


def run_id_of(source: VideoSource, config: Config, detector: Detector) -> str:
    """Return the run id of a video with this configuration, this model and this software."""
    return _Run(source, config, detector, _UNLIMITED).id


@dataclass(frozen=True)
class _Run(Processing):
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
    dataset = _new_dataset(run)
    selector = FrameSelector(run.config.dedupe)
    decoded = run.run(selector, publisher.put, dataset.add, cpus=cpus, on_progress=on_progress)
    dataset.start_ms = decoded.start_ms
    dataset.display, dataset.track = decoded.display, decoded.track
    _tell_of_tracks(run.source.uri, decoded.track)
    dataset.coverage = run.log.coverage = decoded.coverage
    run.log.video_seconds = decoded.duration_ms / 1000
    return dataset


def _new_dataset(run: _Run) -> Dataset:
    method = run.config.dedupe.method
    return Dataset(
        video=run.source.name,
        size_bytes=run.source.size,
        modified=run.source.modified,
        labels=run.classes.labels,
        hash_name=None if method == "none" else method,
    )


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
    dataset = with_categories(dataset, run.config)
    run.log.detections_by_class = dataset.detections_by_class()
    counts = run.log.counts()
    run.log.warnings = (
        *run.detector.warnings(counts["frames_kept"], counts["detections"]),
        *_display_warnings(dataset.display),
    )
    instances = coco.instances(dataset)
    publisher.put("annotations/instances_default.json", instances)
    publisher.put("predictions.json", coco.predictions(dataset))
    publisher.put_text("frames.csv", frames_csv(dataset))
    settings = _effective_config(run)
    publisher.put_json("config.json", settings)
    if run.config.output.exports:
        # Imported late, because few runs need it.
        from pipeline.dataset.exports.of_run import put_exports  # noqa: PLC0415

        put_exports(run.config, instances, publisher, run.source.uri, run.id)
    log = run.log.finished()
    publisher.put_text("logs.csv", logs_csv(log))
    figures = figures_of(dataset, log, _subject(run, log, dataset.size_bytes, settings))
    publisher.put_text("report.md", report_markdown(figures))
    publisher.put_text("report.html", report_html(figures, dataset))
    return publisher.finish(log.counts())


def _subject(run: _Run, log: RunLog, size_bytes: int, settings: dict[str, object]) -> Subject:
    capacity = run.budget.capacity
    cost = None
    if capacity is not None and log.shards is None:
        cost = bill(
            Rates(capacity.megabytes, is_arm=is_arm()),
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
