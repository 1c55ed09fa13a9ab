"""Annotate one video: source -> frames -> detections -> dataset -> published result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from logging import getLogger
from typing import TYPE_CHECKING

from pipeline.dataset.dataset import Dataset
from pipeline.decoding.limits import check_file_size
from pipeline.deduplication.selection import FrameSelector
from pipeline.digest import run_id
from pipeline.errors import CapacityError, RejectedError, RetryableError
from pipeline.outcome import Outcome
from pipeline.processing import Processing
from pipeline.resources.budget import Budget
from pipeline.resources.hand_over import NoHandOver
from pipeline.resources.joining_limit import JoiningLimit
from pipeline.resources.time_limit import TOO_LONG
from pipeline.result_files import computed_by, write_files
from pipeline.runlog import RunLog, ShardTimes
from pipeline.sharding.images import read_images
from pipeline.sharding.merge import ShardMerge
from pipeline.storage.baseline_file import read_baseline
from pipeline.storage.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.config.schema import Config
    from pipeline.decoding.opening import OpenedVideo
    from pipeline.detection.detector import Detector
    from pipeline.drift.baseline import Baseline
    from pipeline.frame import Track
    from pipeline.resources.hand_over import HandOver
    from pipeline.sharding.images import ShardImages
    from pipeline.sharding.plan import Plan
    from pipeline.sharding.shard_result import ShardResult
    from pipeline.storage.result_store import PublishedResult, ResultStore
    from pipeline.storage.source import VideoSource
    from pipeline.storage.written_file import WrittenFile

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
    opened: OpenedVideo | None = None,
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
        opened: the video, if it was opened with the same configuration before.

    Returns:
        The outcome. A rejected video is an outcome, not an exception.

    Raises:
        ConfigError: a config key does not fit the model.
        HandedOverError: others do the run.
        PretagError: the run failed: retryable, broken or superseded. No result is visible.
    """
    log = RunLog() if opened is None else opened.log
    run = _Run(source, config, detector, budget, log, opened)
    with Publisher(open_store(run.id), run.id, source, run.log) as publisher:
        try:
            result = publisher.begin()
            if result is None:
                hand_over.before_work()
                baseline = read_baseline(config.drift.baseline, budget.deadline)
                dataset = _process(run, publisher, cpus, on_progress)
                result = _write(run, dataset, publisher, baseline)
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
    images: ShardImages,
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
        images: where the images of the shards are.
        budget: the time that there is.

    Raises:
        ShardMismatchError: the results do not fit together. Nothing was published.
        ShardArchiveError: the archive of a shard is gone, or was changed. Nothing was published.
        PretagError: as `annotate`.
    """
    run = _Run(source, config, detector, budget)
    with Publisher(open_store(run.id), run.id, source, run.log) as publisher:
        result = publisher.begin()
        if result is None:
            baseline = read_baseline(config.drift.baseline, budget.deadline)
            dataset = _new_dataset(run)
            if budget.capacity is not None:
                run.log.shards = ShardTimes(megabytes=budget.capacity.megabytes)
            merge = ShardMerge(plan, config.dedupe, dataset, run.log)
            for each in results:
                merge.add(each)
                detector.add_counters(each.counters)
            merge.finish()
            publisher.note(merge.images)
            _join(run, merge.archives, images, publisher)
            images.remove(merge.dropped_images)
            _tell_of_tracks(source.uri, dataset.track)
            result = _write(run, dataset, publisher, baseline)
    return Outcome.published(source.uri, run.log.finished(), result)


def _join(
    run: _Run,
    archives: Mapping[str, Sequence[WrittenFile]],
    images: ShardImages,
    publisher: Publisher,
) -> None:
    """Write the images of all archives of shards into one.

    Raises:
        CapacityError: there is no time for that and for the exports, which come afterwards.
    """
    form = run.config.output.archive_form
    if form is None:
        return
    sizes_bytes = [member.size_bytes for members in archives.values() for member in members]
    exports = len(run.config.output.exports)
    limit = JoiningLimit(run.source.uri, run.budget, sizes_bytes, exports=exports)
    with publisher.images(form) as put, closing(read_images(images, archives)) as joined:
        for path, data in joined:
            put(path, data)
            limit.add(len(data))


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
    with publisher.images(run.config.output.archive_form) as put:
        decoded = run.run(selector, put, dataset.add, cpus=cpus, on_progress=on_progress)
    dataset.start_ms = decoded.start_ms
    dataset.display, dataset.track = decoded.display, decoded.track
    _tell_of_tracks(run.source.uri, decoded.track)
    dataset.coverage = run.log.coverage = decoded.coverage
    run.log.video_seconds = decoded.duration_ms / 1000
    run.log.warnings = () if decoded.note is None else (decoded.note,)
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
            "Video has several tracks",
            extra={
                "video": name,
                "track": track.number,
                "tracks": track.count,
                "ignored": track.ignored,
            },
        )


def _write(
    run: _Run, dataset: Dataset, publisher: Publisher, baseline: Baseline | None
) -> PublishedResult:
    """Write the data files, the log and the report; then publish the result."""
    log = write_files(run, run.id, dataset, publisher, baseline)
    return publisher.finish(log.counts(), log.figures())
