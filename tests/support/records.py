"""Sampled frames without a video: records and fingerprints from small images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.coverage import Coverage
from pipeline.dataset.frame_table import FrameTable
from pipeline.dataset.thumbnails import Thumbnail
from pipeline.deduplication.selection import FrameSelector, SegmentSelector
from pipeline.detection.counters import DetectorCounters
from pipeline.frame import Detections, Frame
from pipeline.runlog import StageLog
from pipeline.sharding.shard_result import ShardResult
from pipeline.storage.written_file import WrittenFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.config.schema import DedupeConfig
    from pipeline.frame import FrameRecord, Image


def frames_of(images: Sequence[Image], frames_a_segment: int) -> list[Frame]:
    """Return a frame a second, with a segment after every so many frames."""
    return [
        Frame(3 * number, 1000.0 * number, number // frames_a_segment, image)
        for number, image in enumerate(images)
    ]


def objects_in(frame: Frame) -> Detections:
    """Return made-up objects that depend on the pixels and the index of a frame."""
    count = frame.index % 4
    rng = np.random.default_rng([frame.index, int(frame.image.sum())])
    return Detections(
        rng.random((count, 4), np.float32) * 100,
        np.sort(rng.random(count, np.float32))[::-1],
        rng.integers(0, 80, count),
    )


def in_one_process(frames: Sequence[Frame], config: DedupeConfig) -> list[FrameRecord]:
    """Return the records as one process has them."""
    selector = FrameSelector(config)
    return [_detected(selector.select(frame), frame) for frame in frames]


def shard_result(number: int, frames: Sequence[Frame], config: DedupeConfig) -> ShardResult:
    """Return the result of a shard with these frames."""
    selector = SegmentSelector(config)
    selected = [selector.select(frame) for frame in frames]
    records = [
        _detected(record, frame) for (record, _), frame in zip(selected, frames, strict=True)
    ]
    kept = [record for record in records if record.is_kept]
    images = [WrittenFile.of(record.image_path, bytes(record.index)) for record in kept]
    objects = sum(len(record.detections) for record in kept)
    size = sum(image.size_bytes for image in images)
    return ShardResult(
        number=number,
        records=FrameTable.of(records),
        fingerprints=tuple(
            each for record, each in selected if record.is_kept and each is not None
        ),
        images=tuple(images),
        coverage=Coverage(3 * len(frames), 2 * len(frames)),
        duration_ms=frames[-1].pts_ms if frames else 0.0,
        stages=(
            StageLog("decode", 3 * len(frames), len(frames), 0, 0.5),
            StageLog("dedupe", len(frames), len(kept), 0, 0.25),
            StageLog("detect", len(kept), objects, 0, 2.0),
            StageLog("encode", len(kept), len(kept), 0, 0.125),
            StageLog("write", len(kept), size, 0, 0.1),
        ),
        counters=DetectorCounters(0.1 * number, number, 2 * number),
        thumbnails=tuple(Thumbnail(each.index, each.pts_ms, b"%d" % each.index) for each in kept),
        note="Key frames are up to 3.0 s apart.",
        seconds=3.5,
        peak_megabytes=210.25,
        decoder_megabytes=100.5,
    )


def _detected(record: FrameRecord, frame: Frame) -> FrameRecord:
    return replace(record, detections=objects_in(frame)) if record.is_kept else record
