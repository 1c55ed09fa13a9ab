"""RF-DETR: boxes in `dets`, logits in `labels`, perhaps with a column for the background."""

import pytest

from pipeline.detection.graph import TensorInfo
from pipeline.detection.preprocess import IMAGENET_MEAN
from tests.support.graphs import PICTURE, array, decoded, floats, known, logit


def outputs(queries: int, columns: int) -> tuple[TensorInfo, ...]:
    return floats(("dets", (1, queries, 4)), ("labels", (1, queries, columns)))


@pytest.mark.parametrize(
    ("columns", "labels", "classes"),
    [
        (91, None, 91),  # COCO's numbers
        (91, 90, 90),
        (4, 3, 3),
        (4, 4, 4),
        (4, None, 3),
        (4, 7, 3),
    ],
)
def test_the_background(columns: int, labels: int | None, classes: int) -> None:
    family, spec = known([PICTURE], outputs(300, columns), label_count=labels)
    assert (family, spec.class_count) == ("rf-detr", classes)


def test_masks_and_points_may_follow() -> None:
    masks = floats(("masks", (1, 200, 78, 78)))
    assert known([PICTURE], [*outputs(200, 91), *masks])[0] == "rf-detr"


def test_stretched_without_rounding_and_normalised() -> None:
    wanted = known([PICTURE], outputs(300, 91))[1].preprocess
    assert (wanted.resize, wanted.filter, wanted.mean) == ("stretch", "linear-float", IMAGENET_MEAN)


def test_the_background_is_not_found() -> None:
    logits = array([[[logit(0.2), logit(0.8), logit(0.9)], [-9, -9, 9]]])
    boxes = array([[[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 1, 1]]])
    _, with_background = known([PICTURE], outputs(2, 3), label_count=2)
    assert decoded(with_background, logits, boxes, size=(100, 200)) == [([25, 50, 75, 150], 0.8, 1)]
    _, without = known([PICTURE], outputs(2, 3), label_count=3)
    found = decoded(without, logits, boxes, size=(100, 200))
    assert [class_id for _, _, class_id in found] == [2, 2]
