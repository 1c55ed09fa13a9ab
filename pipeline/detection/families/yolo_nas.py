"""YOLO-NAS and other detectors of SuperGradients, as its `export` writes them, with NMS.

Graph: one output of N x 7 whose name ends with `flat_predictions`; or `num_predictions`,
`pred_boxes`, `pred_scores` and `pred_classes`. Names can have a prefix, such as `graph2_`.
Preprocessing: stretched, as in the documentation of `export`; RGB. By default the graph scales
pixels itself and takes bytes; an input of floats takes 0 to 1.
Decoding: the columns are the index in the batch, x1 y1 x2 y2 in input pixels, score, class id; the
four outputs are those of the family `efficient-nms`. No NMS.

Source: https://github.com/Deci-AI/super-gradients/blob/master/documentation/source/models_export.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.detection.families import efficient_nms
from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_FLAT, _FLAT_COLUMNS = "flat_predictions", 7
_BATCH = ("num_predictions", "pred_boxes", "pred_scores", "pred_classes")
_USUAL_SIZE = 640


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise one of the two forms by the ends of the outputs' names."""
    by_end = {end: _name(graph, end) for end in (_FLAT, *_BATCH)}
    ends: tuple[str, ...]
    if by_end[_FLAT] is not None:
        if (graph.outputs[0].shape or (0,))[-1] != _FLAT_COLUMNS:
            return None  # poses have more columns
        ends, decode = (_FLAT,), decode_flat
    else:
        ends, decode = _BATCH, efficient_nms.decode
    names = tuple(name for end in ends if (name := by_end[end]) is not None)
    if len(names) != len(ends):
        return None
    image_input = graph.image_input
    return DecodeSpec(
        why=f"its outputs have SuperGradients' names: {', '.join(names)}",
        preprocess=Preprocess(
            resize="stretch",
            width=image_input.width or _USUAL_SIZE,
            height=image_input.height or _USUAL_SIZE,
        ),
        outputs=names,
        decode=decode,
        needs_nms=False,
        class_count=None,
    )


def decode_flat(
    outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]
) -> Detections:
    """Decode N x 7: index in the batch, x1 y1 x2 y2 in input pixels, score, class id."""
    rows = outputs[0]
    rows = rows[(rows[:, 0] == 0) & (rows[:, 5] >= score_threshold)]
    return to_detections(rows[:, 1:5], rows[:, 5], rows[:, 6])


def _name(graph: Graph, end: str) -> str | None:
    return next((tensor.name for tensor in graph.outputs if tensor.name.endswith(end)), None)


FAMILY = Family(
    name="yolo-nas",
    expects="an output flat_predictions (N x 7), or outputs num_predictions, pred_boxes, "
    "pred_scores and pred_classes, such as SuperGradients exports",
    recognise=recognise,
)
