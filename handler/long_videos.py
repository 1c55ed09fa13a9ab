"""Divide a video that does not fit one invocation among many.

What fits is done here. What does not fit is planned, and the state machine is started with the
plan. The estimate may be wrong: a run that proves too long while it works is divided then.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler import executions, output
from handler.run_plan import RunPlan
from pipeline.concurrency.cpus import available_cpus
from pipeline.errors import CapacityError, HandedOverError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.environment import Environment, LongVideoSettings
    from handler.jobs import Job
    from handler.output import JobOutput
    from pipeline.config.schema import Config
    from pipeline.decoding.key_frame import VideoFacts
    from pipeline.storage.s3.divided import DividedRun
    from pipeline.storage.s3.result_store import S3ResultStore
    from pipeline.storage.s3.video import S3Video

logger = Logger(child=True)

# The estimate may be wrong by this, before a run that seemed to fit does not.
_MARGIN = 1.5
# Long enough to make the start of an invocation cheap, and short enough to end soon.
_LONGEST_SHARD_SECONDS = 300.0
# For a millisecond that a second of 1080p at 30 frames a second takes: see work_estimate.py.
_WORK_SECONDS_A_SECOND = 0.13
MOST_SHARDS = 1000
# An execution gets at most 256 KiB of input, and EventBridge tells of at most 248.
_LARGEST_EVENT = 100_000


@dataclass(frozen=True)
class CannotDivide:
    """Leaves a run where it is, although it may be too long.

    Attributes:
        why: why it cannot be divided, as a sentence.
    """

    why: str

    def before_work(self) -> None:
        """Do nothing."""

    def out_of_time(self, error: CapacityError) -> CapacityError:
        """Return the error with the reason why the video cannot be divided."""
        return CapacityError(error.reason, f"{error} It cannot be divided: {self.why}")


@dataclass(frozen=True)
class LongVideo:
    """Hands one run over to the state machine. See `pipeline.resources.hand_over`."""

    job: Job
    environment: Environment
    settings: LongVideoSettings
    output: JobOutput
    video: S3Video
    config: Config
    run_id: str
    store: S3ResultStore

    def before_work(self) -> None:
        """Hand the run over if it is divided already, or if it does not fit.

        Raises:
            HandedOverError: it was handed over.
            RejectedError: the video cannot be decoded, or two attempts at it died.
            BrokenError, RetryableError: S3 or Step Functions failed.
        """
        if self.video.size <= output.SURELY_SHORT_BYTES:
            return
        divided = self.output.divided_run(self.run_id)
        data = divided.plan()
        if data is not None:
            self._start(divided, RunPlan.from_json(data), "It is divided already.")
        self._divide(divided, None)
        self.store.check_deaths()  # by working on it alone

    def out_of_time(self, error: CapacityError) -> CapacityError:
        """Hand over a run that proved too long.

        Returns:
            Why the video is rejected, with the reason why it cannot be divided.

        Raises:
            HandedOverError: it was handed over.
            BrokenError, RetryableError: S3 or Step Functions failed.
        """
        why_not = self._divide(self.output.divided_run(self.run_id), error)
        return CannotDivide(why_not).out_of_time(error)

    def _divide(self, divided: DividedRun, error: CapacityError | None) -> str:
        """Plan the run and hand it over; or return why it stays here, as a sentence."""
        # Imported late: only long videos need it.
        from pipeline.decoding.division import Division  # noqa: PLC0415
        from pipeline.sharding.plan import SinglePath  # noqa: PLC0415
        from pipeline.sharding.planning import make_plan  # noqa: PLC0415

        if len(json.dumps(self.job.event())) > _LARGEST_EVENT:
            return self._stays("its event is too large for an execution.")
        limit = self._limit_seconds()
        shard_seconds = min(_LONGEST_SHARD_SECONDS, limit / 2 / self._work_seconds_a_second())
        division = Division(max(1.0, shard_seconds), MOST_SHARDS)
        plan = make_plan(self.video, self.config, division, budget=self.output.budget)
        if isinstance(plan, SinglePath):
            return self._stays(plan.reason)
        why = str(error) if error else self._why_too_long(plan.facts, limit)
        if why is None:
            return self._stays("it fits.")
        run_plan = RunPlan(
            job=self.job,
            identity=self.video.identity,
            folder=self.output.keys.folder(self.run_id),
            run_id=self.run_id,
            config=self.config.model_dump(mode="json"),
            division=plan.to_json(),
        )
        data = divided.make_plan(run_plan.data())
        return self._start(divided, RunPlan.from_json(data), why)

    def _why_too_long(self, facts: VideoFacts, limit_seconds: float) -> str | None:
        """Return why one invocation does not do the video, as a sentence; None if it does."""
        from handler.work_estimate import work_seconds  # noqa: PLC0415 - see _divide

        seconds = work_seconds(facts, self.config, self._cpus)
        if seconds <= limit_seconds:
            return None
        return (
            f"{facts.seconds:.0f} seconds of {facts.width}x{facts.height} would take one "
            f"invocation about {seconds:.0f} seconds; {limit_seconds:.0f} are the limit."
        )

    def _limit_seconds(self) -> float:
        """Return how long the work may seem to take, for this invocation to do it."""
        left = self.output.budget.deadline.seconds_left() / _MARGIN
        return min(float(self.settings.after_seconds), left)

    @property
    def _cpus(self) -> float:
        from handler.work_estimate import MEGABYTES_FOR_A_CPU  # noqa: PLC0415 - see _divide

        megabytes = self.environment.memory_megabytes
        if megabytes is None:
            return float(available_cpus(None))
        return megabytes / MEGABYTES_FOR_A_CPU

    def _work_seconds_a_second(self) -> float:
        return _WORK_SECONDS_A_SECOND / self._cpus

    def _stays(self, why: str) -> str:
        logger.info("Video is not divided", extra={"run_id": self.run_id, "reason": why})
        return why

    def _start(self, divided: DividedRun, run_plan: RunPlan, why: str) -> str:
        """Start an execution for the shards that are missing. Does not return.

        Raises:
            HandedOverError: the execution works.
        """
        capacity = self.output.budget.capacity
        if capacity is not None:
            divided.check_alone(capacity, time.time())
            divided.remove_rejection(capacity)
        run, upload = executions_of(run_plan, divided), self.job.upload

        def missing() -> list[int]:
            if divided.plan() is None:
                raise RetryableError(f"The run {self.run_id} ended meanwhile. It is tried again.")
            return sorted(set(range(run_plan.shards)) - divided.done())

        if upload is None or run_plan.is_of(self.job):
            name, is_new = self._execution(divided, run, missing, run_plan.job)
        else:
            # The same bytes were uploaded twice, or a person named them. An execution of its own
            # waits until the planned upload's has ended the run, and then ends this upload.
            name, is_new = self._execution(divided, f"{run}-{upload.id[:8]}", list, self.job)
            if is_new:
                self._execution(divided, run, missing, run_plan.job)
        logger.info(
            "Video is divided",
            extra={
                "run_id": self.run_id,
                "reason": why,
                "execution": name,
                "is_new": is_new,
                "shards": run_plan.shards,
                "missing": run_plan.shards - len(divided.done()),
            },
        )
        raise HandedOverError(why, name, run_plan.shards)

    def _execution(
        self, divided: DividedRun, run: str, shards: Callable[[], list[int]], job: Job
    ) -> tuple[str, bool]:
        """Start an execution, unless one works; return its name, and whether it was started."""
        settings, failed = self.settings, self.job.failed_execution

        def given() -> dict[str, Any]:
            return execution_input(divided, settings, shards(), job)

        return executions.start(settings.state_machine, run, given, failed)


def executions_of(run_plan: RunPlan, divided: DividedRun) -> str:
    """Return what the names of the executions begin with that work on a run."""
    return f"{run_plan.run_id}-{divided.name}"


def execution_input(
    divided: DividedRun, settings: LongVideoSettings, shards: list[int], job: Job
) -> dict[str, Any]:
    """Return the input of an execution: what the state machine and its commands need."""
    return {
        "run": divided.name,
        "function": settings.function,
        "concurrency": settings.concurrency,
        "shards": shards,
        "event": job.event(),
    }
