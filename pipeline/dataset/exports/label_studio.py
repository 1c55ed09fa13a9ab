"""Label Studio: tasks with predictions, and the labelling config with the classes.

A prediction, unlike an annotation, is shown as a proposal, has a score, and leaves the task open.
Boxes are in percent of the image. Label Studio gets images from a URL: that of an S3 bucket, or of
its own local files. https://labelstud.io/guide/predictions
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from pipeline.dataset.exports.form import Format
from pipeline.dataset.exports.xml_file import xml_bytes
from pipeline.text import xml_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.dataset.exports.export_set import ExportBox, ExportImage, ExportSet
    from pipeline.dataset.exports.form import Options

_FROM, _TO = "label", "image"
_LOCAL_FILES = "/data/local-files/?d=images/"
"""Where Label Studio finds the images of the export itself, if its folder is the document root."""

# Okabe and Ito's colours, which colour-blind people can tell apart. https://jfly.uni-koeln.de/color/
_COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")


def label_config(labels: Iterable[str]) -> bytes:
    """Return the labelling config of a project: an image, and a button for each class."""
    root = ET.Element("View")
    ET.SubElement(root, "Image", name=_TO, value="$image")
    buttons = ET.SubElement(root, "RectangleLabels", name=_FROM, toName=_TO)
    for index, label in enumerate(labels):
        colour = _COLOURS[index % len(_COLOURS)]
        ET.SubElement(buttons, "Label", value=xml_text(label), background=colour)
    return xml_bytes(root)


def prediction(image: ExportImage, labels: Sequence[str]) -> dict[str, Any]:
    """Return the prediction of an image, which is empty if nothing was found."""
    scores = [box.score for box in image.boxes]
    return {
        "model_version": f"pretag {image.video.pretag} {image.video.run_id}",
        # By this, Label Studio sorts tasks: the images of which the model was least sure.
        "score": round(sum(scores) / len(scores), 4) if scores else 0.0,
        "result": [
            _region(number, box, image, labels) for number, box in enumerate(image.boxes, start=1)
        ],
    }


def task_data(image: ExportImage, url: str) -> dict[str, Any]:
    """Return the data of a task: the image's URL, and from where it is."""
    return {
        "image": url,
        "name": image.name,
        "video": image.video.uri,
        "frame_index": image.frame_index,
        "pts_ms": image.pts_ms,
    }


def _files(exported: ExportSet, options: Options) -> Iterator[tuple[str, bytes]]:
    # One task at a time, because tasks take ten times the memory of their text.
    rows = (
        json.dumps(_task(image, exported.labels, options), ensure_ascii=False)
        for image in exported.images
    )
    yield "tasks.json", ("[\n" + ",\n".join(rows) + "\n]\n").encode()
    yield "label_config.xml", label_config(exported.labels)


def _task(image: ExportImage, labels: Sequence[str], options: Options) -> dict[str, Any]:
    return {
        "data": task_data(image, _url(image, options)),
        "predictions": [prediction(image, labels)],
    }


def _url(image: ExportImage, options: Options) -> str:
    if options.images_at is not None:
        return f"{options.images_at.rstrip('/')}/{image.name}"
    if image.video.location.startswith("s3://") and not image.video.is_archived:
        return f"{image.video.location}/{image.path}"
    return _LOCAL_FILES + image.name


def _region(
    number: int, box: ExportBox, image: ExportImage, labels: Sequence[str]
) -> dict[str, Any]:
    return {
        "id": f"box{number}",
        "type": "rectanglelabels",
        "from_name": _FROM,
        "to_name": _TO,
        "original_width": image.width,
        "original_height": image.height,
        "image_rotation": 0,
        "value": {
            "x": 100 * box.x / image.width,
            "y": 100 * box.y / image.height,
            "width": 100 * box.width / image.width,
            "height": 100 * box.height / image.height,
            "rotation": 0,
            "rectanglelabels": [labels[box.class_index]],
        },
        "score": box.score,
    }


def _image_path(image: ExportImage) -> str:
    return f"images/{image.name}"


FORMAT = Format("label-studio", "Label Studio", "used", _image_path, _files)
