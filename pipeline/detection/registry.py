"""Recognise the family of a model by its graph. All families are listed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.detection.families import (
    detr,
    detr_sigmoid,
    efficient_nms,
    efficientdet,
    end_to_end,
    fastestdet,
    maskrcnn_benchmark,
    mmdeploy,
    named_columns,
    nanodet,
    paddle,
    picodet,
    retinaface,
    rf_detr,
    rtdetr,
    scrfd,
    ssd,
    tensorflow,
    tflite,
    torchvision,
    ultraface,
    ultralytics,
    ultralytics_rtdetr,
    yolo_nas,
    yolov5,
    yolox,
    yunet,
)
from pipeline.detection.resemblance import describe_resemblance
from pipeline.detection.unread import with_unread_parts
from pipeline.detection.unsupported import UnsupportedModelError

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import DecodeSpec, Family
    from pipeline.detection.graph import Graph

FAMILIES: tuple[Family, ...] = (
    named_columns.FAMILY,
    yunet.FAMILY,
    yolo_nas.FAMILY,
    mmdeploy.FAMILY,
    scrfd.FAMILY,
    retinaface.FAMILY,
    fastestdet.FAMILY,
    tensorflow.FAMILY,
    tflite.FAMILY,
    efficient_nms.FAMILY,
    rtdetr.FAMILY,
    paddle.FAMILY,
    ultraface.FAMILY,
    ssd.FAMILY,
    rf_detr.FAMILY,
    detr.FAMILY,
    detr_sigmoid.FAMILY,
    maskrcnn_benchmark.FAMILY,
    torchvision.FAMILY,
    ultralytics_rtdetr.FAMILY,
    efficientdet.FAMILY,
    picodet.FAMILY,
    nanodet.FAMILY,
    end_to_end.FAMILY,
    ultralytics.FAMILY,
    yolox.FAMILY,
    yolov5.FAMILY,
)
"""All families. The first one that recognises a graph is used, so the order matters.

Families that match names of tensors come before those that match shapes only, and strict ones come
before loose ones.
"""

# Tasks of Ultralytics whose outputs are not upright boxes: https://docs.ultralytics.com/tasks/
_TASKS_WITHOUT_BOXES = ("classify", "obb", "semantic", "depth")


def recognise_family(graph: Graph) -> tuple[Family, DecodeSpec] | None:
    """Return the family of a graph, and how its outputs are decoded.

    Args:
        graph: the model's graph. If its card names a family, only this family can recognise it.

    Returns:
        The first family that recognises the graph; None if none does.

    Raises:
        UnsupportedModelError: the graph has no outputs, the model's task is not detection, the card
            names an unknown family, or no input can take an image.
    """
    if not graph.outputs:
        raise UnsupportedModelError("it has no outputs. Export it again.")
    task = graph.metadata.get("task")
    if task in _TASKS_WITHOUT_BOXES:
        raise UnsupportedModelError(
            f"its metadata has the task '{task}', but pretag needs a detector with upright boxes. "
            "Export a model for the task 'detect': yolo export model=yolo11n.pt format=onnx."
        )
    candidates = [family for family in FAMILIES if graph.card_family in (None, family.name)]
    if not candidates:
        raise UnsupportedModelError(
            f'its card has family = "{graph.card_family}", which does not exist. Choose from '
            f"{_family_names()}."
        )
    for family in candidates:
        spec = family.recognise(graph)
        if spec is not None:
            return family, with_unread_parts(graph, spec)
    return None


def unrecognised_error(graph: Graph) -> UnsupportedModelError:
    """Return the error for a graph that no family recognises.

    If the card names a family, the error says why this family does not recognise the graph.
    """
    if graph.card_family is not None:
        expects = next(family.expects for family in FAMILIES if family.name == graph.card_family)
        return UnsupportedModelError(
            f'its card says family = "{graph.card_family}", which needs {expects}; the model has '
            f"{graph}. Correct the family on the card, or remove it so that pretag recognises it."
        )
    advice = describe_resemblance(graph) or (
        "If its outputs are those of a family under other names, write the family on its card "
        "(`pretag model card` writes a card with the names of all families). If they have a row "
        "for each object, name the output after its columns, such as label_xyxy_score."
    )
    return UnsupportedModelError(f"it has {graph}, which no family recognises. {advice}")


def _family_names() -> str:
    return ", ".join(family.name for family in FAMILIES)
