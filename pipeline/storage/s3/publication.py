"""Publish what was decided: the visible result, `latest.json`, the notification, the cleaning up.

Each step can be repeated. An attempt that dies leaves its registration, and the next attempt
carries out all steps again.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import RetryableError, SupersededError
from pipeline.resources.capacity import Capacity
from pipeline.storage.pointer import Pointer
from pipeline.storage.result_store import REJECTION, Ending, PublishedResult
from pipeline.storage.s3.attempt_context import settled_result
from pipeline.storage.s3.decision import Decision, decide
from pipeline.storage.s3.latest import advance
from pipeline.storage.s3.run_folder import RunFolder

if TYPE_CHECKING:
    from pipeline.storage.s3.attempt_context import AttemptContext
    from pipeline.storage.s3.upload import Upload


def finish(context: AttemptContext, decision: Decision) -> PublishedResult:
    """Record the decision of the run, or read an earlier one; then publish what is decided.

    Args:
        context: the attempt.
        decision: how the upload ends.

    Raises:
        SupersededError: it was decided that the object was gone.
        RetryableError: S3 failed, or a rejection cannot be replaced yet.
        BrokenError: S3 or EventBridge refuses a request.
    """
    # Registered before decisions are read, so that whoever replaces one knows of this attempt.
    while decision.folder and decision.folder not in context.folders:
        context.register(decision.folder)
        decision = context.upload_decision() or decision
    if not decision.folder:
        context.withdraw()
        raise SupersededError("Another attempt found that the object was replaced or deleted.")
    run = decide(
        context.bucket, context.workspace(decision.folder).decision_key, decision, context.holds
    )
    run = replace(run, replaced=tuple(dict.fromkeys((*run.replaced, *decision.replaced))))
    ending = _publish(context, run)
    if context.upload_key is not None and run.ending != decision.ending:
        # A direct event, or another upload of the same content, ended the run in another way.
        decide(
            context.bucket, context.upload_key, run, lambda earlier: earlier.ending == run.ending
        )
    if context.upload is not None and run.rejection is None:
        _advance_latest(context, context.upload, run.folder, ending)
    return _settle(context, decision, run, ending)


def supersede(context: AttemptContext) -> PublishedResult | None:
    """End an upload whose object is gone. Return its result if another attempt had decided one."""
    key = context.upload_key
    if key is None:
        return None
    # Nothing can be computed any more, so a rejection for lack of capacity holds.
    context = replace(context, attempt=replace(context.attempt, capacity=Capacity(0, 0)))
    settled = settled_result(context, None)
    if settled is not None:
        return settled
    superseded = Decision("superseded", folder="", attempt=context.attempt.id)
    try:
        return finish(context, decide(context.bucket, key, superseded, context.holds))
    except SupersededError:
        return None
    except BaseException:
        context.register_failure()
        raise


def _publish(context: AttemptContext, decision: Decision) -> Ending:
    _check_replaceable(context, decision)
    visible = RunFolder(context.bucket, decision.folder)
    if decision.rejection is not None:
        visible.publish_rejection(decision)
        return Ending(REJECTION, decision.rejection)
    work = context.workspace(decision.folder)
    visible.publish_files(decision, lambda path: work.file_key(decision.attempt, path))
    ending = visible.ending()
    if ending is None:
        raise RetryableError(
            f"{visible.location} was deleted while it was read. It is tried again."
        )
    return ending


def _check_replaceable(context: AttemptContext, decision: Decision) -> None:
    """Check that no attempt still works that may publish a replaced rejection.

    Such an attempt registered before it could see this decision, and its function is so small that
    the rejection holds for it.

    Raises:
        RetryableError: there is one.
    """
    if not decision.replaced:
        return
    now = time.time()
    for folder in {decision.folder, *(rejection.folder for rejection in decision.replaced)}:
        for other in context.workspace(folder).others(context.attempt):
            may_publish = other.seen != decision.attempt and any(
                rejection.capacity.covers(other.capacity) for rejection in decision.replaced
            )
            if may_publish and not other.has_ended(context.attempt, now):
                raise RetryableError(
                    f"A smaller function still works on s3://{context.bucket.name}/{folder}, so "
                    "its rejection cannot be replaced yet. It is tried again."
                )


def _advance_latest(context: AttemptContext, upload: Upload, folder: str, ending: Ending) -> None:
    """Point `latest.json` at the result, unless a later upload has one."""
    if upload.sequencer is None and not context.is_current():
        return
    video_prefix, _, run_id = folder.rpartition("/")
    finished = ending.content["finished"]
    advance(
        context.bucket, video_prefix, Pointer(run_id, finished, upload.bucket, upload.sequencer)
    )


def _settle(
    context: AttemptContext, decision: Decision, run: Decision, ending: Ending
) -> PublishedResult:
    """Send the notification if nobody else will; then remove what ended attempts left.

    Files of other attempts that may have decided stay for the lifecycle rule, because the decision
    of an upload may name them.
    """
    own, work, now = context.attempt, context.workspace(run.folder), time.time()
    ended = {other.id for other in work.others(own) if other.has_ended(own, now)}
    is_told_here = run.attempt in {*ended, own.id}
    location = RunFolder(context.bucket, run.folder).location
    result = PublishedResult(location, ending, is_repeated=not is_told_here)
    if is_told_here:
        context.notify(result)
    if run.attempt in ended and run.rejection is None:
        work.remove_files(run.attempt)
    work.remove_undecided_files(ended - {run.attempt})
    is_needed = decision.attempt == own.id and decision.ending == "done" and run.rejection
    for folder in () if is_needed else context.folders:
        context.workspace(folder).remove_files(own.id)
    for folder in context.folders - {run.folder}:
        context.workspace(folder).unregister([own.id])
    # An ended attempt may have replaced this decision. Then its registration says that its result
    # is still to be published.
    current = work.decision()
    if current is not None and current.attempt != run.attempt:
        ended.clear()
    # The deciding attempt is last: until its registration is gone, the next attempt notifies.
    work.unregister(sorted({*ended, own.id}, key=lambda name: name == run.attempt))
    return result
