"""PicoDet without its post-processing: class scores and boxes as distributions, for each grid.

Graph: for each grid, an output of 1 x n x classes and one of 1 x n x 32, in any order.
Preprocessing: stretched, with OpenCV's bicubic filter; RGB, ImageNet's mean and standard deviation.
For RapidAI's models: bilinear filter, BGR.
Decoding: each side of a box lies at the mean of a distribution over 8 distances. Needs NMS.

Sources:
https://github.com/PaddlePaddle/PaddleDetection/blob/release/2.8/ppdet/modeling/heads/pico_head.py
https://github.com/PaddlePaddle/PaddleDetection/tree/release/2.8/configs/picodet
https://github.com/RapidAI/RapidLayout
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipeline.detection.families import nanodet
from pipeline.detection.families.common.base import DecodeSpec, Family
from pipeline.detection.families.common.distribution_focal import (
    BINS,
    SIDES,
    Cells,
    decode_cells,
    find_grid_outputs,
    join_grids,
)
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.families.common.grids import Strides
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_USUAL_SIZE = 416
_CELL_CENTRE = 0.5
# The metadata key under which RapidAI stores the labels. Its code, unlike PaddleDetection's, feeds
# images as OpenCV reads and scales them.
_RAPIDAI_LABELS = "character"


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise two outputs for each grid, unless they have NanoDet's names."""
    grid_outputs = None if nanodet.has_nanodet_output_names(graph) else find_grid_outputs(graph)
    if grid_outputs is None:
        return None
    image_input, is_rapidai = graph.image_input, _RAPIDAI_LABELS in graph.metadata
    return DecodeSpec(
        why=f"each of {len(grid_outputs.strides)} grids has an output with class scores and one "
        f"with {SIDES} x {BINS} values for the box"
        + ("; the metadata holds the labels as RapidAI does" if is_rapidai else ""),
        preprocess=Preprocess(
            resize="stretch",
            width=image_input.width or _USUAL_SIZE,
            height=image_input.height or _USUAL_SIZE,
            filter="linear" if is_rapidai else "cubic",
            colour="bgr" if is_rapidai else "rgb",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
        ),
        outputs=tuple(tensor.name for tensor in grid_outputs.tensors),
        decode=partial(decode, strides=grid_outputs.strides),
        needs_nms=True,
        class_count=grid_outputs.class_count,
    )


def decode(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int], *, strides: Strides
) -> Detections:
    """Decode 1 x n x classes scores for each grid, then 1 x n x 32 logits of distances."""
    cells = Cells(strides, _CELL_CENTRE)
    return decode_cells(*join_grids(outputs), score_threshold, size, cells)


FAMILY = Family(
    name="picodet",
    expects="for each grid an output of 1 x n x classes and one of 1 x n x 32, such as PicoDet "
    "exports without its post-processing",
    recognise=recognise,
)
