"""The likely length of a video, from its header and its bytes."""

import pytest

from pipeline.decoding.header import HeaderInfo


@pytest.mark.parametrize(
    ("header", "done_seconds", "share_read", "likely_seconds"),
    [
        (HeaderInfo(None), 10, 0.5, None),
        (HeaderInfo(9), 10, 0.5, None),  # it ended before what was seen
        (HeaderInfo(100), 10, 0.1, 100),
        (HeaderInfo(100), 10, 0.01, 100),  # bytes alone are no proof of a longer video
        (HeaderInfo(72_000), 10, 0.1, 100),
        (HeaderInfo(72_000), 10, 0.0, 72_000),
        (HeaderInfo(100, frames=2500), 10, 1.0, 100),  # an index at the end was read first
    ],
)
def test_a_length_without_an_index_must_agree_with_the_bytes(
    header: HeaderInfo, done_seconds: float, share_read: float, likely_seconds: float | None
) -> None:
    assert header.likely_seconds(done_seconds, share_read) == likely_seconds
