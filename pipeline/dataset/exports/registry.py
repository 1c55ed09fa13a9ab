"""All export formats, by the names that the command line and the configuration use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dataset.exports import (
    coco_annotator,
    csv_boxes,
    cvat,
    cvat_video,
    fiftyone,
    huggingface,
    label_studio,
    roboflow,
    voc,
    yolo,
)

if TYPE_CHECKING:
    from pipeline.dataset.exports.form import Format

FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        cvat.FORMAT,
        cvat_video.FORMAT,
        label_studio.FORMAT,
        fiftyone.FORMAT,
        yolo.FORMAT,
        voc.FORMAT,
        roboflow.FORMAT,
        coco_annotator.FORMAT,
        huggingface.FORMAT,
        csv_boxes.FORMAT,
    )
}
