"""The families `nanodet` and `picodet`: boxes as distributions, from tensors with known results."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.detection.families.common.base import DecodeSpec
from pipeline.detection.families.common.distribution_focal import boxes_from_distributions
from pipeline.detection.graph import TensorInfo
from tests.support.graphs import (
    IMAGE_416,
    IMAGE_OF_FREE_SIZE,
    decode,
    float_array,
    float_tensors,
    recognise,
)

# Cells of an input of 416 x 416 with strides of 8, 16, 32 and 64.
GRIDS = (2704, 676, 169, 49)
SIZE = (416, 416)


def certain_distances(*cells: int, bins: int = 8) -> NDArray[np.float32]:
    """Return logits of a box whose left, top, right and bottom are these numbers of cells away."""
    logits = np.full((4, bins), -50, dtype=np.float32)
    logits[np.arange(4), cells] = 50
    return logits.ravel()


def nanodet(class_count: int) -> tuple[NDArray[np.float32], DecodeSpec]:
    """Return a NanoDet-Plus output without objects, and its spec."""
    rows = np.zeros((1, 3598, class_count + 32), dtype=np.float32)
    _, spec = recognise([IMAGE_416], float_tensors(("output", rows.shape)), label_count=class_count)
    return rows, spec


def test_a_distance_is_the_mean_of_its_distribution() -> None:
    uniform = np.zeros((1, 32), dtype=np.float32)
    box = boxes_from_distributions(float_array([[100, 50]]), float_array([[8]]), uniform)
    assert box.tolist() == [[100 - 28, 50 - 28, 100 + 28, 50 + 28]]


def test_an_image_without_objects_has_no_detections() -> None:
    rows, spec = nanodet(3)
    assert decode(spec, rows, size=SIZE) == []
    no_points, no_strides = float_array(np.zeros((0, 2))), float_array(np.zeros((0, 1)))
    assert boxes_from_distributions(no_points, no_strides, rows[0, :0]).shape == (0, 4)


def test_a_cell_can_have_two_classes() -> None:
    rows, spec = nanodet(3)
    rows[0, 53, :3] = (0.6, 0.1, 0.7)
    rows[0, 53, 3:] = certain_distances(1, 0, 2, 3)
    box = [0, 8, 24, 32]
    assert decode(spec, rows, size=SIZE) == [(box, 0.7, 2), (box, 0.6, 0)]


def test_nanodet_clips_boxes_to_the_input() -> None:
    rows, spec = nanodet(3)
    rows[0, 0, 0] = 0.7
    rows[0, 0, 3:] = certain_distances(7, 7, 1, 1)
    assert decode(spec, rows, size=SIZE) == [([0, 0, 8, 8], 0.7, 0)]


def test_the_number_of_labels_shows_the_number_of_bins() -> None:
    output = float_tensors(("output", (1, 3598, 3 + 44)))
    weights = {"head.gfl_cls.0.bias": (47,)}
    _, spec = recognise([IMAGE_416], output, weights=weights, label_count=3)
    assert spec.class_count == 3
    assert "4 x 11 values for the box" in spec.why


def test_nanodet_warps_images_to_the_size_of_the_input_or_416_pixels() -> None:
    preprocess = nanodet(3)[1].preprocess
    assert (preprocess.resize, preprocess.filter, preprocess.colour) == ("stretch", "warp", "bgr")
    assert (preprocess.width, preprocess.height) == SIZE
    output = float_tensors(("output", (1, 8500, 112)))
    preprocess = recognise([IMAGE_OF_FREE_SIZE], output)[1].preprocess
    assert (preprocess.width, preprocess.height) == SIZE


def grid_outputs(class_count: int, bins: int) -> tuple[TensorInfo, ...]:
    """Return the outputs of NanoDet before version 1, in its order."""
    return float_tensors(
        *(
            (f"{name}_pred_stride_{stride}", (1, cells, columns))
            for name, columns in (("cls", class_count), ("dis", 4 * bins))
            for stride, cells in zip((8, 16, 32), GRIDS, strict=False)
        )
    )


@pytest.mark.parametrize(("class_count", "bins"), [(3, 8), (80, 11), (44, 11), (32, 8)])
def test_nanodet_before_version_1_has_two_outputs_for_each_grid(
    class_count: int, bins: int
) -> None:
    family, spec = recognise([IMAGE_416], grid_outputs(class_count, bins))
    assert (family, spec.class_count) == ("nanodet", class_count)
    scores = [np.zeros((1, rows, class_count), dtype=np.float32) for rows in GRIDS[:3]]
    distributions = [np.zeros((1, rows, 4 * bins), dtype=np.float32) for rows in GRIDS[:3]]
    scores[1][0, 0, 2] = 0.6
    distributions[1][0, 0] = certain_distances(1, 1, 1, 1, bins=bins)
    assert decode(spec, *scores, *distributions, size=SIZE) == [([0, 0, 24, 24], 0.6, 2)]


@pytest.mark.parametrize(
    ("outputs", "resize"),
    [
        (grid_outputs(80, 8), "letterbox"),
        (float_tensors(("output", (1, 3549, 112))), "letterbox"),
        (float_tensors(("output", (1, 3598, 112))), "stretch"),
    ],
)
def test_only_nanodet_plus_stretches_images(outputs: tuple[TensorInfo, ...], resize: str) -> None:
    preprocess = recognise([IMAGE_416], outputs)[1].preprocess
    assert (preprocess.resize, preprocess.filter, preprocess.padding) == (resize, "warp", 0)


@pytest.mark.parametrize(
    ("columns", "fields", "class_count"),
    [
        (124, {}, 80),  # a `reg_max` of 10, in COCO's configurations
        (47, {"label_count": 3}, 3),
        (47, {"weights": {"head.gfl_cls.0.bias": (3,), "head.gfl_reg.0.bias": (44,)}}, 3),
        (35, {"label_count": 3}, 3),
    ],
)
def test_the_number_of_bins_is_found(
    columns: int, fields: dict[str, Any], class_count: int
) -> None:
    output = float_tensors(("output", (1, 3549, columns)))
    family, spec = recognise([IMAGE_416], output, **fields)
    assert (family, spec.class_count) == ("nanodet", class_count)


def test_nanodet_plus_measures_from_the_corner_of_a_cell() -> None:
    rows = np.zeros((1, 3598, 112), dtype=np.float32)
    rows[0, 53, 2] = 0.7
    rows[0, 53, 80:] = certain_distances(1, 0, 2, 3)
    _, spec = recognise([IMAGE_416], float_tensors(("output", rows.shape)))
    assert decode(spec, rows, size=SIZE) == [([0, 8, 24, 32], 0.7, 2)]
    assert (spec.class_count, spec.needs_nms) == (80, True)


def test_nanodet_measures_from_the_centre_of_a_cell() -> None:
    rows = np.zeros((1, 3549, 35), dtype=np.float32)
    rows[0, 53, 2] = 0.7
    rows[0, 53, 3:] = certain_distances(1, 0, 2, 3)
    weights = {"head.gfl_cls.0.bias": (35,)}
    family, spec = recognise([IMAGE_416], float_tensors(("output", rows.shape)), weights=weights)
    assert (family, spec.class_count) == ("nanodet", 3)
    assert decode(spec, rows, size=SIZE) == [([4, 12, 28, 36], 0.7, 2)]


def test_picodet_measures_from_the_centre_of_a_cell() -> None:
    scores = [np.zeros((1, rows, 80), dtype=np.float32) for rows in GRIDS]
    distributions = [np.zeros((1, rows, 32), dtype=np.float32) for rows in GRIDS]
    scores[1][0, 27, 5] = 0.6
    distributions[1][0, 27] = certain_distances(1, 1, 1, 1)
    tensors = float_tensors(*((f"{c}-{n}", (1, n, c)) for n in reversed(GRIDS) for c in (80, 32)))
    _, spec = recognise([IMAGE_416], tensors)
    assert spec.outputs[:2] == ("80-2704", "80-676")
    assert spec.outputs[4:6] == ("32-2704", "32-676")
    assert decode(spec, *scores, *distributions, size=SIZE) == [([8, 8, 40, 40], 0.6, 5)]
    assert (spec.preprocess.colour, spec.preprocess.filter) == ("rgb", "cubic")


def test_picodet_of_rapidai_gets_bgr_images_scaled_bilinearly() -> None:
    tensors = float_tensors(*((f"{c}-{n}", (1, n, c)) for n in GRIDS for c in (2, 32)))
    spec = recognise([IMAGE_416], tensors, metadata={"character": "text\ntitle"})[1]
    assert (spec.preprocess.colour, spec.preprocess.filter) == ("bgr", "linear")
