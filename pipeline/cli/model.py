"""`pretag model`: list, add, inspect and check models, and write model cards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import cv2
import numpy as np
from rich.table import Table

from pipeline.cli.interruptible import run_interruptibly
from pipeline.cli.local_path import LocalPath
from pipeline.cli.model_add import add
from pipeline.cli.model_card import better_preprocess_text, card_text
from pipeline.cli.model_tables import detections_table, inspection_table, print_not_read
from pipeline.cli.model_timing import measure
from pipeline.cli.terminal import console, counted
from pipeline.config.schema import Config, DetectorConfig
from pipeline.dataset.drawing import CaptionedBox, draw_boxes
from pipeline.detection.card import CARD_SUFFIXES, ModelCard
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model, recognise_model
from pipeline.detection.model_folder import bundled_models, find_model_file
from pipeline.detection.opened_model import OpenedModel
from pipeline.detection.preprocess_search import find_better_preprocess
from pipeline.detection.unsupported import as_broken_error
from pipeline.errors import BrokenError, InputFileError
from pipeline.storage.paths import check_file, check_output_file, write_file
from pipeline.text import path_text, printable

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.detection.families.common.base import DecodeSpec, Family
    from pipeline.detection.graph import ImageInput
    from pipeline.frame import Detections, Image


@click.group("model")
def model_group() -> None:
    """List, add, inspect and check detection models."""


@model_group.command("list")
def list_models() -> None:
    """List the bundled models. * marks the default."""
    table = Table(box=None, pad_edge=False)
    for column in ("", "name", "licence", "sha256"):  # never cut, so that they can be copied
        table.add_column(column, no_wrap=True)
    table.add_column("description", overflow="fold")
    for path in bundled_models():
        card = ModelCard.for_model(path)
        default = "*" if path.stem == Config().detector.model else ""
        if card is None:
            table.add_row(default, path.stem, "?", "?", "no model card")
        else:
            sha256 = (card.sha256 or "?")[:12]
            table.add_row(default, path.stem, card.licence or "?", sha256, card.description or "?")
    console().print(table)


@model_group.command("inspect")
@click.argument("model", metavar="MODEL.onnx")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table.")
def inspect(model: str, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show how pretag reads a model, and how fast the model is."""
    opened = OpenedModel.open(find_model_file(model))
    about = _file_facts(opened)
    try:
        with as_broken_error(opened.path):
            family, spec = recognise_model(opened)
        about |= _decoding_facts(family, spec, opened.graph.image_input)
        ready = Model.from_opened(opened)
        about |= _decoding_facts(family, ready.spec, ready.image_input) | _label_facts(ready)
        about["milliseconds"] = measure(ready)
    finally:  # shown for a refused model too: it helps to understand why it is refused
        _print_facts(about, as_json=as_json)


@model_group.command("check")
@click.argument("model", metavar="MODEL.onnx")
@click.option(
    "--image", "image_file", required=True, type=LocalPath(check_file),
    help="Image in which to detect objects.",
)  # fmt: skip
@click.option(
    "--out", required=True, type=LocalPath(check_output_file),
    help="PNG or JPEG file for the image with boxes.",
)  # fmt: skip
@click.option(
    "--score-threshold", type=click.FloatRange(0, 1),
    help="Lowest score of a detection.  [default: the model card's, or 0.4]",
)  # fmt: skip
def check(model: str, image_file: Path, out: Path, score_threshold: float | None) -> None:
    """Detect objects in an image, and draw their boxes.

    The usual other preprocessings are tried, too. If one of them finds clearly more, the lines for
    the model card are shown.
    """
    if image_file.resolve() == out.resolve():
        raise click.UsageError("--out is the same file as --image. Give another path.")
    ready = Model.load(model)
    image = _read_image(image_file)
    config = DetectorConfig(score_threshold=score_threshold)
    detector = Detector(ready, config)
    detections = run_interruptibly(lambda: detector.detect(image), detector.stop)
    detector.check_boxes()
    console().print(detections_table(detections, ready.labels))
    _write_image(out, draw_boxes(image, _captioned_boxes(detections, ready.labels)))
    click.echo(f"{counted(len(detections), 'object')}: {path_text(out)}")
    print_not_read(ready.spec)
    for warning in detector.warnings(1, len(detections)):
        click.echo(f"pretag: warning: {printable(warning)}", err=True)
    better = find_better_preprocess(ready, image, config)
    if better is not None:
        click.echo(f"pretag: warning: {better_preprocess_text(better)}", err=True)


@model_group.command("card")
@click.argument("model", metavar="MODEL.onnx")
def card(model: str) -> None:
    """Write a model card next to a model, to be edited.

    The card holds all that pretag knows about the model. The other keys are comments.
    """
    opened = OpenedModel.open(find_model_file(model))
    existing = _card_files(opened.path)
    if existing:
        raise InputFileError(
            f"The model has a card already: {path_text(existing[0])}. Edit it, or delete it and "
            "run this command again."
        )
    target = opened.path.with_suffix(".toml")
    try:
        target.write_text(card_text(opened), encoding="utf-8")
    except OSError as error:
        raise BrokenError(
            f"Model card {path_text(target)} cannot be written: {error.strerror}."
        ) from error
    click.echo(f"Card: {path_text(target)}")


model_group.add_command(add)


def _card_files(model: Path) -> list[Path]:
    cards = (model.with_suffix(suffix) for suffix in CARD_SUFFIXES)
    return [card for card in cards if card.is_file()]


def _file_facts(opened: OpenedModel) -> dict[str, Any]:
    return {
        "file": path_text(opened.path),
        "megabytes": round(opened.path.stat().st_size / 1e6, 1),
        "sha256": opened.sha256,
        "producer": opened.producer,
        "card": next(map(path_text, _card_files(opened.path)), None),
        "inputs": [str(tensor) for tensor in opened.graph.inputs],
        "outputs": [str(tensor) for tensor in opened.graph.outputs],
        "metadata": sorted(opened.graph.metadata),
    }


def _decoding_facts(family: Family, spec: DecodeSpec, image: ImageInput) -> dict[str, Any]:
    return {
        "family": family.name,
        "why": spec.why,
        "picture": spec.preprocess.description(image.type),
        "nms": spec.needs_nms,
        "not_read": list(spec.not_read),
    }


def _label_facts(model: Model) -> dict[str, Any]:
    detector = Detector(model, DetectorConfig())
    return {
        "labels": list(model.labels),
        "labels_from": model.label_map.source,
        "thresholds": {"score": detector.score_threshold, "iou": detector.iou_threshold},
    }


def _print_facts(about: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(about, ensure_ascii=False))
    else:
        console().print(inspection_table(about))


def _read_image(path: Path) -> Image:
    """Read an image as H x W x 3 uint8 BGR, rotated as its EXIF orientation says."""
    try:
        image = cv2.imread(str(path))
    except cv2.error as error:  # the image has more pixels than OpenCV accepts
        raise InputFileError(f"Image {path_text(path)} is too large. Scale it down.") from error
    if image is None:
        raise InputFileError(
            f"Image {path_text(path)} cannot be read: OpenCV does not know its format, or it is "
            "damaged. Give a PNG or JPEG file."
        )
    return np.asarray(image, dtype=np.uint8)


def _captioned_boxes(detections: Detections, labels: tuple[str, ...]) -> list[CaptionedBox]:
    return [
        CaptionedBox(x1, y1, x2, y2, class_id, f"{labels[class_id]} {score:.2f}")
        for (x1, y1, x2, y2), score, class_id in zip(
            detections.boxes.tolist(),
            detections.scores.tolist(),
            detections.class_ids.tolist(),
            strict=True,
        )
    ]


def _write_image(path: Path, image: Image) -> None:
    try:
        is_encoded, data = cv2.imencode(path.suffix, image)
    except cv2.error:  # OpenCV takes the format from the suffix
        is_encoded, data = False, np.empty(0, np.uint8)
    if not is_encoded:
        raise InputFileError(
            f"Image {path_text(path)} cannot be written: OpenCV does not know the suffix. "
            "Name the file .png or .jpg."
        )
    write_file(path, data.tobytes())
