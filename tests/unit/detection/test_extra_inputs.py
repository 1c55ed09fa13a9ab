"""The values for inputs besides the image."""

import pytest

from pipeline.detection.extra_inputs import check_extra_inputs, make_extra_input
from pipeline.detection.graph import Shape, TensorInfo
from pipeline.detection.unsupported import UnsupportedModelError


@pytest.mark.parametrize(
    ("name", "element_type", "shape", "expected"),
    [
        ("orig_target_sizes", "int64", (None, 2), [[640, 480]]),
        ("im_shape", "float32", (1, 2), [[480, 640]]),
        ("scale_factor", "float32", (1, 2), [[1, 1]]),
        ("scale_factor", "float32", (2, 2), [[1, 1], [1, 1]]),
        ("pixel_mask", "int64", (None, 2, 2), [[[1, 1], [1, 1]]]),
    ],
)
def test_an_input_with_a_known_name_gets_its_values(
    name: str, element_type: str, shape: Shape, expected: list[object]
) -> None:
    values = make_extra_input(TensorInfo(name, element_type, shape), 640, 480)
    assert values.dtype == element_type
    assert values.tolist() == expected


@pytest.mark.parametrize(
    "tensor",
    [
        TensorInfo("prompt", "int64", (1, 77)),
        TensorInfo("im_shape", "float32", (1, 3)),
        TensorInfo("scale_factor", "float32", (1, 4)),
        TensorInfo("pixel_mask", "string", (1, 64, 64)),
    ],
)
def test_an_input_with_an_unknown_name_shape_or_type_is_refused(tensor: TensorInfo) -> None:
    with pytest.raises(
        UnsupportedModelError, match=f"has the input '{tensor}', for which pretag has no values"
    ):
        check_extra_inputs((TensorInfo("orig_target_sizes", "int64", (1, 2)), tensor))
