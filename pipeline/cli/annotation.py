"""Annotate the videos of a command line, one after another or side by side."""

from __future__ import annotations

from contextlib import closing, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from pipeline.cli import FAILED, REJECTED
from pipeline.cli.run_display import RunDisplay
from pipeline.cli.side_by_side import run_side_by_side
from pipeline.cli.video_run import run_video
from pipeline.concurrency.cpus import available_cpus
from pipeline.decoding.process.spare import prepare_decoder
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.run import annotate
from pipeline.run_in_shards import annotate_in_shards

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pipeline.cli.run_request import RunRequest
    from pipeline.cli.video_run import VideoEnd
    from pipeline.decoding.opening import OpenedVideo
    from pipeline.outcome import Outcome
    from pipeline.run import Progress as OnProgress
    from pipeline.sharding.local import ShardStore
    from pipeline.storage.source import VideoSource


def annotate_videos(request: RunRequest, first: OpenedVideo | None, *, as_json: bool) -> int:
    """Annotate all videos, show how far that is, and return the exit code.

    Args:
        request: the videos, and where their results go.
        first: the first video, if it was opened before.
        as_json: print one JSON object for each video instead of tables.

    Raises:
        PretagError: it holds for all videos.
    """
    wanted = request.config.detector
    model = Model.configured(wanted)
    Detector(model, wanted)  # raises an error that holds for all videos
    processes = min(request.jobs, len(request.videos))
    if processes == 1 and first is None:
        prepare_decoder()
    code = 0
    with RunDisplay(request.videos, request.out, as_json=as_json) as display:
        if processes > 1:
            del model  # each process loads its own
            ends = run_side_by_side(
                request.videos,
                request.out,
                request.config,
                processes=processes,
                on_progress=display.progress,
                on_end=display.end,
            )
        else:
            ends = _one_by_one(request, model, first, display)
        with closing(ends):
            for end in ends:
                display.add(end)
                if end.outcome is None:
                    code = FAILED
                elif end.outcome.is_rejected:
                    code = code or REJECTED
        display.finish()
    return code


def _one_by_one(
    request: RunRequest, model: Model, first: OpenedVideo | None, display: RunDisplay
) -> Generator[VideoEnd]:
    opened = first
    for number, video in enumerate(request.videos):
        annotate_one = partial(_annotate, request, model, opened)
        on_progress = partial(display.progress, number)
        with opened or nullcontext():
            source = None if opened is None else opened.source
            end = run_video(video, request.place, annotate_one, on_progress, source)
        display.end(number)
        yield end
        opened = None


def _annotate(  # noqa: PLR0913, PLR0917 - what is annotated, how, and where the result goes
    request: RunRequest,
    model: Model,
    opened: OpenedVideo | None,
    source: VideoSource,
    open_store: Callable[[str], ShardStore],
    on_progress: OnProgress,
) -> Outcome:
    detector = Detector(model, request.config.detector)
    if request.jobs > 1:
        return annotate_in_shards(
            source,
            request.config,
            detector,
            open_store,
            processes=request.jobs,
            on_progress=on_progress,
        )
    return annotate(
        source,
        request.config,
        detector,
        open_store,
        cpus=available_cpus(),
        on_progress=on_progress,
        opened=opened,
    )
