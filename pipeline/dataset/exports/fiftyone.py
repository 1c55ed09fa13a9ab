"""FiftyOne: the layout of its `COCODetectionDataset`, which `dataset_dir` loads.

Scores become the confidence of each detection.
https://docs.voxel51.com/user_guide/import_datasets.html#cocodetectiondataset
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dataset.exports.coco_file import coco_file
from pipeline.dataset.exports.form import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.dataset.exports.export_set import ExportImage, ExportSet
    from pipeline.dataset.exports.form import Options


def _files(exported: ExportSet, _options: Options) -> Iterator[tuple[str, bytes]]:
    yield "labels.json", coco_file(exported.labels, exported.images)


def _image_path(image: ExportImage) -> str:
    return f"data/{image.name}"


FORMAT = Format("fiftyone", "FiftyOne", "all", _image_path, _files)
