"""What a divided run that failed for good left is removed, and nothing that anybody still needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import run
from pipeline.errors import BrokenError, RetryableError
from pipeline.result_files import computed_by
from pipeline.storage.s3.attempts import RUNS_PREFIX
from pipeline.storage.s3.run_folder import RunFolder
from tests.support.lambda_function import (
    KEY,
    RESULTS,
    VIDEOS,
    invoke,
    notify,
    put_video,
    visible_files,
    work_left,
)
from tests.support.state_machine import command
from tests.support.visible_results import check_visible

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.support.state_machine import StateMachine


@pytest.fixture
def failed(divided: dict[str, Any], machine: StateMachine) -> dict[str, Any]:
    """Let an execution fail after a shard; return what EventBridge tells of it."""
    invoke(command("work", machine.given(divided["execution"]), 1))
    return machine.fail(divided["execution"])


def leftovers(failed: dict[str, Any]) -> dict[str, Any]:
    """Return what the function does two weeks later."""
    return invoke({"pretag": {"command": "leftovers", "execution": failed["detail"]["name"]}})


def test_all_is_removed_and_a_redrive_after_that_begins_anew(
    failed: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    assert visible_files(s3)
    assert leftovers(failed)["status"] == "starts"
    (name,) = machine.working()
    assert name == failed["detail"]["name"].removesuffix("-1") + "-2"
    assert machine.run(name)["status"] == "removed"
    assert (visible_files(s3), work_left(s3)) == ({}, [])
    assert leftovers(failed)["status"] == "nothing_left"
    assert machine.run(name)["status"] == "nothing_left"
    (video,) = invoke(failed)["videos"]
    assert machine.given(video["execution"])["shards"] == [0, 1, 2]
    assert machine.run(video["execution"])["status"] == "done"
    check_visible(visible_files(s3))
    assert work_left(s3) == []


def test_all_is_removed_although_events_may_not_name_the_bucket_any_more(
    failed: dict[str, Any],
    machine: StateMachine,
    s3: S3Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INPUT_BUCKETS", "other")
    assert machine.run(str(leftovers(failed)["execution"]))["status"] == "removed"
    assert (visible_files(s3), work_left(s3)) == ({}, [])


def test_nothing_is_removed_while_a_redrive_works(
    failed: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    (video,) = invoke(failed)["videos"]
    before = visible_files(s3)
    assert leftovers(failed)["status"] == "in_use"
    assert machine.working() == [video["execution"]]
    assert visible_files(s3) == before
    assert machine.run(video["execution"])["status"] == "done"
    check_visible(visible_files(s3))


def test_an_event_that_comes_meanwhile_is_tried_again(
    failed: dict[str, Any], machine: StateMachine
) -> None:
    name = leftovers(failed)["execution"]
    with pytest.raises(RetryableError, match=f"{name} removes what is left"):
        invoke(failed)
    machine.run(str(name))
    assert invoke(failed)["videos"][0]["status"] == "divided"


def fail_after_decision(
    execution: str, machine: StateMachine, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Let an execution fail between its decision and the visible result; return its event."""
    given = machine.given(execution)
    for shard in given["shards"]:
        invoke(command("work", given, shard))
    with monkeypatch.context() as fault:
        fault.setattr(RunFolder, "publish_files", _raise_retryable)
        with pytest.raises(RetryableError):
            invoke(command("finish", given))
    return machine.fail(execution)


@pytest.mark.parametrize("version", ["the same", "a later one"])
def test_a_result_that_was_decided_is_published_instead(
    divided: dict[str, Any],
    machine: StateMachine,
    s3: S3Client,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
) -> None:
    event = fail_after_decision(divided["execution"], machine, monkeypatch)
    if version == "a later one":
        monkeypatch.setattr(run, "computed_by", lambda: {**computed_by(), "pretag": version})
    name = leftovers(event)["execution"]
    assert machine.run(str(name))["status"] == "done"
    check_visible(visible_files(s3))
    assert [key for key in visible_files(s3) if key.endswith("/manifest.json")]
    assert work_left(s3) == []


@pytest.mark.parametrize("is_current", [True, False])
def test_without_a_sequencer_the_pointer_moves_if_the_video_is_still_there(
    machine: StateMachine,
    s3: S3Client,
    clip: bytes,
    monkeypatch: pytest.MonkeyPatch,
    is_current: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    record = put_video(s3, data=clip)
    del record["s3"]["object"]["sequencer"]
    (video,) = notify(record)["videos"]
    event = fail_after_decision(video["execution"], machine, monkeypatch)
    if not is_current:
        s3.delete_object(Bucket=VIDEOS, Key=KEY)
    assert machine.run(str(leftovers(event)["execution"]))["status"] == "done"
    names = [key.rpartition("/")[2] for key in visible_files(s3)]
    assert ("manifest.json" in names, "latest.json" in names) == (True, is_current)


def _raise_retryable(*_arguments: object) -> None:
    raise RetryableError("S3 does not answer.")


def test_a_removal_waits_for_shards_that_may_still_write(
    failed: dict[str, Any], machine: StateMachine, s3: S3Client
) -> None:
    run = json.loads(failed["detail"]["input"])["run"]
    body = json.dumps({"deadline": 1e12}).encode()
    s3.put_object(Bucket=RESULTS, Key=f"{RUNS_PREFIX}{run}/working/0-other.json", Body=body)
    before = visible_files(s3)
    with pytest.raises(RetryableError, match="may still work"):
        machine.run(str(leftovers(failed)["execution"]))
    assert visible_files(s3) == before


def test_without_a_state_machine_the_deployment_is_at_fault(
    failed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LONG_VIDEOS")
    with pytest.raises(BrokenError, match="LongVideosInShards is off"):
        leftovers(failed)
