"""Figures and datasets for the tests of reports."""

from datetime import UTC, datetime
from functools import cache

import cv2
import numpy as np

from pipeline.coverage import Coverage, MissingRange
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.report.figures import Figures, Subject, figures_of
from pipeline.dataset.thumbnails import Candidates, make_thumbnail
from pipeline.frame import Detections, DuplicateMatch, FrameRecord, Track
from pipeline.resources.prices import Bill
from pipeline.runlog import RunLog, StageLog

HOSTILE_TEXT = (
    "\"><script>alert(1)</script><img src=x onerror=alert(1)>'</style></svg>{{ 7*7 }}"
    "&lt;b&gt;\u202eevil\x00\n--><!-- ]]> javascript:alert(1) https://example.com/x.png"
)


def figures_for(
    dataset: Dataset, log: RunLog | None = None, *, model: str = "ssd", bill: Bill | None = None
) -> Figures:
    """Return the figures of a dataset."""
    settings = {
        "config": {
            "sampling": {"every_seconds": 1.0, "start_seconds": 0.0},
            "detector": {"classes": None, "tiles": 1},
            "output": {"images": True},
        },
        "model": {"name": model, "not_read": []},
        "versions": {"pretag": "1"},
    }
    subject = Subject("abc", f"in/{dataset.video}", 1000.0, settings, bill, 2048 if bill else None)
    return figures_of(dataset, log or RunLog(), subject)


@cache
def _noise(number: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Return an image that compresses badly: coarse noise, which survives the scaling."""
    small = np.random.default_rng(number).integers(0, 256, (135, 240, 3), dtype=np.uint8)
    image = cv2.resize(small, (960, 540), interpolation=cv2.INTER_NEAREST)
    return np.asarray(image, dtype=np.uint8)


def long_dataset(
    hours: float = 10, boxes: int = 8, labels: tuple[str, ...] = ("person", "car", "bicycle")
) -> Dataset:
    """Return a dataset of a frame for each second, of which each third is dropped."""
    rng = np.random.default_rng(1)
    dataset = Dataset(
        video="night watch.mp4",
        modified=datetime(2026, 3, 1, tzinfo=UTC),
        labels=labels,
        hash_name="phash",
        size_bytes=12_345_678_901,
        track=Track(1, 2, ("h264 640x360",)),
    )
    candidates = Candidates()
    for second in range(round(hours * 3600)):
        index, pts_ms = 25 * second, 1000.0 * second
        if second % 3 == 2:
            reason = "same_colours" if second % 5 == 0 else "duplicate"
            match = DuplicateMatch(index - 25, 3, reason)
            dataset.add(FrameRecord(index, pts_ms, 0, 960, 540, "aa", match))
            continue
        corners = rng.integers(0, [900, 500], (boxes, 2))
        sizes = rng.integers(8, [60, 40], (boxes, 2))
        found = Detections(
            np.hstack([corners, corners + sizes]).astype(np.float32),
            -np.sort(-rng.uniform(0.4, 1, boxes)).astype(np.float32),
            rng.integers(0, len(labels), boxes),
        )
        thumbnail = None
        if candidates.takes(pts_ms):
            thumbnail = make_thumbnail(index, pts_ms, _noise(second % 7))
        dataset.add(FrameRecord(index, pts_ms, 0, 960, 540, "aa", detections=found), thumbnail)
    return dataset


def log_of(dataset: Dataset) -> RunLog:
    """Return a run log with the counts of a dataset, and a hundred missing ranges."""
    seconds = len(dataset.frames)
    ranges = tuple(
        MissingRange(each * 9000.0, each * 9000.0 + 400, 10)
        for each in range(1, min(101, seconds // 9))
    )
    log = RunLog(
        video_seconds=seconds,
        total_seconds=seconds / 20,
        peak_memory_megabytes=321,
        warnings=("The aspect ratio of the pixels changes at about 12.0 seconds.",),
        coverage=Coverage(25 * seconds, 0, 10 * len(ranges), 0.4 * len(ranges), ranges, 1.5),
    )
    objects = len(dataset.frames.objects())
    kept = len(dataset.frames.objects_by_frame())
    for stage in (
        StageLog("fetch", 3000, dataset.size_bytes, 0, 12.5),
        StageLog("decode", 25 * seconds, seconds, 2, 800.25),
        StageLog("dedupe", seconds, kept, 0, 90.125),
        StageLog("detect", kept, objects, 0, 1500.5),
        StageLog("encode", kept, kept, 0, 200.0),
        StageLog("write", kept + 7, 10**9, 0, 30.0),
    ):
        log.stages[stage.name] = stage
    return log
