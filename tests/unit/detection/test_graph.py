"""The inputs of a graph, its settings and its weights, as families use them."""

import pytest

from pipeline.detection.graph import Graph, ImageInput, Shape, TensorInfo
from pipeline.detection.unsupported import UnsupportedModelError


@pytest.mark.parametrize(
    ("shape", "element_type", "expected"),
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
def test_shape_and_type_decide_the_layout_of_an_image_input(
    shape: Shape, element_type: str, expected: tuple[str, int, int | None, int | None]
) -> None:
    image_input = ImageInput.from_tensor(TensorInfo("x", element_type, shape))
    assert image_input is not None
    assert expected == (
        image_input.layout, image_input.batch, image_input.width, image_input.height,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "element_type"),
    [((1, 1, 28, 28), "float32"), ((1, 3, 4, 4), "int64"), ((1, 2), "float32"), (None, "uint8")],
)
def test_a_graph_without_an_image_input_is_refused(shape: Shape | None, element_type: str) -> None:
    graph = Graph((TensorInfo("x", element_type, shape),), ())
    with pytest.raises(
        UnsupportedModelError,
        match=r"none of its inputs \(x: .*\) takes a colour image\. Export it with an input that",
    ):
        _ = graph.image_input


@pytest.mark.parametrize("shape", [(1, 3, 16385, 8), (1, 3, 10000, 10000), (10**6, 3, 640, 640)])
def test_an_input_that_would_use_up_the_memory_is_refused(shape: Shape) -> None:
    graph = Graph((TensorInfo("x", "float32", shape),), ())
    with pytest.raises(
        UnsupportedModelError,
        match=r"its input 'x: .*' is too large: the limits are 16384 pixels for a side",
    ):
        _ = graph.image_input


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
def test_the_width_of_a_bias_is_found_by_name_unless_it_is_impossible(
    weights: dict[str, tuple[int, ...]], width: int | None
) -> None:
    assert Graph((), (), weights=weights).bias_width(r"head\.bias$") == width


def test_a_setting_that_is_too_long_to_be_parsed_stays_text() -> None:
    text = "[" + "1," * 600_000 + "]"
    assert Graph((), (), {"names": text}).setting("names") == text


def test_a_tensor_is_shown_with_its_name_sizes_and_type() -> None:
    assert str(TensorInfo("boxes", "float32", (1, None, 4))) == "boxes: 1 x ? x 4 float32"
    assert str(TensorInfo("boxes", "float32", None)) == "boxes: ? float32"


def test_a_long_name_does_not_fill_a_message() -> None:
    graph = Graph((TensorInfo("i" * 10**6, "float32", (1, 3, 8, 8)),), ())
    assert len(str(graph)) < 300
    name = "StatefulPartitionedCall/" * 8
    assert str(TensorInfo(name, "float32", (1,))) == f"{name}: 1 float32"
