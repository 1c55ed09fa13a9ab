"""Hugging Face: a folder that `load_dataset("imagefolder", ...)` reads with its objects.

`metadata.jsonl` is beside the images, with a row for each. Boxes are x, y, width, height in pixels,
and categories count from 0. https://huggingface.co/docs/datasets/image_dataset#object-detection
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.dataset.exports.form import Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.dataset.exports.export_set import ExportImage, ExportSet
    from pipeline.dataset.exports.form import Options

_SUBSET = "train"


def _files(exported: ExportSet, _options: Options) -> Iterator[tuple[str, bytes]]:
    rows = (
        json.dumps(_row(image, exported.labels), ensure_ascii=False) for image in exported.images
    )
    yield f"{_SUBSET}/metadata.jsonl", "".join(f"{row}\n" for row in rows).encode()
    text = json.dumps(dict(enumerate(exported.labels)), ensure_ascii=False, indent=1)
    yield "id2label.json", f"{text}\n".encode()


def _row(image: ExportImage, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "file_name": image.name,
        "video": image.video.uri,
        "frame_index": image.frame_index,
        "pts_ms": image.pts_ms,
        "width": image.width,
        "height": image.height,
        "objects": {
            "bbox": [box.xywh for box in image.boxes],
            "category": [box.class_index for box in image.boxes],
            "label": [labels[box.class_index] for box in image.boxes],
            "score": [box.score for box in image.boxes],
        },
    }


def _image_path(image: ExportImage) -> str:
    return f"{_SUBSET}/{image.name}"


FORMAT = Format("huggingface", "Hugging Face Datasets", "all", _image_path, _files)
