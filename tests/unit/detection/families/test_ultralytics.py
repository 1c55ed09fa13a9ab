"""Ultralytics' tensor: what is taken for one, and what is read from it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.detection.families import ultralytics
from pipeline.detection.graph import Graph, TensorInfo

PICTURE = TensorInfo("images", "float32", (1, 3, 640, 640))
FREE = TensorInfo("images", "float32", (None, 3, None, None))


def graph(shape: tuple[int | None, ...], picture: TensorInfo = PICTURE, **metadata: str) -> Graph:
    return Graph((picture,), (TensorInfo("output0", "float32", shape),), metadata)


def output(*anchors: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array([anchors], dtype=np.float32).transpose(0, 2, 1)


def decode(values: NDArray[np.float32], score: float, classes: int) -> list[list[float]]:
    found = ultralytics.decode([values], score, (640, 640), classes=classes)
    return [
        [*box, round(float(score), 4), class_id]
        for box, score, class_id in zip(
            found.boxes.tolist(), found.scores, found.class_ids.tolist(), strict=True
        )
    ]


def test_centres_sizes_and_the_best_class() -> None:
    values = output((50, 40, 20, 10, 0.1, 0.7, 0.2), (5, 5, 4, 4, 0.3, 0.3, 0.39))
    assert decode(values, 0.4, 3) == [[40, 35, 60, 45, 0.7, 1]]


def test_the_threshold_itself_is_taken() -> None:
    assert len(decode(output((5, 5, 4, 4, 0.5, 0.25)), 0.5, 2)) == 1


def test_what_follows_the_classes_is_no_class() -> None:
    assert decode(output((5, 5, 4, 4, 0.5, 0.25, 9.0)), 0.3, 2) == [[3, 3, 7, 7, 0.5, 0]]


def test_nothing_found() -> None:
    assert decode(output((5, 5, 4, 4, 0.1, 0.2)), 0.5, 2) == []


def test_the_shape_tells_the_classes() -> None:
    spec = ultralytics.recognise(graph((1, 84, 8400)))
    assert spec is not None
    assert spec.class_count == 80
    assert (spec.preprocess.width, spec.preprocess.step) == (640, None)


@pytest.mark.parametrize("shape", [(1, 8400, 84), (84, 8400), (1, None, None), (1, 4, 99)])
def test_other_shapes_are_none(shape: tuple[int | None, ...]) -> None:
    assert ultralytics.recognise(graph(shape)) is None


def test_a_free_size_is_padded_to_the_stride() -> None:
    free = graph((None, 84, None), FREE, imgsz="[320, 512]", stride="64", version="8.3.40")
    spec = ultralytics.recognise(free)
    assert spec is not None
    assert (spec.preprocess.width, spec.preprocess.height) == (512, 320)
    assert spec.preprocess.step == 64


@pytest.mark.parametrize(
    ("version", "step", "box_rescale"),
    [
        ("8.1.34", None, "ratio"),
        ("8.3.39", None, "ratio"),
        ("8.3.40", 32, "ratio"),
        ("8.4.174", 32, "ratio"),
        ("8.4.175", 32, "axes"),
        ("9.0", 32, "axes"),
        ("0.0.4", None, "ratio"),  # a fork
        (None, 32, "axes"),
    ],
)
def test_each_version_has_its_letterbox(
    version: str | None, step: int | None, box_rescale: str
) -> None:
    metadata = {} if version is None else {"version": version, "stride": "32"}
    free, fixed = (Graph((picture,), (), metadata) for picture in (FREE, PICTURE))
    wanted = ultralytics.letterboxed(free)
    assert (wanted.step, wanted.box_rescale) == (step, box_rescale)
    wanted = ultralytics.letterboxed(fixed)
    assert (wanted.step, wanted.box_rescale) == (None, box_rescale)


@pytest.mark.parametrize(
    "metadata",
    [
        {"version": "9" * 5000, "stride": "9" * 5000, "imgsz": "[640, " + "9" * 5000 + "]"},
        {"version": "", "stride": "100000", "imgsz": "[100000, 100000]"},
        {"version": "new", "stride": "-1", "imgsz": "{}"},
    ],
)
def test_metadata_are_a_strangers(metadata: dict[str, str]) -> None:
    wanted = ultralytics.letterboxed(Graph((FREE,), (), metadata))
    assert (wanted.width, wanted.height) == (640, 640)
    assert wanted.step in (None, 32)


def test_a_small_input_has_more_rows_than_anchors() -> None:
    small = TensorInfo("images", "float32", (1, 3, 64, 64))
    outputs = (TensorInfo("output0", "float32", (1, 84, 84)),)
    spec = ultralytics.recognise(Graph((small,), outputs, label_count=80))
    assert spec is not None
    assert spec.class_count == 80


def test_segmentation_has_masks_below() -> None:
    masks = TensorInfo("output1", "float32", (1, 32, 160, 160))
    boxes = TensorInfo("output0", "float32", (1, 39, 8400))
    both = Graph((PICTURE,), (boxes, masks), {"task": "segment"}, label_count=3)
    without_metadata = Graph((PICTURE,), (boxes, masks))
    for each in (both, without_metadata):
        spec = ultralytics.recognise(each)
        assert spec is not None
        assert (spec.class_count, spec.outputs) == (3, ("output0",))


def test_another_second_output_is_none() -> None:
    outputs = (
        TensorInfo("output0", "float32", (1, 39, 8400)),
        TensorInfo("output1", "float32", (1, 8400)),
    )
    assert ultralytics.recognise(Graph((PICTURE,), outputs)) is None
