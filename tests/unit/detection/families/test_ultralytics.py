"""The family `ultralytics`: one column for each anchor, with a box and class scores."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.detection.families import ultralytics
from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.unsupported import UnsupportedModelError
from tests.support.graphs import IMAGE_640, IMAGE_OF_FREE_SIZE, decode, float_tensors, recognise


def graph(shape: tuple[int | None, ...], image: TensorInfo = IMAGE_640, **metadata: str) -> Graph:
    return Graph((image,), float_tensors(("output0", shape)), metadata)


def decode_anchors(
    *anchors: tuple[float, ...], class_count: int, score_threshold: float
) -> list[tuple[list[float], float, int]]:
    output = float_tensors(("output0", (1, 4 + class_count, 8400)))
    _, spec = recognise([IMAGE_640], output)
    columns: NDArray[np.float32] = np.array([anchors], dtype=np.float32).transpose(0, 2, 1)
    return decode(spec, columns, score_threshold=score_threshold)


def test_a_box_has_a_centre_and_a_size_and_the_best_class() -> None:
    found = decode_anchors(
        (50, 40, 20, 10, 0.1, 0.7, 0.2),
        (5, 5, 4, 4, 0.3, 0.3, 0.39),
        class_count=3,
        score_threshold=0.4,
    )
    assert found == [([40, 35, 60, 45], 0.7, 1)]


def test_a_score_equal_to_the_threshold_is_returned() -> None:
    found = decode_anchors((5, 5, 4, 4, 0.5, 0.25), class_count=2, score_threshold=0.5)
    assert len(found) == 1


def test_values_after_the_class_scores_are_ignored() -> None:
    found = decode_anchors((5, 5, 4, 4, 0.5, 0.25, 9.0), class_count=2, score_threshold=0.3)
    assert found == [([3, 3, 7, 7], 0.5, 0)]


def test_an_image_without_objects_has_no_detections() -> None:
    assert decode_anchors((5, 5, 4, 4, 0.1, 0.2), class_count=2, score_threshold=0.5) == []


def test_a_transposed_output_is_decoded_if_the_number_of_labels_fits() -> None:
    rows = np.zeros((1, 8400, 7), dtype=np.float32)
    rows[0, 5] = (50, 40, 20, 10, 0.1, 0.7, 0.2)
    family, spec = recognise([IMAGE_640], float_tensors(("output0", rows.shape)), label_count=3)
    assert (family, spec.class_count) == ("ultralytics", 3)
    assert decode(spec, rows) == [([40, 35, 60, 45], 0.7, 1)]


def test_the_shape_shows_the_number_of_classes() -> None:
    spec = ultralytics.recognise(graph((1, 84, 8400)))
    assert spec is not None
    assert spec.class_count == 80
    assert (spec.preprocess.width, spec.preprocess.step) == (640, None)


@pytest.mark.parametrize("shape", [(1, 8400, 84), (84, 8400), (1, None, None), (1, 4, 99)])
def test_other_shapes_are_not_recognised(shape: tuple[int | None, ...]) -> None:
    assert ultralytics.recognise(graph(shape)) is None


def test_a_small_input_can_have_more_values_than_anchors() -> None:
    small = TensorInfo("images", "float32", (1, 3, 64, 64))
    outputs = float_tensors(("output0", (1, 84, 84)))
    spec = ultralytics.recognise(Graph((small,), outputs, label_count=80))
    assert spec is not None
    assert spec.class_count == 80


def test_a_graph_with_unknown_sizes_is_recognised_by_its_metadata() -> None:
    metadata = {"imgsz": "[320, 512]", "stride": "64", "version": "8.3.40"}
    spec = ultralytics.recognise(graph((None, 84, None), IMAGE_OF_FREE_SIZE, **metadata))
    assert spec is not None
    assert (spec.preprocess.width, spec.preprocess.height) == (512, 320)
    assert spec.preprocess.step == 64


def test_mask_coefficients_are_not_classes_with_and_without_metadata() -> None:
    outputs = float_tensors(("output0", (1, 39, 8400)), ("output1", (1, 32, 160, 160)))
    with_metadata = Graph((IMAGE_640,), outputs, {"task": "segment"}, label_count=3)
    for each in (with_metadata, Graph((IMAGE_640,), outputs)):
        spec = ultralytics.recognise(each)
        assert spec is not None
        assert (spec.class_count, spec.outputs) == (3, ("output0",))


def test_an_unknown_second_output_is_not_recognised() -> None:
    outputs = float_tensors(("output0", (1, 39, 8400)), ("output1", (1, 8400)))
    assert ultralytics.recognise(Graph((IMAGE_640,), outputs)) is None


@pytest.mark.parametrize(
    ("values", "fields", "class_count"),
    [
        (56, {"weights": {"model.22.cv4.0.2.bias": (51,)}}, 1),
        (4 + 2 + 10, {"weights": {"model.23.cv4.0.2.bias": (10,)}, "label_count": 2}, 2),
        (56, {"label_count": 1}, 1),
        (56, {"label_count": 52}, 52),
    ],
)
def test_keypoints_without_metadata_are_not_classes(
    values: int, fields: dict[str, Any], class_count: int
) -> None:
    tensors = float_tensors(("output0", (1, values, 8400)))
    family, spec = recognise([IMAGE_640], tensors, **fields)
    assert (family, spec.class_count) == ("ultralytics", class_count)
    assert spec.unread == (("keypoints",) if class_count < values - 4 else ())


def test_a_pose_or_52_classes_need_labels() -> None:
    with pytest.raises(UnsupportedModelError, match="one class and COCO's 17 keypoints"):
        ultralytics.recognise(graph((1, 56, 8400)))


def test_rotated_boxes_without_metadata_are_refused() -> None:
    tensors = float_tensors(("output0", (1, 20, 21504)))
    image = TensorInfo("images", "float32", (1, 3, 1024, 1024))
    operators = frozenset({"Conv", "Sin", "Cos"})
    with pytest.raises(UnsupportedModelError, match=r"rotated boxes .* yolo export model="):
        ultralytics.recognise(Graph((image,), tensors, operators=operators, label_count=15))
