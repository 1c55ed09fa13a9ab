"""A model, and what it finds, for a terminal of 80 columns or more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from pipeline.cli.model_timing import HEIGHT, RUNS, WIDTH
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.detection.preprocess import Preprocess
    from pipeline.frame import Detections

_FIRST_LABELS = 5
_PORTS = ("inputs", "outputs")


def wants(preprocess: Preprocess, element: str) -> str:
    """Say what an input wants, in a line.

    Args:
        preprocess: of the model.
        element: the type of the input's elements.
    """
    size, colour = preprocess.size, preprocess.colour.upper()
    if element == "uint8":
        return f"{size} ({preprocess.filter}), {colour}, bytes"
    # 1 / 255 as a person knows it.
    scale = f"pixel / {1 / preprocess.scale:.6g}" if preprocess.scale != 1 else "pixel"
    mean, std = (" ".join(f"{each:g}" for each in v) for v in (preprocess.mean, preprocess.std))
    values = scale if (mean, std) == ("0 0 0", "1 1 1") else f"({scale} - [{mean}]) / [{std}]"
    return f"{size} ({preprocess.filter}), {colour}, {values}"


def inspection_table(about: Mapping[str, Any]) -> Table:
    """Return what `pretag model inspect` knows, a row a key."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for key, value in about.items():
        table.add_row(key.replace("_", " "), _readable(key, value))
    return table


def objects_table(found: Detections, labels: tuple[str, ...]) -> Table:
    """Return a row an object: its class, score and corners in the picture's pixels."""
    table = Table(box=None, pad_edge=False)
    table.add_column("class", overflow="fold")
    for column in ("score", "x1", "y1", "x2", "y2"):
        table.add_column(column, justify="right", no_wrap=True)
    for box, score, class_id in zip(found.boxes, found.scores, found.class_ids, strict=True):
        sides = (f"{side:.1f}" for side in box)
        table.add_row(printable(labels[class_id]), f"{score:.3f}", *sides)
    return table


def _readable(key: str, value: Any) -> str:  # noqa: ANN401 - whatever is shown
    match value:
        case None | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case dict():
            return _times(value) if key == "milliseconds" else _pairs(value, "g")
        case list():
            return _listed(key, [printable(each) for each in value])
    return printable(str(value))


def _listed(key: str, values: list[str]) -> str:
    if key == "labels" and len(values) > _FIRST_LABELS:
        return f"{', '.join(values[:_FIRST_LABELS])}... ({len(values)})"
    return ("\n" if key in _PORTS else ", ").join(values)


def _times(times: Mapping[str, float]) -> str:
    share = times["postprocess"] / times["inference"]
    return (
        f"{_pairs(times, '.1f')}\npostprocess is {share:.1%} of inference\n"
        f"medians of {RUNS} runs on one thread, blank {WIDTH} x {HEIGHT} picture"
    )


def _pairs(numbers: Mapping[str, float], form: str) -> str:
    return ", ".join(f"{name} {number:{form}}" for name, number in numbers.items())
