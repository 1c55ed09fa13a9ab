"""The family `ultralytics-rtdetr`: relative boxes with class scores, or with the best class."""

import pytest

from pipeline.detection.graph import Shape
from tests.support.graphs import IMAGE_640, decode, float_array, float_tensors, recognise

VERSION_8_4 = {"head": "RTDETRDecoder", "task": "detect", "stride": "32"}


def head(class_count: int) -> dict[str, tuple[int, ...]]:
    return {
        "model.28.enc_score_head.bias": (class_count,),
        "model.28.dec_score_head.5.bias": (class_count,),
    }


@pytest.mark.parametrize(
    ("columns", "class_count", "operators", "content"),
    [
        (84, 80, {"TopK"}, "box and class scores"),
        (6, 80, {"TopK", "Mod"}, "box, score and class"),
        (6, 2, {"TopK"}, "box and class scores"),
        (6, 2, {"TopK", "Mod"}, "box, score and class"),
        (5, 1, {"TopK"}, "box and class scores"),
    ],
)
@pytest.mark.parametrize("metadata", [{}, VERSION_8_4])
def test_columns_and_operators_show_the_content_of_a_row(
    columns: int,
    class_count: int,
    operators: set[str],
    content: str,
    metadata: dict[str, str],
) -> None:
    outputs = float_tensors(("output0", (1, 300, columns)))
    family, spec = recognise(
        [IMAGE_640],
        outputs,
        weights=head(class_count),
        operators=frozenset(operators),
        metadata=metadata,
    )
    assert (family, spec.class_count) == ("ultralytics-rtdetr", class_count)
    assert (spec.preprocess.resize, spec.preprocess.filter) == ("stretch", "linear")
    assert not spec.needs_nms
    assert content in spec.why


def test_a_query_gives_its_best_class_score() -> None:
    outputs = float_tensors(("output0", (1, 300, 7)))
    _, spec = recognise([IMAGE_640], outputs, weights=head(3))
    rows = float_array([[[0.5, 0.25, 0.5, 0.1, 0.1, 0.2, 0.6], [0.5, 0.5, 1, 1, 0.1, 0.1, 0.1]]])
    assert decode(spec, rows, size=(640, 320)) == [([160, 64, 480, 96], 0.6, 2)]
    assert decode(spec, rows, size=(640, 320), score_threshold=0.7) == []


def test_a_row_of_6_columns_is_a_box_a_score_and_a_class_id() -> None:
    outputs = float_tensors(("output0", (1, 300, 6)))
    _, spec = recognise([IMAGE_640], outputs, weights=head(80), metadata=VERSION_8_4)
    rows = float_array([[[0.5, 0.25, 0.5, 0.1, 0.6, 17], [0.5, 0.5, 1, 1, 0.1, 3]]])
    assert decode(spec, rows, size=(640, 320)) == [([160, 64, 480, 96], 0.6, 17)]


@pytest.mark.parametrize("shape", [(1, 300, 6), (1, 300, 84)])
def test_a_graph_without_rtdetrs_head_is_not_recognised(shape: Shape) -> None:
    outputs = float_tensors(("output0", shape))
    family, _ = recognise([IMAGE_640], outputs, metadata={"stride": "32"})
    assert family != "ultralytics-rtdetr"
