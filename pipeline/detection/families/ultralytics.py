"""Ultralytics YOLOv8, 11, 12 and models with the same output.

Graph: a first output of 1 x (4 + classes) x N, one column for each anchor; segmentation and pose
have more rows after the classes. The metadata shows how many, or else the second output (masks),
the weights of the head or the number of labels (keypoints). Rotated boxes (OBB) have an angle after
the classes, and the operators Sin and Cos: they are refused. Some converters transpose the output
to 1 x N x (4 + classes), which is recognised only if the number of labels fits. N has to be the
number of anchors of the input, unless the metadata is Ultralytics' or the card names this family.
Preprocessing: Ultralytics' letterbox; RGB, 0 to 1.
Decoding: boxes are cx cy w h in input pixels; each anchor gives its best class. Needs NMS.

Source: https://docs.ultralytics.com/modes/export/
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import (
    DecodeSpec,
    Family,
    select_best_class,
    to_detections,
)
from pipeline.detection.families.common.grids import (
    ALL_STRIDES,
    assumed_input_size,
    find_strides,
)
from pipeline.detection.families.common.ultralytics_export import (
    has_ultralytics_metadata,
    ultralytics_preprocess,
)
from pipeline.detection.unsupported import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_NAME = "ultralytics"
_BOX_VALUES = 4
_TASKS_WITH_MORE_VALUES = ("segment", "pose")
# The layer that predicts keypoints, or the angle of a rotated box, for each anchor.
_FURTHER_HEAD = r"\.cv4\.0\.2\.bias$"
_ROTATION_OPERATORS = frozenset({"Sin", "Cos"})
_COCO_KEYPOINT_VALUES = 17 * 3


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise `1 x (4 + classes) x N`, or the same transposed.

    Raises:
        UnsupportedModelError: the boxes are rotated, or only labels can show whether there are
            classes or keypoints.
    """
    output, is_transposed = graph.outputs[0], False
    match output.shape:
        case [_, int(values), anchors] if values > _BOX_VALUES and _may_be_anchors(
            graph, values, anchors
        ):
            pass
        # YOLOv5's output looks like this, too: only the number of labels shows the difference.
        case [_, anchors, int(values)] if (
            graph.label_count or 0
        ) + _BOX_VALUES == values and _may_be_anchors(graph, values, anchors):
            is_transposed = True
        case _:
            return None
    if graph.operators >= _ROTATION_OPERATORS:
        raise UnsupportedModelError(
            f"its output '{output}' has rotated boxes (it has the operators Sin and Cos of an OBB "
            "model), but pretag needs upright boxes. Export a model for the task 'detect': "
            "yolo export model=yolo11n.pt format=onnx."
        )
    class_count = _class_count(graph, values - _BOX_VALUES)
    if class_count is None:
        return None
    # Segmentation without a second output has "segment" in its metadata.
    has_keypoints = (
        len(graph.outputs) == 1
        and class_count < values - _BOX_VALUES
        and graph.metadata.get("task") != "segment"
    )
    direction = "columns" if is_transposed else "rows"
    return DecodeSpec(
        why=f"'{output}' has 4 {direction} for the box and {class_count} for the classes",
        preprocess=ultralytics_preprocess(graph),
        outputs=(output.name,),
        decode=partial(decode, class_count=class_count, is_transposed=is_transposed),
        needs_nms=True,
        class_count=class_count,
        unread=("keypoints",) if has_keypoints else (),
    )


def decode(
    outputs: Sequence[Array],
    score_threshold: float,
    _size: tuple[int, int],
    *,
    class_count: int,
    is_transposed: bool = False,
) -> Detections:
    """Decode 1 x (4 + classes) x N: cx cy w h in input pixels, then class scores.

    A transposed output is 1 x N x (4 + classes). Values after the class scores are ignored.
    """
    anchors = outputs[0][0] if is_transposed else outputs[0][0].T
    rows, scores, class_ids = select_best_class(
        anchors[:, _BOX_VALUES : _BOX_VALUES + class_count], score_threshold
    )
    return to_detections(cxcywh_to_xyxy(anchors[rows, :_BOX_VALUES]), scores, class_ids)


def _may_be_anchors(graph: Graph, values: int, anchors: int | None) -> bool:
    """Return whether the output may have this number of values for each of this number of anchors.

    Without metadata or a card that says so, the number of anchors has to be that of the input.
    """
    is_certain = graph.card_family == _NAME or has_ultralytics_metadata(graph)
    if anchors is None:
        return is_certain
    # An output has more anchors than values, except that of a very small input.
    has_more_anchors = anchors > values or values - _BOX_VALUES == graph.label_count
    strides = find_strides(anchors, assumed_input_size(graph.image_input), ALL_STRIDES)
    return has_more_anchors and (strides is not None or is_certain)


def _class_count(graph: Graph, values: int) -> int | None:
    """Return how many of the values after the box are class scores; None for an unknown output."""
    if graph.metadata.get("task") in _TASKS_WITH_MORE_VALUES and graph.label_count is not None:
        return graph.label_count
    match [tensor.shape for tensor in graph.outputs[1:]]:
        case []:
            return values - _keypoint_values(graph, values)
        # Segmentation without metadata: one value for each mask of the second output.
        case [[_, int(masks), _, _]] if masks < values:
            return values - masks
    return None


def _keypoint_values(graph: Graph, values: int) -> int:
    """Return how many of the values after the box are keypoints, for a graph without metadata.

    Raises:
        UnsupportedModelError: there are no labels, and the values may be those of COCO's poses.
    """
    width = graph.bias_width(_FURTHER_HEAD)
    if width is not None and width < values:
        return width
    may_be_pose = values - (graph.label_count or 1) == _COCO_KEYPOINT_VALUES
    if may_be_pose and graph.label_count is None:
        raise UnsupportedModelError(
            f"its output '{graph.outputs[0]}' has {values} classes, or one class and COCO's 17 "
            "keypoints, as pose models have. The number of labels decides. Write a label for each "
            "class as 'labels' on the model card (`pretag model card` writes a card to begin with)."
        )
    return _COCO_KEYPOINT_VALUES if may_be_pose else 0


FAMILY = Family(
    name=_NAME,
    expects="an output of 1 x (4 + classes) x N, such as Ultralytics v8, 11 and 12 export",
    recognise=recognise,
)
