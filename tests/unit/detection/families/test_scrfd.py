"""The family `scrfd`: distances from the corners of cells, for several anchors in a cell."""

import numpy as np
import pytest

from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.registry import recognise_family
from tests.support.graphs import IMAGE_640, IMAGE_OF_FREE_SIZE, decode, float_tensors, recognise

Rows = tuple[int, ...]
THREE_GRIDS, FIVE_GRIDS = (12800, 3200, 800), (6400, 1600, 400, 100, 25)


def scrfd(rows: Rows, *columns: int, batch: Rows = ()) -> tuple[TensorInfo, ...]:
    """Return SCRFD's outputs: all grids for each number of columns."""
    return float_tensors(*((f"{c}-{count}", (*batch, count, c)) for c in columns for count in rows))


@pytest.mark.parametrize("rows", [THREE_GRIDS, FIVE_GRIDS])
@pytest.mark.parametrize("columns", [(1, 4), (1, 4, 10)])
@pytest.mark.parametrize("batch", [(), (1,)])
def test_scrfd_is_recognised_by_the_shapes_of_its_grids(
    rows: Rows, columns: Rows, batch: Rows
) -> None:
    family, spec = recognise([IMAGE_640], scrfd(rows, *columns, batch=batch))
    assert (family, spec.class_count, spec.labels) == ("scrfd", 1, ("face",))
    assert spec.unread == (("keypoints",) if 10 in columns else ())
    assert spec.outputs == tuple(f"{c}-{count}" for c in (1, 4) for count in rows)
    preprocess = spec.preprocess
    assert (preprocess.resize, preprocess.colour, preprocess.padding) == ("top-left", "rgb", 0)
    assert (preprocess.scale, preprocess.mean[0], preprocess.std[0]) == (1, 127.5, 128)
    assert recognise([IMAGE_OF_FREE_SIZE], scrfd(rows, *columns))[0] == "scrfd"


@pytest.mark.parametrize("batch", [(), (1,)])
def test_distances_are_in_strides_from_the_corner_of_a_cell(batch: Rows) -> None:
    _, spec = recognise([IMAGE_640], scrfd(THREE_GRIDS, 1, 4, batch=batch))
    scores = [np.zeros((rows, 1), np.float32) for rows in THREE_GRIDS]
    distances = [np.ones((rows, 4), np.float32) for rows in THREE_GRIDS]
    # Of the second grid, the second anchor of the cell in the second row and third column.
    anchor = 2 * (40 + 2) + 1
    scores[1][anchor], distances[1][anchor] = 0.9, (1, 0.5, 2, 3)
    outputs = [array.reshape(*batch, *array.shape) for array in (*scores, *distances)]
    assert decode(spec, *outputs) == [([16, 8, 64, 64], 0.9, 0)]


def test_other_numbers_of_rows_are_not_recognised() -> None:
    assert recognise_family(Graph((IMAGE_640,), scrfd((12800, 3200, 801), 1, 4))) is None
    assert recognise_family(Graph((IMAGE_640,), scrfd(THREE_GRIDS, 1))) is None
