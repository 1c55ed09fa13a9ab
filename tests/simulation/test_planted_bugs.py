"""A test of the test: bugs that are planted into the code of production must be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from handler.jobs import Job
from handler.leftovers import remove
from handler.output import JobOutput
from pipeline.errors import RejectedError
from pipeline.outcome import Outcome
from pipeline.runlog import RunLog
from pipeline.storage.pointer import Pointer
from pipeline.storage.result_store import Ending, PublishedResult
from pipeline.storage.s3 import latest, publication
from pipeline.storage.s3.attempt_context import AttemptContext
from pipeline.storage.s3.attempts import Attempt, Workspace
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.decision import Decision, decide
from pipeline.storage.s3.result_store import S3ResultStore
from pipeline.storage.s3.run_folder import RunFolder
from tests.simulation.runs import simulate
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.world import RESULTS
from tests.support.visible_results import Violation

SEEDS = 400
"""Interleavings of each scenario that a bug can survive at most."""

Bug = tuple[str, Any, tuple[str, ...]]
"""What is replaced, by what, and the scenarios that find it."""


def create_without_condition(bucket: Bucket, key: str, data: bytes) -> bool:
    bucket.put(key, data)
    return True


def replace_without_condition(bucket: Bucket, key: str, data: bytes, _etag: str) -> bool:
    bucket.put(key, data)
    return True


def create_that_takes_a_conflict_for_success(bucket: Bucket, key: str, data: bytes) -> bool:
    try:
        bucket._put(key, data, IfNoneMatch="*")
    except Exception as error:
        return "PreconditionFailed" not in str(error)
    return True


def check_then_write(bucket: Bucket, key: str, data: bytes) -> bool:
    if bucket.exists(key):
        return False
    bucket.put(key, data)
    return True


def missing_as_superseded(bucket: Bucket, request: Callable[[], Any], key: str) -> Any:
    return bucket._retries.call(request, bucket.uri(key), "read")


def manifest_before_files(
    folder: RunFolder, decision: Decision, file_key: Callable[[str], str]
) -> None:
    folder._remove_rejections({folder._folder})
    manifest = folder._bucket.get(file_key("manifest.json"))
    if manifest is not None:
        folder._bucket.put(f"{folder._folder}/manifest.json", manifest.data)
        folder._bring_files(decision, manifest.data, file_key)


def publish_own_files(context: AttemptContext, decision: Decision) -> PublishedResult:
    return FINISH(context, replace(decision, attempt=context.attempt.id))


def shared_file_key(workspace: Workspace, _attempt_id: str, path: str) -> str:
    return f"{workspace._files}shared/{path}"


def keep_rejections(_folder: RunFolder, _folders: set[str]) -> None:
    pass


def no_check(*_arguments: object) -> None:
    pass


def decide_for_the_run_alone(_context: AttemptContext) -> str | None:
    return None


def holds_for_any(_decision: Decision, _capacity: object) -> bool:
    return True


def holds_for_none(decision: Decision, _capacity: object) -> bool:
    return decision.rejection is None


def nobody_has_ended(_attempt: Attempt, **_options: object) -> bool:
    return False


def all_have_ended(_attempt: Attempt, by: Attempt, now: float) -> bool:
    del by, now
    return True


def abandon_all(store: S3ResultStore) -> None:
    store._context.withdraw()


def settle_with(
    context: AttemptContext,
    run: Decision,
    ending: Ending,
    *,
    notifies: bool,
    keeps_files: bool = False,
) -> PublishedResult:
    result = PublishedResult(RunFolder(context.bucket, run.folder).location, ending)
    if notifies:
        context.notify(result)
    if not keeps_files:
        context.withdraw()
    else:
        for folder in context.folders:
            context.workspace(folder).unregister([context.attempt.id])
    return result


def settle_without_notification(
    context: AttemptContext, decision: Decision, run: Decision, ending: Ending
) -> PublishedResult:
    return settle_with(context, run, ending, notifies=False)


def settle_own_alone(
    context: AttemptContext, decision: Decision, run: Decision, ending: Ending
) -> PublishedResult:
    work = context.workspace(run.folder)
    work.unregister(other.id for other in work.others(context.attempt))
    return settle_with(context, run, ending, notifies=run.attempt == context.attempt.id)


def settle_always_notifying(
    context: AttemptContext, decision: Decision, run: Decision, ending: Ending
) -> PublishedResult:
    return settle_with(context, run, ending, notifies=True)


def settle_before_the_notification(
    context: AttemptContext, decision: Decision, run: Decision, ending: Ending
) -> PublishedResult:
    context.withdraw()
    is_own = run.attempt == context.attempt.id
    return settle_with(context, run, ending, notifies=is_own)


def settle_leaving_files(
    context: AttemptContext, decision: Decision, run: Decision, ending: Ending
) -> PublishedResult:
    is_own = run.attempt == context.attempt.id
    return settle_with(context, run, ending, notifies=is_own, keeps_files=True)


def supersede_without_decision(_context: AttemptContext) -> None:
    return None


def settled_without_asking_who_works(
    context: AttemptContext, folder: str | None
) -> PublishedResult | None:
    visible = RunFolder(context.bucket, folder or "")
    ending = visible.ending()
    return None if ending is None else PublishedResult(visible.location, ending, is_repeated=True)


def later_without_sequencer(_now: Pointer | None, new: Pointer) -> Pointer:
    return new


def later_without_source(now: Pointer | None, new: Pointer) -> Pointer:
    if now is not None and (now.sequencer or "") >= (new.sequencer or ""):
        return now
    return new


def advance_without_swap(bucket: Bucket, video_prefix: str, pointer: Pointer) -> bool:
    key = f"{video_prefix}/latest.json"
    stored = bucket.get(key)
    now = None if stored is None else Pointer.parse(stored.data, key)
    bucket.put(key, publication_bytes(latest._later(now, pointer)))
    return True


def publication_bytes(pointer: Pointer) -> bytes:
    return Ending("", pointer.to_json()).data()


def advance_for_any_event(
    context: AttemptContext,
    upload: Any,
    folder: str,
    ending: Ending,
) -> None:
    del upload
    video_prefix, _, run_id = folder.rpartition("/")
    pointer = Pointer(run_id, ending.content["finished"], "videos", None)
    latest.advance(context.bucket, video_prefix, pointer)


def decide_again(
    bucket: Bucket, key: str, decision: Decision, _holds: Callable[[Decision], bool]
) -> Decision:
    return decide(bucket, key, decision, lambda _earlier: False)


def delete_from_the_decided_attempt(store: S3ResultStore, ending: Ending) -> PublishedResult:
    store._context.withdraw()
    return COMMIT(store, ending)


def reject_without_a_result(job: Job, output: JobOutput, error: RejectedError) -> Outcome:
    result = f"s3://{RESULTS}/{output.keys.folder('0' * 16)}"
    return Outcome(job.uri, "rejected", result, error.reason, str(error), RunLog())


def keep_images(folder: RunFolder, _ending: Ending | None) -> set[str]:
    prefix = f"{folder._folder}/"
    return {key.removeprefix(prefix) for key in folder._bucket.keys(f"{prefix}images/")}


COMMIT, FINISH = S3ResultStore.commit, publication.finish

BUGS: dict[str, Bug] = {
    "decisions are written without a condition": (
        "pipeline.storage.s3.bucket.Bucket.create", create_without_condition, ("duplicates",)
    ),
    "a decision is looked up, then written": (
        "pipeline.storage.s3.bucket.Bucket.create", check_then_write, ("duplicates",)
    ),
    "decisions are replaced without a condition": (
        "pipeline.storage.s3.bucket.Bucket.replace", replace_without_condition,
        ("too_long_then_larger_twice", "two_versions_of_a_video"),
    ),
    "409 is taken for success": (
        "pipeline.storage.s3.bucket.Bucket.create", create_that_takes_a_conflict_for_success,
        ("duplicates", "one_upload"),
    ),
    "every decision is made again": (
        "pipeline.storage.s3.result_store.decide", decide_again, ("new_version_of_pretag",)
    ),
    "the manifest is visible before the files": (
        "pipeline.storage.s3.run_folder.RunFolder.publish_files", manifest_before_files,
        ("one_upload",),
    ),
    "each attempt publishes its own files": (
        "pipeline.storage.s3.result_store.finish", publish_own_files, ("duplicates",)
    ),
    "attempts share the names of their files": (
        "pipeline.storage.s3.attempts.Workspace.file_key", shared_file_key, ("duplicates",)
    ),
    "a missing object of a write supersedes the video": (
        "pipeline.storage.s3.bucket.Bucket._call", missing_as_superseded,
        ("duplicates", "one_upload"),
    ),
    "a replaced rejection stays": (
        "pipeline.storage.s3.run_folder.RunFolder._remove_rejections", keep_rejections,
        ("too_long",),
    ),
    "a rejection is replaced while another attempt may write it": (
        "pipeline.storage.s3.publication._check_replaceable", no_check,
        ("too_long", "too_long_and_direct"),
    ),
    "uploads have no decision": (
        "pipeline.storage.s3.attempt_context.AttemptContext.upload_key",
        property(decide_for_the_run_alone), ("new_version_of_pretag",),
    ),
    "a rejection for capacity holds for ever": (
        "pipeline.storage.s3.decision.Decision.holds_for", holds_for_any, ("too_long",)
    ),
    "a rejection never holds": (
        "pipeline.storage.s3.decision.Decision.holds_for", holds_for_none, ("rejected",)
    ),
    "an event that is delivered twice counts as two deaths": (
        "pipeline.storage.s3.result_store.count_deaths", lambda died: sum(1 for _ in died),
        ("one_request_id",),
    ),
    "attempts that still work count as dead": (
        "pipeline.storage.s3.attempts.Attempt.has_ended", all_have_ended, ("duplicates",)
    ),
    "dead attempts are taken for working ones": (
        "pipeline.storage.s3.attempts.Attempt.has_ended",
        lambda *_arguments, **_options: False, ("deadly",),
    ),
    "deaths in a smaller function count": (
        "pipeline.resources.capacity.Capacity.covers", lambda _capacity, _other: True,
        ("deadly_then_enlarged", "too_long"),
    ),
    "deaths are not counted": (
        "pipeline.storage.s3.result_store.S3ResultStore.check_deaths", no_check, ("deadly",)
    ),
    "an error after the decision removes the files": (
        "pipeline.storage.s3.result_store.S3ResultStore.abandon", abandon_all, ("one_upload",)
    ),
    "files are removed before they are published": (
        "pipeline.storage.s3.result_store.S3ResultStore.commit", delete_from_the_decided_attempt,
        ("one_upload",),
    ),
    "no notification is sent": (
        "pipeline.storage.s3.publication._settle", settle_without_notification, ("one_upload",)
    ),
    "nobody notifies for an attempt that died": (
        "pipeline.storage.s3.publication._settle", settle_own_alone, ("one_upload",)
    ),
    "each attempt notifies": (
        "pipeline.storage.s3.publication._settle", settle_always_notifying, ("duplicates",)
    ),
    "the registration is removed before the notification": (
        "pipeline.storage.s3.publication._settle", settle_before_the_notification,
        ("one_upload",),
    ),
    "files of attempts stay": (
        "pipeline.storage.s3.publication._settle", settle_leaving_files, ("one_upload",)
    ),
    "superseded is not decided": (
        "handler.worker.supersede", supersede_without_decision, ("deleted",)
    ),
    "a video that is not there is told and not written": (
        "handler.worker.reject", reject_without_a_result, ("direct_and_missing",)
    ),
    "a repeated event works again": (
        "pipeline.storage.s3.attempts.Workspace.is_idle", lambda _workspace: False, ("one_upload",)
    ),
    "a visible result ends an upload without its decision": (
        "pipeline.storage.s3.result_store.settled_result", settled_without_asking_who_works,
        ("uploaded_again", "one_upload", "duplicates"),
    ),
    "latest.json follows the last writer": (
        "pipeline.storage.s3.latest._later", later_without_sequencer,
        ("two_versions_of_a_video",),
    ),
    "latest.json follows any bucket": (
        "pipeline.storage.s3.latest._later", later_without_source, ("two_buckets",)
    ),
    "latest.json is read, then written": (
        "pipeline.storage.s3.publication.advance", advance_without_swap,
        ("two_versions_of_a_video",),
    ),
    "latest.json forgets the sequencer": (
        "pipeline.storage.s3.publication._advance_latest", advance_for_any_event,
        ("two_versions_of_a_video", "two_buckets"),
    ),
    "requests do not name the owner of the bucket": (
        "handler.output.Bucket",
        lambda client, name, _owner, retries: Bucket(client, name, None, retries),
        ("one_upload",),
    ),
    "images of shards stay": (
        "pipeline.storage.s3.run_folder.RunFolder.remove_unlisted", keep_images,
        ("divided_and_rejected",),
    ),
    "an image that was there counts as the new one": (
        "pipeline.storage.s3.divided_images.DividedImages.as_they_lie",
        lambda _run, images: tuple(images),
        ("divided",),
    ),
    "results of shards outlive their images": (
        "pipeline.storage.s3.divided.DividedRun.drop_results", no_check, ("divided_once",)
    ),
    "leftovers of a decided result are removed": (
        "handler.finishing.Finish._is_decided", lambda _finish: False, ("divided_once",)
    ),
    "a run is handed over to the removal of its leftovers": (
        "handler.executions._removes", lambda _machine, _name: False, ("divided_once", "divided")
    ),
    "leftovers are removed beside an execution that works": (
        "handler.commands._OF_LEFTOVERS", {"leftovers": remove}, ("divided",)
    ),
    "images of a run that was given up stay": (
        "pipeline.storage.s3.run_folder.RunFolder.remove_unlisted", keep_images, ("divided_once",)
    ),
    "archives of shards stay": (
        "pipeline.storage.s3.divided_images.DividedImages.remove_archives", no_check,
        ("divided_with_archives",),
    ),
    "a run that is handed over stays registered": (
        "pipeline.storage.s3.attempt_context.AttemptContext.withdraw", no_check, ("divided_once",)
    ),
    "who works alone is not waited for": (
        "pipeline.storage.s3.divided.DividedRun.check_alone", no_check, ("divided_and_larger",)
    ),
    "another upload of the same run is forgotten": (
        "handler.run_plan.RunPlan.is_of", lambda _plan, _job: True,
        ("divided_and_uploaded_again",),
    ),
}  # fmt: skip


def is_found(scenarios: tuple[str, ...]) -> bool:
    """Tell whether any interleaving of the scenarios has a violation."""
    for seed in range(SEEDS):
        for name in scenarios:
            try:
                simulate(SCENARIOS[name], seed)
            except Violation:
                return True
    return False


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    target, bug, scenarios = BUGS[name]
    with mock.patch(target, bug):
        assert is_found(scenarios), name


def test_without_a_bug_the_same_interleavings_have_no_violation() -> None:
    scenarios = {name for _, _, names in BUGS.values() for name in names}
    for name in sorted(scenarios):
        for seed in range(20):
            simulate(SCENARIOS[name], seed)
