"""TensorFlow's mobile detectors, which end in TFLite's own post-processing.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/kernels/detection_postprocess.cc
https://github.com/tensorflow/models/blob/master/research/object_detection/export_tflite_graph_lib_tf2.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families import tensorflow
from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph, TensorInfo
    from pipeline.frame import Detections

# With which version it was converted decides the names, and in which order they are.
_NAMES = ("TFLite_Detection_PostProcess", "StatefulPartitionedCall")
_USUAL_SIZE = 320
_HALF = 127.5


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know 1 x N x 4 boxes, twice 1 x N, and a count, by their shapes and the layer's name."""
    ports = _ports(graph)
    if ports is None:
        return None
    image = graph.image
    return DecodeSpec(
        why=f"'{ports[0].name}' and its companions are boxes, scores, classes and their count",
        # Pixels from -1 to 1, unless they are taken as bytes.
        preprocess=Preprocess(
            resize="stretch",
            width=image.width or _USUAL_SIZE,
            height=image.height or _USUAL_SIZE,
            scale=1.0,
            mean=(_HALF,) * 3,
            std=(_HALF,) * 3,
        ),
        outputs=tuple(port.name for port in ports),
        decode=decode,
        needs_nms=False,
        class_count=tensorflow.coco_classes(graph),
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Read 1 x N x 4 y1 x1 y2 x2 as shares of the picture, class ids and scores, and their count.

    Class ids and scores, of 1 x N each, are in either order.
    """
    count = int(outputs[3].ravel()[0])
    boxes, *others = (output[0][:count] for output in outputs[:3])
    ids, scores = sorted(others, key=_like_scores)
    rows = np.flatnonzero(scores >= score_threshold)
    return to_detections(tensorflow.in_pixels(boxes[rows], size), scores[rows], ids[rows])


def _like_scores(values: Array) -> int:
    """Say how much numbers look like scores: most if broken, and then, of whole ones, if all are 1.

    Both are whole numbers only where all scores are exactly 0 or 1; ids then have others, or are
    all of class 0, for scores that are all 0 are of no objects.
    """
    if (values % 1).any():
        return 2
    return int(values.max(initial=0) == 1)


def _ports(graph: Graph) -> list[TensorInfo] | None:
    """Find boxes, two of a number an object, and the count."""
    ports = sorted(graph.outputs, key=lambda port: -(port.rank or 0))
    if len(ports) != 4 or not all(port.name.startswith(_NAMES) for port in ports):  # noqa: PLR2004
        return None
    match [port.shape for port in ports]:
        case [[_, _, 4], [_, _], [_, _], [_]]:
            return ports
    return None


FAMILY = Family(
    name="tflite",
    expects="outputs TFLite_Detection_PostProcess: boxes, classes, scores and their count",
    recognise=recognise,
)
