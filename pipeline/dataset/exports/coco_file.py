"""A COCO file of some images of an export set. Several formats are a COCO file in a certain place.

The rules are those of `pipeline.dataset.coco`: ids count from 1 without gaps.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.dataset.exports.export_set import ExportBox, ExportImage

Json = dict[str, Any]


def _no_segmentation(_box: ExportBox) -> list[list[float]]:
    return []


def coco_file(
    labels: Iterable[str],
    images: Iterable[ExportImage],
    segmentation: Callable[[ExportBox], list[list[float]]] = _no_segmentation,
) -> bytes:
    """Return a COCO file of object detections.

    Args:
        labels: names of the classes, in order.
        images: the images, whose file names have no folder.
        segmentation: returns the polygons of an object. With any, most tools read a polygon instead
            of a box.
    """
    numbered = list(enumerate(images, start=1))
    annotations = ((image_id, box) for image_id, image in numbered for box in image.boxes)
    members = {
        "info": json.dumps(
            {
                "description": "Pre-annotations",
                "version": "1.0",
                "contributor": f"pretag {__version__}",
                "url": "",
                "date_created": "",
            }
        ),
        "licenses": "[]",
        "categories": _rows(
            {"id": number, "name": label, "supercategory": ""}
            for number, label in enumerate(labels, start=1)
        ),
        "images": _rows(_image(image_id, image) for image_id, image in numbered),
        "annotations": _rows(
            {
                "id": number,
                "image_id": image_id,
                "category_id": box.class_index + 1,
                "bbox": box.xywh,
                "score": box.score,
                "area": round(box.width * box.height, 4),
                "iscrowd": 0,
                "segmentation": segmentation(box),
            }
            for number, (image_id, box) in enumerate(annotations, start=1)
        ),
    }
    text = ",\n".join(f'"{name}": {value}' for name, value in members.items())
    return f"{{\n{text}\n}}\n".encode()


def _image(image_id: int, image: ExportImage) -> Json:
    return {
        "id": image_id,
        "file_name": image.name,
        "width": image.width,
        "height": image.height,
        "video": image.video.uri,
        "frame_index": image.frame_index,
        "pts_ms": image.pts_ms,
    }


def _rows(rows: Iterable[Json]) -> str:
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"
