"""Signatures to know families by, and what is read of outputs, in short."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.detection.families.common.base import DecodeSpec
from pipeline.detection.graph import Graph, Shape, TensorInfo
from pipeline.detection.registry import recognise_family

PICTURE = TensorInfo("images", "float32", (1, 3, 640, 640))
SMALL = TensorInfo("image", "float32", (1, 3, 416, 416))
TINY = TensorInfo("images", "float32", (1, 3, 96, 96))
FREE = TensorInfo("pixel_values", "float32", (None, 3, None, None))
LIST = TensorInfo("image", "float32", (3, None, None))
BYTES = TensorInfo("image_tensor:0", "uint8", (1, None, None, 3))


def floats(*ports: tuple[str, Shape | None]) -> tuple[TensorInfo, ...]:
    """Return ports of float32."""
    return tuple(TensorInfo(name, "float32", shape) for name, shape in ports)


def known(
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    **more: Any,  # noqa: ANN401 - as Graph has it
) -> tuple[str, DecodeSpec]:
    """Return the family that a graph is known as, and its spec."""
    found = recognise_family(Graph(tuple(inputs), tuple(outputs), **more))
    assert found is not None
    return found[0].name, found[1]


def decoded(
    spec: DecodeSpec,
    *outputs: NDArray[Any],
    size: tuple[int, int] = (640, 640),
    score: float = 0.4,
) -> list[tuple[list[float], float, int]]:
    """Return the boxes to 3 decimals, scores to 4 and class ids that a reading finds."""
    found = spec.decode(outputs, score, size)
    assert [found.boxes.dtype, found.scores.dtype] == [np.float32] * 2
    assert found.class_ids.dtype == np.int64
    return [
        ([round(side, 3) for side in box], round(score, 4), class_id)
        for box, score, class_id in zip(
            found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True
        )
    ]


def array(values: object) -> NDArray[np.float32]:
    """Return an array of float32."""
    return np.array(values, dtype=np.float32)


def logit(score: float) -> float:
    """Return what sigmoid turns into this score."""
    return float(np.log(score / (1 - score)))
