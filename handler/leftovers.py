"""Remove what a divided run left that failed for good: images, results of shards, the plan.

Two weeks after an execution failed, a state machine asks for it: then its event has left the
failure queue. The removal is an execution of the run like those that work on it, so Step Functions
lets only one of them work, and whatever event comes meanwhile is tried again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler import executions
from handler.finishing import Finish
from handler.long_videos import execution_input, executions_of
from handler.output import JobOutput
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from handler.environment import Environment
    from handler.invocation import Invocation
    from handler.run_plan import RunPlan

logger = Logger(child=True)


def run_of(execution: str) -> str:
    """Return the run below `pretag-work/` that an execution worked on, by its name."""
    return execution.partition("-")[2].partition("-")[0]


def start_removal(
    plan: RunPlan, environment: Environment, invocation: Invocation
) -> dict[str, Any]:
    """Start the removal, unless an execution works on the run.

    If that one fails, this is asked for again, two weeks later.

    Raises:
        PretagError: retryable or broken.
    """
    settings = environment.long_videos
    if settings is None:
        raise BrokenError("This function has no state machine: LongVideosInShards is off.")
    divided = JobOutput(plan.job, environment, invocation).divided_run(plan.run_id)
    given = execution_input(divided, settings, [], plan.job)
    run = executions_of(plan, divided)
    name = executions.start_removal(settings.state_machine, run, given)
    return _told(plan, "in_use" if name is None else "starts", name)


def remove(plan: RunPlan, environment: Environment, invocation: Invocation) -> dict[str, Any]:
    """Remove what the run left; or publish its result, if that was decided. Can be repeated.

    Raises:
        RetryableError: an invocation may still write images.
        PretagError: retryable or broken.
    """
    done = Finish(plan, environment, JobOutput(plan.job, environment, invocation)).remove()
    return _told(plan, done["status"], None)


def _told(plan: RunPlan, status: str, execution: str | None) -> dict[str, Any]:
    """Log and return what was done."""
    done = {"video": plan.job.uri, "run_id": plan.run_id, "status": status, "execution": execution}
    logger.info("Leftovers of a failed run", extra={"outcome": done})
    return done
