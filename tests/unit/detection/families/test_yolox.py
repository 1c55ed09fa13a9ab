"""YOLOX: a row a cell, in cells or in pixels."""

import numpy as np
import pytest

from pipeline.detection.families.common.grids import cell_grid, find_strides
from tests.support.graphs import SMALL, decoded, floats, known


@pytest.mark.parametrize("in_pixels", [True, False])
def test_in_cells_and_in_pixels(in_pixels: bool) -> None:  # noqa: FBT001 - a parameter
    rows = np.zeros((1, 3549, 7), dtype=np.float32)
    # The second cell of the second row of the grid of 16 pixels.
    cell = 52 * 52 + 26 + 1
    rows[0, :, 0] = 400 if in_pixels else 0.5  # what others, at the right, have
    rows[0, cell, 4:] = (0.8, 0.0, 1.0)
    rows[0, cell, :4] = (24, 20, 32, 16) if in_pixels else (0.5, 0.25, np.log(2), 0)
    _, spec = known([SMALL], floats(("output", rows.shape)))
    assert decoded(spec, rows, size=(416, 416)) == [([8, 12, 40, 28], 0.8, 1)]
    assert (spec.preprocess.resize, spec.preprocess.colour) == ("top-left", "bgr")
    assert spec.needs_nms


def test_grids() -> None:
    assert find_strides(8400, (640, 640)) == (8, 16, 32)
    assert find_strides(3598, (416, 416)) == (8, 16, 32, 64)
    assert find_strides(8401, (640, 640)) is None
    places, widths = cell_grid((64, 32), (8, 16))
    assert places[:9].tolist()[-2:] == [[7, 0], [0, 1]]
    assert widths.ravel().tolist() == [8] * 32 + [16] * 8
