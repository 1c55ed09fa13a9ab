"""Several videos at a time, each in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.child_process.confinement import end_with_parent
from pipeline.cli.result_place import result_place
from pipeline.cli.video_run import VideoEnd, run_video
from pipeline.concurrency.cpus import available_cpus
from pipeline.concurrency.deferred_signals import DeferredSignals
from pipeline.concurrency.worker_pool import KILLED, WorkerPool
from pipeline.decoding.process.spare import prepare_decoder
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.run import annotate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pipeline.cli.videos import NamedVideo
    from pipeline.concurrency.worker_pool import Progress, Report, Work
    from pipeline.config.schema import Config
    from pipeline.outcome import Outcome
    from pipeline.run import Progress as OnProgress
    from pipeline.sharding.local import ShardStore
    from pipeline.storage.source import VideoSource

# A process that is told to end removes what it wrote first, maybe from S3.
_END_SECONDS = 30.0


def run_side_by_side(  # noqa: PLR0913 - what is run, where to, and whom to tell
    videos: Sequence[NamedVideo],
    out: str,
    config: Config,
    *,
    processes: int,
    on_progress: Progress,
    on_end: Callable[[int], None],
) -> Generator[VideoEnd]:
    """Annotate videos, as many at a time as there are processes; yield their ends in order.

    After an error or Ctrl-C, each process removes what it wrote of a video in progress, and ends.

    Args:
        videos: the videos.
        out: where all results go, as a command line names it.
        config: the effective configuration.
        processes: number of processes; the CPUs are divided among them.
        on_progress: called with the number of a video, and how far it is.
        on_end: called with the number of a video that has ended; its end may be yielded later.

    Raises:
        ConfigError: it holds for all videos.
    """
    cpus = max(1, available_cpus() // processes)
    preparation = _Preparation(out, config, cpus, os.getpid())
    signals = DeferredSignals()
    with (
        signals,
        WorkerPool(processes, preparation, watch=signals.deliver, end_seconds=_END_SECONDS) as pool,
    ):
        yield from pool.map(videos, on_progress, on_end, _given_up)


def _given_up(video: NamedVideo) -> VideoEnd:
    return VideoEnd(video, video.folder, None, f"{video.place} has no result. {KILLED}")


@dataclass(frozen=True)
class _Preparation:
    """What each process does first: it loads the model.

    Attributes:
        out: where all results go.
        config: the effective configuration.
        cpus: number of CPUs that one process uses.
        parent: id of the process that it works for.
    """

    out: str
    config: Config
    cpus: int
    parent: int

    def __call__(self) -> Work[NamedVideo, VideoEnd]:
        """Return what annotates a video."""
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
        end_with_parent(self.parent)
        prepare_decoder()
        place, wanted = result_place(self.out), self.config.detector
        model = Model.configured(wanted)

        def annotate_here(
            source: VideoSource, open_store: Callable[[str], ShardStore], on_progress: OnProgress
        ) -> Outcome:
            prepare_decoder()
            detector = Detector(model, wanted)
            return annotate(
                source,
                self.config,
                detector,
                open_store,
                cpus=self.cpus,
                on_progress=on_progress,
            )

        def work(video: NamedVideo, report: Report) -> VideoEnd:
            return run_video(video, place, annotate_here, report)

        return work
