"""RF-DETR: a query a row, its box in `dets`, its class logits in `labels`.

https://github.com/roboflow/rf-detr/blob/develop/src/rfdetr/export/prepare.py
https://github.com/roboflow/rf-detr/blob/develop/src/rfdetr/models/postprocess.py
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.detection.families.common import queries
from pipeline.detection.families.common.base import DecodeSpec, Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

# The published models know COCO's numbers, from 0 to 90, and have no other column. Those trained
# further have one more than classes, the last, for the background:
# https://github.com/roboflow/rf-detr/blob/develop/src/rfdetr/export/_class_layout.py
_COCO_NUMBERS = 91


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know `dets` of 1 x N x 4 and `labels` of 1 x N x columns; masks and points may follow."""
    found = queries.named(graph, ("labels",), ("dets",))
    if found is None:
        return None
    known = graph.label_count or (found.columns if found.columns == _COCO_NUMBERS else None)
    with_background = known != found.columns
    return DecodeSpec(
        why=f"'{found.boxes}' has a box a query, '{found.logits}' its classes"
        + (", the last of which is the background" if with_background else ""),
        # Its own code scales tensors, without looking at all pixels:
        # https://github.com/roboflow/rf-detr/issues/1203
        preprocess=replace(queries.normalised(graph), filter="linear-float"),
        outputs=(found.logits.name, found.boxes.name),
        decode=decode_without_background if with_background else queries.decode_sigmoid,
        needs_nms=False,
        class_count=found.columns - with_background,
    )


def decode_without_background(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]
) -> Detections:
    """Read 1 x N x (classes + 1) logits and 1 x N x 4 cx cy w h as shares of the input."""
    return queries.decode_sigmoid((outputs[0][..., :-1], outputs[1]), score_threshold, size)


FAMILY = Family(
    name="rf-detr",
    expects="outputs dets (1 x N x 4) and labels (1 x N x columns), such as RF-DETR exports",
    recognise=recognise,
)
