"""Draw the charts of the HTML report as SVG. Colours and fonts are in report.css."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.dataset.report.statistics import Bin
    from pipeline.dataset.report.timeline import Timeline

# A phone shows a unit as a pixel.
_WIDTH, _HEIGHT, _TOP, _BOTTOM = 340, 150, 16, 18
_CELL_WIDTH, _BARS_HEIGHT = 10, 100
_NARROWEST_RANGE = 0.25
_DIGIT_WIDTH = 7.0


def columns(title: str, bins: Sequence[Bin]) -> Markup:
    """Return a histogram as columns, with the number above each and its lower end below."""
    most = max(each.objects for each in bins)
    step = _WIDTH / len(bins)
    labels_step = -(-len(bins) // 8)
    has_numbers = step >= _DIGIT_WIDTH * max(len(_short(each.objects)) for each in bins)
    parts = []
    for number, each in enumerate(bins):
        height = (_HEIGHT - _TOP - _BOTTOM) * each.objects / most
        left, top, middle = number * step, _HEIGHT - _BOTTOM - height, (number + 0.5) * step
        tip = f"{each.name}: {each.objects}"
        parts.append(
            Markup(
                '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
            ).format(left + 1, top, step - 2, height)
            + Markup("<title>{}</title></rect>").format(tip)
        )
        if has_numbers and each.objects:
            parts.append(_text(middle, top - 4, _short(each.objects)))
        if number % labels_step == 0:
            parts.append(_text(middle, _HEIGHT - 4, each.name.partition("-")[0].split()[0]))
    base = _HEIGHT - _BOTTOM
    parts.append(
        Markup('<path class="axis" d="M0 {}h{}"/>').format(base, _WIDTH),
    )
    summary = f"{title}. " + "; ".join(f"{each.name}: {each.objects}" for each in bins)
    return _svg(f"0 0 {_WIDTH} {_HEIGHT}", summary, parts, "columns")


def share_bar(share: float) -> Markup:
    """Return a bar that fills a share of its width, from 0 to 1. The number stands beside it."""
    return Markup(
        '<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="bar" width="{:.2f}" height="10"/></svg>'
    ).format(100 * share)


def timeline_bars(timeline: Timeline) -> Markup:
    """Return kept and dropped frames over time, and below them where frames are missing."""
    most = max(1, timeline.most_sampled)
    parts = []
    for number, cell in enumerate(timeline.cells):
        bottom = float(_BARS_HEIGHT)
        for kind, count in (("kept", cell.kept), ("dropped", cell.dropped.total())):
            if count:
                height = _BARS_HEIGHT * count / most
                bottom -= height
                parts.append(_rect(kind, number * _CELL_WIDTH, bottom, _CELL_WIDTH - 1.5, height))
    width = len(timeline.cells) * _CELL_WIDTH
    for missing in timeline.missing_ranges:
        start, end = (
            max(0.0, ms) / timeline.end_ms * width for ms in (missing.from_ms, missing.to_ms)
        )
        narrowest = _NARROWEST_RANGE * _CELL_WIDTH
        left = min(start, width - narrowest)
        parts.append(_rect("missing", left, _BARS_HEIGHT + 4, max(end - start, narrowest), 8))
    return Markup(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(width, _BARS_HEIGHT + 12, Markup().join(parts))


def _short(number: int) -> str:
    """Return a number in at most four characters, for the top of a column."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if number >= size:
            return f"{number / (1000 if unit == 'k' else size):.0f}{unit}"
    return str(number)


def _rect(kind: str, left: float, top: float, width: float, height: float) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        kind, left, top, width, height
    )


def _text(x: float, y: float, text: object) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}">{}</text>').format(x, y, text)


def _svg(view_box: str, label: str, parts: Iterable[Markup], kind: str) -> Markup:
    return Markup('<svg class="{}" viewBox="{}" role="img" aria-label="{}">{}</svg>').format(
        kind, view_box, label, Markup().join(parts)
    )
