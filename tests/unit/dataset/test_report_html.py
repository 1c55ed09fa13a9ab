"""report.html: its structure, its figures, its size, and text from outside."""

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from pipeline.dataset.csv_tables import logs_csv
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.frame_table import FrameTable
from pipeline.dataset.report.html import report_html
from pipeline.dataset.report.markdown import report_markdown
from pipeline.resources.prices import Bill
from pipeline.runlog import RunLog
from tests.support.reports import HOSTILE_TEXT, figures_for, log_of, long_dataset

VOID = {"meta", "link", "img", "input", "path", "rect"}


class Parsed(HTMLParser):
    """The elements, links and text of a page; fails on elements that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def ten_hours() -> tuple[Dataset, RunLog]:
    dataset = long_dataset(10)
    return dataset, log_of(dataset)


def test_the_report_of_ten_hours_is_small_and_shows_frames_of_all_its_time(
    ten_hours: tuple[Dataset, RunLog],
) -> None:
    dataset, log = ten_hours
    html = report_html(figures_for(dataset, log), dataset)
    assert len(html.encode()) < 5_000_000
    page = Parsed(html)
    frames = [int(value[6:]) for value in page.values("id") if value.startswith("frame-")]
    assert 40 < len(frames) <= 200
    gaps = [later - earlier for earlier, later in pairwise(frames)]
    assert max(gaps) < 1.1 * min(gaps)
    assert frames[0] == 0
    assert frames[-1] + max(gaps) > 25 * 35_999
    assert page.tags.count("span") < 1000  # the timeline has no cell for each frame


def test_the_page_loads_nothing_and_runs_nothing(two_frames: Dataset) -> None:
    page = Parsed(report_html(figures_for(two_frames), two_frames))
    assert not {"script", "iframe", "object", "embed", "form", "base"} & set(page.tags)
    assert all(value.startswith("data:") for value in page.values("src"))
    links = [value for value in page.values("href") if not value.startswith(("#", "data:"))]
    assert set(links) <= {
        "frames.csv", "logs.csv", "config.json", "manifest.json",
        "annotations/instances_default.json",
    }  # fmt: skip
    assert any(value.startswith("default-src 'none';") for value in page.values("content"))


def test_each_picture_is_embedded_has_its_boxes_and_links_to_its_image() -> None:
    dataset = long_dataset(30 / 3600)
    page = Parsed(report_html(figures_for(dataset), dataset))
    names = [frame.file_name for frame in dataset.frames.kept()]
    images = [value for value in page.values("href") if value.startswith("images/")]
    assert images == [f"images/default/{name}" for name in names]
    assert len(page.values("src")) == len(names) == 20
    boxes = "".join(value for value in page.values("d") if value.endswith("z"))
    assert boxes.count("M") == sum(len(frame.detections) for frame in dataset.frames.kept())
    x1, y1, x2, y2 = next(dataset.frames.kept()).detections.boxes[0].round().astype(int)
    assert f"M{x1} {y1}H{x2}V{y2}H{x1}z" in boxes


def test_no_image_is_embedded_without_thumbnails(two_frames: Dataset) -> None:
    log = log_of(two_frames)
    page = Parsed(report_html(figures_for(two_frames, log), two_frames))
    assert page.values("src") == []
    assert "There are no pictures, because no images are written (" in page.texts


def test_the_tables_have_the_figures_of_logs_csv(two_frames: Dataset) -> None:
    log = log_of(two_frames)
    figures = figures_for(two_frames, log)
    texts = Parsed(report_html(figures, two_frames)).texts
    markdown = report_markdown(figures)
    for row in csv.DictReader(io.StringIO(logs_csv(log).decode())):
        assert row["seconds"] in texts
        if row["stage"] == "total":
            continue
        for cell in (
            f"{row['items_in']} {row['unit_in']}",
            f"{row['items_out']} {row['unit_out']}",
        ):
            assert cell in texts
            assert f"| {cell} |" in markdown
        assert row["items_per_second"] in texts
        assert f"| {row['failed']} | {row['seconds']} | {row['items_per_second']} |" in markdown
        if row["stage"] == "decode":
            assert any(row["seconds_lost"] in text for text in texts)
            for span in row["lost_at_seconds"].split():
                start, end = span.split("-")
                assert start in texts
                assert f"| {start} | {end} |" in markdown


def test_the_cost_is_shown_only_where_it_is_known(two_frames: Dataset) -> None:
    assert "cost" not in report_html(figures_for(two_frames), two_frames)
    known = figures_for(two_frames, bill=Bill(0.5, 0.25, 0.125, 0.0625))
    texts = Parsed(report_html(known, two_frames)).texts
    assert {"$0.9375", "$0.937500", "$0.500000", "$0.250000", "$0.125000"} <= set(texts)


def test_text_from_outside_is_text() -> None:
    plain, strange = (
        replace(long_dataset(20 / 3600, labels=("person", name)), video=name)
        for name in ("zebra", HOSTILE_TEXT)
    )
    pages = []
    for dataset, name in ((plain, "zebra"), (strange, HOSTILE_TEXT)):
        log = replace(log_of(dataset), warnings=(name,))
        html = report_html(figures_for(dataset, log, model=name), dataset)
        assert not re.search("[\u202e\x00]", html)
        pages.append(Parsed(html))
    assert pages[0].tags == pages[1].tags
    names = [[name for name, _ in page.attributes] for page in pages]
    assert names[0] == names[1]
    shown = "".join(pages[1].texts)
    assert shown.count("<script>alert(1)</script>") == "".join(pages[0].texts).count("zebra")
    assert "{{ 7*7 }}" in shown


def test_a_long_label_and_many_classes_do_not_fill_the_page() -> None:
    labels = tuple(f"{number} {'x' * 10_000}" for number in range(300))
    dataset = long_dataset(60 / 3600, boxes=100, labels=labels)
    figures = figures_for(dataset, log_of(dataset))
    html = report_html(figures, dataset)
    assert len(html.encode()) < 2_500_000
    more = figures.objects.classes[30:]
    objects = sum(row.objects for row in more)
    assert f"{len(more)} more classes with {objects} objects are in" in html
    assert "At most 60 boxes are drawn in a frame" in html


def test_a_report_without_frames_says_so(two_frames: Dataset) -> None:
    two_frames.frames = FrameTable()
    texts = Parsed(report_html(figures_for(two_frames), two_frames)).texts
    assert {"No frame was kept.", "Nothing was found."} <= set(texts)
