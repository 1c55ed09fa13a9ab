"""Recognise the family of a model by its graph: the list of families, and how they are asked."""

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
"""All families, in the order in which they are asked. Families that match names of tensors come
before those that match shapes only, and stricter ones before looser ones."""

# Tasks of Ultralytics whose outputs are not upright boxes: https://docs.ultralytics.com/tasks/
_TASKS_WITHOUT_BOXES = ("classify", "obb", "semantic", "depth")
# A classifier's output has more columns than a list of boxes.
_MAX_BOX_COLUMNS = 8
_FEATURE_MAP_RANKS = (4, 5)


def recognise_family(graph: Graph) -> tuple[Family, DecodeSpec] | None:
    """Return the family of a graph, and how its outputs are decoded.

    Args:
        graph: the model's graph. If its card names a family, only that family is asked.

    Returns:
        The first family that recognises the graph; None if none does.

    Raises:
        UnsupportedModelError: the card names an unknown family, the model's task is not detection,
            or a family recognises the graph but cannot decode it.
    """
    if not graph.outputs:
        raise UnsupportedModelError("it has no outputs. Export it again.")
    task = graph.metadata.get("task")
    if task in _TASKS_WITHOUT_BOXES:
        raise UnsupportedModelError(
            f"its metadata gives the task '{task}', and pretag reads detectors with upright boxes. "
            "Export a model of task 'detect'."
        )
    candidates = [family for family in FAMILIES if graph.family in (None, family.name)]
    if not candidates:
        raise UnsupportedModelError(
            f"its card names the family '{graph.family}', which does not exist. The families are "
            f"{_family_names()}."
        )
    for family in candidates:
        spec = family.recognise(graph)
        if spec is not None:
            return family, spec
    return None


def unrecognised_error(graph: Graph) -> UnsupportedModelError:
    """Return the error for a graph that no family recognises, or not the one on its card."""
    if graph.family is not None:
        expects = next(family.expects for family in FAMILIES if family.name == graph.family)
        return UnsupportedModelError(
            f'its card says family = "{graph.family}", which needs {expects}; the model has '
            f"{graph}. Correct the card, or remove the family to have it recognised."
        )
    return UnsupportedModelError(
        f"it has {graph}, which no family recognises{_resemblance(graph)}. The families are "
        f"{_family_names()}; docs/models.md shows the outputs of each."
    )


def _resemblance(graph: Graph) -> str:
    """Return what the outputs look like, and what to do about it; empty if unknown."""
    match [port.shape for port in graph.outputs]:
        case [[_, int(classes)]] if classes > _MAX_BOX_COLUMNS:
            return ". It looks like a classifier, which has no boxes"
    if all(port.rank in _FEATURE_MAP_RANKS for port in graph.outputs):
        return (
            ". Its outputs look like masks, or like feature maps that are not decoded to boxes: "
            "export it with the step that decodes them"
        )
    return ""


def _family_names() -> str:
    return ", ".join(family.name for family in FAMILIES)
