"""The index page: newest first, bounded, and text from outside shown as it is."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from pipeline.dataset.index.page import MOST_ROWS, index_html
from pipeline.dataset.index.row import Row, row_of

MANIFEST: dict[str, Any] = {
    "source": {"uri": "s3://videos/a.mp4"},
    "finished": "2026-01-02T03:04:05Z",
    "counts": {"frames_kept": 7, "detections": 20},
    "figures": {"coverage": 0.5, "dollars": 0.0001, "drift": {"level": 1.5}},
    "files": [{"path": "report.md"}],
}
HOSTILE = "</td><script>alert(1)</script>\"'&\x1b[31m\n"


class Page(HTMLParser):
    """Tags, links and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def page(*rows: Row, results: int = 1000) -> str:
    return index_html(rows, results=results, place="s3://results/pretag", made="now")


def test_a_manifest_becomes_a_row_with_its_figures() -> None:
    row = row_of("a.mp4/0123/manifest.json", json.dumps(MANIFEST).encode())
    assert row == Row(
        "s3://videos/a.mp4", "2026-01-02T03:04:05Z", "./a.mp4/0123/report.md",
        None, 7, 20, 0.5, 0.0001, 1.5,
    )  # fmt: skip
    assert row.has_drifted
    texts = Page(page(row)).texts
    assert {"7", "20", "50.00 %", "0.000100", "1.50"} <= set(texts)
    with_html = {**MANIFEST, "files": [{"path": "report.html"}, {"path": "report.md"}]}
    html = row_of("a/b/manifest.json", json.dumps(with_html).encode())
    assert html is not None
    assert html.link == "./a/b/report.html"


def test_a_manifest_of_an_earlier_version_has_unknown_figures() -> None:
    earlier = {key: value for key, value in MANIFEST.items() if key != "figures"}
    row = row_of("a/b/manifest.json", json.dumps(earlier).encode())
    assert row is not None
    assert (row.coverage, row.dollars, row.drift_level, row.has_drifted) == (
        None,
        None,
        None,
        False,
    )
    assert Page(page(row)).texts.count("unknown") == 2


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'"x"', json.dumps({**MANIFEST, "counts": 3}).encode(),
             json.dumps({**MANIFEST, "files": []}).encode(), b"[" * 100_000,
             json.dumps(MANIFEST).replace('"frames_kept": 7', '"frames_kept": 1e999').encode()],
)  # fmt: skip
def test_a_damaged_manifest_has_no_row(data: bytes) -> None:
    assert row_of("a/b/manifest.json", data) is None


def test_the_newest_come_first_and_a_rejection_has_its_reason() -> None:
    rejection = {"source": {"uri": "b"}, "rejected": "2026-02-01T00:00:00Z", "reason": "encrypted"}
    row = row_of("b/c/rejection.json", json.dumps(rejection).encode())
    assert row is not None
    parsed = Page(page(Row("old", "2026-01-01T00:00:00Z", "./old"), row))
    assert parsed.links == ["./b/c/rejection.json", "./old"]
    assert "rejected: encrypted" in parsed.texts


def test_names_from_outside_are_text_and_no_link_leaves_the_page() -> None:
    for name in (HOSTILE, "javascript:alert(1)", "//evil.example", "a b#c?d%", "行人"):
        row = row_of(f"{name}/1/manifest.json", json.dumps(MANIFEST).encode())
        assert row is not None
        html = page(Row(HOSTILE, HOSTILE, row.link, HOSTILE))
        parsed = Page(html)
        assert "script" not in parsed.tags
        assert all(re.fullmatch(r"\./[A-Za-z0-9_.~/%-]+", link) for link in parsed.links)
        assert "\x1b" not in html


def test_the_page_is_bounded_whatever_the_number_and_the_length_of_names() -> None:
    rows = [
        Row("行" * 5000, f"2026-01-01T00:00:00.{number:06}Z", "./" + "%E6%97%A5" * 341)
        for number in range(2 * MOST_ROWS)
    ]
    html = page(*rows, results=12345)
    assert len(html.encode()) < 3_000_000
    parsed = Page(html)
    assert len(parsed.links) == MOST_ROWS
    assert "12345 results; the newest 500 are shown." in " ".join(parsed.texts)
    assert f"00.{2 * MOST_ROWS - 1:06}Z" in html
    assert f"00.{MOST_ROWS - 1:06}Z" not in html
