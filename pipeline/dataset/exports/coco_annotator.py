"""COCO Annotator, which skips an object without `segmentation`: it gets the box as a polygon.

This is a format of its own, because tools that read polygons would no longer show boxes.
https://github.com/jsbroks/coco-annotator
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dataset.exports.coco_file import coco_file
from pipeline.dataset.exports.form import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.dataset.exports.export_set import ExportBox, ExportImage, ExportSet
    from pipeline.dataset.exports.form import Options


def _files(exported: ExportSet, _options: Options) -> Iterator[tuple[str, bytes]]:
    yield "coco.json", coco_file(exported.labels, exported.images, _corners)


def _corners(box: ExportBox) -> list[list[float]]:
    left, top, right, bottom = box.x, box.y, box.right, box.bottom
    return [[left, top, right, top, right, bottom, left, bottom]]


def _image_path(image: ExportImage) -> str:
    return f"images/{image.name}"


FORMAT = Format("coco-annotator", "COCO Annotator", "used", _image_path, _files)
