"""Work on one shard: decode its part, deduplicate within segments, detect, write its images."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline.dataset.frame_table import FrameTable
from pipeline.dataset.thumbnails import MOST_CANDIDATES, ContactSheet
from pipeline.deduplication.selection import SegmentSelector
from pipeline.processing import Processing
from pipeline.resources.budget import Budget
from pipeline.runlog import RunLog
from pipeline.sharding.images import new_archive, written_images
from pipeline.sharding.shard_result import ShardResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.config.schema import Config, DedupeConfig
    from pipeline.dataset.thumbnails import Thumbnail
    from pipeline.deduplication.fingerprint import Fingerprint
    from pipeline.detection.detector import Detector
    from pipeline.frame import Frame, FrameRecord
    from pipeline.sharding.images import ShardImages
    from pipeline.sharding.plan import Plan
    from pipeline.storage.source import VideoSource

# Of many shards, few thumbnails each are enough: the report shows few of the whole video.
_FEWEST_THUMBNAILS = 20


def process_shard(  # noqa: PLR0913 - each argument is a different part of the work
    source: VideoSource,
    config: Config,
    detector: Detector,
    plan: Plan,
    number: int,
    *,
    images: ShardImages,
    cpus: int,
    budget: Budget | None = None,
    on_progress: Callable[[float], None] = lambda _done: None,
) -> ShardResult:
    """Return the result of one shard. Doing it again gives the same result and the same images.

    Args:
        source: the version of the video that was planned.
        config: the configuration that was planned with.
        detector: a detector of its own, with the same configuration.
        plan: the plan.
        number: which shard.
        images: where its images go.
        cpus: number of CPUs to use.
        budget: the time and the memory that the work has; None: no limits.
        on_progress: called after each sampled frame with the seconds of video done in the shard.

    Raises:
        ShardMismatchError: the packets cannot be trusted. One process must do the whole video.
        RejectedError: the video cannot be read. One process must find out why, and reject it.
        CapacityError: the shard does not fit its budget.
        PretagError: the work failed: retryable, broken or superseded.
    """
    started = time.perf_counter()
    log = RunLog()
    records = FrameTable()
    most_thumbnails = max(_FEWEST_THUMBNAILS, 2 * MOST_CANDIDATES // len(plan.shards))
    sheet = ContactSheet(most_thumbnails)

    def add(record: FrameRecord, thumbnail: Thumbnail | None) -> None:
        records.append(record)
        if thumbnail is not None:
            sheet.add(thumbnail)

    selector = _KeptInSegments(config.dedupe)
    form = config.output.archive_form
    archive = None if form is None else new_archive(number, form)
    with written_images(images, archive, form, log) as (put, written):
        decoded = Processing(source, config, detector, budget or Budget.unlimited(), log).run(
            selector,
            put,
            add,
            cpus=cpus,
            part=plan.part(number),
            most_thumbnails=most_thumbnails,
            on_progress=lambda done, _all: on_progress(done),
        )
    finished = log.finished()
    return ShardResult(
        number=number,
        records=records,
        fingerprints=tuple(selector.fingerprints),
        thumbnails=tuple(sheet.chosen(most_thumbnails)),
        images=tuple(written),
        archive=archive,
        coverage=decoded.coverage,
        duration_ms=decoded.duration_ms,
        stages=tuple(finished.stages.values()),
        counters=detector.counters,
        note=decoded.note,
        seconds=time.perf_counter() - started,
        peak_megabytes=finished.peak_memory_megabytes,
        decoder_megabytes=finished.decoder_megabytes,
    )


class _KeptInSegments:
    """Decides within each segment, and remembers the fingerprints of the kept frames."""

    def __init__(self, config: DedupeConfig) -> None:
        self.fingerprints: list[Fingerprint] = []
        self._segments = SegmentSelector(config)

    def select(self, frame: Frame) -> FrameRecord:
        record, fingerprint = self._segments.select(frame)
        if record.is_kept and fingerprint is not None:
            self.fingerprints.append(fingerprint)
        return record
