"""The letterbox of Ultralytics' versions, from the metadata that its exporters write."""

import pytest

from pipeline.detection.families.common.ultralytics_export import (
    ultralytics_preprocess,
    yolov5_preprocess,
)
from pipeline.detection.graph import Graph
from tests.support.graphs import IMAGE_640, IMAGE_OF_FREE_SIZE


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
def test_the_letterbox_depends_on_the_version(
    version: str | None, step: int | None, box_rescale: str
) -> None:
    metadata = {} if version is None else {"version": version, "stride": "32"}
    preprocess = ultralytics_preprocess(Graph((IMAGE_OF_FREE_SIZE,), (), metadata))
    assert (preprocess.step, preprocess.box_rescale) == (step, box_rescale)
    preprocess = ultralytics_preprocess(Graph((IMAGE_640,), (), metadata))
    assert (preprocess.step, preprocess.box_rescale) == (None, box_rescale)


def test_yolov5_pads_to_the_full_size_whatever_the_version() -> None:
    graph = Graph((IMAGE_OF_FREE_SIZE,), (), {"stride": "32", "imgsz": "[320, 512]"})
    preprocess = yolov5_preprocess(graph)
    assert (preprocess.width, preprocess.height, preprocess.step) == (512, 320, None)
    assert preprocess.box_rescale == "ratio"


@pytest.mark.parametrize(
    "metadata",
    [
        {"version": "9" * 5000, "stride": "9" * 5000, "imgsz": "[640, " + "9" * 5000 + "]"},
        {"version": "", "stride": "100000", "imgsz": "[100000, 100000]"},
        {"version": "new", "stride": "-1", "imgsz": "{}"},
    ],
)
def test_unusable_metadata_gives_the_usual_size_and_stride(metadata: dict[str, str]) -> None:
    preprocess = ultralytics_preprocess(Graph((IMAGE_OF_FREE_SIZE,), (), metadata))
    assert (preprocess.width, preprocess.height) == (640, 640)
    assert preprocess.step in (None, 32)
