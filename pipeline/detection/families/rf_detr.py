"""RF-DETR as its own repository exports it.

Graph: outputs `dets`, 1 x N x 4, and `labels`, 1 x N x columns; masks and keypoints can follow.
Preprocessing: DETR's, interpolated in floats without rounding and without antialiasing, as RF-DETR
scales tensors: https://github.com/roboflow/rf-detr/issues/1203
Decoding: `labels` are logits of a sigmoid, `dets` are cx cy w h relative to the input; a query can
give several classes. The published models have COCO's 91 category ids and no other column.
Fine-tuned models have one more column than classes: the last one is the background. No NMS.

Sources:
https://github.com/roboflow/rf-detr/blob/develop/src/rfdetr/export/prepare.py
https://github.com/roboflow/rf-detr/blob/develop/src/rfdetr/export/_class_layout.py
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

# COCO's original category ids, 0 to 90.
_COCO_CATEGORY_IDS = 91


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise the outputs `dets` and `labels` of queries."""
    outputs = queries.find_query_outputs_by_name(graph, ("labels",), ("dets",))
    if outputs is None:
        return None
    has_background = _has_background(graph, outputs.columns)
    return DecodeSpec(
        why=f"'{outputs.boxes}' has one box for each query, '{outputs.logits}' the class logits"
        + (", the last of which is the background" if has_background else ""),
        preprocess=replace(queries.detr_preprocess(graph), filter="linear-float"),
        outputs=(outputs.logits.name, outputs.boxes.name),
        decode=decode_without_background if has_background else queries.decode_sigmoid,
        needs_nms=False,
        class_count=outputs.columns - has_background,
    )


def decode_without_background(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]
) -> Detections:
    """Decode 1 x N x (classes + 1) logits by sigmoid, and 1 x N x 4 relative cx cy w h."""
    return queries.decode_sigmoid((outputs[0][..., :-1], outputs[1]), score_threshold, size)


def _has_background(graph: Graph, columns: int) -> bool:
    """Return whether the last column is the background, by the number of labels or of columns."""
    return columns != (graph.label_count or _COCO_CATEGORY_IDS)


FAMILY = Family(
    name="rf-detr",
    expects="outputs dets (1 x N x 4) and labels (1 x N x columns), such as RF-DETR exports",
    recognise=recognise,
)
