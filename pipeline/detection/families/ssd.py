"""SSD before NMS: a box and class scores for each anchor.

Graph: outputs `boxes`, 1 x N x 4, and `scores`, 1 x N x (1 + classes). A graph that decodes boxes
has an operator `Exp`; without it they are offsets, which look the same: the graph is refused unless
the card names this family.
Preprocessing: stretched; RGB; (pixel - 127) / 128, which is -1 to 1.
Decoding: boxes are x1 y1 x2 y2 relative to the input; class 0 is the background. Needs NMS.

Sources:
https://github.com/qfgaohao/pytorch-ssd/blob/master/convert_to_caffe2_models.py
https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.detection.families.common.base import (
    DecodeSpec,
    Family,
    select_every_class,
    to_detections,
)
from pipeline.detection.preprocess import Preprocess
from pipeline.detection.unsupported import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph, TensorInfo
    from pipeline.frame import Detections

DECODE_OPERATOR = "Exp"
"""The operator by which a graph turns offsets from anchors into boxes."""

_NAME = "ssd"
_USUAL_SIZE = 300
_MEAN, _STD = 127.0, 128.0


class Outputs(NamedTuple):
    """The two outputs of a graph with `rows` anchors.

    Attributes:
        boxes: 1 x rows x 4.
        scores: 1 x rows x `columns`.
        rows: number of anchors; None if the file does not give it.
        columns: number of classes, with the background.
    """

    boxes: TensorInfo
    scores: TensorInfo
    rows: int | None
    columns: int


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise two outputs `boxes` and `scores` with the same number of rows.

    Raises:
        UnsupportedModelError: the graph has these outputs, but does not decode boxes.
    """
    outputs = find_outputs(graph)
    if outputs is None:
        return None
    if DECODE_OPERATOR not in graph.operators and graph.card_family != _NAME:
        raise UnsupportedModelError(
            f"its output '{outputs.boxes}' has the name of boxes, but the graph does not decode "
            f"any: it has no operator {DECODE_OPERATOR}. So they are probably offsets from "
            "anchors, which the file does not have. Export the model with its post-processing (in "
            "pytorch-ssd and UltraFace: is_test=True). If they are shares of the image, write "
            f'family = "{_NAME}" on the model card.'
        )
    return make_spec(graph, outputs)


def find_outputs(graph: Graph) -> Outputs | None:
    """Return the outputs `boxes` and `scores`; None if the graph has others."""
    boxes, scores = graph.output("boxes"), graph.output("scores")
    if boxes is None or scores is None or len(graph.outputs) > 2:  # noqa: PLR2004
        return None
    match boxes.shape, scores.shape:
        case [_, rows, 4], [_, same, int(columns)] if rows == same and columns > 1:
            return Outputs(boxes, scores, rows, columns)
    return None


def make_spec(graph: Graph, outputs: Outputs) -> DecodeSpec:
    """Return how a graph with these outputs is used."""
    boxes, scores = outputs.boxes, outputs.scores
    image_input = graph.image_input
    return DecodeSpec(
        why=f"'{boxes}' and '{scores}' have one row for each anchor; class 0 is the background",
        preprocess=Preprocess(
            resize="stretch",
            width=image_input.width or _USUAL_SIZE,
            height=image_input.height or _USUAL_SIZE,
            scale=1.0,
            mean=(_MEAN,) * 3,
            std=(_STD,) * 3,
        ),
        outputs=(boxes.name, scores.name),
        decode=decode,
        needs_nms=True,
        class_count=outputs.columns - 1,
        first_class_id=1,
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Decode 1 x N x 4 relative x1 y1 x2 y2, and 1 x N x (1 + classes) scores."""
    rows, scores, class_ids = select_every_class(outputs[1][0][:, 1:], score_threshold)
    boxes = outputs[0][0][rows] * np.array(size * 2, dtype=np.float32)
    return to_detections(boxes, scores, class_ids + 1)


FAMILY = Family(
    name=_NAME,
    expects="outputs boxes (1 x N x 4) and scores (1 x N x (1 + classes)), before NMS",
    recognise=recognise,
)
