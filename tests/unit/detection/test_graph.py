"""Signatures: which input takes the picture, and how."""

import pytest

from pipeline.detection.extra_inputs import check_extra_inputs, make_extra_input
from pipeline.detection.graph import Graph, ImageInput, Shape, TensorInfo
from pipeline.detection.unsupported import UnsupportedModelError


@pytest.mark.parametrize(
    ("shape", "kind", "expected"),
    [
        ((1, 3, 480, 640), "float32", ("NCHW", 1, 640, 480)),
        ((None, 3, None, None), "float16", ("NCHW", 1, None, None)),
        ((8, 3, 32, 32), "float32", ("NCHW", 8, 32, 32)),
        ((1, 480, 640, 3), "uint8", ("NHWC", 1, 640, 480)),
        ((1, None, None, 3), "uint8", ("NHWC", 1, None, None)),
        ((None, None, None, None), "uint8", ("NHWC", 1, None, None)),
        ((None, None, None, None), "float32", ("NCHW", 1, None, None)),
        ((3, 480, 640), "float32", ("CHW", 1, 640, 480)),
        ((480, 640, 3), "uint8", ("HWC", 1, 640, 480)),
    ],
)
def test_the_layout_is_told_by_shape_and_type(
    shape: Shape, kind: str, expected: tuple[str, int, int | None, int | None]
) -> None:
    image = ImageInput.from_tensor(TensorInfo("x", kind, shape))
    assert image is not None
    assert (image.layout, image.batch, image.width, image.height) == expected


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((1, 1, 28, 28), "float32"), ((1, 3, 4, 4), "int64"), ((1, 2), "float32"), (None, "uint8")],
)
def test_what_takes_no_picture(shape: Shape | None, kind: str) -> None:
    with pytest.raises(UnsupportedModelError, match="none of its inputs takes a colour picture"):
        _ = Graph((TensorInfo("x", kind, shape),), ()).image_input


@pytest.mark.parametrize("shape", [(1, 3, 16385, 8), (1, 3, 10000, 10000), (10**6, 3, 640, 640)])
def test_an_input_that_would_fill_the_memory(shape: Shape) -> None:
    with pytest.raises(
        UnsupportedModelError, match="is larger than pretag feeds: 16384 pixels a side and a"
    ):
        _ = Graph((TensorInfo("x", "float32", shape),), ()).image_input


@pytest.mark.parametrize(
    ("weights", "width"),
    [
        ({"head.bias": (7,)}, 7),
        ({"head.bias": ()}, None),
        ({"head.bias": (0,)}, None),
        ({"head.bias": (7, 7)}, None),
        ({"head.bias": (300_000_000,)}, None),
        ({"other.bias": (9,), "head.bias": (7,)}, 7),
    ],
)
def test_a_bias_is_as_long_as_can_be(
    weights: dict[str, tuple[int, ...]], width: int | None
) -> None:
    assert Graph((), (), weights=weights).bias_width(r"head\.bias$") == width


def test_a_setting_that_takes_long_to_read_stays_text() -> None:
    text = "[" + "1," * 600_000 + "]"
    assert Graph((), (), {"names": text}).setting("names") == text


def test_ports_are_told_as_a_person_reads_them() -> None:
    assert str(TensorInfo("boxes", "float32", (1, None, 4))) == "boxes: 1 x ? x 4 float32"
    assert str(TensorInfo("boxes", "float32", None)) == "boxes: ? float32"


@pytest.mark.parametrize(
    ("name", "kind", "shape", "values"),
    [
        ("orig_target_sizes", "int64", (None, 2), [[640, 480]]),
        ("im_shape", "float32", (1, 2), [[480, 640]]),
        ("scale_factor", "float32", (1, 2), [[1, 1]]),
        ("scale_factor", "float32", (2, 2), [[1, 1], [1, 1]]),
        ("pixel_mask", "int64", (None, 2, 2), [[[1, 1], [1, 1]]]),
    ],
)
def test_known_inputs_are_filled(name: str, kind: str, shape: Shape, values: list[object]) -> None:
    filled = make_extra_input(TensorInfo(name, kind, shape), 640, 480)
    assert filled.dtype == kind
    assert filled.tolist() == values


@pytest.mark.parametrize(
    "port",
    [
        TensorInfo("prompt", "int64", (1, 77)),
        TensorInfo("im_shape", "float32", (1, 3)),
        TensorInfo("scale_factor", "float32", (1, 4)),
        TensorInfo("pixel_mask", "string", (1, 64, 64)),
    ],
)
def test_an_input_that_says_nothing_is_refused(port: TensorInfo) -> None:
    with pytest.raises(UnsupportedModelError, match=f"'{port}', which pretag cannot fill"):
        check_extra_inputs((TensorInfo("orig_target_sizes", "int64", (1, 2)), port))
