"""Models whose outputs have names that spell their columns, such as `label_xyxy_score`.

Graph: an output whose name spells the coordinates of a box, in any order, and possibly the class
id, the score and the index in the batch; class id and score can be outputs of their own, as in
`batchno_classid_x1y1x2y2` and `score`. One row for each object. Further columns are not read.
Preprocessing: stretched, with OpenCV. An input whose name says `bgr` takes the image's bytes, as
does YOLOX; a model without NMS is a DETR, which takes RGB from 0 to 1. Other models differ, so that
the card must say colour order and scale.
Decoding: coordinates are shares of the input or pixels of it, which the name can say (`xyxyn`), and
else the values show. NMS, unless the graph has it, or is a DETR.

Sources:
https://github.com/PINTO0309/PINTO_model_zoo (post_process_gen_tools and demo of each model)
https://github.com/PINTO0309/DEIMv2
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.column_checks import (
    BOX_WIDTH,
    Table,
    check_box_is_spelled,
    check_no_column_twice,
    make_table,
    no_score_error,
)
from pipeline.detection.families.common.column_names import (
    BATCH,
    CENTRE,
    CLASS,
    CORNER_AND_SIZE,
    CORNERS,
    EXTRA,
    SCORE,
    spell_columns,
)
from pipeline.detection.families.rtdetr import class_count_of_head
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph, TensorInfo
    from pipeline.frame import Detections

_NMS = "NonMaxSuppression"
_YOLOX_LAYER = "obj_preds"
_USUAL_SIZE = 640
_BATCHED_RANK = 3
# What the rows of YOLO models hold. Where there are more columns, they are a score for each class.
_YOLO_ROWS = tuple(
    (*box, *objectness, CLASS)
    for box in (CENTRE, ("x", "y", "w", "h"))
    for objectness in ((), (SCORE,))
)

ColumnsOfOutputs = tuple[tuple[str, ...], ...]
"""For each output, its columns in order."""


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise an output whose name spells the coordinates of a box.

    Raises:
        UnsupportedModelError: a name spells columns that the output does not have, or that do not
            show what a row holds.
    """
    spelled = [(tensor, spell_columns(tensor.name)) for tensor in graph.outputs]
    boxes = next((each for each in spelled if each[1].has_box), None)
    if boxes is None:
        check_box_is_spelled(graph, spelled)
        return None
    tensor, names = boxes
    width = tensor.shape[-1] if tensor.shape else None
    if tensor.rank is None or (names.columns in _YOLO_ROWS and width != len(names.columns)):
        return None
    others = [
        Table(other, words.columns)
        for other, words in spelled
        if words.columns in ((CLASS,), (SCORE,))
        and words.columns[0] not in names.columns
        and _is_one_column(other)
    ]
    known = {*names.columns, *(column for other in others for column in other.columns)}
    if SCORE not in known:
        if width is not None and width > BOX_WIDTH:
            raise no_score_error(tensor, names)
        return None  # such as `boxes_xyxy` before `scores` of 1 x N x classes
    tables = [make_table(tensor, names), *others]
    check_no_column_twice(tables)
    columns = tuple(table.columns for table in tables)
    is_detr = tensor.rank == _BATCHED_RANK and _NMS not in graph.operators
    preprocess, required = _preprocess(graph, is_detr=is_detr)
    return DecodeSpec(
        why=f"the name of '{tensor}' spells its columns",
        preprocess=preprocess,
        outputs=tuple(table.tensor.name for table in tables),
        decode=partial(decode, columns=columns),
        needs_nms=not is_detr and _NMS not in graph.operators and BATCH not in known,
        class_count=class_count_of_head(graph) if CLASS in known else 1,
        box_unit=names.box_unit if tensor.type.startswith("float") else "pixels",
        unread=names.extra if EXTRA in columns[0] else (),
        required_card_keys=required,
    )


def decode(
    outputs: Sequence[Array],
    score_threshold: float,
    _size: tuple[int, int],
    *,
    columns: ColumnsOfOutputs,
) -> Detections:
    """Decode outputs of N x columns or 1 x N x columns."""
    values = {
        name: column
        for output, names in zip(outputs, columns, strict=True)
        for name, column in zip(names, _rows(output, len(names)).T, strict=True)
    }
    scores = values[SCORE]
    is_object = scores >= score_threshold
    if BATCH in values:
        is_object &= values[BATCH] == 0
    class_ids = values.get(CLASS, np.zeros(len(scores)))
    rows = np.flatnonzero(is_object & (class_ids >= 0))
    boxes = _corners(values)
    return to_detections(boxes[rows], scores[rows], class_ids[rows])


def _is_one_column(tensor: TensorInfo) -> bool:
    """Return whether the output has one value for each object: N, N x 1, 1 x N or 1 x N x 1."""
    match tensor.shape:
        case [_] | [_, 1] | [1, _] | [1, _, 1]:
            return True
    return False


def _preprocess(graph: Graph, *, is_detr: bool) -> tuple[Preprocess, tuple[str, ...]]:
    """Return the preprocessing, and the keys that the card must have."""
    image_input = graph.image_input
    takes_bytes = "bgr" in image_input.name.lower()
    is_yolox = any(_YOLOX_LAYER in name for name in graph.weights)
    is_bgr = takes_bytes or is_yolox
    keeps_size = takes_bytes and image_input.has_free_size
    preprocess = Preprocess(
        resize="none" if keeps_size else "stretch",
        width=image_input.width or (0 if keeps_size else _USUAL_SIZE),
        height=image_input.height or (0 if keeps_size else _USUAL_SIZE),
        colour="bgr" if is_bgr else "rgb",
        scale=1.0 if is_bgr else 1 / 255,
    )
    return preprocess, () if is_bgr or is_detr else ("colour", "scale")


def _rows(output: Array, width: int) -> Array:
    """Return the rows of the first image, N x width."""
    return (output[0] if output.ndim == _BATCHED_RANK else output).reshape(-1, width)


def _corners(values: dict[str, Array]) -> Array:
    """Return N x 4 x1 y1 x2 y2 from the columns of a box."""
    for names in (CORNERS, CENTRE, CORNER_AND_SIZE):
        if set(names) <= values.keys():
            break
    box = np.stack([values[name] for name in names], axis=1)
    if names == CENTRE:
        return cxcywh_to_xyxy(box)
    if names == CORNER_AND_SIZE:
        return np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1)
    return box


FAMILY = Family(
    name="named-columns",
    expects="an output whose name spells its columns, such as label_xyxy_score or "
    "batchno_classid_score_x1y1x2y2",
    recognise=recognise,
)
