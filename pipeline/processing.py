"""Run the stages of a video, or of a part of it, in parallel."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from pipeline.concurrency.deferred_signals import DeferredSignals
from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.dataset.classes import ClassMap
from pipeline.dataset.thumbnails import MOST_CANDIDATES, Candidates
from pipeline.decoding.opening import OpenedVideo
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.resources.time_limit import TimeLimit
from pipeline.stages import FrameStages
from pipeline.storage.source import CountedStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.config.schema import Config
    from pipeline.dataset.thumbnails import Thumbnail
    from pipeline.decoding.decoder import DecodeResult
    from pipeline.decoding.key_frame import Part
    from pipeline.decoding.process.decoder_process import DecoderProcess
    from pipeline.decoding.video import Video
    from pipeline.detection.detector import Detector
    from pipeline.frame import FrameRecord
    from pipeline.resources.budget import Budget
    from pipeline.runlog import RunLog
    from pipeline.stages import PutImage, Selector
    from pipeline.storage.source import VideoSource


@dataclass(frozen=True)
class Processing:
    """What a video is processed with.

    Attributes:
        source: the video.
        config: the effective configuration.
        detector: a detector with the same configuration.
        budget: the time and the memory that there is.
        log: gets counts and times.
        opened: the whole video, if it was opened with this configuration before.
    """

    source: VideoSource
    config: Config
    detector: Detector
    budget: Budget
    log: RunLog
    opened: OpenedVideo | None = None

    @cached_property
    def classes(self) -> ClassMap:
        """What takes the classes of the model to those of the dataset.

        Raises:
            ConfigError: `output.class_names` does not fit the model.
        """
        return ClassMap(self.detector.model.labels, self.config)

    def run(  # noqa: PLR0913 - where frames come from, and where they go
        self,
        selector: Selector,
        put: PutImage,
        add: Callable[[FrameRecord, Thumbnail | None], None],
        *,
        cpus: int,
        part: Part | None = None,
        most_thumbnails: int = MOST_CANDIDATES,
        on_progress: Callable[[float, float | None], None],
    ) -> DecodeResult:
        """Process the sampled frames, and return what is known of the video.

        Args:
            selector: decides which frames are kept.
            put: writes an image. For an archive, one image at a time, in order.
            add: called with the record of each sampled frame, in order, and with its thumbnail.
            cpus: number of CPUs to use.
            part: the part of the video to process; None: all of it.
            most_thumbnails: about how many frames have thumbnails, evenly over time.
            on_progress: called after each sampled frame with the seconds of video done, and all
                seconds if they are known.

        Raises:
            RejectedError: the video cannot be read, or exceeds a limit.
            CapacityError: it does not fit the budget.
            ShardMismatchError: the part is not as its plan says.
            PretagError: the run failed.
        """
        time_limit = TimeLimit(
            self.source.uri,
            self.budget,
            self.config.sampling.end_seconds,
            copies=1 + len(self.config.output.exports),
        )
        time_limit.check()
        stages = FrameStages(
            self.config.output,
            selector,
            self.detector,
            self.classes,
            put,
            self.log,
            Candidates(most_thumbnails),
        )
        sampler = Sampler(SamplingGrid.from_config(self.config), part)
        signals = DeferredSignals()

        def watch() -> None:
            signals.deliver()
            time_limit.check()

        with (
            signals,
            self._video(cpus) as video,
            OrderedExecutor(cpus, on_failure=self.detector.stop, watch=watch) as executor,
        ):
            decoding = executor.prefetch(
                video.frames(sampler, self.log), watch=video.check_stalled, stop=video.stop
            )
            selected = map(stages.select, decoding)
            detected = executor.map(stages.detect, selected)
            is_archive = self.config.output.archive_form is not None
            write = executor.map_in_turn if is_archive else executor.map_io
            for staged in write(stages.write_image, detected):
                watch()
                add(staged.record, staged.thumbnail)
                done = _progress(staged.record.pts_ms / 1000, part, video)
                on_progress(done.seconds, done.all_seconds)
                is_written = staged.jpeg is not None
                time_limit.add_frame(done.seconds, done.likely_seconds, is_written=is_written)
        return decoding.result

    @contextmanager
    def _video(self, cpus: int) -> Iterator[DecoderProcess | Video]:
        """Open the video in the block; then count what was fetched of it, also after an error."""
        opened = self.opened or OpenedVideo(
            self.source, self.config, threads=cpus, budget=self.budget
        )
        with opened:
            try:
                yield opened.video
            finally:
                if isinstance(opened.stream, CountedStream):
                    self.log.count_fetched(opened.stream.requests, opened.stream.bytes_fetched)


class _Progress(NamedTuple):
    seconds: float
    all_seconds: float | None  # by the header
    likely_seconds: float | None


def _progress(pts_seconds: float, part: Part | None, video: DecoderProcess | Video) -> _Progress:
    """Return how many seconds of the video, or of its part, are done, and how many there are."""
    if part is None:
        return _Progress(pts_seconds, video.header.seconds, video.likely_seconds(pts_seconds))
    return _Progress(pts_seconds - part.start_pts_ms / 1000, part.seconds, part.seconds)
