"""Whether a file has too many streams, or does not open for another reason."""

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.config.schema import LimitsConfig
from pipeline.decoding.containers.container import MPEG_TS
from pipeline.decoding.opener import Opener
from pipeline.decoding.rejections import open_error
from pipeline.decoding.stream import GuardedStream


def opener(opens: Callable[[dict[str, Any]], bool]) -> Opener:
    """Return what stands for a file that opens with some options of FFmpeg."""
    capture = SimpleNamespace(release=lambda: None)
    return cast(
        "Opener",
        SimpleNamespace(
            stream=GuardedStream(io.BytesIO(b"\x47")),
            container=MPEG_TS,
            open=lambda _, **options: capture if opens(options) else None,
        ),
    )


@pytest.mark.parametrize(
    ("opens", "reason"),
    [
        (lambda options: options["max_streams"] > 200, "too_many_streams"),
        (lambda options: "probesize" in options, "no_video_stream"),  # what follows is damaged
        (lambda _: False, "no_video_stream"),
    ],
)
def test_a_file_has_too_many_streams_if_it_opens_only_with_more(
    opens: Callable[[dict[str, Any]], bool], reason: str
) -> None:
    limits = LimitsConfig(streams=128)
    assert open_error(opener(opens), "a.ts", limits).reason == reason
