"""Tables about a model and its detections, for a terminal with 80 columns or more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from pipeline.cli.model_timing import HEIGHT, RUNS, WIDTH
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.detection.families.common.base import DecodeSpec
    from pipeline.frame import Detections

# A hostile model has thousands of tensors, or finds thousands of objects. A table of them would
# take half a minute to lay out.
_MAX_LABELS, _MAX_ROWS = 5, 100


def inspection_table(about: Mapping[str, Any]) -> Table:
    """Return a table with a row for each key of the JSON of `pretag model inspect`."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for key, value in about.items():
        table.add_row(key.replace("_", " "), _cell(key, value))
    return table


def detections_table(detections: Detections, labels: tuple[str, ...]) -> Table:
    """Return a table with a row for each object: label, score, and corners in image pixels.

    Of many objects, only the best ones are shown, and the number of the others.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("class", overflow="fold")
    for column in ("score", "x1", "y1", "x2", "y2"):
        table.add_column(column, justify="right", no_wrap=True)
    shown = detections[:_MAX_ROWS]
    for box, score, class_id in zip(shown.boxes, shown.scores, shown.class_ids, strict=True):
        corners = (f"{coordinate:.1f}" for coordinate in box)
        table.add_row(printable(labels[class_id]), f"{score:.3f}", *corners)
    if len(detections) > len(shown):
        table.add_row(f"... and {len(detections) - len(shown):,} more")
    return table


def print_not_read(spec: DecodeSpec) -> None:
    """Name what the model gives and pretag does not read, if there is anything."""
    if spec.not_read:
        click.echo(f"Not read: {', '.join(map(printable, spec.not_read))}")


def _cell(key: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    match value:
        case None | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case dict():
            return _times(value) if key == "milliseconds" else _numbers(value, "g")
        case list():
            return _list(key, [printable(each) for each in value])
    return printable(str(value))


def _list(key: str, values: list[str]) -> str:
    separator = "\n" if key in {"inputs", "outputs"} else ", "
    most = _MAX_LABELS if key == "labels" else _MAX_ROWS
    more = f"... ({len(values)})" if len(values) > most else ""
    return separator.join(values[:most]) + more


def _times(times: Mapping[str, float]) -> str:
    share = times["postprocess"] / times["inference"]
    return (
        f"{_numbers(times, '.1f')}\npostprocess is {share:.1%} of inference\n"
        f"medians of {RUNS} runs on one thread, grey {WIDTH} x {HEIGHT} image"
    )


def _numbers(numbers: Mapping[str, float], number_format: str) -> str:
    return ", ".join(f"{name} {number:{number_format}}" for name, number in numbers.items())
