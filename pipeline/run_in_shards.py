"""Annotate one long video with several processes of this machine: the result is the same."""

from __future__ import annotations

from logging import getLogger
from typing import TYPE_CHECKING

from pipeline.concurrency.cpus import available_cpus
from pipeline.concurrency.deferred_signals import DeferredSignals
from pipeline.decoding.division import Division
from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.errors import RejectedError
from pipeline.resources.budget import Budget
from pipeline.run import annotate, publish_shards, run_id_of
from pipeline.sharding.local import ShardTask, StoredImages, shard_pool, work_on_shards
from pipeline.sharding.plan import SinglePath
from pipeline.sharding.planning import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.config.schema import Config
    from pipeline.detection.detector import Detector
    from pipeline.outcome import Outcome
    from pipeline.run import Progress
    from pipeline.sharding.local import ShardStore
    from pipeline.sharding.plan import Plan
    from pipeline.sharding.shard_result import ShardResult
    from pipeline.storage.source import VideoSource

logger = getLogger(__name__)

# So many that the last ones end at about the same time, and few enough that what each decodes
# before its first frame does not count.
_SHARDS_A_PROCESS = 4


def annotate_in_shards(  # noqa: PLR0913 - as `annotate`
    source: VideoSource,
    config: Config,
    detector: Detector,
    open_store: Callable[[str], ShardStore],
    *,
    processes: int,
    on_progress: Progress = lambda _done, _total: None,
) -> Outcome:
    """Do what `annotate` does, with the same result. Shards of the video are processed at a time.

    A video that cannot be divided is done by `annotate`, and so is one whose packets turn out to be
    wrong. The log says why.

    Args:
        source: the video.
        config: the effective configuration.
        detector: a detector with the same configuration.
        open_store: returns a new result store for a run id.
        processes: number of worker processes.
        on_progress: called after each sampled frame of any shard.

    Raises:
        PretagError: as `annotate`; or worker processes were killed again and again.
    """
    try:
        division = Division(config.segment.seconds, processes * _SHARDS_A_PROCESS)
        plan = make_plan(source, config, division, budget=Budget.unlimited())
        if not isinstance(plan, SinglePath):
            return _annotate(source, config, detector, open_store, plan, processes, on_progress)
        reason = plan.reason
    except (ShardMismatchError, RejectedError) as error:
        reason = str(error)
    logger.info("%s is done by one process", source.uri, extra={"reason": reason})
    return annotate(
        source, config, detector, open_store, cpus=available_cpus(), on_progress=on_progress
    )


def _annotate(  # noqa: PLR0913, PLR0917 - as `annotate_in_shards`
    source: VideoSource,
    config: Config,
    detector: Detector,
    open_store: Callable[[str], ShardStore],
    plan: Plan,
    processes: int,
    on_progress: Progress,
) -> Outcome:
    store = open_store(run_id_of(source, config, detector))

    def results() -> Iterator[ShardResult]:
        """Yield the results. After an error or Ctrl-C, the processes end before it is raised.

        So none still writes images while the store removes them.
        """
        tasks = [ShardTask(source, config, plan, each.number, store) for each in plan.shards]
        signals = DeferredSignals()
        with signals, shard_pool(processes, config.detector, signals.deliver) as pool:
            yield from work_on_shards(
                pool, tasks, lambda done: on_progress(done, plan.facts.seconds)
            )

    return publish_shards(
        source,
        config,
        detector,
        lambda _run_id: store,
        plan=plan,
        results=results(),
        images=StoredImages(store),
    )
