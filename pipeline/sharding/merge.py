"""Merge the results of shards: drop duplicates across segments, and add up counts and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.coverage import Coverage
from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.deduplication.selection import Merge
from pipeline.runlog import ShardTimes, StageLog

if TYPE_CHECKING:
    from pipeline.config.schema import DedupeConfig
    from pipeline.dataset.dataset import Dataset
    from pipeline.frame import DuplicateMatch, FrameRecord
    from pipeline.runlog import RunLog
    from pipeline.sharding.plan import Plan
    from pipeline.sharding.shard_result import ShardResult
    from pipeline.storage.written_file import WrittenFile


class ShardMerge:
    """Adds the results of shards, in order, to a dataset.

    The shards compared frames within segments only. Frames that an earlier segment keeps, too, are
    dropped here, as one process does on the way.

    Attributes:
        images: the images of the dataset that are files.
        dropped_images: paths of images that are files and not in the dataset.
        archives: for the name of each archive of a shard, its images that are in the dataset.
    """

    def __init__(self, plan: Plan, config: DedupeConfig, dataset: Dataset, log: RunLog) -> None:
        """Begin without results.

        Args:
            plan: the plan.
            config: how frames are compared.
            dataset: gets the records, and what is known of the video.
            log: gets the counts and times of all shards.
        """
        self.images: list[WrittenFile] = []
        self.dropped_images: list[str] = []
        self.archives: dict[str, list[WrittenFile]] = {}
        self._plan = plan
        self._is_hashed = config.method != "none"
        self._merge = Merge(config)
        self._dataset = dataset
        self._log = log
        self._merged = 0
        self._decoded = self._skipped = 0

    def add(self, result: ShardResult) -> None:
        """Add the result of the next shard.

        Raises:
            ShardMismatchError: it is not that of the next shard.
        """
        if result.number != self._merged:
            raise ShardMismatchError(f"The result of shard {self._merged} is missing.")
        self._merged += 1
        for stage in result.stages:
            self._log.add(stage)
        self._log.add_decoder(result.decoder_megabytes)
        self._log.shards = (self._log.shards or ShardTimes()).and_one(result.seconds)
        with self._log.stage("dedupe").timed():
            dropped = self._add_records(result)
        self._add_images(result, dropped)
        self._decoded += result.coverage.decoded
        self._skipped += result.coverage.skipped
        self._log.warnings = () if result.note is None else (result.note,)
        self._log.video_seconds = result.duration_ms / 1000

    def finish(self) -> None:
        """Write what is known of the whole video into the dataset.

        Raises:
            ShardMismatchError: results are missing, or no frame was sampled.
        """
        if self._merged != len(self._plan.shards):
            raise ShardMismatchError(f"The result of shard {self._merged} is missing.")
        if not self._dataset.frames:
            raise ShardMismatchError("No frame was sampled.")
        facts = self._plan.facts
        self._dataset.start_ms = facts.start_ms
        self._dataset.display, self._dataset.track = facts.display, facts.track
        self._dataset.coverage = self._log.coverage = Coverage(self._decoded, self._skipped)

    def _add_records(self, result: ShardResult) -> dict[str, FrameRecord]:
        """Add the records; return those that the merge dropped, by the paths of their images."""
        dropped: dict[str, FrameRecord] = {}
        matches: dict[int, DuplicateMatch] = {}
        if self._is_hashed:
            for record, fingerprint in zip(result.records.kept(), result.fingerprints, strict=True):
                match = self._merge.select(record, fingerprint).duplicate
                if match is not None:
                    dropped[record.image_path] = record
                    matches[record.index] = match
        self._dataset.extend(
            result.records.with_dropped(matches),
            (each for each in result.thumbnails if each.index not in matches),
        )
        return dropped

    def _add_images(self, result: ShardResult, dropped: dict[str, FrameRecord]) -> None:
        """List the images that stay, and take back the counts of what the merge dropped."""
        objects = sum(len(record.detections) for record in dropped.values())
        gone = [image for image in result.images if image.path in dropped]
        kept = [image for image in result.images if image.path not in dropped]
        for less in (
            StageLog("dedupe", items_out=-len(dropped)),
            StageLog("detect", items_in=-len(dropped), items_out=-objects),
            StageLog("encode", items_in=-len(gone), items_out=-len(gone)),
        ):
            self._log.add(less)
        if result.archive is not None:
            self.archives[result.archive] = kept
            return
        self.images += kept
        self.dropped_images += [image.path for image in gone]
        size = sum(image.size_bytes for image in gone)
        self._log.add(StageLog("write", items_in=-len(gone), items_out=-size))
