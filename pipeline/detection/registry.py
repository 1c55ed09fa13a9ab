"""Recognise the family of a model by its graph. All families are listed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.detection.families import (
    detr,
    detr_sigmoid,
    efficient_nms,
    efficientdet,
    end_to_end,
    maskrcnn_benchmark,
    nanodet,
    paddle,
    picodet,
    rf_detr,
    rtdetr,
    ssd,
    tensorflow,
    tflite,
    torchvision,
    ultralytics,
    ultralytics_rtdetr,
    yolov5,
    yolox,
)
from pipeline.detection.unsupported import UnsupportedModelError

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import DecodeSpec, Family
    from pipeline.detection.graph import Graph

FAMILIES: tuple[Family, ...] = (
    tensorflow.FAMILY,
    tflite.FAMILY,
    efficient_nms.FAMILY,
    rtdetr.FAMILY,
    paddle.FAMILY,
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
# A classifier's output has more columns than a list of boxes.
_MAX_BOX_COLUMNS = 8
_FEATURE_MAP_RANKS = (4, 5)


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
            "Export a model for the task 'detect'."
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
            return family, spec
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
    return UnsupportedModelError(
        f"it has {graph}, which no family recognises{_resemblance(graph)}. The families are "
        f"{_family_names()}; docs/models.md shows the outputs of each."
    )


def _resemblance(graph: Graph) -> str:
    """Return a clause about what the outputs look like; empty if they look like nothing known."""
    match [tensor.shape for tensor in graph.outputs]:
        case [[_, int(classes)]] if classes > _MAX_BOX_COLUMNS:
            return ". It looks like a classifier, which has no boxes"
    if all(tensor.rank in _FEATURE_MAP_RANKS for tensor in graph.outputs):
        return (
            ". Its outputs look like masks, or like feature maps that are not decoded to boxes: "
            "export it with the step that decodes them"
        )
    return ""


def _family_names() -> str:
    return ", ".join(family.name for family in FAMILIES)
