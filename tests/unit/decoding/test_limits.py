"""The limit of FFmpeg's allocations, and videos that exceed a limit."""

import ctypes
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.config.schema import LimitsConfig
from pipeline.decoding import limits
from pipeline.decoding.backend import Capture
from pipeline.decoding.containers.container import Container
from pipeline.decoding.header import read_header
from pipeline.decoding.opencv.capture import opencv_library
from pipeline.decoding.pyav.opening import pyav_library
from pipeline.errors import RejectedError
from pipeline.frame import Display


@pytest.mark.parametrize(("megapixels", "largest"), [(2.0, 128 * 2**20), (36.0, 144_000_000)])
def test_one_allocation_is_limited_to_an_image_or_a_long_index(
    monkeypatch: pytest.MonkeyPatch, megapixels: float, largest: int
) -> None:
    limited_to: list[int] = []
    library = SimpleNamespace(av_max_alloc=lambda size: limited_to.append(size.value))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    limits.limit_allocations(LimitsConfig(megapixels=megapixels), "library")
    assert limited_to == [largest]


@pytest.mark.parametrize(
    ("images", "largest"), [((1920, 1080), 144_000_000), ((7680, 4320), (7744 * 4384) * 8)]
)
def test_a_large_image_that_is_allowed_may_be_converted_through_8_bytes_a_pixel(
    monkeypatch: pytest.MonkeyPatch, images: tuple[int, int], largest: int
) -> None:
    limited_to: list[int] = []
    library = SimpleNamespace(av_max_alloc=lambda size: limited_to.append(size.value))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    limits.limit_allocations(LimitsConfig(), "library", images)
    assert limited_to == [largest]


@pytest.mark.parametrize("library", [opencv_library(), pyav_library()])
def test_both_libraries_export_the_limit_of_ffmpeg(library: str) -> None:
    assert hasattr(ctypes.CDLL(library), "av_max_alloc")


def test_a_library_without_that_export_raises_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    limits.limit_allocations(LimitsConfig(), "library")


def test_a_file_of_more_than_the_limit_is_rejected() -> None:
    def source(size: int) -> Any:  # noqa: ANN401 - only what the check reads
        return SimpleNamespace(uri="s3://videos/clip.mp4", size=size)

    limits.check_file_size(source(2_000_000_000), LimitsConfig(gigabytes=2))
    with pytest.raises(RejectedError) as caught:
        limits.check_file_size(source(2_010_000_000), LimitsConfig(gigabytes=2))
    assert caught.value.reason == "too_large"
    assert str(caught.value) == (
        "s3://videos/clip.mp4 is a file of 2.01 GB; the limit is 2. Cut the video into parts, or "
        "raise limits.gigabytes."
    )


AVI = Container("avi", "avi")


def capture_with(
    width: int = 160, height: int = 96, rate: float = 25, count: float = 100
) -> Capture:
    display = Display(width, height)
    properties = SimpleNamespace(
        width=width, height=height, display=display, fps=rate, frame_count=count
    )
    return cast("Capture", properties)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, None),
        ({"width": 7680, "height": 4320}, None),
        ({"width": 8192, "height": 8192}, "too_large"),
        ({"count": 25 * 3600 * 47}, None),
        ({"count": 25 * 3600 * 49}, "too_long"),
        ({"count": 1e15}, None),  # more frames than bytes, so the header is ignored
        ({"rate": 0}, None),
        ({"count": -(2.0**53)}, None),
    ],
)
def test_a_video_that_exceeds_a_limit_is_rejected(
    properties: dict[str, Any], reason: str | None
) -> None:
    capture = capture_with(**properties)
    fault = limits.exceeded_limit(capture, read_header(capture, AVI, 10**9), LimitsConfig())
    assert (fault[0] if fault else None) == reason
