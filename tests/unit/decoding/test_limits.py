"""How much FFmpeg may allocate at once, and what is over a limit."""

import ctypes
from types import SimpleNamespace
from typing import cast

import cv2
import pytest

from pipeline.config.schema import LimitsConfig
from pipeline.decoding import limits
from pipeline.decoding.container import Container
from pipeline.decoding.header import read_header


@pytest.mark.parametrize(("megapixels", "largest"), [(2.0, 128 * 2**20), (36.0, 144_000_000)])
def test_no_allocation_is_larger_than_a_picture_or_a_long_index(
    monkeypatch: pytest.MonkeyPatch, megapixels: float, largest: int
) -> None:
    asked: list[int] = []
    library = SimpleNamespace(av_max_alloc=lambda size: asked.append(size.value))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    limits.limit_allocations(LimitsConfig(megapixels=megapixels))
    assert asked == [largest]


def test_opencv_shows_its_ffmpeg() -> None:
    native = vars(cv2)["_native"]
    assert hasattr(ctypes.CDLL(native.__file__), "av_max_alloc")


def test_a_build_that_hides_its_ffmpeg_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    limits.limit_allocations(LimitsConfig())


AVI = Container("avi", "avi")


def capture(width: int = 160, height: int = 96, rate: float = 25, count: float = 100) -> object:
    answers = {
        cv2.CAP_PROP_FRAME_WIDTH: width,
        cv2.CAP_PROP_FRAME_HEIGHT: height,
        cv2.CAP_PROP_FPS: rate,
        cv2.CAP_PROP_FRAME_COUNT: count,
    }
    return SimpleNamespace(get=answers.__getitem__)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, None),
        ({"width": 7680, "height": 4320}, None),
        ({"width": 8192, "height": 8192}, "too_large"),
        ({"count": 25 * 3600 * 47}, None),
        ({"count": 25 * 3600 * 49}, "too_long"),
        ({"count": 1e15}, None),  # more frames than bytes: no claim to go by
        ({"rate": 0}, None),
        ({"count": -(2.0**53)}, None),
    ],
)
def test_what_is_over_a_limit(properties: dict[str, float], reason: str | None) -> None:
    opened = cast("cv2.VideoCapture", capture(**properties))  # type: ignore[arg-type]
    found = limits.exceeded_limit(opened, read_header(opened, AVI, 10**9), LimitsConfig())
    assert (found[0] if found else None) == reason
