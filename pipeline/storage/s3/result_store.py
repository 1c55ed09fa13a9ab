"""Write results to S3, so that each upload has exactly one visible result.

An attempt registers, writes its files below `pretag-work/`, and decides how the run ends. Files of
the decided attempt are copied to the visible folder. docs/reliability.md lists what can fail.
"""

from __future__ import annotations

import time
from dataclasses import replace
from logging import getLogger
from typing import TYPE_CHECKING, Literal

from pipeline.errors import BrokenError, CapacityError, PretagError, RetryableError
from pipeline.storage.result_store import MANIFEST
from pipeline.storage.s3.attempt_context import decision_of, settled_result
from pipeline.storage.s3.attempts import count_deaths
from pipeline.storage.s3.decision import Decision, decide
from pipeline.storage.s3.publication import finish
from pipeline.storage.s3.run_folder import RunFolder

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pipeline.storage.archive_writer import WriteBlock
    from pipeline.storage.result_store import Ending, PublishedResult
    from pipeline.storage.s3.attempt_context import AttemptContext
    from pipeline.storage.source import ByteRange

logger = getLogger(__name__)

_DEATHS_BEFORE_REJECTION = 2

Shards = Literal["impossible", "possible", "done"]
"""Whether shards of a run may write images: none does, some may if the run has a plan, or all have
and this attempt merges them.
"""


class S3ResultStore:
    """Writes one attempt at a run to `s3://<bucket>/<prefix>/<video key>/<run id>`."""

    def __init__(self, context: AttemptContext, folder: str, shards: Shards = "impossible") -> None:
        """Create a store; nothing is requested.

        Args:
            context: the attempt.
            folder: key prefix of the run's visible folder, without a slash at the end.
            shards: whether shards of this run may write images into its visible folder.
        """
        self._shards = shards
        self._context = context
        self._folder = folder
        self._work = context.workspace(folder)
        self._may_be_decided = False

    @property
    def location(self) -> str:
        """The S3 prefix of the run."""
        return RunFolder(self._context.bucket, self._folder).location

    def begin(self) -> PublishedResult | None:
        """Register this attempt. Return the result if there is one already.

        For a result that is complete, nothing is written.

        Raises:
            CapacityError: as `check_deaths`, unless the run may be handed over.
            SupersededError: another attempt found that the object was gone.
        """
        context = self._context
        settled = settled_result(context, self._folder)
        if settled is not None:
            return settled
        context.register(self._folder)
        decision = self._earlier_decision()
        if decision is not None:
            return self._finish(decision)
        if self._shards != "possible":  # a run that is handed over kills nobody here
            self.check_deaths()
        return None

    def put(self, path: str, data: bytes) -> None:
        """Write one file below `pretag-work/`. May be called from any thread.

        Raises:
            BrokenError, RetryableError: S3 did not accept it.
        """
        self._context.bucket.put(self._file_key(path), data)

    def block_writer(self, path: str) -> AbstractContextManager[WriteBlock]:
        """Write one file of any size below `pretag-work/`, in parts.

        Raises:
            BrokenError, RetryableError: S3 did not accept it.
        """
        return self._context.bucket.block_writer(self._file_key(path))

    def read(self, path: str, part: ByteRange | None = None) -> bytes:
        """Return a file that this attempt or a shard wrote, or a part of it. Any thread may call.

        Raises:
            BrokenError: it is gone.
            RetryableError: S3 did not return it.
        """
        bucket = self._context.bucket
        found = bucket.get(self._file_key(path), part)
        if found is None and self._shards == "done":
            found = bucket.get(f"{self._folder}/{path}", part)
        if found is None:
            uri = bucket.uri(self._file_key(path))
            raise BrokenError(
                f"{uri} is gone while the run still writes. Delete nothing below pretag-work/, and "
                "send the event again."
            )
        return found.data

    def commit(self, ending: Ending) -> PublishedResult:
        """Decide how the run and the upload end, unless that is decided; publish what is decided.

        Raises:
            SupersededError: it was decided that the object was gone.
            RetryableError: meanwhile another attempt divided the run. Only who merges its shards
                may end it, because they may still write images.
            BrokenError, RetryableError: S3 or EventBridge failed.
        """
        if self._is_divided_elsewhere():
            raise RetryableError(
                f"s3://{self._context.bucket.name}/{self._folder} was divided by another attempt "
                "meanwhile. It is tried again."
            )
        correlation = {"correlation_id": self._context.correlation_id}
        ending = replace(ending, content={**ending.content, **correlation})
        rejection = dict(ending.content) if ending.is_rejection else None
        if rejection is None:
            self.put(MANIFEST, ending.data())
        decision = Decision(
            ending="done" if rejection is None else "rejected",
            folder=self._folder,
            attempt=self._context.attempt.id,
            rejection=rejection,
            video=ending.video_uri,
            is_divided=self._shards == "done",
        )
        return self._finish(decision)

    def abandon(self) -> None:
        """Remove this attempt's files and its registration, after an error.

        If its decision may have been made, both stay: the next attempt publishes the files.
        """
        try:
            if self._may_be_decided:
                self._context.register_failure()
            else:
                self._context.withdraw()
        except PretagError as error:  # the first error is told
            logger.warning("What this attempt wrote was not removed: %s", error)

    def _file_key(self, path: str) -> str:
        return self._work.file_key(self._context.attempt.id, path)

    def _is_divided_elsewhere(self) -> bool:
        return self._shards == "possible" and self._work.is_divided()

    def _earlier_decision(self) -> Decision | None:
        """Return the decision of the upload, or that of the run; None if none holds."""
        bucket = self._context.bucket
        ending = RunFolder(bucket, self._folder).ending()
        candidates = (
            self._context.upload_decision(),
            self._work.decision(),
            None if ending is None else decision_of(ending, self._folder),
        )
        holding = (found for found in candidates if found and self._context.holds(found))
        decision = next(holding, None)
        if decision is not None and decision.capacity and self._is_divided_elsewhere():
            return None  # a larger function has its shards worked on, and will replace it
        return decision

    def check_deaths(self) -> None:
        """Check that attempts at this video end in good order.

        Raises:
            CapacityError: two died, in a function that was not smaller than this one.
        """
        attempt = self._context.attempt
        now = time.time()
        deaths = count_deaths(
            other
            for other in self._work.others(attempt)
            if other.has_died(attempt, now) and other.capacity.covers(attempt.capacity)
        )
        if deaths < _DEATHS_BEFORE_REJECTION:
            return
        raise CapacityError(
            "crashed",
            f"{deaths} attempts at this video ended without an error message: the process crashed, "
            f"ran out of memory ({attempt.capacity.megabytes} MB), or was ended by the time-out "
            f"({attempt.capacity.seconds} s). Raise MemoryMegabytes or TimeoutSeconds, and send "
            "the event again; or convert the video, and upload it again.",
        )

    def _finish(self, decision: Decision) -> PublishedResult:
        """Record a decision, or read an earlier one; then publish what is decided."""
        context = self._context
        self._may_be_decided = True
        if context.upload_key is not None:
            decision = decide(context.bucket, context.upload_key, decision, context.holds)
        return finish(context, decision)
