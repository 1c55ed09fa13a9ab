"""A video that is divided among many invocations: its result, and each way in which it can end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from handler import app, executions, output
from handler.events import jobs_in
from handler.jobs import Job
from handler.long_videos import LongVideo
from handler.run_plan import RunPlan
from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.errors import BrokenError, RejectedError, RetryableError
from pipeline.resources import joining_limit
from pipeline.resources.deadline import Deadline
from pipeline.sharding import work
from pipeline.sharding.shard_result import ShardResult
from pipeline.storage.s3.attempts import FILES_PREFIX, RUNS_PREFIX
from pipeline.storage.s3.divided import DividedRun
from pipeline.storage.s3.forgetting import forget
from pipeline.storage.s3.result_search import VideoKey, find_results
from pipeline.storage.s3.retries import Retries
from pipeline.storage.s3.versions import VersionedBucket
from tests.support import clips
from tests.support.lambda_function import (
    KEY,
    RESULTS,
    VIDEOS,
    Context,
    invoke,
    notify,
    put_video,
    result_files,
    visible_files,
    work_left,
)
from tests.support.log_lines import check_documented, log_lines
from tests.support.runs import FILES_WITH_TIMES
from tests.support.state_machine import VARIABLES, StateMachine, command
from tests.support.visible_results import check_visible

if TYPE_CHECKING:
    import io

    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client


def data_files(s3: S3Client) -> dict[str, bytes]:
    """Return the visible files without those that hold times, by their paths in the run folder."""
    files = {key.rpartition("/datasets/")[2]: data for key, data in visible_files(s3).items()}
    names = {*FILES_WITH_TIMES, "latest.json"}
    return {key: data for key, data in files.items() if key.rpartition("/")[2] not in names}


@pytest.mark.parametrize("archive", ["none", "zip"])
def test_shards_give_the_bytes_of_one_invocation(
    machine: StateMachine,
    s3: S3Client,
    clip: bytes,
    monkeypatch: pytest.MonkeyPatch,
    archive: str,
) -> None:
    monkeypatch.setenv("PRETAG_OUTPUT__ARCHIVE", archive)
    record = put_video(s3, data=clip)
    monkeypatch.delenv("LONG_VIDEOS")
    (alone,) = notify(record)["videos"]
    assert alone["status"] == "done"
    expected, counts = data_files(s3), alone["counts"]
    for key in result_files(s3):
        s3.delete_object(Bucket=RESULTS, Key=key)

    monkeypatch.setenv("LONG_VIDEOS", VARIABLES["LONG_VIDEOS"])
    (video,) = notify(record)["videos"]
    assert (video["status"], video["shards"]) == ("divided", 3)
    assert visible_files(s3) == {}
    (name,) = machine.working()
    outcome = machine.run(name)
    assert (outcome["status"], outcome["counts"]) == ("done", counts)
    assert data_files(s3) == expected
    assert any(key.endswith(f"/images.{archive}") for key in expected) == (archive != "none")
    check_visible(visible_files(s3))
    (latest,) = [key for key in visible_files(s3) if key.endswith("/latest.json")]
    assert json.loads(visible_files(s3)[latest])["run_id"] == outcome["result"][-16:]
    assert work_left(s3) == []


def test_all_log_lines_of_a_divided_video_have_the_id_of_its_manifest(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client, log: io.StringIO
) -> None:
    notify(divided["record"])
    (name,) = machine.working()
    machine.run(name)
    lines = log_lines(log.getvalue())
    check_documented(lines)
    assert [line["message"] for line in lines].count("Shard processed") == 3
    (manifest,) = [data for key, data in visible_files(s3).items() if "/manifest" in key]
    expected = json.loads(manifest)["correlation_id"]
    assert {line.get("correlation_id") for line in lines} == {expected}
    costs = [each["outcome"]["dollars"] for each in lines if "dollars" in each.get("outcome", {})]
    assert costs == [json.loads(manifest)["figures"]["dollars"]]
    assert costs[0] > 9 * 0.000025  # the transitions alone


def test_each_image_is_written_once_and_never_copied(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    requests: Counter[str] = Counter()

    def count(model: OperationModel, params: dict[str, Any], **_: object) -> None:
        if "/images/" in params["url_path"] and params["method"] != "GET":
            requests[model.name] += 1

    s3.meta.events.register("before-call.s3", count)
    outcome = machine.run(divided["execution"])
    assert requests == {"PutObject": outcome["counts"]["frames_kept"]}


def test_what_an_execution_is_started_with(divided: dict[str, Any], machine: StateMachine) -> None:
    given = machine.given(divided["execution"])
    assert given["function"] == "pretag:7"
    assert given["shards"] == [0, 1, 2]
    assert given["concurrency"] == 60
    # The event of the upload, whole: the same upload, and so the same decision.
    (sent,) = given["event"]["Records"]
    record = divided["record"]
    (job,), (sent_job,) = jobs_in({"Records": [record]}), jobs_in({"Records": [sent]})
    assert isinstance(job, Job)
    assert sent_job == job


def test_an_event_that_comes_again_starts_nothing(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    before = result_files(s3)
    (again,) = notify(divided["record"])["videos"]
    assert (again["status"], again["execution"]) == ("divided", divided["execution"])
    assert machine.working() == [divided["execution"]]
    assert result_files(s3) == before  # no registration is left, which would count as a death
    machine.run(divided["execution"])
    (late,) = notify(divided["record"])["videos"]
    assert late["status"] == "repeated"


def test_a_redrive_works_on_the_missing_shards_only(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    given = machine.given(divided["execution"])
    invoke(command("work", given, 1))
    failure = machine.fail(divided["execution"])
    message = {"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(failure)}
    assert invoke({"Records": [message]}) == {"batchItemFailures": []}
    (name,) = machine.working()
    assert name == divided["execution"].removesuffix("-1") + "-2"
    assert machine.given(name)["shards"] == [0, 2]
    assert machine.run(name)["status"] == "done"
    check_visible(visible_files(s3))
    assert work_left(s3) == []


def test_a_redrive_waits_until_step_functions_knows_of_the_failure(
    divided: dict[str, Any], machine: StateMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = machine.fail(divided["execution"])
    monkeypatch.setattr(executions, "_status", lambda *_: "RUNNING")
    with pytest.raises(RetryableError, match="still works"):
        invoke(failure)


def test_a_shard_that_is_done_twice_changes_nothing(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    given = machine.given(divided["execution"])
    assert invoke(command("work", given, 2))["status"] == "done"
    before = result_files(s3)
    assert invoke(command("work", given, 2))["status"] == "repeated"
    assert result_files(s3) == before


def test_a_shard_that_died_after_its_images_is_done_again(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    given = machine.given(divided["execution"])
    invoke(command("work", given, 0))
    (result,) = [key for key in result_files(s3) if key.endswith(".npz")]
    s3.delete_object(Bucket=RESULTS, Key=result)
    image = min(key for key in visible_files(s3))
    s3.put_object(Bucket=RESULTS, Key=image, Body=b"of another CPU", ChecksumAlgorithm="SHA256")
    outcome = machine.run(divided["execution"])
    assert outcome["status"] == "done"
    check_visible(visible_files(s3))  # the manifest has the digest of the image that was first
    assert visible_files(s3)[image] == b"of another CPU"


def test_two_who_work_on_a_shard_at_once_do_not_mix_their_archives(
    machine: StateMachine, s3: S3Client, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETAG_OUTPUT__ARCHIVE", "zip")
    (video,) = notify(put_video(s3, data=clip))["videos"]
    given = machine.given(video["execution"])
    assert invoke(command("work", given, 0))["status"] == "done"
    with monkeypatch.context() as patched:  # the second one began before the first one ended
        patched.setattr(DividedRun, "is_done", lambda _run, _shard: False)
        assert invoke(command("work", given, 0))["status"] == "repeated"
    archives = [key for key in result_files(s3) if "/images/00000-" in key]
    assert len(archives) == 2
    s3.delete_object(Bucket=RESULTS, Key=archive_of_the_loser(s3, archives))
    assert machine.run(video["execution"])["status"] == "done"
    check_visible(visible_files(s3))
    assert work_left(s3) == []


def archive_of_the_loser(s3: S3Client, archives: list[str]) -> str:
    """Return the key of the archive that the result of the shard does not name."""
    (result,) = [data for key, data in result_files(s3).items() if key.endswith("/00000.npz")]
    name = ShardResult.from_bytes(result).archive
    (key,) = [key for key in archives if not key.endswith(f"/{name}")]
    return key


@pytest.mark.parametrize(("change", "fault"), [
    (None, "is gone"), (b"", "was changed"), (b"other bytes" * 100_000, "was changed"),
])  # fmt: skip
def test_a_shard_whose_archive_is_gone_or_changed_is_worked_on_again(  # noqa: PLR0913, PLR0917
    machine: StateMachine,
    s3: S3Client,
    clip: bytes,
    monkeypatch: pytest.MonkeyPatch,
    change: bytes | None,
    fault: str,
) -> None:
    monkeypatch.setenv("PRETAG_OUTPUT__ARCHIVE", "zip")
    record = put_video(s3, data=clip)
    (video,) = notify(record)["videos"]
    given = machine.given(video["execution"])
    for shard in given["shards"]:
        invoke(command("work", given, shard))
    (key,) = [key for key in result_files(s3) if "/images/00001-" in key]
    if change is None:
        s3.delete_object(Bucket=RESULTS, Key=key)
    else:
        s3.put_object(Bucket=RESULTS, Key=key, Body=change)
    with pytest.raises(BrokenError, match=f"shard 1 {fault}.*Send the event") as raised:
        invoke(command("finish", given))
    assert type(raised.value) is BrokenError  # the state machine knows this name
    machine.fail(video["execution"])
    (video,) = notify(record)["videos"]
    assert machine.given(video["execution"])["shards"] == [1]
    assert machine.run(video["execution"])["status"] == "done"
    check_visible(visible_files(s3))
    assert work_left(s3) == []


@pytest.mark.parametrize("reserve", ["_RESERVE_SECONDS", "RESERVE_SECONDS_A_FILE"])
def test_images_that_cannot_be_joined_in_time_reject_the_video_for_its_capacity(
    machine: StateMachine,
    s3: S3Client,
    clip: bytes,
    monkeypatch: pytest.MonkeyPatch,
    reserve: str,
) -> None:
    monkeypatch.setenv("PRETAG_OUTPUT__ARCHIVE", "tar")
    monkeypatch.setenv("PRETAG_OUTPUT__EXPORTS", "yolo,cvat")
    (video,) = notify(put_video(s3, data=clip))["videos"]
    monkeypatch.setattr(joining_limit, reserve, 10_000)
    outcome = machine.run(video["execution"])
    assert (outcome["status"], outcome["reason"]) == ("rejected", "too_long_for_function")
    assert "cannot be joined into one archive" in outcome["message"]
    (key,) = visible_files(s3)
    assert "capacity" in json.loads(visible_files(s3)[key])
    assert work_left(s3) == []


def test_a_rejection_goes_before_shards_work_for_a_larger_function(
    machine: StateMachine, s3: S3Client, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETAG_OUTPUT__ARCHIVE", "tar")
    record = put_video(s3, data=clip)
    (video,) = notify(record)["videos"]
    with monkeypatch.context() as patched:
        patched.setattr(joining_limit, "_RESERVE_SECONDS", 10_000)
        assert machine.run(video["execution"])["status"] == "rejected"
    larger = Context(memory_limit_in_mb=2048)
    (video,) = app.lambda_handler({"Records": [record]}, larger)["videos"]
    assert video["status"] == "divided"
    assert visible_files(s3) == {}


def test_a_video_that_is_deleted_meanwhile_is_superseded(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    invoke(command("work", machine.given(divided["execution"]), 0))
    s3.delete_object(Bucket=VIDEOS, Key=KEY)
    assert machine.run(divided["execution"])["status"] == "superseded"
    assert visible_files(s3) == {}
    assert work_left(s3) == []


def test_an_attempt_that_worked_alone_gives_up_if_the_run_was_divided_meanwhile(
    divided: dict[str, Any], s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LongVideo, "before_work", lambda _run: None)
    with pytest.raises(RetryableError, match="divided by another attempt"):
        notify(divided["record"])
    assert visible_files(s3) == {}


def test_a_shard_that_fails_does_not_count_as_working(
    divided: dict[str, Any], machine: StateMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = machine.given(divided["execution"])
    with monkeypatch.context() as patched:
        fail_shard(patched, 0, BrokenError("The bucket refuses."))
        with pytest.raises(BrokenError, match="refuses"):
            invoke(command("work", given, 0))
    assert machine.run(divided["execution"])["status"] == "done"


def test_a_video_can_be_forgotten_while_its_run_is_divided(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    invoke(command("work", machine.given(divided["execution"]), 0))
    bucket = VersionedBucket(s3, RESULTS, Retries(Deadline.never()))
    findings = find_results(bucket, "datasets", VideoKey(VIDEOS, KEY), now=0)
    assert len(list(forget(bucket, findings))) > 0
    assert result_files(s3) == {}
    with pytest.raises(BrokenError, match="has no plan"):
        invoke(command("work", machine.given(divided["execution"]), 1))


def fail_shard(monkeypatch: pytest.MonkeyPatch, number: int, error: Exception) -> None:
    """Let one shard fail."""
    process = work.process_shard

    def failing(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as process_shard
        result = process(*arguments, **options)
        if arguments[4] == number:
            raise error
        return result

    monkeypatch.setattr(work, "process_shard", failing)


def test_one_invocation_does_a_video_whose_shards_do_not_fit_together(
    divided: dict[str, Any],
    machine: StateMachine,
    s3: S3Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail_shard(monkeypatch, 1, ShardMismatchError("The packets say something else."))
    outcome = machine.run(divided["execution"])
    assert outcome["status"] == "done"
    assert "shard_times" not in outcome
    check_visible(visible_files(s3))
    assert work_left(s3) == []


def test_a_shard_that_cannot_be_read_rejects_the_video(
    divided: dict[str, Any],
    machine: StateMachine,
    s3: S3Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail_shard(monkeypatch, 1, RejectedError("decoder_crashed", "The decoder crashed."))
    outcome = machine.run(divided["execution"])
    assert (outcome["status"], outcome["reason"]) == ("rejected", "decoder_crashed")
    (path,) = visible_files(s3)  # alone: the images of shard 0 are gone
    assert path.endswith("/rejection.json")
    assert work_left(s3) == []


def test_a_shard_that_died_three_times_rejects_the_video_for_its_capacity(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    given = machine.given(divided["execution"])
    invoke(command("work", given, 0))
    invoke(command("crashed", given, 1))
    assert invoke(command("work", given, 2))["status"] == "repeated"  # nothing is computed any more
    outcome = invoke(command("finish", given))
    assert (outcome["status"], outcome["reason"]) == ("rejected", "crashed")
    ((path, data),) = visible_files(s3).items()
    assert path.endswith("/rejection.json")
    assert json.loads(data)["capacity"]["memory_megabytes"] == 1024


def test_finishing_goes_on_after_it_failed(
    divided: dict[str, Any],
    machine: StateMachine,
    s3: S3Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = machine.given(divided["execution"])
    for shard in given["shards"]:
        invoke(command("work", given, shard))
    monkeypatch.setenv("EVENT_BUS", "missing")
    monkeypatch.setattr("handler.notification.send_notification", _raise_retryable)
    with pytest.raises(RetryableError):
        invoke(command("finish", given))
    monkeypatch.delenv("EVENT_BUS")
    assert invoke(command("finish", given))["status"] in {"done", "repeated"}
    check_visible(visible_files(s3))
    assert work_left(s3) == []


def _raise_retryable(*_arguments: object) -> None:
    raise RetryableError("EventBridge failed.")


def test_a_plan_of_another_model_or_version_is_refused(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    given = machine.given(divided["execution"])
    key = f"{RUNS_PREFIX}{given['run']}/plan.json"
    plan = RunPlan.from_json(s3.get_object(Bucket=RESULTS, Key=key)["Body"].read())
    other = replace(plan, run_id="0" * 16)
    s3.put_object(Bucket=RESULTS, Key=key, Body=other.data())
    with pytest.raises(BrokenError, match="planned with another model"):
        invoke(command("work", given, 0))
    assert not [k for k in result_files(s3) if k.startswith(FILES_PREFIX)]


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("run", ["../" * 10, "0" * 31, "0" * 33, "A" * 32])
def test_a_command_names_nothing_but_a_run(run: str) -> None:
    with pytest.raises(BrokenError, match="32 hexadecimal digits"):
        invoke(command("work", {"run": run}, 0))


@pytest.mark.usefixtures("machine")
def test_work_on_a_shard_without_a_plan_is_refused() -> None:
    with pytest.raises(BrokenError, match="has no plan"):
        invoke(command("work", {"run": "0" * 32}, 0))


def test_finishing_again_after_the_plan_is_gone_repeats_the_result(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    given = machine.given(divided["execution"])
    machine.run(divided["execution"])
    before = result_files(s3)
    assert invoke(command("finish", given))["status"] == "repeated"
    assert result_files(s3) == before


def test_a_second_upload_of_the_same_bytes_ends_with_the_run_of_the_first(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client, clip: bytes
) -> None:
    (second,) = notify(put_video(s3, data=clip))["videos"]
    assert second["execution"] != divided["execution"]
    assert machine.given(second["execution"])["shards"] == []
    with pytest.raises(RetryableError, match="has not ended yet"):
        machine.run(second["execution"])
    machine.run(divided["execution"])
    uploads = [key for key in result_files(s3) if "/uploads/" in key]
    assert machine.run(second["execution"])["status"] == "repeated"
    assert len([key for key in result_files(s3) if "/uploads/" in key]) == len(uploads) + 1
    check_visible(visible_files(s3))
    assert work_left(s3) == []


def test_nothing_ends_while_a_shard_of_a_stopped_execution_may_still_write(
    divided: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    given = machine.given(divided["execution"])
    key = f"{RUNS_PREFIX}{given['run']}/working/0-other.json"
    s3.put_object(Bucket=RESULTS, Key=key, Body=json.dumps({"deadline": 1e12}).encode())
    with pytest.raises(RetryableError, match="may still work"):
        machine.run(divided["execution"])
    assert not [each for each in visible_files(s3) if each.endswith(".json")]
    s3.put_object(Bucket=RESULTS, Key=key, Body=json.dumps({"deadline": 1.0}).encode())
    assert machine.run(divided["execution"])["status"] == "done"
    assert work_left(s3) == []


@pytest.mark.parametrize("shard", [None, -1, 3, "1", 1.5])
def test_a_command_names_a_shard_of_the_plan(
    divided: dict[str, Any], machine: StateMachine, shard: object
) -> None:
    given = machine.given(divided["execution"])
    with pytest.raises(BrokenError, match="shards 0 to 2"):
        invoke({"pretag": {"command": "work", "run": given["run"], "shard": shard}})


@pytest.mark.usefixtures("machine")
def test_no_message_carries_a_command() -> None:
    body = json.dumps({"pretag": {"command": "finish", "run": "0" * 32}})
    message = {"messageId": "1", "eventSource": "aws:sqs", "body": body}
    assert invoke({"Records": [message]}) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    with pytest.raises(BrokenError, match="unknown form"):
        invoke({"requestPayload": json.loads(body)})


def test_a_short_video_is_not_opened_twice(
    machine: StateMachine, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "SURELY_SHORT_BYTES", len(clips.SAMPLE.read_bytes()))
    (video,) = notify(put_video(s3))["videos"]
    assert video["status"] == "done"
    assert machine.working() == []


def test_a_video_that_fits_stays_here_and_the_log_says_so(
    machine: StateMachine, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARD_AFTER_SECONDS", "900")
    (video,) = notify(put_video(s3))["videos"]
    assert video["status"] == "done"
    assert machine.working() == []
