"""report.md: the tables, and text from outside."""

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.dataset.dataset import Dataset
from pipeline.dataset.frame_table import FrameTable
from pipeline.dataset.report.markdown import escape_markdown, report_markdown
from pipeline.resources.prices import Bill
from pipeline.runlog import RunLog, ShardTimes
from pipeline.text import printable
from tests.support.reports import figures_for


def test_the_report_shows_classes_duplicates_and_speed(two_frames: Dataset) -> None:
    text = report_markdown(figures_for(two_frames, RunLog(total_seconds=3, video_seconds=6)))
    assert "| car | 2 | 1 | 100.0 % | 0.70 | 15 x 20 |" in text
    assert "| dropped: duplicate | 1 |" in text
    assert "0.50 s for each second of video" in text
    assert "| 0.50-0.55 | 1 |" in text
    assert "| 8-16 | 1 |" in text
    assert "Estimated cost" not in text


def test_the_report_shows_the_cost_where_it_is_known(two_frames: Dataset) -> None:
    text = report_markdown(figures_for(two_frames, bill=Bill(0.5, 0.25, 0.125, 0.0625)))
    assert "About $0.937500 with 2048 MB" in text
    assert "| objects written | 0.250000 |" in text


def test_the_report_tells_the_shards(two_frames: Dataset) -> None:
    log = RunLog(shards=ShardTimes((10.0, 30.0, 20.0), megabytes=1024)).finished()
    text = report_markdown(figures_for(two_frames, log))
    assert "3 shards, which took 60.0 s in all. The slowest was shard 1, with 30.0 s." in text


def test_the_report_shows_warnings_as_text(two_frames: Dataset) -> None:
    log = RunLog(warnings=("The model a*b also gives masks.",))
    text = report_markdown(figures_for(two_frames, log))
    assert "## Warnings\n\n- The model a&#42;b also gives masks.\n\n## Stages" in text
    assert "Warnings" not in report_markdown(figures_for(two_frames))


def test_the_report_without_frames_says_that_nothing_was_found(two_frames: Dataset) -> None:
    two_frames.frames = FrameTable()
    assert "Nothing was found." in report_markdown(figures_for(two_frames))


def tokens(markdown: str) -> list[Token]:
    """Return the parts of Markdown with GitHub's tables and strikethrough."""
    parts = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    return [inner for part in parts for inner in (part, *(part.children or []))]


def shown(markdown: str) -> list[str]:
    """Return the texts of all headings, cells and paragraphs, as a reader sees them."""
    parts = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    return [
        "".join(inner.content for inner in part.children or []).strip()
        for part in parts
        if part.type == "inline"
    ]


HOSTILE = [
    "<img src=x onerror=alert(1)>|[x](javascript:y)\n`z`_a*",
    "a\\|b|c",
    "&lt;script&gt;&#60;",
    "~~gone~~ __bold__ *it*",
    "https://example.com www.example.com <https://example.com>",
    "![x](https://example.com/x.png)",
    "=1+1",
    "# - 1. > ```",
    "$x$ {{ 7*7 }} @user ==mark== ^up^",
    "a\u202eb\x1b[31m",
]
strange_text = st.sampled_from(HOSTILE) | st.text(
    st.sampled_from("\\`*_{}[]()<>#+-.!|~&$@:/=^'\"aw1 ;\n\t\u202eé高") | st.characters(),
    max_size=30,
)


@given(strange_text, strange_text, strange_text)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_from_outside_is_shown_as_it_is(
    two_frames: Dataset, video: str, label: str, model: str
) -> None:
    plain = replace(two_frames, video="video", labels=("person", "label"))
    strange = replace(two_frames, video=video, labels=("person", label))
    expected = report_markdown(figures_for(plain, model="model"))
    text = report_markdown(figures_for(strange, model=model))
    assert set(text) <= set(expected) | set(printable(video + label + model)) | set("&#;0123456789")
    if all(printable(part).strip() for part in (video, label, model)):
        kinds = [token.type for token in tokens(expected) if token.type != "text_special"]
        assert [token.type for token in tokens(text) if token.type != "text_special"] == kinds
    places = {"video": printable(video).strip(), "label": printable(label).strip()}
    for before, after in zip(shown(expected), shown(text), strict=True):
        if before in places:
            assert after == places[before]
        elif before.startswith("Run "):
            assert after == (before.removesuffix("model") + printable(model)).strip()
        else:
            assert after == before


@pytest.mark.parametrize("text", ["https://example.com", "www.example.com", "WWW.example.com"])
def test_no_address_becomes_a_link(text: str, two_frames: Dataset) -> None:
    """GitHub makes a link of whatever has one of these, in the raw text."""
    report = report_markdown(figures_for(replace(two_frames, video=text)))
    assert not re.search(r"://|www\.", report, re.IGNORECASE)


@pytest.mark.parametrize("text", ["incoming/cam 1/höhe-2.mp4", "ssdlite_mobilenet_v2_coco"])
def test_usual_names_are_easy_to_read_in_the_file(text: str) -> None:
    assert escape_markdown(text) == text
