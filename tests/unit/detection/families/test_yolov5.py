"""The family `yolov5`: a box, its objectness and class scores for each anchor."""

import numpy as np
import pytest

from pipeline.detection.families import yolov5
from pipeline.detection.graph import Graph, Shape
from pipeline.detection.unsupported import UnsupportedModelError
from tests.support.graphs import IMAGE_640, IMAGE_OF_FREE_SIZE, decode, float_tensors, recognise


def test_a_score_is_the_objectness_times_the_class_score() -> None:
    rows = np.zeros((1, 25200, 7), dtype=np.float32)
    rows[0, 5] = (50, 40, 20, 10, 0.9, 0.1, 0.5)
    rows[0, 6] = (50, 40, 20, 10, 0.5, 0.1, 0.7)
    rows[0, 7] = (50, 40, 20, 10, 0.3, 1.0, 1.0)
    _, spec = recognise([IMAGE_640], float_tensors(("output0", rows.shape)))
    assert decode(spec, rows) == [([40, 35, 60, 45], 0.45, 1)]
    assert (spec.needs_nms, spec.preprocess.resize) == (True, "letterbox")


def test_an_input_of_a_free_size_is_padded_to_the_full_size() -> None:
    output = float_tensors(("output0", (None, 25200, 85)))
    metadata = {"stride": "32", "names": "..."}
    preprocess = recognise([IMAGE_OF_FREE_SIZE], output, metadata=metadata)[1].preprocess
    assert (preprocess.width, preprocess.step, preprocess.box_rescale) == (640, None, "ratio")


def test_mask_coefficients_are_not_classes() -> None:
    tensors = float_tensors(("output0", (1, 25200, 40)), ("output1", (1, 32, 160, 160)))
    family, spec = recognise([IMAGE_640], tensors)
    assert (family, spec.class_count) == ("yolov5", 3)
    rows = np.zeros((1, 25200, 40), dtype=np.float32)
    rows[0, 0, :8] = (50, 40, 20, 10, 1, 0.1, 0.2, 0.6)
    rows[0, 0, 8:] = 9
    assert decode(spec, rows) == [([40, 35, 60, 45], 0.6, 2)]


@pytest.mark.parametrize("shape", [(1, 25200, 5), (1, 85, 25200), (1, None, 85)])
def test_other_shapes_are_not_recognised(shape: Shape) -> None:
    assert yolov5.recognise(Graph((IMAGE_640,), float_tensors(("output", shape)))) is None


def test_an_unknown_second_output_is_not_recognised() -> None:
    tensors = float_tensors(("output0", (1, 25200, 85)), ("output1", (1, 25200)))
    assert yolov5.recognise(Graph((IMAGE_640,), tensors)) is None


@pytest.mark.parametrize(("columns", "labels"), [(16, 1), (15, 2)])
def test_landmarks_of_faces_and_plates_are_found_by_the_number_of_labels(
    columns: int, labels: int
) -> None:
    rows = np.zeros((1, 25200, columns), dtype=np.float32)
    rows[0, 5, :5] = (50, 40, 20, 10, 0.9)
    rows[0, 5, 5:-labels] = 300  # landmarks are in pixels
    rows[0, 5, -1] = 0.5
    family, spec = recognise([IMAGE_640], float_tensors(("output", rows.shape)), label_count=labels)
    assert (family, spec.class_count, spec.unread) == ("yolov5", labels, ("keypoints",))
    assert decode(spec, rows) == [([40, 35, 60, 45], 0.45, labels - 1)]
    # Without labels they may be classes.
    graph = Graph((IMAGE_640,), float_tensors(("output", rows.shape)))
    with pytest.raises(UnsupportedModelError, match="or landmarks and one or two classes"):
        yolov5.recognise(graph)
    _, spec = recognise([IMAGE_640], float_tensors(("output", rows.shape)), label_count=columns - 5)
    assert (spec.class_count, spec.unread) == (columns - 5, ())
