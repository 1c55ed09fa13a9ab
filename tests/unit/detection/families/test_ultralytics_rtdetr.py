"""Ultralytics' RT-DETR: boxes as shares, class scores or, since 8.4, the class itself."""

import pytest

from pipeline.detection.graph import Shape, TensorInfo
from tests.support.graphs import PICTURE, array, decoded, floats, known

NEWER = {"head": "RTDETRDecoder", "task": "detect", "stride": "32"}


def head(classes: int) -> dict[str, tuple[int, ...]]:
    return {
        "model.28.enc_score_head.bias": (classes,),
        "model.28.dec_score_head.5.bias": (classes,),
    }


@pytest.mark.parametrize(
    ("columns", "classes", "operators", "chosen"),
    [
        (84, 80, {"TopK"}, False),
        (6, 80, {"TopK", "Mod"}, True),
        (6, 2, {"TopK"}, False),
        (6, 2, {"TopK", "Mod"}, True),
        (5, 1, {"TopK"}, False),
    ],
)
@pytest.mark.parametrize("metadata", [{}, NEWER])
def test_signatures(
    columns: int,
    classes: int,
    operators: set[str],
    chosen: bool,  # noqa: FBT001 - a parameter
    metadata: dict[str, str],
) -> None:
    outputs = floats(("output0", (1, 300, columns)))
    more = {"weights": head(classes), "operators": frozenset(operators), "metadata": metadata}
    family, spec = known([PICTURE], outputs, **more)
    assert (family, spec.class_count) == ("ultralytics-rtdetr", classes)
    assert (spec.preprocess.resize, spec.preprocess.filter) == ("stretch", "linear")
    assert not spec.needs_nms
    assert ("class," in spec.why) == chosen


def test_class_scores() -> None:
    outputs = floats(("output0", (1, 300, 7)))
    _, spec = known([PICTURE], outputs, weights=head(3))
    rows = array([[[0.5, 0.25, 0.5, 0.1, 0.1, 0.2, 0.6], [0.5, 0.5, 1, 1, 0.1, 0.1, 0.1]]])
    assert decoded(spec, rows, size=(640, 320)) == [([160, 64, 480, 96], 0.6, 2)]
    assert decoded(spec, rows, size=(640, 320), score=0.7) == []


def test_chosen_classes() -> None:
    outputs = floats(("output0", (1, 300, 6)))
    _, spec = known([PICTURE], outputs, weights=head(80), metadata=NEWER)
    rows = array([[[0.5, 0.25, 0.5, 0.1, 0.6, 17], [0.5, 0.5, 1, 1, 0.1, 3]]])
    assert decoded(spec, rows, size=(640, 320)) == [([160, 64, 480, 96], 0.6, 17)]


@pytest.mark.parametrize("shape", [(1, 300, 6), (1, 300, 84)])
def test_not_without_its_head(shape: Shape) -> None:
    output = TensorInfo("output0", "float32", shape)
    assert known([PICTURE], [output], metadata={"stride": "32"})[0] != "ultralytics-rtdetr"
