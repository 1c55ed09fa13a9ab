"""Say what a graph looks like that no family recognises, and what its owner can do.

Each kind of model is known by the names or shapes of its outputs. They do not give boxes exactly:
something is missing in the file, such as anchors or the last step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.detection.families.common.grids import ALL_STRIDES, assumed_input_size, find_strides

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.detection.graph import Graph, Shape

_MAP_RANKS = (4, 5)
# A classifier's output has more columns than a list of boxes.
_MAX_BOX_COLUMNS = 8
# Rows of BlazeFace's outputs: of both grids together, and of each one.
_BLAZEFACE_ROWS, _BLAZEFACE_COLUMNS = (896, 2304, 512, 384), (1, 16)
_USE_YUNET = (
    "Use YuNet, which pretag reads: "
    "https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet. Or export it with "
    "its post-processing, to one output that is named after its columns, such as label_xyxy_score."
)
_EXPORT_WITH_NMS = (
    "Export it with the step that decodes boxes, and with NMS if its exporter has that."
)


class _Kind(NamedTuple):
    """A kind of model.

    Attributes:
        matches: whether a graph may be of this kind.
        looks_like: completes the sentence "It looks like ...".
        next_step: what to do, as one or more sentences.
    """

    matches: Callable[[Graph], bool]
    looks_like: str
    next_step: str


def describe_resemblance(graph: Graph) -> str | None:
    """Return sentences about what the graph looks like and what to do; None if it is not known."""
    kind = next((kind for kind in _KINDS if kind.matches(graph)), None)
    return None if kind is None else f"It looks like {kind.looks_like}. {kind.next_step}"


def _shapes(graph: Graph) -> list[Shape]:
    return [tensor.shape or () for tensor in graph.outputs]


def _names(graph: Graph) -> set[str]:
    return {tensor.name for tensor in graph.outputs}


def _channels(graph: Graph) -> list[int | None] | None:
    """Return the sorted channels of maps of one size, channels first; None for other outputs."""
    shapes = _shapes(graph)
    if any(len(shape) != 4 for shape in shapes) or len({shape[2:] for shape in shapes}) != 1:  # noqa: PLR2004
        return None
    return sorted((shape[1] for shape in shapes), key=lambda channels: channels or 0)


def _is_centerface(graph: Graph) -> bool:
    return _channels(graph) in ([1, 2, 2, 10], [1, 2, 2])


def _is_centernet(graph: Graph) -> bool:
    match _channels(graph):
        case [2, 2, int(_)] | [2, int(_)]:
            return True
    return False


def _is_yolo_fastest_v2(graph: Graph) -> bool:
    width, height = assumed_input_size(graph.image_input)
    match _shapes(graph):
        case [[_, rows, columns, values], [_, half_rows, half_columns, same]] if values == same:
            sides = [rows, columns, half_rows, half_columns]
            return sides == [height // 16, width // 16, height // 32, width // 32]
    return False


def _is_blazeface(graph: Graph) -> bool:
    shapes = _shapes(graph)
    return len(shapes) > 1 and all(
        len(shape) == 3 and shape[1] in _BLAZEFACE_ROWS and shape[2] in _BLAZEFACE_COLUMNS  # noqa: PLR2004
        for shape in shapes
    )


def _is_old_yunet(graph: Graph) -> bool:
    return {"loc", "conf", "iou"} <= _names(graph)


def _is_pose_of_supergradients(graph: Graph) -> bool:
    return any(name.endswith(("flat_predictions", "post_nms_joints")) for name in _names(graph))


def _is_automl(graph: Graph) -> bool:
    match _shapes(graph):
        case [[_, _, 7]] if graph.outputs[0].name.startswith("detections"):
            return True
    return False


def _has_rotated_boxes(graph: Graph) -> bool:
    return graph.operators >= {"Sin", "Cos"} and len(_shapes(graph)[0]) == 3  # noqa: PLR2004


def _has_objects_with_more_values(graph: Graph) -> bool:
    match _shapes(graph):
        case [[_, int(rows), int(columns)], *_] if 6 < columns < rows <= 1000:  # noqa: PLR2004
            return True
    return False


def _has_boxes_and_scores_of_cells(graph: Graph) -> bool:
    """Return whether two outputs have a row for each cell, one of them with 4 columns."""
    size = assumed_input_size(graph.image_input)
    match sorted(_shapes(graph), key=lambda shape: shape[-1] != 4 if shape else True):  # noqa: PLR2004
        case [[_, int(rows), 4], [_, same, int(_)]] if rows == same:
            return find_strides(rows, size, ALL_STRIDES) is not None
    return False


def _has_rows_without_batch(graph: Graph) -> bool:
    match _shapes(graph):
        case [[int(rows), int(columns)]] if rows > 1 and columns > _MAX_BOX_COLUMNS:
            return True
    return False


def _is_classifier(graph: Graph) -> bool:
    match _shapes(graph):
        case [[1 | None, int(classes)]] if classes > _MAX_BOX_COLUMNS:
            return True
    return False


def _has_grids(graph: Graph) -> bool:
    return len(graph.outputs) > 1 and _has_maps(graph)


def _has_maps(graph: Graph) -> bool:
    return all(len(shape) in _MAP_RANKS for shape in _shapes(graph))


_KINDS = (
    _Kind(_is_centerface, "CenterFace, whose maps are not decoded to boxes", _USE_YUNET),
    _Kind(_is_blazeface, "BlazeFace of MediaPipe, whose anchors are not in the file", _USE_YUNET),
    _Kind(
        _is_old_yunet,
        "YuNet of 2022 or the plate detector LPD-YuNet, which predict offsets from anchors that "
        "are not in the file",
        "Use YuNet of 2023, which pretag reads: "
        "https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet.",
    ),
    _Kind(
        _is_centernet,
        "CenterNet, whose maps of centres and sizes are not decoded to boxes",
        "Export it with the step that takes the peaks of the map, to one output that is named "
        "after its columns, such as label_xyxy_score.",
    ),
    _Kind(
        _is_yolo_fastest_v2,
        "Yolo-FastestV2, whose anchors are in its configuration, but not in the file",
        "Use FastestDet of the same author, which pretag reads: "
        "https://github.com/dog-qiuqiu/FastestDet. Or add the step that decodes boxes before you "
        "export it.",
    ),
    _Kind(
        _is_pose_of_supergradients,
        "a pose model of SuperGradients",
        "Export a detector, such as YOLO-NAS: model.export('yolo_nas_s.onnx').",
    ),
    _Kind(
        _is_automl,
        "EfficientDet of AutoML, whose rows are image, y1, x1, y2, x2, score and class",
        "Name its output after these columns, batchno_y1x1y2x2_score_class, for example with "
        "https://github.com/PINTO0309/sor4onnx. pretag reads such names.",
    ),
    _Kind(
        _has_rotated_boxes,
        "a model with rotated boxes (OBB): it has the operators Sin and Cos",
        "pretag needs upright boxes. Export a model for the task 'detect': "
        "yolo export model=yolo11n.pt format=onnx.",
    ),
    _Kind(
        _has_objects_with_more_values,
        "a list of objects with more values than a box, score and class, such as keypoints, masks "
        "or an angle, and no metadata say what they are",
        "Export it again without tools that remove the metadata, or export a model for the task "
        "'detect': yolo export model=yolo11n.pt format=onnx.",
    ),
    _Kind(
        _has_boxes_and_scores_of_cells,
        "boxes and class scores of each cell before NMS, as YOLO-NAS, DAMO-YOLO and PP-YOLOE have "
        "them without their last step",
        "Export it with that step: for YOLO-NAS model.export('yolo_nas_s.onnx'), for others with "
        "their exporter's option for NMS or end2end.",
    ),
    _Kind(
        _has_rows_without_batch,
        "one row for each anchor without a batch, as some exports of Yolo-FastestV2, YOLOv5 and "
        "NanoDet for OpenCV have it",
        "Export it again with its own project's exporter, which keeps the batch: pretag needs an "
        "output of 1 x N x columns.",
    ),
    _Kind(_is_classifier, "a classifier, which has no boxes", "Use a detector."),
    _Kind(
        _has_grids,
        "grids or feature maps that are not decoded to boxes, such as those of YOLO, RetinaNet and "
        "MMDetection without their last step",
        _EXPORT_WITH_NMS,
    ),
    _Kind(
        _has_maps,
        "masks, or a feature map that is not decoded to boxes",
        _EXPORT_WITH_NMS,
    ),
)
