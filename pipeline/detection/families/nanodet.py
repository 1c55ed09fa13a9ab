"""NanoDet: class scores and distributions of a cell in one row, or, before version 1, a grid each.

https://github.com/RangiLyu/nanodet/blob/main/nanodet/model/head/nanodet_plus_head.py
https://github.com/RangiLyu/nanodet/blob/main/nanodet/model/head/gfl_head.py
https://github.com/RangiLyu/nanodet/blob/main/nanodet/data/transform/warp.py
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.coco_classes import COCO_80
from pipeline.detection.families.common import distribution_focal
from pipeline.detection.families.common.base import DecodeSpec, Family
from pipeline.detection.families.common.grids import find_strides, input_size
from pipeline.detection.preprocess import Preprocess
from pipeline.frame import Detections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.families.common.grids import Strides
    from pipeline.detection.graph import Graph

_NAME = "nanodet"
_USUAL_SIZE = 416
# Of its configurations, for pixels from 0 to 255, blue first.
_MEAN, _STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
_PLUS_STRIDES = 4
# Layers of its heads, and outputs of its first versions.
_LAYERS = ("gfl_", "distribution_project")
_OUTPUTS = "_pred_stride_"


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know `1 x N x (classes + 32)` with as many rows as the input has cells, or its old names."""
    return _read_rows(graph) or _read_levels(graph)


def has_its_names(graph: Graph) -> bool:
    """Tell whether outputs have the names of NanoDet's first versions."""
    return any(_OUTPUTS in port.name for port in graph.outputs)


def _read_rows(graph: Graph) -> DecodeSpec | None:
    match [port.shape for port in graph.outputs]:
        case [[_, int(rows), int(columns)]]:
            bins = _bins(graph, columns)
            strides = find_strides(rows, input_size(graph.image))
        case _:
            return None
    # YOLOX has as many rows; only distributions are softened by the reader.
    if strides is None or bins is None:
        return None
    classes = columns - distribution_focal.SIDES * bins
    return DecodeSpec(
        why=f"'{graph.outputs[0]}' has a row for each cell: {classes} class scores, then "
        f"{distribution_focal.SIDES} x {bins} for the box",
        preprocess=_warped(graph),
        outputs=(graph.outputs[0].name,),
        decode=partial(decode, strides=strides, classes=classes),
        needs_nms=True,
        class_count=classes,
    )


def _read_levels(graph: Graph) -> DecodeSpec | None:
    levels = distribution_focal.find_levels(graph) if has_its_names(graph) else None
    if levels is None:
        return None
    return DecodeSpec(
        why=f"it has {len(levels.strides)} grids, named as NanoDet's first versions do",
        preprocess=_warped(graph),
        outputs=tuple(port.name for port in levels.ports),
        decode=partial(decode_levels, strides=levels.strides),
        needs_nms=True,
        class_count=levels.classes,
    )


def decode(
    outputs: Sequence[Array],
    score_threshold: float,
    size: tuple[int, int],
    *,
    strides: Strides,
    classes: int,
) -> Detections:
    """Read 1 x N x (classes + 4 * bins): a score a class, then logits for each side's distance."""
    cells = outputs[0][0]
    # The Plus head's cells are at their corner, the first head's in their middle.
    offset = 0.0 if len(strides) == _PLUS_STRIDES else 0.5
    scores, distributions = cells[:, :classes], cells[:, classes:]
    found = distribution_focal.objects(
        scores, distributions, score_threshold, size, (strides, offset)
    )
    return _within(found, size)


def decode_levels(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int], *, strides: Strides
) -> Detections:
    """Read each grid's 1 x n x classes scores, then each one's 1 x n x 32 logits of distances."""
    found = distribution_focal.objects(
        *distribution_focal.join_levels(outputs), score_threshold, size, (strides, 0.5)
    )
    return _within(found, size)


def _within(found: Detections, size: tuple[int, int]) -> Detections:
    """Clip boxes to the input, as NanoDet does before it suppresses overlaps."""
    limit = np.array(size * 2, dtype=np.float32)
    return Detections(np.clip(found.boxes, 0, limit), found.scores, found.class_ids)


def _warped(graph: Graph) -> Preprocess:
    image = graph.image
    return Preprocess(
        resize="stretch",
        width=image.width or _USUAL_SIZE,
        height=image.height or _USUAL_SIZE,
        filter="warp",
        colour="bgr",
        scale=1.0,
        mean=_MEAN,
        std=_STD,
    )


def _bins(graph: Graph, columns: int) -> int | None:
    """Return how many bins a side has; None: nothing says that the columns end in distributions.

    Its layers' names say so, or the card; then labels tell the bins, if they are not the usual.
    """
    sure = graph.family == _NAME or any(
        layer in name for name in graph.weights for layer in _LAYERS
    )
    usual = distribution_focal.SIDES * distribution_focal.BINS
    if graph.label_count is None:
        return (
            distribution_focal.BINS
            if columns == len(COCO_80) + usual or (sure and columns > usual)
            else None
        )
    rest = columns - graph.label_count
    if rest == usual or (sure and rest > 0 and rest % distribution_focal.SIDES == 0):
        return rest // distribution_focal.SIDES
    return distribution_focal.BINS if sure and columns > usual else None


FAMILY = Family(
    name=_NAME,
    expects="an output of 1 x N x (classes + 32) with a row a cell, such as NanoDet exports",
    recognise=recognise,
)
