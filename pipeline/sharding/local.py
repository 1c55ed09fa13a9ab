"""Work on the shards of one video with several processes of this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pipeline.child_process.confinement import end_with_parent
from pipeline.concurrency.cpus import available_cpus
from pipeline.concurrency.worker_pool import WorkerPool
from pipeline.decoding.process.spare import prepare_decoder
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.sharding.shard_result import ShardResult
from pipeline.sharding.work import process_shard
from pipeline.storage.result_store import ResultStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from pipeline.concurrency.worker_pool import Report, Work
    from pipeline.config.schema import Config, DetectorConfig
    from pipeline.sharding.plan import Plan
    from pipeline.storage.archive_writer import WriteBlock
    from pipeline.storage.source import ByteRange, VideoSource


_ARCHIVES = "shards"
"""The folder of the archives of shards. It is removed before the result is published."""


class ShardStore(ResultStore, Protocol):
    """A result store that several processes write to: it can be pickled."""

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files that were written, and are not to be published."""

    def remove_folder(self, path: str) -> None:
        """Remove a folder with all files in it, if it is there."""


@dataclass(frozen=True)
class StoredImages:
    """The images of shards in the result store itself. See `ShardImages`."""

    store: ShardStore

    def put_image(self, path: str, data: bytes) -> None:
        """Write an image where it stays."""
        self.store.put(path, data)

    def archive_writer(self, name: str) -> AbstractContextManager[WriteBlock]:
        """Write a shard's archive."""
        return self.store.block_writer(f"{_ARCHIVES}/{name}")

    def read_archive(self, name: str, part: ByteRange) -> bytes:
        """Return a part of a shard's archive."""
        return self.store.read(f"{_ARCHIVES}/{name}", part)

    def remove(self, paths: Sequence[str]) -> None:
        """Remove images, and all archives of shards."""
        self.store.remove(paths)
        self.store.remove_folder(_ARCHIVES)


@dataclass(frozen=True)
class ShardTask:
    """One shard of one video.

    Attributes:
        source: the video.
        config: the effective configuration.
        plan: the plan.
        number: which shard.
        store: where its images go.
    """

    source: VideoSource
    config: Config
    plan: Plan
    number: int
    store: ShardStore


ShardPool: TypeAlias = WorkerPool[ShardTask, bytes]


@dataclass(frozen=True)
class _Preparation:
    """What each worker process does first: it loads the model.

    Attributes:
        config: which model.
        cpus: number of CPUs that one process uses.
        parent: id of the process that it works for.
    """

    config: DetectorConfig
    cpus: int
    parent: int

    def __call__(self) -> Work[ShardTask, bytes]:
        """Return what works on a shard."""
        end_with_parent(self.parent)
        prepare_decoder()
        model = Model.configured(self.config)

        def work(task: ShardTask, report: Report) -> bytes:
            prepare_decoder()
            return process_shard(
                task.source,
                task.config,
                Detector(model, task.config.detector),
                task.plan,
                task.number,
                images=StoredImages(task.store),
                cpus=self.cpus,
                on_progress=lambda done: report(done, None),
            ).to_bytes()

        return work


def shard_pool(processes: int, config: DetectorConfig, watch: Callable[[], None]) -> ShardPool:
    """Return a pool whose processes load the model once, and work on shards of any video.

    Args:
        processes: number of processes; the CPUs are divided among them.
        config: the detector of all videos.
        watch: called about twice a second while results are waited for. It may raise.
    """
    cpus = max(1, available_cpus() // processes)
    return WorkerPool(processes, _Preparation(config, cpus, os.getpid()), watch=watch)


def work_on_shards(
    pool: ShardPool,
    tasks: Sequence[ShardTask],
    on_progress: Callable[[float], None],
) -> Iterator[ShardResult]:
    """Yield the results of all shards of a video, in order.

    Args:
        pool: the pool.
        tasks: the shards.
        on_progress: called with the seconds of video done so far, over all shards.
    """
    done = [0.0] * len(tasks)

    def add(number: int, seconds: float, _total: float | None) -> None:
        done[number] = seconds
        on_progress(sum(done))

    for data in pool.map(tasks, add):
        yield ShardResult.from_bytes(data)
