"""Write the dataset as COCO: https://cocodataset.org/#format-data and #format-results.

Ids count from 1, and categories are all classes of the model in its order, because labelling tools
reject a category 0 and assign wrong classes if ids have gaps. Boxes are x, y, w, h in displayed
pixels with 2 decimals. Scores have 4 decimals.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Any

from pipeline import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.coverage import Coverage
    from pipeline.dataset.dataset import Dataset
    from pipeline.frame import FrameRecord

COCO_FILE = "annotations/instances_default.json"
"""The path of the COCO file in a run folder."""

Json = dict[str, Any]


def instances(dataset: Dataset) -> bytes:
    """Return the COCO file: info, licenses, categories, images and annotations."""
    info = {
        "description": f"Pre-annotations of {dataset.video}",
        "version": "1.0",
        "contributor": f"pretag {__version__}",
        "url": "",
        "date_created": f"{dataset.modified:%Y-%m-%dT%H:%M:%SZ}" if dataset.modified else "",
        "start_ms": dataset.start_ms,
        "display": asdict(dataset.display),
        "track": None if dataset.track is None else asdict(dataset.track),
        "coverage": _coverage(dataset.coverage),
    }
    categories = (
        {"id": number, "name": label, "supercategory": ""}
        for number, label in enumerate(dataset.labels, start=1)
    )
    images = (
        _image(image_id, frame, dataset.hash_name)
        for image_id, frame in enumerate(dataset.frames.kept(), start=1)
    )
    annotations = (
        {"id": number, **result, **_geometry(result["bbox"])}
        for number, result in enumerate(_results(dataset), start=1)
    )
    return _encoded(
        (f'{{\n"info": {_text(info)},\n"licenses": [],\n"categories": ',),
        _rows(categories),
        (',\n"images": ',),
        _rows(images),
        (',\n"annotations": ',),
        _rows(annotations),
        ("\n}\n",),
    )


def predictions(dataset: Dataset) -> bytes:
    """Return the results list that `COCO.loadRes` reads; an empty list if nothing was found."""
    return _encoded(_rows(_results(dataset)), ("\n",))


def _encoded(*texts: Iterable[str]) -> bytes:
    """Return texts as UTF-8. They are never together in memory as text, as they can be long."""
    file = BytesIO()
    for text in chain.from_iterable(texts):
        file.write(text.encode())
    return file.getvalue()


def _rows(rows: Iterable[Json]) -> Iterator[str]:
    """Yield a JSON list with one row a line, which is easy to read and to compare."""
    yield "[\n"
    for number, row in enumerate(rows):
        yield f",\n{_text(row)}" if number else _text(row)
    yield "\n]"


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _coverage(coverage: Coverage) -> Json:
    return {
        "share": round(coverage.share, 6),
        # How many of them were skipped depends on the machine's speed, so that is in logs.csv.
        "frames_found": coverage.decoded + coverage.skipped,
        "frames_lost": coverage.lost,
        "seconds_lost": coverage.seconds_lost,
        "seconds_short": coverage.seconds_short,
        "missing_ranges": [asdict(missing) for missing in coverage.missing_ranges],
    }


def _image(image_id: int, frame: FrameRecord, hash_name: str | None) -> Json:
    image: Json = {
        "id": image_id,
        "file_name": frame.file_name,
        "width": frame.width,
        "height": frame.height,
        "frame_index": frame.index,
        "pts_ms": frame.pts_ms,
    }
    if hash_name is not None:
        image[hash_name] = frame.hash
    return image


def _results(dataset: Dataset) -> Iterator[Json]:
    for image_id, frame in enumerate(dataset.frames.kept(), start=1):
        detections = frame.detections
        for box, score, class_id in zip(
            detections.boxes.tolist(),
            detections.scores.tolist(),
            detections.class_ids.tolist(),
            strict=True,
        ):
            yield {
                "image_id": image_id,
                "category_id": class_id + 1,
                "bbox": _xywh(box),
                "score": round(score, 4),
            }


def _xywh(box: list[float]) -> list[float]:
    # Corners are rounded first, so that x + w never exceeds the image.
    x1, y1, x2, y2 = (round(value, 2) for value in box)
    return [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)]


def _geometry(bbox: list[float]) -> Json:
    return {"area": round(bbox[2] * bbox[3], 4), "iscrowd": 0, "segmentation": []}
