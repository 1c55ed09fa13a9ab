"""Tables about a model and its detections, for a terminal with 80 columns or more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from pipeline.cli.model_timing import HEIGHT, RUNS, WIDTH
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.detection.preprocess import Preprocess
    from pipeline.frame import Detections

_MAX_LABELS = 5


def describe_preprocess(preprocess: Preprocess, element_type: str) -> str:
    """Return one line about how an image becomes the input tensor.

    Args:
        preprocess: the preprocessing of the model.
        element_type: the element type of the input tensor.
    """
    layout = f"{preprocess.resize_description} ({preprocess.filter}), {preprocess.colour.upper()}"
    if element_type == "uint8":
        return f"{layout}, bytes"
    # People write 1 / 255, not 0.00392157.
    scaled = f"pixel / {1 / preprocess.scale:.6g}" if preprocess.scale != 1 else "pixel"
    mean, std = (" ".join(f"{each:g}" for each in v) for v in (preprocess.mean, preprocess.std))
    values = scaled if (mean, std) == ("0 0 0", "1 1 1") else f"({scaled} - [{mean}]) / [{std}]"
    return f"{layout}, {values}"


def inspection_table(about: Mapping[str, Any]) -> Table:
    """Return a table with a row for each key of the JSON of `pretag model inspect`."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for key, value in about.items():
        table.add_row(key.replace("_", " "), _cell(key, value))
    return table


def detections_table(detections: Detections, labels: tuple[str, ...]) -> Table:
    """Return a table with a row for each object: label, score, and corners in image pixels."""
    table = Table(box=None, pad_edge=False)
    table.add_column("class", overflow="fold")
    for column in ("score", "x1", "y1", "x2", "y2"):
        table.add_column(column, justify="right", no_wrap=True)
    for box, score, class_id in zip(
        detections.boxes, detections.scores, detections.class_ids, strict=True
    ):
        corners = (f"{coordinate:.1f}" for coordinate in box)
        table.add_row(printable(labels[class_id]), f"{score:.3f}", *corners)
    return table


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
    if key == "labels" and len(values) > _MAX_LABELS:
        return f"{', '.join(values[:_MAX_LABELS])}... ({len(values)})"
    return ("\n" if key in {"inputs", "outputs"} else ", ").join(values)


def _times(times: Mapping[str, float]) -> str:
    share = times["postprocess"] / times["inference"]
    return (
        f"{_numbers(times, '.1f')}\npostprocess is {share:.1%} of inference\n"
        f"medians of {RUNS} runs on one thread, grey {WIDTH} x {HEIGHT} image"
    )


def _numbers(numbers: Mapping[str, float], number_format: str) -> str:
    return ", ".join(f"{name} {number:{number_format}}" for name, number in numbers.items())
