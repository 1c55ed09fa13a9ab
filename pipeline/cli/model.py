"""`pretag model`: the detectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.cli.model_card import card_text
from pipeline.cli.model_timing import timing
from pipeline.config import Config
from pipeline.config import Detector as DetectorConfig
from pipeline.detection.card import SUFFIXES, ModelCard
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model, locate, models_at_hand
from pipeline.detection.opened import OpenedModel
from pipeline.drawing import Mark, draw
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pipeline.frame import Detections, Image

_FIRST_LABELS = 5


@click.group("model")
def models() -> None:
    """See which detectors there are, and how pretag reads yours."""


@models.command("list")
def list_models() -> None:
    """List the models at hand; * is the default."""
    table = Table(box=None, pad_edge=False)
    for column in ("", "name", "licence", "sha256"):  # to be copied: never shortened
        table.add_column(column, no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for path in models_at_hand():
        card = ModelCard.beside(path)
        default = "*" if path.stem == Config().detector.model else ""
        if card is None:
            table.add_row(default, path.stem, "?", "?", "no card beside it")
        else:
            sha256 = (card.sha256 or "?")[:12]
            table.add_row(default, path.stem, card.licence or "?", sha256, card.description or "?")
    Console().print(table)


@models.command("inspect")
@click.argument("model", metavar="MODEL.onnx")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def inspect(model: str, as_json: bool) -> None:  # noqa: FBT001 - click passes its flags so
    """Show a model's inputs and outputs, its family and why, its labels, and how fast it is."""
    opened = OpenedModel.open(locate(model))
    about: dict[str, Any] = {
        "file": str(opened.path),
        "sha256": opened.sha256,
        "producer": opened.producer,
        "card": opened.card is not None,
        "inputs": [str(port) for port in opened.graph.inputs],
        "outputs": [str(port) for port in opened.graph.outputs],
        "metadata": sorted(opened.graph.metadata),
    }
    try:
        ready = Model.of(opened)
    except BrokenError:
        _show(about, as_json=as_json)  # what it is helps to see why it is refused
        raise
    detector = Detector(ready, DetectorConfig())
    about |= {
        "family": ready.family,
        "why": ready.reading.why,
        "preprocess": str(ready.reading.preprocess),
        "nms": ready.reading.suppress,
        "labels": list(ready.labels),
        "labels_from": ready.classes.source,
        "score_threshold": detector.score_threshold,
        "iou_threshold": detector.iou_threshold,
        "milliseconds": timing(detector),
    }
    _show(about, as_json=as_json)


@models.command("check")
@click.argument("model", metavar="MODEL.onnx")
@click.option("--image", required=True, type=click.Path(path_type=Path), help="A picture.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="PNG or JPEG with the boxes."
)
@click.option(
    "--score-threshold", type=click.FloatRange(0, 1), help="Show what scores at least so much."
)
def check(model: str, image: Path, out: Path, score_threshold: float | None) -> None:
    """Run a model on a picture, and draw what it finds."""
    ready = Model.load(model)
    picture = cv2.imread(str(image))
    if picture is None:
        raise BrokenError(f"Picture {image} is not there, or is none that OpenCV reads.")
    pixels = np.asarray(picture, dtype=np.uint8)
    found = Detector(ready, DetectorConfig(score_threshold=score_threshold)).detect(pixels)
    Console().print(_table(found, ready.labels))
    _write(out, draw(pixels, _marks(found, ready.labels)))
    click.echo(f"{len(found)} objects, drawn in {out}")


@models.command("card")
@click.argument("model", metavar="MODEL.onnx")
def card(model: str) -> None:
    """Write a card to start from beside a model: what is known of it, and what can be said."""
    opened = OpenedModel.open(locate(model))
    existing = [path for suffix in SUFFIXES if (path := opened.path.with_suffix(suffix)).exists()]
    if existing:
        raise BrokenError(f"{existing[0]} is there: edit it, or remove it for a new one.")
    target = opened.path.with_suffix(".toml")
    try:
        target.write_text(card_text(opened), encoding="utf-8")
    except OSError as error:
        raise BrokenError(f"Card {target} cannot be written: {error.strerror}.") from error
    click.echo(f"Card: {target}")


def _show(about: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(about, ensure_ascii=False))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for key, value in about.items():
        table.add_row(key, _readable(key, value))
    Console().print(table)


def _readable(key: str, value: Any) -> str:  # noqa: ANN401 - whatever is shown
    if key == "labels" and len(value) > _FIRST_LABELS:
        return f"{', '.join(value[:_FIRST_LABELS])}... ({len(value)})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "\n".join(value) if key in ("inputs", "outputs") else ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    return str(value)


def _table(found: Detections, labels: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for column in ("score", "x1", "y1", "x2", "y2"):
        table.add_column(column, justify="right")
    for box, score, class_id in zip(found.boxes, found.scores, found.class_ids, strict=True):
        table.add_row(labels[class_id], f"{score:.3f}", *(f"{side:.1f}" for side in box))
    return table


def _marks(found: Detections, labels: tuple[str, ...]) -> list[Mark]:
    return [
        Mark(*box, class_id, f"{labels[class_id]} {score:.2f}")
        for box, score, class_id in zip(
            map(_corners, found.boxes.tolist()),
            found.scores.tolist(),
            found.class_ids.tolist(),
            strict=True,
        )
    ]


def _corners(box: list[float]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box
    return x1, y1, x2, y2


def _write(path: Path, picture: Image) -> None:
    try:
        written = cv2.imwrite(str(path), picture)
    except cv2.error as error:
        raise BrokenError(f"Picture {path} cannot be written: name it .png or .jpg.") from error
    if not written:
        raise BrokenError(f"Picture {path} cannot be written: is its folder there?")
