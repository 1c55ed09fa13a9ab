"""Obey the state machines of long videos: work on a shard, note a crash, finish, or remove.

A command names a run below `pretag-work/` of the function's own output bucket. All else is in the
plan that the function wrote there. So whoever may invoke the function can have a plan carried out,
and cannot make one up. docs/trust.md says the same.

A schedule has a command too: write the index page. It names nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler.correlation import correlated
from handler.events import jobs_in
from handler.fields import shown, text_at
from handler.finishing import Finish
from handler.jobs import Job
from handler.leftovers import remove, run_of, start_removal
from handler.output import JobOutput, results_bucket
from handler.prepared import prepare
from handler.run_plan import RunPlan
from handler.trust import Trust
from handler.worker import process_job
from pipeline.concurrency.cpus import available_cpus
from pipeline.errors import (
    BrokenError,
    CapacityError,
    RejectedError,
    RetryableError,
    SupersededError,
)
from pipeline.storage.s3.divided import plan_key
from pipeline.storage.s3.retries import Retries
from pipeline.storage.s3.stop import Stop

if TYPE_CHECKING:
    from handler.environment import Environment
    from handler.invocation import Invocation
    from pipeline.resources.capacity import Capacity
    from pipeline.sharding.shard_result import ShardResult
    from pipeline.storage.s3.divided import DividedRun

logger = Logger(child=True)

_COMMANDS = ("work", "crashed", "finish", "leftovers", "remove", "index")
_OF_LAST_STEPS = ("finish", "remove")
_OF_LEFTOVERS = {"leftovers": start_removal, "remove": remove}


def obey(event: dict[str, Any], environment: Environment, invocation: Invocation) -> dict[str, Any]:
    """Carry a command out.

    Args:
        event: `{"pretag": {"command": ..., "run": ..., "execution": ...}}`. A command is `work` or
            `crashed`, with the number of a `shard`; `finish`, with the `event` of the video;
            `leftovers` and `remove`, long after an execution failed; or `index`, without more.
        environment: settings of the function.
        invocation: this invocation.

    Returns:
        What was done.

    Raises:
        PretagError: retryable or broken. The state machine tries the first kind again.
    """
    command = text_at(event, "pretag.command")
    if command not in _COMMANDS:
        raise BrokenError(f"The command is {shown(command)}; it must be one of {_COMMANDS}.")
    if command == "index":
        from handler.index_page import write_page  # noqa: PLC0415 - only for this command

        return write_page(environment, invocation)
    return _obey_for_run(command, event, environment, invocation)


def _obey_for_run(
    command: str, event: dict[str, Any], environment: Environment, invocation: Invocation
) -> dict[str, Any]:
    if command == "leftovers":
        run = run_of(text_at(event, "pretag.execution"))
    else:
        run = text_at(event, "pretag.run")
    bucket = results_bucket(environment, Retries(invocation.deadline))
    found = bucket.get(plan_key(run))
    plan = None if found is None else RunPlan.from_json(found.data)
    if command in _OF_LAST_STEPS:
        # To an attempt, an earlier one of the same execution, or of one that this one follows, is
        # what Lambda tries again: it has ended.
        follows = text_at(event, "pretag.execution").rpartition("-")[0]
        invocation = replace(invocation, request_id=f"finish {follows}")
    if command == "finish":
        return _finished(event, plan, environment, invocation)
    if plan is None and command in _OF_LEFTOVERS:
        return {"run": run, "status": "nothing_left"}
    if plan is None:
        raise _no_plan(run)
    with correlated(plan.job):
        if command in _OF_LEFTOVERS:  # reads no video, so its bucket may be any
            return _OF_LEFTOVERS[command](plan, environment, invocation)
        Trust.of(environment).check_job(plan.job)
        return _carry_out(command, event, plan, environment, invocation)


def _carry_out(
    command: str,
    event: dict[str, Any],
    plan: RunPlan,
    environment: Environment,
    invocation: Invocation,
) -> dict[str, Any]:
    output = JobOutput(plan.job, environment, invocation)
    shard = _Shard(plan, _shard_number(event, plan), output.divided_run(plan.run_id))
    if command == "crashed":
        return shard.told("crashed", _crash(invocation.capacity))
    name = f"{shard.number}-{text_at(event, 'pretag.execution')}"
    with shard.divided.working(name, plan.job.uri, invocation.ends_at):
        return shard.work(environment, output)


def _finished(
    event: dict[str, Any], plan: RunPlan | None, environment: Environment, invocation: Invocation
) -> dict[str, Any]:
    """End the upload of an execution: with the run that it did, or that another execution did.

    Raises:
        RetryableError: the other execution has not ended the run yet.
    """
    (job,) = jobs_in(event["pretag"].get("event"))
    with correlated(job):
        if plan is not None and isinstance(job, Job) and plan.is_of(job):
            Trust.of(environment).check_job(plan.job)
            summary = Finish(plan, environment, JobOutput(plan.job, environment, invocation)).run()
        else:
            summary = process_job(job, environment, invocation)
            if summary.get("execution") == text_at(event, "pretag.execution"):
                raise RetryableError(f"The run of {job.what} has not ended yet. It is tried again.")
        logger.info("Video processed", extra={"outcome": summary})
    return summary


def _no_plan(run: str) -> BrokenError:
    return BrokenError(
        f"The run {run} has no plan. It has ended already, or somebody forgot its video. If "
        "neither is so, send the event of the video again."
    )


def _shard_number(event: dict[str, Any], plan: RunPlan) -> int:
    number = event["pretag"].get("shard")
    if not isinstance(number, int) or not 0 <= number < plan.shards:
        raise BrokenError(
            f"The shard is {shown(str(number))}; the run has the shards 0 to {plan.shards - 1}."
        )
    return number


def _crash(capacity: Capacity) -> Stop:
    message = (
        "Three attempts at one part of this video ended without an error message: the process "
        f"crashed, ran out of memory ({capacity.megabytes} MB), or was ended by the time-out "
        f"({capacity.seconds} s). Raise MemoryMegabytes or TimeoutSeconds, and send the event "
        "again; or convert the video, and upload it again."
    )
    return Stop("rejected", message, "crashed", capacity)


@dataclass(frozen=True)
class _Shard:
    """One shard of a run."""

    plan: RunPlan
    number: int
    divided: DividedRun

    def work(self, environment: Environment, output: JobOutput) -> dict[str, Any]:
        """Compute the shard, unless its result is there or the run was stopped."""
        stop = self.divided.stopped(output.budget.capacity)
        if stop is not None or self.divided.is_done(self.number):
            return self.told("repeated", None)
        from pipeline.decoding.key_frame import ShardMismatchError  # noqa: PLC0415 - for shards

        try:
            result = self._computed(environment, output)
        except ShardMismatchError as error:
            return self.told("mismatch", Stop("mismatch", str(error)))
        except SupersededError as error:
            return self.told("superseded", Stop("superseded", str(error)))
        except RejectedError as error:
            capacity = output.budget.capacity if isinstance(error, CapacityError) else None
            return self.told("rejected", Stop("rejected", str(error), error.reason, capacity))
        result = replace(result, images=self.divided.images.as_they_lie(result.images))
        is_new = self.divided.put_result(self.number, result.to_bytes())
        return self.told("done" if is_new else "repeated", None, seconds=round(result.seconds, 3))

    def told(self, status: str, stop: Stop | None, **figures: float) -> dict[str, Any]:
        """Note why the run cannot be merged, if so; then log and return what was done."""
        if stop is not None:
            self.divided.stop(stop)
        done = {
            "video": self.plan.job.uri,
            "run_id": self.plan.run_id,
            "shard": self.number,
            "status": status,
            **({} if stop is None else {"message": stop.message}),
            **figures,
        }
        logger.info("Shard processed", extra={"outcome": done})
        return done

    def _computed(self, environment: Environment, output: JobOutput) -> ShardResult:
        from pipeline.sharding.work import process_shard  # noqa: PLC0415 - only for shards

        ready = prepare(self.plan, output)
        return process_shard(
            ready.video,
            ready.config,
            ready.detector,
            self.plan.plan(),
            self.number,
            images=self.divided.images,
            cpus=available_cpus(environment.memory_megabytes),
            budget=output.budget,
        )
