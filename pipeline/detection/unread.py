"""What a model gives besides boxes, such as masks and keypoints, and pretag does not read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.text import printable, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import DecodeSpec
    from pipeline.detection.graph import Graph, TensorInfo

# How the words begin by which outputs and columns are named. `transpose` is no pose.
_WORDS = {
    part: re.compile(f"(?<![a-z])({beginnings})", re.IGNORECASE)
    for part, beginnings in {
        "masks": "mask|proto|seg",
        "keypoints": "keypoint|kp|landm|joint|pose",
        "angles": "angle|yaw|pitch|roll|rotat",
    }.items()
}
# Ultralytics' tasks whose output has further rows after the class scores.
_TASKS = {"segment": "masks", "pose": "keypoints"}
# Outputs from which the model itself makes its boxes, by name, and YOLOv5's grids of anchors by
# rank; and how many boxes there are.
_BOXES_AGAIN = re.compile("raw_|anchor|multiclass|aux|num|count", re.IGNORECASE)
_GRIDS_RANK = 5
# Outputs of the layers before the boxes, as Transformers' exports of DETR's kin name them, and the
# shapes that PyTorch's exporter adds.
_INNER = re.compile(
    "hidden_state|attention|encoder|enc_|intermediate|reference_point|onnx::shape", re.IGNORECASE
)
_MASK_RANK = 4
_POINT_SIZES = (2, 3)  # x and y; and a score or visibility
_MAX_NAMES = 3


def with_unread_parts(graph: Graph, spec: DecodeSpec) -> DecodeSpec:
    """Return the spec with the names of all parts that pretag does not read, and of inner outputs.

    Parts are found by the task in the metadata, the names of columns, and the outputs that the spec
    does not use: by their names and shapes. Other outputs count with their names, unless the family
    itself says what they are.
    """
    others = [tensor for tensor in graph.outputs if tensor.name not in spec.outputs]
    inner = [tensor for tensor in others if _is_inner(tensor)]
    unused = [tensor for tensor in others if tensor not in inner]
    box_rank = max(
        (tensor.rank or 0 for tensor in graph.outputs if tensor.name in spec.outputs), default=0
    )
    parts_of_outputs = [(tensor, _part_of_output(tensor, box_rank)) for tensor in unused]
    parts = [_TASKS.get(graph.metadata.get("task", ""))]
    parts += [_part_of_word(word) or word for word in spec.unread]
    parts += [part for _, part in parts_of_outputs]
    if not spec.unread:
        parts += _names([tensor for tensor, part in parts_of_outputs if part is None])
    unread = tuple(dict.fromkeys(part for part in parts if part))
    return replace(spec, unread=unread, inner=tuple(_shown(inner)))


def _is_inner(tensor: TensorInfo) -> bool:
    return _INNER.search(tensor.name) is not None and _part_of_word(tensor.name) is None


def _part_of_output(tensor: TensorInfo, box_rank: int) -> str | None:
    named = _part_of_word(tensor.name)
    if named is not None or tensor.shape is None:
        return named
    # For each object, a row of points instead of a row with a box.
    if len(tensor.shape) == box_rank + 1 and tensor.shape[-1] in _POINT_SIZES:
        return "keypoints"
    return "masks" if len(tensor.shape) == _MASK_RANK else None


def _names(tensors: Sequence[TensorInfo]) -> list[str]:
    """Return the names of outputs that may hold something for each object, in quotes."""
    return _shown(
        [
            tensor
            for tensor in tensors
            if tensor.rank != _GRIDS_RANK
            and not _BOXES_AGAIN.search(tensor.name)
            and not (tensor.shape and set(tensor.shape) == {1})
        ]
    )


def _shown(tensors: Sequence[TensorInfo]) -> list[str]:
    names = [f"'{printable(shortened(tensor.name))}'" for tensor in tensors]
    more = len(names) - _MAX_NAMES
    return names if more <= 0 else [*names[:_MAX_NAMES], f"{more} more outputs"]


def _part_of_word(word: str) -> str | None:
    return next((part for part, beginning in _WORDS.items() if beginning.search(word)), None)
