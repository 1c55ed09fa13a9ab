"""What the simulation replaces in divided runs: planning, the work on a shard, the merge.

A video of the kind `long` has two shards, with two images each. The merge drops the second image of
the second shard.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.errors import RejectedError
from pipeline.runlog import RunLog, ShardTimes
from pipeline.sharding.images import new_archive, written_images
from pipeline.sharding.plan import SinglePath
from pipeline.storage.written_file import WrittenFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.long_videos import LongVideo
    from handler.run_plan import RunPlan
    from pipeline.sharding.images import ShardImages
    from pipeline.storage.s3.video import S3Video
    from tests.simulation.world import World

SHARDS = 2


class Content(bytes):
    """The content of a data file, in the place of a dataset."""

    track = None


class Plan:
    """The plan of a long video."""

    facts = None

    def to_json(self) -> dict[str, Any]:
        """Return as much of it as the handler reads."""
        return {"facts": {}, "shards": [{} for _ in range(SHARDS)]}


def make_plan(video: S3Video, *_arguments: object, **_options: object) -> Plan | SinglePath:
    """Plan long videos."""
    kind = json.loads(video.head)["kind"]
    if kind == "bad":
        raise RejectedError("not_a_video", "It is not a video.")
    return SinglePath("It is short.") if kind in {"good", "deadly"} else Plan()


def why_too_long(long_video: LongVideo, *_arguments: object) -> str | None:
    """Tell whether the function is too small."""
    needs = json.loads(long_video.video.head).get("needs_megabytes", 0)
    capacity = long_video.output.budget.capacity
    assert capacity is not None
    return "It is long." if capacity.megabytes < needs else None


@dataclass(frozen=True)
class Result:
    """The result of a shard."""

    number: int
    images: tuple[WrittenFile, ...]
    archive: str | None = None
    seconds: float = 1.0
    counters: None = None

    def to_bytes(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Result:
        """Return what `to_bytes` wrote."""
        value = json.loads(data)
        images = tuple(WrittenFile(**image) for image in value["images"])
        return cls(value["number"], images, value["archive"])


def process_shard(world: World) -> Callable[..., Result]:
    """Return the work on a shard. Images differ from attempt to attempt, as on other CPUs."""

    def process(
        video: S3Video,
        _config: object,
        _detector: object,
        _plan: object,
        number: int,
        *,
        images: ShardImages,
        **_options: object,
    ) -> Result:
        said = json.loads(video.head)
        form = world.archive
        archive = None if form is None else new_archive(number, form)
        with written_images(images, archive, form, RunLog()) as (put, written):
            for image in range(2):
                put(f"images/default/{number}-{image}.jpg", world.file_content(video))
        if number == 1 and said["kind"] == "mismatched":
            raise ShardMismatchError("The packets say something else.")
        if number == 1 and said["kind"] == "half":
            raise RejectedError("decoder_crashed", "The decoder crashed.")
        return Result(number, tuple(written), archive)

    return process


@dataclass
class Merge:
    """The merge of all shards."""

    plan: object
    config: object
    dataset: object
    log: RunLog
    images: list[WrittenFile] = field(default_factory=list)
    dropped_images: list[str] = field(default_factory=list)
    archives: dict[str, tuple[WrittenFile, ...]] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """Add the images of a shard."""
        kept = result.images[: 1 if result.number else 2]
        if result.archive is None:
            self.images += kept
        else:
            self.archives[result.archive] = kept
        self.log.shards = (self.log.shards or ShardTimes()).and_one(result.seconds)

    def finish(self) -> None:
        """Do nothing."""


def replacements(world: World) -> dict[str, Any]:
    """Return what is replaced, by name."""
    from tests.simulation.replacements import (  # noqa: PLC0415 - a cycle
        Config,
        InlineExecutor,
        Model,
        SilentLogger,
    )

    def effective_config(plan: RunPlan) -> Config:
        return Config(plan.config["name"], world.archive)

    return {
        "handler.executions.step_functions_client": lambda: world.step_functions,
        "handler.output.SURELY_SHORT_BYTES": 0,
        "handler.long_videos.LongVideo._why_too_long": why_too_long,
        "handler.long_videos.logger": SilentLogger(),
        "handler.commands.logger": SilentLogger(),
        "handler.finishing.logger": SilentLogger(),
        "handler.leftovers.logger": SilentLogger(),
        "handler.long_videos.time": mock.Mock(time=lambda: world.now),
        "handler.finishing.time": mock.Mock(time=lambda: world.now),
        "handler.finishing.emit_outcome": lambda _outcome, _classes: None,
        "handler.finishing.emit_superseded": lambda _uri: None,
        "handler.finishing.metric_labels": lambda _job, _model, _config: (),
        "handler.worker.emit_divided": lambda _uri: None,
        "handler.prepared.s3_client": lambda: world.s3,
        "handler.prepared.prepare_decoder": lambda: None,
        "handler.prepared.load_model": lambda *_arguments: Model(world.actor.version),
        "handler.run_plan.RunPlan.plan": lambda _plan: None,
        "handler.run_plan.RunPlan.effective_config": effective_config,
        "pipeline.sharding.planning.make_plan": make_plan,
        "pipeline.sharding.images.OrderedExecutor": InlineExecutor,
        "pipeline.sharding.work.process_shard": process_shard(world),
        "pipeline.sharding.shard_result.ShardResult": Result,
        "pipeline.run.ShardMerge": Merge,
        "pipeline.run._new_dataset": lambda run: Content(world.file_content(run.source)),
    }
