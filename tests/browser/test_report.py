"""report.html in a headless Chromium: `make report-test`. Needs `apt-get install chromium`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.dataset.report.html import report_html
from pipeline.resources.prices import Bill
from tests.support.browser import Page
from tests.support.reports import HOSTILE_TEXT, figures_for, log_of, long_dataset
from tests.support.runs import result_folder, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PHONE, DESKTOP = 390, 1280
TAB = ("Tab", 9)

SHOWN_IMAGES = """
Promise.all([...document.images].filter(image => image.offsetWidth).map(async image => {
  image.loading = "eager";
  await image.decode();
  return [image.naturalWidth, image.naturalHeight];
}))
"""

# WCAG 2.2, 1.4.3: https://www.w3.org/TR/WCAG22/#contrast-minimum. Text that is shown on pointing or
# focus is measured as if it were shown. Returns the texts with less contrast than they need.
LOW_CONTRAST = """
(() => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const channels = colour => {
    context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = colour => colour.slice(0, 3)
    .map(each => each / 255)
    .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, number) => sum + each * [0.2126, 0.7152, 0.0722][number], 0);
  const background = element => {
    for (; element; element = element.parentElement) {
      const colour = channels(getComputedStyle(element).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const ratio = (first, second) => {
    const [low, high] = [luminance(first), luminance(second)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const found = [];
  const check = (element, colour, least, what) => {
    const value = ratio(channels(colour), background(element));
    if (value < least) found.push(`${what}: ${value.toFixed(2)}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.getClientRects().length) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    check(element, colour, isLarge ? 3 : 4.5, text);
    texts += 1;
  }
  for (const kind of ["kept", "dropped", "missing", "bar"])
    for (const mark of document.querySelectorAll(`rect.${kind}`))
      check(mark.closest("section"), getComputedStyle(mark).fill, 3, kind);
  return {texts, found: [...new Set(found)]};
})()
"""

FOCUSED = """
(() => {
  const element = document.activeElement, box = element.getBoundingClientRect();
  const outline = getComputedStyle(element);
  return {
    tag: element.tagName, text: element.textContent.trim(), href: element.getAttribute("href"),
    id: element.id, isInWindow: box.bottom > 0 && box.top < innerHeight,
    hasOutline: outline.outlineStyle !== "none" && parseFloat(outline.outlineWidth) >= 2,
  };
})()
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with Page(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of the sample clip, with some frames dropped."""
    folder = tmp_path_factory.mktemp("out")
    return result_folder(run(folder, dedupe={"keep_small_changes": False})) / "report.html"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of an hour, with hostile names, warnings, gaps, and a bill."""
    dataset = long_dataset(1, labels=("person", HOSTILE_TEXT, "car" * 100))
    dataset.video = HOSTILE_TEXT
    log = log_of(dataset)
    log.warnings = (HOSTILE_TEXT,)
    figures = figures_for(dataset, log, model=HOSTILE_TEXT, bill=Bill(0.01, 0.2, 0.001, 0.000001))
    path = tmp_path_factory.mktemp("hostile") / "report.html"
    path.write_text(report_html(figures, dataset))
    return path


@pytest.fixture(params=["sample", "hostile"])
def report(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@pytest.fixture(params=[PHONE, DESKTOP])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_it_opens_without_a_complaint_and_requests_nothing_else(
    page: Page, report: Path, width: int
) -> None:
    page.complaints.clear()
    page.requests.clear()
    page.open(report.as_uri(), width=width)
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    assert page.complaints == []
    assert set(page.requests) == {report.as_uri()}
    assert page.evaluate("document.scripts.length") == 0


def test_all_pictures_load(page: Page, report: Path, width: int) -> None:
    page.open(report.as_uri(), width=width)
    first = page.evaluate(SHOWN_IMAGES)
    assert 20 <= len(first) <= 40
    page.evaluate("document.querySelector('#every-frame')?.click()")
    shown = page.evaluate(SHOWN_IMAGES)
    assert len(shown) == page.evaluate("document.images.length")
    assert all(max(size) == 320 for size in shown)


def test_nothing_is_wider_than_the_window(page: Page, report: Path, width: int) -> None:
    page.open(report.as_uri(), width=width)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(
        "[...document.querySelectorAll('section, .tiles div, figure, svg.columns')].every("
        "each => { const box = each.getBoundingClientRect();"
        " return box.left >= 0 && box.right <= innerWidth; })"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_and_charts_have_enough_contrast(page: Page, report: Path, theme: str) -> None:
    page.open(report.as_uri(), width=DESKTOP, theme=theme)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    measured = page.evaluate(LOW_CONTRAST)
    assert measured["texts"] > 100
    assert measured["found"] == []
    is_dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 20, 24)"
    assert is_dark == (theme == "dark")


def test_the_tab_key_goes_through_the_page_in_order_and_reaches_the_frames(
    page: Page, sample: Path
) -> None:
    page.open(sample.as_uri(), width=DESKTOP)
    stops = []
    for _ in range(80):
        page.press(*TAB)
        stops.append(page.evaluate(FOCUSED))
        if stops[-1]["tag"] == "BODY":
            break
    assert all(stop["hasOutline"] and stop["isInWindow"] for stop in stops[:-1])
    links = [stop["href"] for stop in stops if stop["href"]]
    assert links[:3] == ["#frames", "#timeline", "#frames"]
    cells = [stop["text"] for stop in stops if stop["tag"] == "LI"]
    assert len(cells) == 30
    assert cells[0] == "0:00.0, frame 0: kept."
    assert any("dropped (duplicate), as frame" in text for text in cells)
    pictures = [link for link in links if link.startswith("images/default/")]
    assert pictures == sorted(pictures)
    assert len(pictures) == 23


def test_the_first_link_skips_to_the_frames(page: Page, sample: Path) -> None:
    page.open(sample.as_uri(), width=DESKTOP)
    page.press(*TAB)
    assert page.evaluate("document.activeElement.textContent") == "Skip to the frames"
    page.evaluate("document.activeElement.click()")
    page.press(*TAB)
    assert page.evaluate("document.activeElement.id") == "boxes"


def test_a_focused_cell_shows_what_became_of_its_frames(page: Page, sample: Path) -> None:
    page.open(sample.as_uri(), width=PHONE)
    page.evaluate("document.querySelectorAll('.cells li')[8].focus()")
    shown = page.evaluate(
        "[...document.querySelectorAll('.cells span')]"
        ".filter(each => getComputedStyle(each).opacity === '1').map(each => each.textContent)"
    )
    assert shown == [page.evaluate("document.querySelectorAll('.cells span')[8].textContent")]


def test_switches_hide_boxes_and_show_all_frames(page: Page, hostile: Path) -> None:
    visible = "[...document.querySelectorAll('{}')].filter(each => each.getClientRects().length)"
    page.open(hostile.as_uri(), width=DESKTOP)
    frames, boxes = f"{visible.format('figure')}.length", f"{visible.format('.picture path')}"
    at_first = page.evaluate(frames)
    page.evaluate("document.querySelector('#class-1').click()")
    assert page.evaluate(f"{boxes}.length") > 0
    assert page.evaluate(f"{boxes}.some(each => each.classList.contains('c1'))") is False
    page.evaluate("document.querySelector('#boxes').click()")
    assert page.evaluate(f"{boxes}.length") == 0
    page.evaluate("document.querySelector('#every-frame').click()")
    assert page.evaluate(frames) == page.evaluate("document.images.length") > at_first


def test_boxes_lie_where_the_coco_file_has_them(page: Page, sample: Path) -> None:
    """The picture is scaled, and the outlines must be scaled with it."""
    page.open(sample.as_uri(), width=DESKTOP)
    places = page.evaluate(
        """[...document.querySelectorAll('.picture')].map(picture => {
          const area = picture.getBoundingClientRect(), svg = picture.querySelector('svg');
          const drawn = svg.querySelector('path').getScreenCTM();
          return Math.abs(drawn.e - area.left) + Math.abs(drawn.f - area.top)
            + Math.abs(drawn.a * svg.viewBox.baseVal.width - area.width)
            + Math.abs(drawn.d * svg.viewBox.baseVal.height - area.height);
        })"""
    )
    assert len(places) == 23
    assert max(places) < 1  # in pixels of the screen


def test_it_prints_in_black_on_white_without_controls(page: Page, sample: Path) -> None:
    page.open(sample.as_uri(), width=DESKTOP, theme="dark")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for part in ("nav", ".switches", ".hint"):
        assert page.evaluate(f"document.querySelector('{part}').getClientRects().length") == 0
    pdf = page.call("Page.printToPDF", printBackground=True)["data"]
    assert len(pdf) > 50_000
    page.call("Emulation.setEmulatedMedia", media="")
