"""Roboflow, and what reads its folders: a COCO file beside the images of a subset.

https://docs.roboflow.com/datasets/adding-data/upload-api
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dataset.exports.coco_file import coco_file
from pipeline.dataset.exports.form import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.dataset.exports.export_set import ExportImage, ExportSet
    from pipeline.dataset.exports.form import Options

_SUBSET = "train"


def _files(exported: ExportSet, _options: Options) -> Iterator[tuple[str, bytes]]:
    data = coco_file(exported.labels, exported.images)
    yield f"{_SUBSET}/_annotations.coco.json", data


def _image_path(image: ExportImage) -> str:
    return f"{_SUBSET}/{image.name}"


FORMAT = Format("roboflow", "Roboflow, Supervision", "all", _image_path, _files)
