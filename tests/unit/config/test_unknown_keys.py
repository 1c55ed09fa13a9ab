"""What is said of a config key that does not exist: what to write in its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.layers import (
    Layer,
    assignments_layer,
    environment_layer,
    explain_keys,
    file_layer,
    merge,
    tree_layer,
)
from pipeline.errors import ConfigError


def message_of(layer: Layer) -> str:
    with pytest.raises(ConfigError) as caught:
        merge(layer)
    return str(caught.value)


def said_of(assignment: str) -> str:
    """Return what is said of an assignment after the colon."""
    return message_of(assignments_layer("--set", [assignment])).partition(" does not exist: ")[2]


@pytest.mark.parametrize(
    ("assignment", "instead"),
    [
        ("sampling.fps=2", "sampling.every_seconds=0.5,"),
        ("sampling.fps=0.1", "sampling.every_seconds=10,"),
        ("sampling.frame_rate=25", "sampling.every_seconds=0.04,"),
        ("fps=1", "sampling.every_seconds=1,"),
        ("decoding.FPS=4", "sampling.every_seconds=0.25,"),
        ("video.frames-per-second=8", "sampling.every_seconds=0.125,"),
        ("sampling.fps='2'", "sampling.every_seconds=0.5,"),
        ("sampling.fps=lots", "sampling.every_seconds=0.5,"),
        ("sampling.fps=0", "sampling.every_seconds=0.5,"),
        ("sampling.fps=1e9", "sampling.every_seconds=0.5,"),
        ("sampling.fps=true", "sampling.every_seconds=0.5,"),
        ("sampling.fps=.nan", "sampling.every_seconds=0.5,"),
        ("sampling.frame_interval=30", "sampling.every_seconds=1.2,"),
        ("sampling.stride=5", "sampling.every_seconds=0.2,"),
        ("frameStep=10", "sampling.every_seconds=0.4,"),
        ("sampling.every_n_frames=all", "sampling.every_seconds=0.4,"),
    ],
)
def test_a_rate_or_a_number_of_frames_is_told_in_seconds(assignment: str, instead: str) -> None:
    assert said_of(assignment).startswith(f"write {instead}")


def test_the_whole_sentence_says_what_the_number_means() -> None:
    assert message_of(assignments_layer("--set", ["sampling.fps=2"])) == (
        "Config key 'sampling.fps' (from --set) does not exist: write sampling.every_seconds=0.5, "
        "the seconds between two samples, for 2 frames a second."
    )
    assert said_of("sampling.stride=30") == (
        "write sampling.every_seconds=1.2, the seconds between two samples, for every 30 frames "
        "at 25 frames a second."
    )


@given(fps=st.floats(0.0001, 240))
def test_at_the_seconds_for_a_rate_no_frame_of_that_rate_is_left_out(fps: float) -> None:
    seconds = float(said_of(f"sampling.fps={fps!r}").split("=")[1].split(",")[0])
    assert -1e-9 <= 1 / fps - seconds <= 1.01e-6  # the grid has whole microseconds


@pytest.mark.parametrize(
    ("assignment", "key"),
    [
        ("sampling.interval=2", "sampling.every_seconds"),
        ("sampling.start=2", "sampling.start_seconds"),
        ("end=2", "sampling.end_seconds"),
        ("detector.conf=0.3", "detector.score_threshold"),
        ("detector.confidence=0.3", "detector.score_threshold"),
        ("conf_thres=0.3", "detector.score_threshold"),
        ("threshold=0.3", "detector.score_threshold"),
        ("dedupe.threshold=3", "dedupe.max_distance"),
        ("detector.iou=0.5", "detector.iou_threshold"),
        ("nms.threshold=0.5", "detector.score_threshold"),
        ("detector.nms=0.5", "detector.iou_threshold"),
        ("detector.weights=a.onnx", "detector.model"),
        ("model=a.onnx", "detector.model"),
        ("detect.classes=car", "detector.classes"),
        ("detector.labels=car", "detector.classes"),
        ("detector.device=cuda", "detector.providers"),
        ("quality=9", "output.jpeg_quality"),
        ("output.save_images=false", "output.images"),
        ("limits.codec=h264", "limits.codecs"),
        ("every_seconds=2", "sampling.every_seconds"),
    ],
)
def test_the_name_of_another_tool_or_without_its_section_suggests_the_key(
    assignment: str, key: str
) -> None:
    assert said_of(assignment) == f"did you mean '{key}'?"


def test_each_layer_says_the_same() -> None:
    layers = [
        environment_layer({"PRETAG_SAMPLING__FPS": "2"}),
        file_layer("c.yaml", "sampling: {fps: 2}"),
        tree_layer("the event", {"sampling": {"fps": 2}}),
        tree_layer("the event", {"fps": 2}),
    ]
    for layer in layers:
        assert "write sampling.every_seconds=0.5," in message_of(layer)


@given(name=st.sampled_from(list(explain_keys())))
def test_a_key_without_its_section_suggests_a_key_of_that_name(name: str) -> None:
    assert said_of(f"{name.partition('.')[2]}=1").startswith("did you mean '")
    assert said_of(f"{name.partition('.')[2]}=1").endswith(f".{name.partition('.')[2]}'?")
