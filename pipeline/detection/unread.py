"""What a model gives besides boxes: masks, keypoints and angles, which pretag does not read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import DecodeSpec
    from pipeline.detection.graph import Graph, TensorInfo

# How the words begin by which outputs and columns are named. `transpose` is no pose.
_WORDS = {
    part: re.compile(f"(?<![a-z])({beginnings})", re.IGNORECASE)
    for part, beginnings in {
        "masks": "mask|proto|seg",
        "keypoints": "keypoint|kps|kpt|landm|joint|pose",
        "angles": "angle|yaw|pitch|roll|rotat",
    }.items()
}
# Ultralytics' tasks whose output has further rows after the class scores.
_TASKS = {"segment": "masks", "pose": "keypoints"}
_MASK_RANK = 4


def with_unread_parts(graph: Graph, spec: DecodeSpec) -> DecodeSpec:
    """Return the spec with the names of all parts that pretag does not read.

    They are found by the task in the metadata, the names of columns, and the outputs that the spec
    does not use: by their names, and masks also by their rank.
    """
    parts = [_TASKS.get(graph.metadata.get("task", ""))]
    parts += [_part_of_word(word) or word for word in spec.unread]
    parts += [
        _part_of_output(tensor) for tensor in graph.outputs if tensor.name not in spec.outputs
    ]
    return replace(spec, unread=tuple(dict.fromkeys(part for part in parts if part)))


def _part_of_output(tensor: TensorInfo) -> str | None:
    named = _part_of_word(tensor.name)
    return "masks" if named is None and tensor.rank == _MASK_RANK else named


def _part_of_word(word: str) -> str | None:
    return next((part for part, beginning in _WORDS.items() if beginning.search(word)), None)
