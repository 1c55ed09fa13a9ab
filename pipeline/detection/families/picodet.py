"""PicoDet without its post-processing: for each grid, class scores and distributions.

https://github.com/PaddlePaddle/PaddleDetection/blob/release/2.8/ppdet/modeling/heads/pico_head.py
https://github.com/PaddlePaddle/PaddleDetection/tree/release/2.8/configs/picodet
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipeline.detection.families import nanodet
from pipeline.detection.families.common import distribution_focal
from pipeline.detection.families.common.base import DecodeSpec, Family
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.families.common.grids import Strides
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_USUAL_SIZE = 416
# RapidAI writes its labels there; its code feeds PicoDet with pictures as OpenCV reads and scales
# them, where PaddleDetection's turns colours round, and scales otherwise.
# https://github.com/RapidAI/RapidLayout
_RAPID_LABELS = "character"


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know pairs of `1 x n x classes` and `1 x n x 32`, a pair a grid, that are not NanoDet's."""
    levels = None if nanodet.has_its_names(graph) else distribution_focal.find_levels(graph)
    if levels is None:
        return None
    image, rapid = graph.image, _RAPID_LABELS in graph.metadata
    return DecodeSpec(
        why=f"it has {len(levels.strides)} grids of class scores and of "
        f"4 x {distribution_focal.BINS} for the box"
        + (", and its labels are RapidAI's" if rapid else ""),
        preprocess=Preprocess(
            resize="stretch",
            width=image.width or _USUAL_SIZE,
            height=image.height or _USUAL_SIZE,
            filter="linear" if rapid else "cubic",
            colour="bgr" if rapid else "rgb",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
        ),
        outputs=tuple(port.name for port in levels.ports),
        decode=partial(decode, strides=levels.strides),
        needs_nms=True,
        class_count=levels.classes,
    )


def decode(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int], *, strides: Strides
) -> Detections:
    """Read each grid's 1 x n x classes scores, then each one's 1 x n x 32 logits of distances."""
    return distribution_focal.objects(
        *distribution_focal.join_levels(outputs), score_threshold, size, (strides, 0.5)
    )


FAMILY = Family(
    name="picodet",
    expects="for each grid an output of 1 x n x classes and one of 1 x n x 32, such as PicoDet "
    "exports without its post-processing",
    recognise=recognise,
)
