"""Finish a divided run: merge its shards and publish, or end it in another way.

The upload ends by the same decision as one that a single invocation does. Whatever the end is, only
the result stays: images that it does not list, the shards and the plan are removed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler.long_videos import CannotDivide
from handler.metrics import emit_outcome, emit_superseded
from handler.prepared import find_video, prepare
from handler.unread_videos import reject
from handler.worker import metric_labels
from pipeline.concurrency.cpus import available_cpus
from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.errors import BrokenError, CapacityError, RejectedError, SupersededError
from pipeline.outcome import Outcome
from pipeline.run import annotate, publish_shards
from pipeline.runlog import RunLog
from pipeline.sharding.images import ShardArchiveError
from pipeline.storage.s3.attempt_context import settled_result
from pipeline.storage.s3.publication import supersede
from pipeline.storage.s3.result_store import S3ResultStore
from pipeline.storage.s3.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handler.environment import Environment
    from handler.output import JobOutput
    from handler.prepared import Prepared
    from handler.run_plan import RunPlan
    from pipeline.sharding.shard_result import ShardResult
    from pipeline.storage.s3.divided import DividedRun

logger = Logger(child=True)


@dataclass(frozen=True)
class Finish:
    """The last step of a divided run. It can be repeated, as long as the plan is there."""

    plan: RunPlan
    environment: Environment
    output: JobOutput

    def run(self) -> dict[str, Any]:
        """Merge and publish; then remove all but the result.

        Returns:
            The job's entry in the summary: done, rejected, repeated or superseded.

        Raises:
            PretagError: retryable or broken.
        """
        divided = self.output.divided_run(self.plan.run_id)
        divided.check_idle(time.time())
        settled = settled_result(self.output.attempt(), None)
        if settled is not None:
            outcome = Outcome.published(self.plan.job.uri, RunLog().finished(), settled)
            summary = self._told(outcome, ())
        else:
            summary = self._ended(divided)
        divided.clean()
        return summary

    def remove(self) -> dict[str, Any]:
        """Remove all that the run left, unless its result was decided. Then it is published.

        Can be repeated.

        Returns:
            What was done.

        Raises:
            PretagError: retryable or broken.
        """
        divided = self.output.divided_run(self.plan.run_id)
        divided.check_idle(time.time())
        summary = self._published(divided) if self._is_decided() else None
        divided.clean()
        return summary or {"video": self.plan.job.uri, "status": "removed"}

    def _is_decided(self) -> bool:
        """Tell whether an attempt decided that this run is a result, and died before it was seen.

        A rejection names no files, so whoever gets the next event can still publish it.
        """
        attempt, folder = self.output.attempt(), self.output.keys.folder(self.plan.run_id)
        found = (attempt.upload_decision(), attempt.workspace(folder).decision())
        return any(
            each is not None
            and (each.ending, each.folder) == ("done", folder)
            and attempt.holds(each)
            for each in found
        )

    def _published(self, divided: DividedRun) -> dict[str, Any] | None:
        """Publish what was decided; None if it was deleted meanwhile.

        Nothing is computed. So it does not matter if another version or model is deployed by now.
        """
        folder = self.output.keys.folder(self.plan.run_id)
        store = S3ResultStore(self.output.attempt(self._is_current), folder, shards="done")
        result = None
        try:
            result = store.begin()
        except SupersededError as error:
            return self._superseded(divided, str(error))
        finally:
            if result is None:
                store.abandon()
        if result is None:
            return None
        return self._told(Outcome.published(self.plan.job.uri, RunLog().finished(), result), ())

    def _is_current(self) -> bool:
        try:
            return find_video(self.plan, self.output).is_current_version()
        except SupersededError:
            return False

    def _ended(self, divided: DividedRun) -> dict[str, Any]:
        stop = divided.stopped(self.output.budget.capacity)
        if stop is not None and stop.kind == "superseded":
            return self._superseded(divided, stop.message)
        if stop is not None and stop.kind == "rejected":
            return self._told(self._rejected(divided, _rejection(stop)), ())
        try:
            ready = prepare(self.plan, self.output)
            outcome = self._merged(divided, ready) if stop is None else self._here(ready, stop)
        except SupersededError as error:
            return self._superseded(divided, str(error))
        return self._told(outcome, metric_labels(self.plan.job, ready.model, ready.config))

    def _merged(self, divided: DividedRun, ready: Prepared) -> Outcome:
        """Merge the shards; or, if they do not fit together, do the whole video here."""
        # Imported late: only long videos need it.
        from pipeline.sharding.shard_result import ShardResult  # noqa: PLC0415

        def results() -> Iterator[ShardResult]:
            for number in range(self.plan.shards):
                yield ShardResult.from_bytes(divided.result(number))

        try:
            return publish_shards(
                ready.video,
                ready.config,
                ready.detector,
                partial(self.output.store, ready.video, shards="done"),
                plan=self.plan.plan(),
                results=results(),
                images=divided.images,
                budget=self.output.budget,
            )
        except RejectedError as error:  # earlier attempts to finish crashed
            return self._rejected(divided, error)
        except ShardMismatchError as error:
            divided.stop(Stop("mismatch", str(error)))
            return self._here(ready, Stop("mismatch", str(error)))
        except ShardArchiveError as error:
            divided.drop_result(error.shard)
            raise BrokenError(str(error)) from error  # the state machine knows no other name

    def _rejected(self, divided: DividedRun, error: RejectedError) -> Outcome:
        divided.drop_results()  # a larger function must not take them for those of images
        return reject(self.plan.job, self.output, error, self.plan)

    def _here(self, ready: Prepared, stop: Stop) -> Outcome:
        """Do the whole video in this invocation, as its packets cannot be trusted."""
        logger.warning(
            "Shards cannot be merged, so one invocation does the video",
            extra={"run_id": self.plan.run_id, "reason": stop.message},
        )
        return annotate(
            ready.video,
            ready.config,
            ready.detector,
            partial(self.output.store, ready.video, shards="done"),
            cpus=available_cpus(self.environment.memory_megabytes),
            budget=self.output.budget,
            hand_over=CannotDivide(stop.message),
        )

    def _superseded(self, divided: DividedRun, message: str) -> dict[str, Any]:
        job = self.plan.job
        if job.named:  # no other event tells of the object
            divided.clean()
            raise BrokenError(f"{message} Send the event again.")
        result = supersede(self.output.attempt())
        if result is not None:
            return self._told(Outcome.published(job.uri, RunLog().finished(), result), ())
        emit_superseded(job.uri)
        return {"video": job.uri, "status": "superseded", "message": message}

    def _told(self, outcome: Outcome, labels: tuple[str, ...]) -> dict[str, Any]:
        emit_outcome(outcome, labels)
        return {**outcome.summary(), **_shards(outcome.log)}


def _shards(log: RunLog) -> dict[str, Any]:
    """Return what the summary has of the shards; nothing if they were not merged here."""
    if log.shards is None:
        return {}
    return {
        "shard_times": {
            "number": len(log.shards.seconds),
            "slowest": log.shards.slowest,
            "slowest_seconds": round(max(log.shards.seconds), 3),
            "lambda_seconds": round(log.total_seconds, 3),
        }
    }


def _rejection(stop: Stop) -> RejectedError:
    reason = stop.reason or "crashed"
    if stop.capacity is not None:
        return CapacityError(reason, stop.message)
    return RejectedError(reason, stop.message)
