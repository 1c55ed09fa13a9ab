"""The length of a video by its header."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.config.schema import LimitsConfig
from pipeline.decoding.length import header_seconds
from pipeline.errors import RejectedError
from tests.support import clips


def length(data: bytes) -> float | None:
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(header_seconds, io.BytesIO(data), "v", LimitsConfig()).result()


def test_the_header_says_the_length() -> None:
    assert length(clips.SAMPLE.read_bytes()) == pytest.approx(30, abs=0.2)


def test_what_is_no_video_is_rejected() -> None:
    with pytest.raises(RejectedError, match="is not a video"):
        length(b"no video")
