"""Draw seconds against dollars as an SVG that is readable on light and on dark pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from bench.sweep.sizes import pareto

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.sweep.measure import Swept
    from bench.sweep.sizes import Point

_PANEL_WIDTH, _PANEL_HEIGHT = 380, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 28, 40, 46
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


@dataclass(frozen=True)
class _Scale:
    """Maps values from 0 to a round number above the largest onto pixels."""

    step: float
    from_px: float
    to_px: float

    @classmethod
    def of(cls, values: Sequence[float], from_px: float, to_px: float) -> _Scale:
        return cls(_round_step(max(values) / _TICKS), from_px, to_px)

    @property
    def ticks(self) -> list[float]:
        return [number * self.step for number in range(_TICKS + 2)]

    def px(self, value: float) -> float:
        share = value / self.ticks[-1]
        return self.from_px + share * (self.to_px - self.from_px)


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `least`."""
    power = 10.0**-12
    while True:
        for factor in (1.0, 2.0, 2.5, 5.0):
            if factor * power >= least:
                return factor * power
        power *= 10


def svg(swept: Sequence[Swept], chosen: int | None) -> str:
    """Return the plot: a panel for each clip, a point for each size, a line through the best.

    Args:
        swept: the clips. Each has a point or more.
        chosen: the size with a ring around its points; None: no ring.
    """
    width = _PANEL_WIDTH * len(swept)
    panels = "".join(
        f'<g transform="translate({number * _PANEL_WIDTH} 0)">{_panel(each, chosen)}</g>\n'
        for number, each in enumerate(swept)
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
    x = _Scale.of([each.seconds for each in points], _LEFT, _PANEL_WIDTH - _RIGHT)
    y = _Scale.of([each.dollars_an_hour for each in points], _PANEL_HEIGHT - _BOTTOM, _TOP)
    return "\n".join((*_axes(swept, x, y), *_marks(points, x, y, chosen)))


def _axes(swept: Swept, x: _Scale, y: _Scale) -> Iterator[str]:
    yield f'<text class="ink title" x="{_LEFT}" y="20">{escape(swept.clip.name)}</text>'
    for tick in x.ticks:
        at = f"{x.px(tick):.1f}"
        yield f'<line class="axis" x1="{at}" y1="{y.to_px}" x2="{at}" y2="{y.from_px}"/>'
        yield _text(x.px(tick), y.from_px + 16, f"{tick:g}", "middle")
    for tick in y.ticks:
        at = f"{y.px(tick):.1f}"
        yield f'<line class="axis" x1="{x.from_px}" y1="{at}" x2="{x.to_px}" y2="{at}"/>'
        yield _text(x.from_px - 6, y.px(tick) + 4, f"${tick:.4g}", "end")
    middle = (x.from_px + x.to_px) / 2
    yield _text(middle, y.from_px + 34, "seconds of one warm invocation", "middle")
    yield _text(x.to_px, 20, "compute, $ an hour of video", "end")


def _marks(points: Sequence[Point], x: _Scale, y: _Scale, chosen: int | None) -> Iterator[str]:
    best = pareto(points)
    path = " ".join(f"{x.px(each.seconds):.1f},{y.px(each.dollars_an_hour):.1f}" for each in best)
    yield f'<polyline class="line" points="{path}"/>'
    for each in points:
        at_x, at_y = x.px(each.seconds), y.px(each.dollars_an_hour)
        kind = "best" if each in best else "point"
        yield f'<circle class="{kind}" cx="{at_x:.1f}" cy="{at_y:.1f}" r="4"/>'
        if each.megabytes == chosen:
            yield f'<circle class="chosen" cx="{at_x:.1f}" cy="{at_y:.1f}" r="8"/>'
        yield (
            f'<text class="ink" x="{at_x:.1f}" y="{at_y - 11:.1f}" text-anchor="middle">'
            f"{each.megabytes:,}</text>"
        )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="soft" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
