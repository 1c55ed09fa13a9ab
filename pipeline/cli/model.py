"""`pretag model`: the detectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cv2
import numpy as np
from rich.table import Table

from pipeline.cli.model_card import card_text
from pipeline.cli.model_tables import inspection_table, objects_table, wants
from pipeline.cli.model_timing import timing
from pipeline.cli.terminal import console
from pipeline.config.schema import Config, DetectorConfig
from pipeline.dataset.drawing import CaptionedBox, draw_boxes
from pipeline.detection.card import CARD_SUFFIXES, ModelCard
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model, bundled_models, find_model_file, recognise_opened
from pipeline.detection.opened_model import OpenedModel
from pipeline.detection.unsupported import naming_model
from pipeline.errors import BrokenError, InputFileError
from pipeline.text import path_text

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import DecodeSpec, Family
    from pipeline.detection.graph import ImageInput
    from pipeline.frame import Detections, Image


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
    for path in bundled_models():
        card = ModelCard.for_model(path)
        default = "*" if path.stem == Config().detector.model else ""
        if card is None:
            table.add_row(default, path.stem, "?", "?", "no card beside it")
        else:
            sha256 = (card.sha256 or "?")[:12]
            table.add_row(default, path.stem, card.licence or "?", sha256, card.description or "?")
    console().print(table)


@models.command("inspect")
@click.argument("model", metavar="MODEL.onnx")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def inspect(model: str, as_json: bool) -> None:  # noqa: FBT001 - click passes its flags so
    """Show how a model is read, and how fast it is."""
    opened = OpenedModel.open(find_model_file(model))
    about = _about(opened)
    try:
        with naming_model(opened.path):
            family, spec = recognise_opened(opened)
        about |= _reading(family, spec, opened.graph.image)
        ready = Model.from_opened(opened)
        about |= _reading(family, ready.spec, ready.input) | _labels(ready)
        about["milliseconds"] = timing(ready)
    finally:  # what is known of a model helps to see why it is refused
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
    if image.resolve() == out.resolve():
        raise click.UsageError("--out is the picture itself: draw into another file.")
    ready = Model.load(model)
    picture = _read(image)
    found = Detector(ready, DetectorConfig(score_threshold=score_threshold)).detect(picture)
    console().print(objects_table(found, ready.labels))
    _write(out, draw_boxes(picture, _marks(found, ready.labels)))
    click.echo(f"{len(found)} {'object' if len(found) == 1 else 'objects'}: {path_text(out)}")


@models.command("card")
@click.argument("model", metavar="MODEL.onnx")
def card(model: str) -> None:
    """Write a card to start from beside a model.

    It says what is known of the model, and leaves the rest in comments.
    """
    opened = OpenedModel.open(find_model_file(model))
    existing = [
        path for suffix in CARD_SUFFIXES if (path := opened.path.with_suffix(suffix)).exists()
    ]
    if existing:
        raise BrokenError(
            f"{path_text(existing[0])} is there: edit it, or remove it for a new one."
        )
    target = opened.path.with_suffix(".toml")
    try:
        target.write_text(card_text(opened), encoding="utf-8")
    except OSError as error:
        raise BrokenError(
            f"Card {path_text(target)} cannot be written: {error.strerror}."
        ) from error
    click.echo(f"Card: {path_text(target)}")


def _about(opened: OpenedModel) -> dict[str, Any]:
    cards = (
        path for suffix in CARD_SUFFIXES if (path := opened.path.with_suffix(suffix)).is_file()
    )
    return {
        "file": path_text(opened.path),
        "megabytes": round(opened.path.stat().st_size / 1e6, 1),
        "sha256": opened.sha256,
        "producer": opened.producer,
        "card": next(map(path_text, cards), None),
        "inputs": [str(port) for port in opened.graph.inputs],
        "outputs": [str(port) for port in opened.graph.outputs],
        "metadata": sorted(opened.graph.metadata),
    }


def _reading(family: Family, spec: DecodeSpec, image: ImageInput) -> dict[str, Any]:
    return {
        "family": family.name,
        "why": spec.why,
        "picture": wants(spec.preprocess, image.type),
        "nms": spec.needs_nms,
    }


def _labels(model: Model) -> dict[str, Any]:
    detector = Detector(model, DetectorConfig())
    return {
        "labels": list(model.labels),
        "labels_from": model.classes.source,
        "thresholds": {"score": detector.score_threshold, "iou": detector.iou_threshold},
    }


def _show(about: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(about, ensure_ascii=False))
    else:
        console().print(inspection_table(about))


def _read(path: Path) -> Image:
    """Read a picture, turned as its EXIF data say."""
    try:
        picture = cv2.imread(str(path))
    except cv2.error as error:  # more pixels than OpenCV takes
        raise InputFileError(f"Picture {path_text(path)} is too large: scale it down.") from error
    if picture is None:
        raise InputFileError(
            f"Picture {path_text(path)} is not there, or is none that OpenCV reads."
        )
    return np.asarray(picture, dtype=np.uint8)


def _marks(found: Detections, labels: tuple[str, ...]) -> list[CaptionedBox]:
    return [
        CaptionedBox(*box, class_id, f"{labels[class_id]} {score:.2f}")
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
        raise InputFileError(
            f"Picture {path_text(path)} cannot be written: name it .png or .jpg."
        ) from error
    if not written:
        raise InputFileError(f"Picture {path_text(path)} cannot be written: is its folder there?")
