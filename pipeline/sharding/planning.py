"""Make the plan of a video, or find out why one process must do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.concurrency.deferred_signals import DeferredSignals
from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.decoding.limits import check_file_size
from pipeline.decoding.opening import open_video
from pipeline.decoding.sampling import SamplingGrid
from pipeline.runlog import RunLog
from pipeline.sharding.plan import Plan, Shard, SinglePath

if TYPE_CHECKING:
    from pipeline.config.schema import Config
    from pipeline.decoding.division import Division
    from pipeline.resources.budget import Budget
    from pipeline.storage.source import VideoSource


def make_plan(
    source: VideoSource, config: Config, division: Division, *, budget: Budget
) -> Plan | SinglePath:
    """Return the plan of a video, or why there is none.

    Reads the container's index, and the packets of the first frame and around each boundary, in a
    process of its own. No other packet is read, and only the first frame is decoded.

    Args:
        source: the video.
        config: the effective configuration.
        division: how large shards are to be.
        budget: the time and the memory that planning has.

    Raises:
        RejectedError: the video would be rejected.
        CapacityError: its images do not fit the memory of the function.
        Exception: whatever reading the source raised.
    """
    check_file_size(source, config.limits)
    grid = SamplingGrid.from_config(config)
    signals = DeferredSignals()
    with (
        signals,
        source.open() as stream,
        open_video(stream, source.uri, config, threads=1, budget=budget) as video,
        OrderedExecutor(1, watch=signals.deliver) as executor,
    ):
        parts = executor.prefetch(
            video.parts(grid, division, RunLog()), watch=video.check_stalled, stop=video.stop
        )
        try:
            starts = list(parts)
        except ShardMismatchError as error:
            return SinglePath(str(error))
    if not starts:
        return SinglePath("It is too short to be divided, or has no key frame to divide it at.")
    first = Shard(0, grid.segment_of(0), None)
    later = (Shard(number, *start) for number, start in enumerate(starts, start=1))
    return Plan(parts.result, (first, *later))
