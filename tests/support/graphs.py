"""Graphs for tests of families: image inputs, outputs, and what a family makes of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.detection.families.common.base import DecodeSpec
from pipeline.detection.graph import Graph, Shape, TensorInfo
from pipeline.detection.registry import recognise_family

IMAGE_640 = TensorInfo("images", "float32", (1, 3, 640, 640))
IMAGE_416 = TensorInfo("image", "float32", (1, 3, 416, 416))
IMAGE_96 = TensorInfo("images", "float32", (1, 3, 96, 96))
IMAGE_OF_FREE_SIZE = TensorInfo("pixel_values", "float32", (None, 3, None, None))
IMAGE_WITHOUT_BATCH = TensorInfo("image", "float32", (3, None, None))
IMAGE_OF_BYTES = TensorInfo("image_tensor:0", "uint8", (1, None, None, 3))


def float_tensors(*tensors: tuple[str, Shape | None]) -> tuple[TensorInfo, ...]:
    """Return float32 tensors with these names and shapes."""
    return tuple(TensorInfo(name, "float32", shape) for name, shape in tensors)


def recognise(
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    **fields: Any,  # noqa: ANN401 - the other fields of Graph
) -> tuple[str, DecodeSpec]:
    """Return the name of the family that recognises a graph, and its spec."""
    recognised = recognise_family(Graph(tuple(inputs), tuple(outputs), **fields))
    assert recognised is not None
    family, spec = recognised
    return family.name, spec


def decode(
    spec: DecodeSpec,
    *outputs: NDArray[Any],
    size: tuple[int, int] = (640, 640),
    score_threshold: float = 0.4,
) -> list[tuple[list[float], float, int]]:
    """Return each decoded box (to 3 decimals), its score (to 4 decimals) and class id."""
    found = spec.decode(outputs, score_threshold, size)
    assert [found.boxes.dtype, found.scores.dtype] == [np.float32] * 2
    assert found.class_ids.dtype == np.int64
    return [
        ([round(side, 3) for side in box], round(score, 4), class_id)
        for box, score, class_id in zip(
            found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True
        )
    ]


def float_array(values: object) -> NDArray[np.float32]:
    """Return an array of float32."""
    return np.array(values, dtype=np.float32)


def logit(score: float) -> float:
    """Return the value that the sigmoid maps to this score."""
    return float(np.log(score / (1 - score)))
