"""FastestDet: one map with an objectness, a box and class scores for each cell.

Graph: one output of 1 x (5 + classes) x rows x columns with a cell for each 16 pixels, and the
operators Sigmoid and Softmax, which give objectness and class scores.
Preprocessing: stretched, with OpenCV's area filter; BGR, 0 to 1.
Decoding: the centre is the tanh of the second and third value, in cells; the size is the sigmoid of
the next two, in shares of the input; a score is objectness^0.6 x class score^0.4. Needs NMS.

Source: https://github.com/dog-qiuqiu/FastestDet/blob/main/example/onnx-runtime/runtime.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.grids import assumed_input_size, cell_grid
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_STRIDE = 16
_BOX_VALUES = 5  # with the objectness
_OPERATORS = frozenset({"Sigmoid", "Softmax"})
_OBJECTNESS_POWER, _CLASS_POWER = 0.6, 0.4


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise one map of the input's cells of 16 x 16 pixels, and the operators of its head."""
    width, height = assumed_input_size(graph.image_input)
    cells = (-(-height // _STRIDE), -(-width // _STRIDE))
    match [tensor.shape for tensor in graph.outputs]:
        case [[_, int(values), rows, columns]] if values > _BOX_VALUES and graph.operators >= (
            _OPERATORS
        ):
            pass
        case _:
            return None
    if (rows, columns) != cells:
        return None
    output = graph.outputs[0]
    return DecodeSpec(
        why=f"'{output}' has {_BOX_VALUES} values for the box and {values - _BOX_VALUES} class "
        f"scores for each cell of {_STRIDE} x {_STRIDE} pixels",
        preprocess=Preprocess(
            resize="stretch", width=width, height=height, filter="area", colour="bgr"
        ),
        outputs=(output.name,),
        decode=decode,
        needs_nms=True,
        class_count=values - _BOX_VALUES,
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Decode 1 x (5 + classes) x rows x columns."""
    values = outputs[0][0]
    rows, columns = values.shape[1:]
    cells = values.reshape(len(values), -1).T
    best = cells[:, _BOX_VALUES:].max(axis=1)
    scores = cells[:, 0] ** _OBJECTNESS_POWER * best**_CLASS_POWER
    found = np.flatnonzero(scores >= score_threshold)
    positions, _ = cell_grid(size, (_STRIDE,))
    boxes = cells[found, 1:_BOX_VALUES]
    centres = (positions[found] + np.tanh(boxes[:, :2])) / (columns, rows)
    sizes = 1 / (1 + np.exp(-boxes[:, 2:]))
    shares = cxcywh_to_xyxy(np.concatenate([centres, sizes], axis=1))
    class_ids = cells[found, _BOX_VALUES:].argmax(axis=1)
    return to_detections(shares * np.array(size * 2, dtype=np.float32), scores[found], class_ids)


FAMILY = Family(
    name="fastestdet",
    expects="one output of 1 x (5 + classes) x rows x columns with a cell for each 16 pixels, such "
    "as FastestDet exports",
    recognise=recognise,
)
