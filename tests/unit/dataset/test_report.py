"""report.md: the class table, the counts, and text from outside."""

import pytest

from pipeline.dataset.dataset import Dataset
from pipeline.dataset.report import class_rows, report_markdown
from pipeline.runlog import RunLog


def test_a_class_row_has_counts_and_medians_of_its_objects(two_frames: Dataset) -> None:
    (row,) = class_rows(two_frames)
    assert (row.label, row.objects, row.frames, row.share) == ("car", 2, 1, 1.0)
    assert row.median_score == pytest.approx(0.7)
    assert (row.median_width, row.median_height) == (15, 20)


def test_the_report_shows_classes_duplicates_and_speed(two_frames: Dataset) -> None:
    text = report_markdown(two_frames, RunLog(total_seconds=3, video_seconds=6), "abc", "ssd")
    assert "| car | 2 | 1 | 100.0 % | 0.70 | 15 x 20 |" in text
    assert "| dropped: duplicate | 1 |" in text
    assert "0.50 s for each second of video" in text


def test_the_report_without_frames_says_that_nothing_was_found(two_frames: Dataset) -> None:
    two_frames.frames.clear()
    assert "Nothing was found." in report_markdown(two_frames, RunLog(), "abc", "ssd")


def test_markup_in_labels_and_file_names_is_escaped(two_frames: Dataset) -> None:
    two_frames.labels = ("person", "<img src=x>|[x](y)\n`z`_a*")
    two_frames.video = "a|b <b>.mp4"
    text = report_markdown(two_frames, RunLog(), "abc", "ssd")
    assert text.startswith("# a\\|b \\<b>.mp4\n")
    assert "| \\<img src=x>\\|\\[x](y)\ufffd\\`z\\`_a\\* | 2 |" in text
