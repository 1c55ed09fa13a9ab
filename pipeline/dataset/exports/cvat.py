"""CVAT, for tasks of images: COCO 1.0 with images, and the labels that a task needs first.

A CVAT task imports scores only if each label has an attribute of that name, and imports nothing if
one label is unknown. `cvat_labels.json` has both, to be pasted into the task's raw labels. A CVAT
project makes a task of each COCO file, with the name of the file's subset, so each run has its own.
https://docs.cvat.ai/docs/dataset_management/formats/format-coco/
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.dataset.exports.coco_file import coco_file
from pipeline.dataset.exports.form import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.dataset.exports.export_set import ExportImage, ExportSet
    from pipeline.dataset.exports.form import Options


def labels(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return the labels as CVAT's raw constructor takes them, each with a score.

    The score is text, which takes any number of decimals.
    """
    score = {
        "name": "score",
        "mutable": True,
        "input_type": "text",
        "default_value": "",
        "values": [""],
    }
    return [{"name": name, "attributes": [score]} for name in names]


def labels_file(names: Iterable[str]) -> tuple[str, bytes]:
    """Return the path and the content of the file with the labels."""
    text = json.dumps(labels(names), ensure_ascii=False, indent=1)
    return "cvat_labels.json", f"{text}\n".encode()


def _files(exported: ExportSet, _options: Options) -> Iterator[tuple[str, bytes]]:
    for video in exported.videos:
        data = coco_file(exported.labels, exported.images_of(video))
        yield f"annotations/instances_{video.stem}.json", data
    yield labels_file(exported.labels)


def _image_path(image: ExportImage) -> str:
    return f"images/{image.video.stem}/{image.name}"


FORMAT = Format("cvat", "CVAT, tasks of images", "used", _image_path, _files)
