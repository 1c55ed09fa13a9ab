"""The family `yolox`: a box, its objectness and class scores for each cell."""

import numpy as np
import pytest

from pipeline.detection.families.common.grids import cell_grid, find_strides
from tests.support.graphs import IMAGE_416, decode, float_tensors, recognise


@pytest.mark.parametrize(
    ("box", "centre_of_others"),
    [((24, 20, 32, 16), 400), ((0.5, 0.25, np.log(2), 0), 0.5)],
    ids=["in pixels", "relative to cells"],
)
def test_boxes_are_decoded_in_pixels_and_relative_to_their_cells(
    box: tuple[float, ...], centre_of_others: float
) -> None:
    rows = np.zeros((1, 3549, 7), dtype=np.float32)
    rows[0, :, 0] = centre_of_others
    # The second cell in the second row of the grid with a stride of 16 pixels.
    cell = 52 * 52 + 26 + 1
    rows[0, cell] = (*box, 0.8, 0.0, 1.0)
    _, spec = recognise([IMAGE_416], float_tensors(("output", rows.shape)))
    assert decode(spec, rows, size=(416, 416)) == [([8, 12, 40, 28], 0.8, 1)]
    assert (spec.preprocess.resize, spec.preprocess.colour) == ("top-left", "bgr")
    assert spec.needs_nms


@pytest.mark.parametrize(
    ("cells", "size", "strides"),
    [
        (8400, (640, 640), (8, 16, 32)),
        (3598, (416, 416), (8, 16, 32, 64)),
        (8401, (640, 640), None),
    ],
)
def test_the_number_of_cells_shows_the_strides(
    cells: int, size: tuple[int, int], strides: tuple[int, ...] | None
) -> None:
    assert find_strides(cells, size) == strides


def test_cells_are_ordered_by_grid_then_row_then_column() -> None:
    positions, strides = cell_grid((64, 32), (8, 16))
    assert positions[7:9].tolist() == [[7, 0], [0, 1]]
    assert strides.ravel().tolist() == [8] * 32 + [16] * 8
