"""NMS against a plain reference."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from pipeline.detection.nms import non_max_suppression
from pipeline.frame import Detections

Boxes = NDArray[np.float32]


def iou(a: Boxes, b: Boxes) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return float(common / union) if union > 0 else 0.0


def test_boxes_that_are_nothing_or_inside_out_suppress_none() -> None:
    boxes = np.array(
        [[5, 5, 5, 9], [9, 9, 2, 2], [1, 1, 1, 1], [0, 0, 4, 4], [20, 20, 24, 24]], np.float32
    )
    found = Detections(boxes, np.linspace(0.9, 0.5, 5, dtype=np.float32), np.zeros(5, np.int64))
    assert non_max_suppression(found, 0.5).boxes.tolist() == boxes[3:].tolist()
    assert (
        len(non_max_suppression(Detections(boxes[:3], found.scores[:3], found.class_ids[:3]), 0.5))
        == 0
    )


@given(
    raw=arrays(np.float32, st.tuples(st.integers(0, 25), st.just(4)), elements=st.integers(0, 60)),
    # None is a ratio of small integers: on the threshold itself, float widths decide.
    iou_threshold=st.sampled_from([0.0, 0.31373, 0.50771, 1.0]),
    data=st.data(),
)
def test_nms_equals_a_plain_reference(
    raw: Boxes,
    iou_threshold: float,
    data: st.DataObject,
) -> None:
    boxes = raw.copy()
    boxes[:, 2:] += boxes[:, :2] + 1
    count = len(boxes)
    scores = np.array(data.draw(st.permutations(range(count))), dtype=np.float32) / np.float32(128)
    ids = np.array(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    expected: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        rivals = [other for other in expected if ids[other] == ids[index]]
        if all(iou(boxes[index], boxes[other]) <= iou_threshold for other in rivals):
            expected.append(int(index))
    found = non_max_suppression(Detections(boxes, scores, ids.astype(np.int64)), iou_threshold)
    assert found.scores.tolist() == scores[expected].tolist()
    assert found.boxes.tolist() == boxes[expected].tolist()
    assert found.class_ids.tolist() == ids[expected].tolist()
