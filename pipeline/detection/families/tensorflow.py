"""TensorFlow's Object Detection API, and its mobile exports, after suppression.

https://github.com/tensorflow/models/blob/master/research/object_detection/exporter_lib_v2.py
https://github.com/onnx/tensorflow-onnx
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.family import Family, Reading, detections
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.family import Array
    from pipeline.detection.graph import Graph, Port
    from pipeline.frame import Detections

_NAMES = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
_MOBILE_NAME = "TFLite_Detection_PostProcess"
_USUAL_SIZE = 320
_HALF = 127.5
# COCO's numbers go up to 90; with the background, a layer scores 91 for each of so many anchors.
_COCO_NUMBERS, _COCO_WIDTH, _MOST_ANCHORS = 90, 91, 9


def read(graph: Graph) -> Reading | None:
    """Know `detection_boxes` and its companions, or TFLite's four outputs."""
    ports, first = _ports(graph), 1
    if ports is None:
        ports, first = _mobile_ports(graph), 0
    if ports is None:
        return None
    return Reading(
        why=f"it gives {', '.join(port.name for port in ports)}",
        preprocess=_preprocess(graph),
        outputs=tuple(port.name for port in ports),
        decode=decode,
        suppress=False,
        class_count=_class_count(graph),
        first_class_id=first,
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Read 1 x N x 4 y1 x1 y2 x2 as shares of the picture, 1 x N class ids and scores, a count."""
    boxes, ids, scores = (output[0] for output in outputs[:3])
    count = int(outputs[3].ravel()[0])
    rows = np.flatnonzero(scores[:count] >= score_threshold)
    corners = boxes[rows][:, [1, 0, 3, 2]] * np.array(size * 2, dtype=np.float32)
    return detections(corners, scores[rows], np.rint(ids[rows]))


def _ports(graph: Graph) -> list[Port] | None:
    ports = [port for name in _NAMES if (port := graph.output(name)) is not None]
    return ports if len(ports) == len(_NAMES) else None


def _mobile_ports(graph: Graph) -> list[Port] | None:
    names = [_MOBILE_NAME, *(f"{_MOBILE_NAME}:{number}" for number in (1, 2, 3))]
    by_name = {port.name: port for port in graph.outputs}
    return [by_name[name] for name in names] if by_name.keys() >= set(names) else None


def _preprocess(graph: Graph) -> Preprocess:
    image = graph.image
    free = image.width is None or image.height is None
    return Preprocess(
        resize="none" if free else "stretch",  # a graph of a free size scales the picture itself
        width=image.width or _USUAL_SIZE,
        height=image.height or _USUAL_SIZE,
        scale=1.0,
        mean=(_HALF,) * 3,
        std=(_HALF,) * 3,
    )


def _class_count(graph: Graph) -> int | None:
    """Return how many classes there are, if a layer shows it, or shows that they are COCO's."""
    for name in ("detection_multiclass_scores", "raw_detection_scores"):
        port = graph.output(name)
        if port is not None and port.shape is not None and port.shape[-1] is not None:
            return port.shape[-1] - 1
    widths = {shape[0] for shape in graph.weights.values() if shape}
    coco = {_COCO_WIDTH * anchors for anchors in range(1, _MOST_ANCHORS + 1)}
    return _COCO_NUMBERS if graph.label_count is None and widths & coco else None


FAMILY = Family(
    name="tensorflow",
    expects="outputs detection_boxes, detection_classes, detection_scores and num_detections, or "
    "TFLite_Detection_PostProcess, such as TensorFlow's Object Detection API exports",
    read=read,
)
