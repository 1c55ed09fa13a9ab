"""YOLO, as Ultralytics trains from it: `data.yaml`, and a text file for each image.

Class ids count from 0, and a line is `class x y width height`: the centre and the size, in shares
of the image. An image without objects has an empty file, which says so. There is no place for
scores: a sixth column is refused. https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from pipeline.dataset.exports.form import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.dataset.exports.export_set import ExportBox, ExportImage, ExportSet
    from pipeline.dataset.exports.form import Options

_SUBSET = "train"
# Without `path`, the folder of this file is meant.
_HEAD = f"""\
# All images are in one subset. Split them by video, or frames of one scene are in both subsets.
train: images/{_SUBSET}
val: images/{_SUBSET}
"""


def _files(exported: ExportSet, _options: Options) -> Iterator[tuple[str, bytes]]:
    names = yaml.safe_dump({"names": dict(enumerate(exported.labels))}, allow_unicode=True)
    yield "data.yaml", (_HEAD + names).encode()
    for image in exported.images:
        lines = (_line(box, image) for box in image.boxes)
        yield f"labels/{_SUBSET}/{image.stem}.txt", "".join(lines).encode()


def _line(box: ExportBox, image: ExportImage) -> str:
    values = (
        (box.x + box.width / 2) / image.width,
        (box.y + box.height / 2) / image.height,
        box.width / image.width,
        box.height / image.height,
    )
    return " ".join([str(box.class_index), *(f"{value:.8f}" for value in values)]) + "\n"


def _image_path(image: ExportImage) -> str:
    return f"images/{_SUBSET}/{image.name}"


FORMAT = Format("yolo", "Ultralytics YOLO", "all", _image_path, _files)
