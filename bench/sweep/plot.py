"""Draw seconds against dollars as an SVG that is readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import takewhile
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from bench.sweep.sizes import pareto

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.sweep.measure import Swept
    from bench.sweep.sizes import Point

_PANEL_WIDTH, _PANEL_HEIGHT = 380, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 28, 50, 46
_TICKS = 5
# Ink and paper change with the reader's scheme; the two data colours differ from both.
_STYLE = """
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .soft { fill: #59636e }
  .axis { stroke: #d1d9e0 } .line { stroke: #0969da; fill: none; stroke-width: 1.5 }
  .point { fill: #59636e } .best { fill: #0969da }
  .chosen { stroke: #bc4c00; fill: none; stroke-width: 2 }
  text { font: 12px system-ui, sans-serif } .title { font-weight: 600; font-size: 13px }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #f0f6fc } .soft { fill: #9198a1 }
    .axis { stroke: #3d444d } .line { stroke: #4493f8 } .point { fill: #9198a1 }
    .best { fill: #4493f8 } .chosen { stroke: #db6d28 }
  }
"""


_Place = Callable[[float], float]
"""Returns the pixel of a value on an axis."""


def _linear(largest: float, from_px: float, to_px: float) -> tuple[list[float], _Place]:
    """Return the ticks of an axis from 0, and where a value lies on it."""
    step = next(each for each in _round_numbers() if each >= largest / _TICKS)
    ticks = [number * step for number in range(_TICKS + 1)]
    return ticks, lambda value: from_px + value / ticks[-1] * (to_px - from_px)


def _logarithmic(
    values: Sequence[float], from_px: float, to_px: float
) -> tuple[list[float], _Place]:
    """Return the ticks of an axis around values, on which twice as much is always as far."""
    numbers = list(takewhile(lambda each: each < 2.5 * max(values), _round_numbers()))
    first = max(each for each in numbers if each <= min(values))
    last = min(each for each in numbers if each >= max(values))
    ticks = [each for each in numbers if first <= each <= last]
    length = math.log(last / first) or 1.0
    return ticks, lambda value: from_px + math.log(value / first) / length * (to_px - from_px)


def _round_numbers() -> Iterator[float]:
    """Yield 1, 2 and 5 times each power of ten, from a millionth on."""
    for power in range(-6, 12):
        for digit in (1, 2, 5):
            yield float(f"{digit}e{power}")


def svg(swept: Sequence[Swept], chosen: int | None) -> str:
    """Return the plot: a panel for each clip, a point for each size, a line through the best.

    Args:
        swept: the clips. One without a point has no panel, so some clip must have one.
        chosen: the size with a ring around its points; None: no ring.
    """
    drawn = [each for each in swept if each.points]
    width = _PANEL_WIDTH * len(drawn)
    panels = "".join(
        f'<g transform="translate({number * _PANEL_WIDTH} 0)">{_panel(each, chosen)}</g>\n'
        for number, each in enumerate(drawn)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_PANEL_HEIGHT}" '
        f'width="{width}" height="{_PANEL_HEIGHT}" role="img" '
        'aria-label="Seconds of work and dollars for an hour of video, by memory">\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="paper" width="{width}" height="{_PANEL_HEIGHT}"/>\n{panels}</svg>\n'
    )


def _panel(swept: Swept, chosen: int | None) -> str:
    points = sorted(swept.points, key=lambda each: each.megabytes)
    bottom, right = _PANEL_HEIGHT - _BOTTOM, _PANEL_WIDTH - _RIGHT
    x_ticks, x = _logarithmic([each.seconds for each in points], _LEFT, right)
    y_ticks, y = _linear(max(each.dollars_an_hour for each in points), bottom, _TOP)
    lines = [
        f'<text class="ink title" x="{_LEFT}" y="18">{escape(swept.clip.name)}</text>',
        _text(_LEFT, 36, "compute, dollars for an hour of video", "start"),
        _text((_LEFT + right) / 2, bottom + 34, "seconds of one warm invocation", "middle"),
        *(_line(x(tick), _TOP, x(tick), bottom) for tick in x_ticks),
        *(_text(x(tick), bottom + 16, f"{tick:g}", "middle") for tick in x_ticks),
        *(_line(_LEFT, y(tick), right, y(tick)) for tick in y_ticks),
        *(_text(_LEFT - 6, y(tick) + 4, f"${tick:.4g}", "end") for tick in y_ticks),
        *_marks(points, x, y, chosen),
    ]
    return "\n".join(lines)


def _marks(points: Sequence[Point], x: _Place, y: _Place, chosen: int | None) -> Iterator[str]:
    best = pareto(points)
    path = " ".join(f"{x(each.seconds):.1f},{y(each.dollars_an_hour):.1f}" for each in best)
    yield f'<polyline class="line" points="{path}"/>'
    for number, each in enumerate(points):
        at_x, at_y = x(each.seconds), y(each.dollars_an_hour)
        kind = "best" if each in best else "point"
        yield f'<circle class="{kind}" cx="{at_x:.1f}" cy="{at_y:.1f}" r="4"/>'
        if each.megabytes == chosen:
            yield f'<circle class="chosen" cx="{at_x:.1f}" cy="{at_y:.1f}" r="8"/>'
        # Above and below in turn, because neighbours are near each other.
        label_y = at_y + (22 if number % 2 else -12)
        yield (
            f'<text class="ink" x="{at_x:.1f}" y="{label_y:.1f}" text-anchor="middle">'
            f"{each.megabytes:,}</text>"
        )


def _line(from_x: float, from_y: float, to_x: float, to_y: float) -> str:
    ends = f'x1="{from_x:.1f}" y1="{from_y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    return f'<line class="axis" {ends}/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="soft" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
