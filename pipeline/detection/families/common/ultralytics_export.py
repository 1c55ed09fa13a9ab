"""What Ultralytics' exporters write into the metadata, and the letterbox of their reference code.

Sources:
https://docs.ultralytics.com/modes/export/
https://docs.ultralytics.com/reference/data/augment/#ultralytics.data.augment.LetterBox
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.detection.graph import LARGEST_SIDE, LARGEST_STEP
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from pipeline.detection.graph import Graph

_METADATA_KEYS = ("stride", "task")
_USUAL_SIZE, _USUAL_STRIDE = 640, 32
# From this version on, the predictor pads images for an input of a free size only up to the next
# multiple of the stride.
_PADS_TO_STRIDE_SINCE = (8, 3, 40)
# From this version on, the predictor scales boxes back by a factor of each axis.
_RESCALES_BY_AXES_SINCE = (8, 4, 175)


def has_ultralytics_metadata(graph: Graph) -> bool:
    """Return whether the metadata has a key that Ultralytics' exporters write."""
    return any(key in graph.metadata for key in _METADATA_KEYS)


def ultralytics_preprocess(graph: Graph) -> Preprocess:
    """Return the preprocessing of Ultralytics v8 and later: RGB from 0 to 1, letterboxed.

    Two details depend on the version that exported the model. If the metadata has no version, the
    newest rules apply.
    """
    image_input = graph.image_input
    height, width = _exported_size(graph.setting("imgsz"))
    version = _version(graph)
    return Preprocess(
        width=image_input.width or width,
        height=image_input.height or height,
        step=_stride(graph)
        if image_input.has_free_size and version >= _PADS_TO_STRIDE_SINCE
        else None,
        box_rescale="axes" if version >= _RESCALES_BY_AXES_SINCE else "ratio",
    )


def yolov5_preprocess(graph: Graph) -> Preprocess:
    """Return the preprocessing of YOLOv5, v6 and v7: the same, always padded to the full size.

    Their code maps boxes back from the letterbox's corner before rounding, pretag from the corner's
    real pixel. The two differ by at most half a pixel of the input.
    """
    return replace(ultralytics_preprocess(graph), step=None, box_rescale="ratio")


def _version(graph: Graph) -> tuple[int, ...]:
    """Return the exporter's version; if the metadata has none, one that has the newest rules."""
    text = graph.metadata.get("version")
    if text is None:
        return _RESCALES_BY_AXES_SINCE
    return tuple(int(part) for part in re.findall(r"\d{1,9}", text)[:3])


def _stride(graph: Graph) -> int:
    stride = graph.setting("stride")
    return stride if isinstance(stride, int) and 0 < stride <= LARGEST_STEP else _USUAL_STRIDE


def _exported_size(size: object) -> tuple[int, int]:
    """Return the height and width from the metadata's `imgsz`; 640 x 640 if it is not usable."""
    match size:
        case [int(height), int(width)]:
            pass
        case int(side):
            height = width = side
        case _:
            height = width = _USUAL_SIZE
    is_usable = 0 < min(height, width) <= max(height, width) <= LARGEST_SIDE
    return (height, width) if is_usable else (_USUAL_SIZE, _USUAL_SIZE)
