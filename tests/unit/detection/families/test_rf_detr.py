"""The family `rf-detr`: boxes in `dets`, logits in `labels`, with or without the background."""

import pytest

from pipeline.detection.graph import TensorInfo
from pipeline.detection.preprocess import IMAGENET_MEAN
from tests.support.graphs import (
    IMAGE_640,
    decode,
    float_array,
    float_tensors,
    logit,
    recognise,
)


def outputs(queries: int, columns: int) -> tuple[TensorInfo, ...]:
    return float_tensors(("dets", (1, queries, 4)), ("labels", (1, queries, columns)))


@pytest.mark.parametrize(
    ("columns", "labels", "class_count"),
    [
        (91, None, 91),  # COCO's category ids
        (91, 90, 90),
        (4, 3, 3),
        (4, 4, 4),
        (4, None, 3),
        (4, 7, 3),
    ],
)
def test_the_number_of_labels_shows_whether_there_is_a_background(
    columns: int, labels: int | None, class_count: int
) -> None:
    family, spec = recognise([IMAGE_640], outputs(300, columns), label_count=labels)
    assert (family, spec.class_count) == ("rf-detr", class_count)


def test_masks_after_the_labels_are_ignored() -> None:
    masks = float_tensors(("masks", (1, 200, 78, 78)))
    assert recognise([IMAGE_640], [*outputs(200, 91), *masks])[0] == "rf-detr"


def test_the_image_is_stretched_in_floats_and_normalised() -> None:
    preprocess = recognise([IMAGE_640], outputs(300, 91))[1].preprocess
    assert (preprocess.resize, preprocess.filter) == ("stretch", "linear-float")
    assert preprocess.mean == IMAGENET_MEAN


def test_the_background_is_not_returned() -> None:
    logits = float_array([[[logit(0.2), logit(0.8), logit(0.9)], [-9, -9, 9]]])
    boxes = float_array([[[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 1, 1]]])
    _, spec = recognise([IMAGE_640], outputs(2, 3), label_count=2)
    assert decode(spec, logits, boxes, size=(100, 200)) == [([25, 50, 75, 150], 0.8, 1)]
    _, spec_without_background = recognise([IMAGE_640], outputs(2, 3), label_count=3)
    found = decode(spec_without_background, logits, boxes, size=(100, 200))
    assert [class_id for _, _, class_id in found] == [2, 2]
