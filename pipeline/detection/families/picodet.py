"""PicoDet without its post-processing: for each grid, class scores and distributions.

https://github.com/PaddlePaddle/PaddleDetection/blob/release/2.8/ppdet/modeling/heads/pico_head.py
https://github.com/PaddlePaddle/PaddleDetection/tree/release/2.8/configs/picodet
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.family import Family, Reading, best_class, detections
from pipeline.detection.families.focal import SIDES, boxes_around
from pipeline.detection.families.grids import cells_of, strides_of
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.family import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_DISTRIBUTION = SIDES * 8
_USUAL_SIZE = 416


def read(graph: Graph) -> Reading | None:
    """Know pairs of `1 x n x classes` and `1 x n x 32`, a pair a grid, in any order."""
    image = graph.image
    size = (image.width or _USUAL_SIZE, image.height or _USUAL_SIZE)
    shapes = [port.shape for port in graph.outputs]
    if len(shapes) < 6 or any(shape is None or len(shape) != 3 for shape in shapes):  # noqa: PLR2004
        return None
    boxes = [port for port in graph.outputs if port.shape and port.shape[2] == _DISTRIBUTION]
    scores = [port for port in graph.outputs if port not in boxes]
    rows = [port.shape[1] or 0 for port in boxes if port.shape]
    strides = strides_of(sum(rows), size)
    columns = {port.shape[2] for port in scores if port.shape}
    if strides is None or len(boxes) != len(scores) or len(columns) != 1:
        return None
    by_rows = [
        sorted(ports, key=lambda port: -((port.shape or (0, 0))[1] or 0))
        for ports in (scores, boxes)
    ]
    return Reading(
        why=f"it has {len(boxes)} grids of class scores and of 4 x 8 for the box",
        preprocess=Preprocess(
            resize="stretch",
            width=size[0],
            height=size[1],
            filter="cubic",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
        ),
        outputs=tuple(port.name for ports in by_rows for port in ports),
        decode=partial(decode, strides=strides),
        suppress=True,
        class_count=columns.pop(),
    )


def decode(
    outputs: Sequence[Array],
    score_threshold: float,
    size: tuple[int, int],
    *,
    strides: tuple[int, ...],
) -> Detections:
    """Read each grid's 1 x n x classes scores, then each one's 1 x n x 32 logits of distances."""
    half = len(outputs) // 2
    scores, distributions = (
        np.concatenate([output[0] for output in part]) for part in (outputs[:half], outputs[half:])
    )
    rows, best, ids = best_class(scores, score_threshold)
    places, widths = (each[rows] for each in cells_of(size, strides))
    return detections(boxes_around((places + 0.5) * widths, widths, distributions[rows]), best, ids)


FAMILY = Family(
    name="picodet",
    expects="for each grid an output of 1 x n x classes and one of 1 x n x 32, such as PicoDet "
    "exports without its post-processing",
    read=read,
)
