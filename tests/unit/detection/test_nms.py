"""Non-maximum suppression."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from pipeline.detection import nms
from pipeline.detection.boxes import iou
from pipeline.detection.nms import non_max_suppression
from pipeline.frame import NO_DETECTIONS, Detections

Boxes = NDArray[np.float32]


def detections_of(*rows: tuple[float, ...]) -> Detections:
    """Return detections from rows of x1, y1, x2, y2, score, class id."""
    table = np.array(rows, dtype=np.float32)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


def reference_nms(candidates: Detections, iou_threshold: float) -> list[int]:
    """Return the rows that greedy NMS in each class keeps, best first."""
    overlaps = iou(candidates.boxes, candidates.boxes)
    ids = candidates.class_ids
    kept: list[int] = []
    for row in np.argsort(-candidates.scores, kind="stable").tolist():
        if all(overlaps[row, other] <= iou_threshold for other in kept if ids[other] == ids[row]):
            kept.append(row)
    return kept


def test_of_two_overlapping_boxes_of_one_class_the_better_one_is_kept() -> None:
    worse, better = (0, 0, 10, 10, 0.6, 3), (1, 0, 11, 10, 0.9, 3)
    kept = non_max_suppression(detections_of(worse, better), 0.5)
    assert kept.boxes.tolist() == [list(better[:4])]
    assert kept.class_ids.tolist() == [3]


def test_overlapping_boxes_of_two_classes_are_both_kept() -> None:
    candidates = detections_of((0, 0, 10, 10, 0.6, 0), (0, 0, 10, 10, 0.9, 1))
    assert non_max_suppression(candidates, 0.5).class_ids.tolist() == [1, 0]


def test_a_box_with_a_score_of_0_is_kept() -> None:
    candidates = detections_of((0, 0, 10, 10, 0.0, 0), (50, 50, 60, 60, 0.0, 0))
    assert len(non_max_suppression(candidates, 0.5)) == 2


def test_equal_scores_keep_the_order_of_the_candidates() -> None:
    candidates = detections_of(*((20 * row, 0, 20 * row + 9, 9, 0.5, row % 2) for row in range(6)))
    assert non_max_suppression(candidates, 0.5).boxes.tolist() == candidates.boxes.tolist()


def test_boxes_without_an_area_are_left_out_and_remove_no_other_box() -> None:
    without_area = ((5, 5, 5, 9, 0.9, 0), (9, 9, 2, 2, 0.8, 0), (1, 1, 1, 1, 0.7, 0))
    with_area = ((0, 0, 4, 4, 0.6, 0), (20, 20, 24, 24, 0.5, 0))
    kept = non_max_suppression(detections_of(*without_area, *with_area), 0.5)
    assert kept.boxes.tolist() == [list(row[:4]) for row in with_area]
    assert len(non_max_suppression(detections_of(*without_area), 0.5)) == 0


def test_no_candidates_give_no_detections() -> None:
    assert len(non_max_suppression(NO_DETECTIONS, 0.5)) == 0


def test_only_the_best_candidates_are_considered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nms, "MAX_CANDIDATES", 2)
    candidates = detections_of(*((20 * row, 0, 20 * row + 9, 9, row / 4, 0) for row in range(4)))
    assert non_max_suppression(candidates, 0.5).scores.tolist() == [0.75, 0.5]


@given(
    corners_and_sides=arrays(
        np.float32, st.tuples(st.integers(0, 25), st.just(4)), elements=st.integers(0, 60)
    ),
    # The IoU of boxes with such sides never equals one of the thresholds between 0 and 1. If it
    # did, the last bit of a division would decide.
    iou_threshold=st.sampled_from([0.0, 0.31373, 0.50771, 1.0]),
    data=st.data(),
)
def test_nms_equals_a_simple_implementation(
    corners_and_sides: Boxes, iou_threshold: float, data: st.DataObject
) -> None:
    boxes = corners_and_sides.copy()
    boxes[:, 2:] += boxes[:, :2] + 1
    count = len(boxes)
    scores = np.array(data.draw(st.permutations(range(count))), dtype=np.float32) / np.float32(128)
    ids = np.array(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)), np.int64)
    candidates = Detections(boxes, scores, ids)
    expected = candidates[np.array(reference_nms(candidates, iou_threshold), dtype=np.int64)]
    kept = non_max_suppression(candidates, iou_threshold)
    assert kept.scores.tolist() == expected.scores.tolist()
    assert kept.boxes.tolist() == expected.boxes.tolist()
    assert kept.class_ids.tolist() == expected.class_ids.tolist()
