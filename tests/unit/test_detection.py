"""The parts of detection, each against known answers or a plain reference."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from pipeline.detection import ultralytics
from pipeline.detection.letterbox import Letterbox
from pipeline.detection.nms import suppress
from pipeline.frame import Detections

Boxes = NDArray[np.float32]
sizes = st.integers(16, 4000)


def iou(a: Boxes, b: Boxes) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return float(common / union) if union > 0 else 0.0


def test_letterbox_of_a_wide_picture() -> None:
    box = Letterbox.fit(768, 576, 300, 300)
    assert (box.left, box.top) == (0, 37)
    fitted = box.apply(np.full((576, 768, 3), 9, dtype=np.uint8), 300, 300)
    assert fitted.shape == (300, 300, 3)
    rows = fitted[:, 150, 0]
    assert (rows[:37] == 114).all()
    assert (rows[37:262] == 9).all()
    assert (rows[262:] == 114).all()


def test_a_mark_lands_where_the_box_says() -> None:
    image = np.zeros((576, 768, 3), dtype=np.uint8)
    image[200:260, 400:480] = 255
    box = Letterbox.fit(768, 576, 300, 300)
    ys, xs = np.nonzero(box.apply(image, 300, 300)[:, :, 0] > 127)
    found = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], dtype=np.float32)
    # An input pixel covers 2.56 picture pixels.
    assert np.abs(box.undo(found)[0] - (400, 200, 480, 260)).max() <= 2.56


@given(width=sizes, height=sizes, input_width=st.sampled_from([300, 640]), data=st.data())
def test_undo_is_the_inverse_of_fit(
    width: int, height: int, input_width: int, data: st.DataObject
) -> None:
    box = Letterbox.fit(width, height, input_width, 320)
    x, y = data.draw(st.floats(0, 1)) * width, data.draw(st.floats(0, 1)) * height
    scale_x = max(1, round(width * box.scale)) / width
    scale_y = max(1, round(height * box.scale)) / height
    there = [x * scale_x + box.left, y * scale_y + box.top]
    back = box.undo(np.array([there + there], dtype=np.float32))[0]
    # float32 holds 7 digits of input pixels, magnified on the way back.
    assert np.allclose(back, [x, y, x, y], atol=1e-3 / min(scale_x, scale_y))


@given(width=sizes, height=sizes)
def test_undo_clips_to_the_picture(width: int, height: int) -> None:
    box = Letterbox.fit(width, height, 300, 300)
    everywhere = np.array([[-1e4, -1e4, 1e4, 1e4]], dtype=np.float32)
    assert box.undo(everywhere)[0].tolist() == [0, 0, width, height]


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
    found = suppress(Detections(boxes, scores, ids.astype(np.int64)), iou_threshold)
    assert found.scores.tolist() == scores[expected].tolist()
    assert found.boxes.tolist() == boxes[expected].tolist()
    assert found.class_ids.tolist() == ids[expected].tolist()


def output(*anchors: tuple[float, ...]) -> Boxes:
    return np.array(anchors, dtype=np.float32).T


def test_decode_reads_centres_sizes_and_the_best_class() -> None:
    found = ultralytics.decode(
        output((50, 40, 20, 10, 0.1, 0.7, 0.2), (5, 5, 4, 4, 0.3, 0.3, 0.39)), 0.4, None
    )
    assert found.boxes.tolist() == [[40, 35, 60, 45]]
    assert found.class_ids.tolist() == [1]
    assert np.isclose(found.scores, [0.7]).all()


def test_decode_takes_the_threshold_itself() -> None:
    assert len(ultralytics.decode(output((5, 5, 4, 4, 0.5, 0.25)), 0.5, None)) == 1


def test_an_allowed_class_shows_even_under_a_better_forbidden_one() -> None:
    found = ultralytics.decode(output((5, 5, 4, 4, 0.9, 0.1, 0.6)), 0.5, np.array([1, 2]))
    assert found.class_ids.tolist() == [2]
    assert np.isclose(found.scores, [0.6]).all()


def test_the_layout_is_told_by_shape() -> None:
    assert ultralytics.fits((1, 84, 1917), 80)
    assert not ultralytics.fits((1, 84, 1917), 79)
    assert not ultralytics.fits((84, 1917), 80)
