"""Statistics, histograms and the timeline of a report."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.coverage import MissingRange
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.frame_table import FrameTable
from pipeline.dataset.report.statistics import object_statistics
from pipeline.dataset.report.timeline import timeline
from pipeline.dataset.report.words import bytes_text, cell_text, clock, length
from pipeline.frame import Detections, DuplicateMatch, FrameRecord
from tests.support.reports import figures_for


def test_a_class_row_has_counts_and_medians_of_its_objects(two_frames: Dataset) -> None:
    (row,) = object_statistics(two_frames).classes
    assert (row.label, row.objects, row.frames, row.share) == ("car", 2, 1, 1.0)
    assert row.median_score == pytest.approx(0.7)
    assert (row.median_width, row.median_height) == (15, 20)


def test_each_object_is_in_one_bin_and_one_on_an_edge_is_in_the_upper_one() -> None:
    scores = np.array([1.0, 0.95, 0.94996, 0.85, 0.45, 0.4], np.float32)
    sides = np.array([2000, 1024, 96, 95.9, 32, 4], np.float32)
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], axis=1)
    found = Detections(boxes, scores, np.zeros(6, np.int64))
    frame = FrameRecord(0, 0.0, 0, 3000, 3000, detections=found)
    statistics = object_statistics(Dataset("v", None, ("a",), None, frames=FrameTable.of([frame])))
    assert [(each.name, each.objects) for each in statistics.scores if each.objects] == [
        ("0.40-0.45", 1), ("0.45-0.50", 1), ("0.85-0.90", 1), ("0.95-1.00", 3),
    ]  # fmt: skip
    assert [(each.name, each.objects) for each in statistics.sizes if each.objects] == [
        ("0-8", 1), ("32-64", 1), ("64-96", 1), ("96-128", 1), ("1024 and more", 2),
    ]  # fmt: skip


def test_a_dataset_without_frames_has_no_bins(two_frames: Dataset) -> None:
    statistics = object_statistics(replace(two_frames, frames=FrameTable()))
    assert (statistics.classes, statistics.scores, statistics.sizes) == ((), (), ())


def test_a_short_video_has_a_cell_for_each_sample(two_frames: Dataset) -> None:
    missing = MissingRange(-80.0, 40.0, 3)
    line = timeline(two_frames.frames, [missing], video_ms=1999.0, every_ms=1000.0)
    assert [(cell.from_ms, cell.kept, dict(cell.dropped)) for cell in line.cells] == [
        (0, 1, {}), (1000, 0, {"duplicate": 1}),
    ]  # fmt: skip
    first, second = line.cells
    assert cell_text(first, line.missing_in(first)) == (
        "0:00.0, frame 0: kept. Missing: 0:00.0 to 0:00.0 (3 frames)."
    )
    assert cell_text(second, line.missing_in(second)) == (
        "0:01.0, frame 10: dropped (duplicate), as frame 0 shows the same; 2 bits apart."
    )


def test_a_long_video_has_a_hundred_cells_that_count_every_frame() -> None:
    match = DuplicateMatch(0, 5, "fade")
    frames = FrameTable.of(
        FrameRecord(each, 500.0 * each, 0, 64, 48, duplicate=match if each % 4 else None)
        for each in range(72_000)
    )
    line = timeline(frames, [], video_ms=36_000_000.0, every_ms=500.0)
    assert len(line.cells) == 100
    assert {cell.sampled for cell in line.cells} == {720}
    assert sum(cell.kept for cell in line.cells) == 18_000
    assert cell_text(line.cells[1], []) == (
        "6:00.0 to 12:00.0: 720 sampled, 180 kept, 540 dropped (540 fade)."
    )


def test_settings_are_shown_as_config_json_has_them(two_frames: Dataset) -> None:
    assert figures_for(two_frames).settings == (
        ("config.sampling.every_seconds", "1.0"),
        ("config.sampling.start_seconds", "0.0"),
        ("config.detector.classes", "null"),
        ("config.detector.tiles", "1"),
        ("config.output.images", "true"),
        ("model.name", "ssd"),
        ("model.not_read", "none"),
        ("versions.pretag", "1"),
    )


def test_times_and_sizes_in_words() -> None:
    assert [clock(ms) for ms in (0, 59_960, 3_599_949, 3_723_000)] == [
        "0:00.0", "1:00.0", "59:59.9", "1:02:03.0",
    ]  # fmt: skip
    assert [length(ms) for ms in (59_960, 3_599_999, 36_000_000)] == [
        "1:00.0",
        "1:00:00",
        "10:00:00",
    ]
    assert [bytes_text(size) for size in (7, 1500, 12_345_678_901)] == [
        "7 bytes",
        "1.5 kB",
        "12.3 GB",
    ]
