"""What was fetched of a video is in the log, also if the video is rejected on the way."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.config.schema import Config
from pipeline.deduplication.selection import FrameSelector
from pipeline.errors import RejectedError
from pipeline.processing import Processing
from pipeline.resources.budget import Budget
from pipeline.runlog import RunLog


class Fetched(io.BytesIO):
    """A stream whose bytes came by 3 requests."""

    requests, bytes_fetched = 3, 12_345


def test_a_rejected_video_has_what_was_fetched_of_it() -> None:
    source = SimpleNamespace(uri="s3://b/a.mp4", size=9, open=lambda: Fetched(b"no video."))
    detector = SimpleNamespace(model=SimpleNamespace(labels=("person",)), stop=lambda: None)
    config, log = Config(), RunLog()
    processing = Processing(
        cast("Any", source), config, cast("Any", detector), Budget.unlimited(), log
    )
    with pytest.raises(RejectedError):
        processing.run(
            FrameSelector(config.dedupe),
            lambda _path, _data: None,
            lambda _record, _thumbnail: None,
            cpus=1,
            on_progress=lambda _done, _total: None,
        )
    fetch = log.stage("fetch")
    assert (fetch.items_in, fetch.items_out) == (3, 12_345)
