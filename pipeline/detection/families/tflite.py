"""TensorFlow's mobile detectors: TFLite models that end with TFLite's own post-processing.

Graph: four outputs whose names begin with `TFLite_Detection_PostProcess` or
`StatefulPartitionedCall`: boxes (1 x N x 4), classes and scores (1 x N each), and a count. Their
order depends on the version of the converter.
Preprocessing: stretched; RGB, -1 to 1; a uint8 input gets the pixels as they are.
Decoding: boxes are y1 x1 y2 x2 relative to the input. Classes and scores have the same shape; their
values show which is which. No NMS.

Sources:
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

_OUTPUT_NAMES = ("TFLite_Detection_PostProcess", "StatefulPartitionedCall")
_USUAL_SIZE = 320
_HALF_RANGE = 127.5


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise the four outputs by their names and shapes, in any order."""
    outputs = _find_outputs(graph)
    if outputs is None:
        return None
    image_input = graph.image_input
    return DecodeSpec(
        why=f"'{outputs[0].name}' and three more outputs are boxes, scores, classes and a count",
        preprocess=Preprocess(
            resize="stretch",
            width=image_input.width or _USUAL_SIZE,
            height=image_input.height or _USUAL_SIZE,
            scale=1.0,
            mean=(_HALF_RANGE,) * 3,
            std=(_HALF_RANGE,) * 3,
        ),
        outputs=tuple(tensor.name for tensor in outputs),
        decode=decode,
        needs_nms=False,
        class_count=tensorflow.coco_class_count(graph),
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Decode 1 x N x 4 relative y1 x1 y2 x2, class ids and scores (1 x N each), and a count.

    Class ids and scores can come in either order.
    """
    count = int(outputs[3].ravel()[0])
    boxes, *others = (output[0][:count] for output in outputs[:3])
    class_ids, scores = sorted(others, key=_likeness_to_scores)
    rows = np.flatnonzero(scores >= score_threshold)
    boxes = tensorflow.relative_yxyx_to_xyxy(boxes[rows], size)
    return to_detections(boxes, scores[rows], class_ids[rows])


def _likeness_to_scores(values: Array) -> int:
    """Return a number that is higher for scores than for the class ids of the same objects.

    Values with fractions are scores: 2. If neither array has fractions, all scores are 0 or 1.
    Then the array whose highest value is 1 is the scores (1), because the class ids have other
    values or are all 0; if the scores were all 0, there would be no objects.
    """
    if (values % 1).any():
        return 2
    return int(values.max(initial=0) == 1)


def _find_outputs(graph: Graph) -> list[TensorInfo] | None:
    """Return the boxes, then classes and scores in the graph's order, then the count."""
    tensors = sorted(graph.outputs, key=lambda tensor: -(tensor.rank or 0))
    if len(tensors) != 4 or not all(tensor.name.startswith(_OUTPUT_NAMES) for tensor in tensors):  # noqa: PLR2004
        return None
    match [tensor.shape for tensor in tensors]:
        case [[_, _, 4], [_, _], [_, _], [_]]:
            return tensors
    return None


FAMILY = Family(
    name="tflite",
    expects="four outputs TFLite_Detection_PostProcess: boxes, classes, scores and a count",
    recognise=recognise,
)
