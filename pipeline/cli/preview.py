"""`pretag preview`: draw the boxes of a result onto its kept frames."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cv2
import numpy as np
from pydantic import ValidationError

from pipeline.cli.local_path import LocalPath
from pipeline.cli.results import open_result
from pipeline.cli.terminal import counted
from pipeline.concurrency.cpus import available_cpus
from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.dataset.coco import COCO_FILE
from pipeline.dataset.drawing import CaptionedBox, draw_boxes
from pipeline.errors import InputFileError, PathError
from pipeline.evaluation.coco_models import RunInstances
from pipeline.storage.listed_files import ListedFiles
from pipeline.storage.paths import check_output_folder, write_file
from pipeline.text import path_text, printable, shortened

if TYPE_CHECKING:
    from pipeline.storage.verification import Result

_IMAGE_NAME = re.compile(r"frame_[0-9]+\.jpg")
_JPEG_QUALITY = 90

Drawn = dict[str, list[CaptionedBox]]
"""For each image, by its name below `images/default`, the boxes to draw."""


@click.command("preview")
@click.argument("result", metavar="RESULT")
@click.option(
    "--out", type=LocalPath(check_output_folder),
    help="Folder for the images; by default preview-<run id> in the current folder.",
)  # fmt: skip
def preview_result(result: str, out: Path | None) -> None:
    """Draw the boxes and labels of RESULT onto its kept frames.

    RESULT is the folder of a run, OUT/<video>/<run id>, or s3://bucket/prefix/key/run. A result
    that is not complete is refused. Images of the same names in the folder are replaced.
    """
    opened = open_result(result)
    folder = out or Path(f"preview-{opened.run_id}")
    _check_outside(folder, result)
    drawn = draw_result(opened, folder)
    objects = sum(map(len, drawn.values()))
    click.echo(
        f"Preview: {printable(path_text(folder))} "
        f"({counted(len(drawn), 'image')}, {counted(objects, 'object')})"
    )


def draw_result(result: Result, folder: Path) -> Drawn:
    """Write an image with boxes for each kept frame of a result, and return what was drawn.

    Raises:
        InputFileError: the result is not complete, has no images, or is not as pretag writes it.
        BrokenError: an image cannot be written.
        PretagError: the result cannot be read: what a folder or S3 raises.
    """
    files = ListedFiles(result)
    files.check_all_there()
    drawn = _boxes(files, result.location)

    def draw(name: str) -> None:
        data = np.frombuffer(files.read(f"images/default/{name}"), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if image is None:
            raise _wrong(result.location, f"images/default/{name}")
        canvas = draw_boxes(np.asarray(image, np.uint8), drawn[name])
        _, jpeg = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        write_file(folder / name, jpeg.tobytes())

    with OrderedExecutor(available_cpus()) as executor:
        for _ in executor.map(draw, iter(drawn)):
            pass
    return drawn


def _boxes(files: ListedFiles, location: str) -> Drawn:
    if COCO_FILE not in files:
        raise _wrong(location, "manifest.json")
    try:
        coco = RunInstances.model_validate_json(files.read(COCO_FILE))
    except ValidationError as error:
        raise _wrong(location, COCO_FILE) from error
    names = {image.id: image.file_name for image in coco.images}
    labels = {category.id: category.name for category in coco.categories}
    class_ids = {category.id: class_id for class_id, category in enumerate(coco.categories)}
    if not all(map(_IMAGE_NAME.fullmatch, names.values())):
        raise _wrong(location, COCO_FILE)
    if not all(f"images/default/{name}" in files for name in names.values()):
        raise InputFileError(
            f"{location} has no images to draw on. Process the video with output.images: true."
        )
    boxes: Drawn = {name: [] for name in names.values()}
    for each in coco.annotations:
        if each.image_id not in names or each.category_id not in labels:
            raise _wrong(location, COCO_FILE)
        x, y, width, height = each.bbox
        caption = f"{printable(shortened(labels[each.category_id]))} {each.score:.2f}"
        boxes[names[each.image_id]].append(
            CaptionedBox(x, y, x + width, y + height, class_ids[each.category_id], caption)
        )
    return boxes


def _check_outside(folder: Path, result: str) -> None:
    """Check that the images go to another folder than the result, which must stay as it is."""
    if folder.resolve().is_relative_to(Path(result).resolve()):
        raise PathError(
            f"{path_text(folder)} is in the result, which must stay as it is. "
            "Name another folder with --out."
        )


def _wrong(location: str, path: str) -> InputFileError:
    return InputFileError(f"{location}/{path} is not as pretag writes it. Process the video again.")
