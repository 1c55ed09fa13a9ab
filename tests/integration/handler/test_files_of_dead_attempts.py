"""What a last step wrote that died before its decision is removed, by whoever ends the run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import RetryableError
from pipeline.storage.s3.attempts import RUNS_PREFIX
from pipeline.storage.s3.result_store import S3ResultStore
from pipeline.storage.s3.run_folder import RunFolder
from tests.support.lambda_function import RESULTS, invoke, notify, put_video, result_files
from tests.support.state_machine import command
from tests.support.visible_results import check_visible

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.support.state_machine import StateMachine


@pytest.fixture
def worked(
    machine: StateMachine, s3: S3Client, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Work on all shards of a video whose images go into an archive; return its entry."""
    monkeypatch.setenv("PRETAG_OUTPUT__ARCHIVE", "zip")
    record = put_video(s3, data=clip)
    (video,) = notify(record)["videos"]
    given = machine.given(video["execution"])
    for shard in given["shards"]:
        invoke(command("work", given, shard))
    return {**video, "given": given, "record": record}


def die(
    worked: dict[str, Any], s3: S3Client, monkeypatch: pytest.MonkeyPatch, place: type, step: str
) -> None:
    """Let the last step die in a step of a class, and let its time pass."""

    def fail(*_arguments: object, **_more: object) -> None:
        raise RetryableError("It died.")

    with monkeypatch.context() as fault:
        fault.setattr(place, step, fail)
        fault.setattr(S3ResultStore, "abandon", lambda _store: None)
        with pytest.raises(RetryableError, match="It died"):
            invoke(command("finish", worked["given"]))
    (key,) = result_files(s3, f"{RUNS_PREFIX}{worked['given']['run']}/attempts/")
    registration = json.loads(s3.get_object(Bucket=RESULTS, Key=key)["Body"].read())
    body = json.dumps({**registration, "deadline": 0.0}).encode()
    s3.put_object(Bucket=RESULTS, Key=key, Body=body)


def archives_left(s3: S3Client) -> list[str]:
    """Return the keys of archives of all images that attempts wrote."""
    return [key for key in result_files(s3, "pretag-work/files/") if key.endswith("/images.zip")]


def removal(worked: dict[str, Any], machine: StateMachine) -> str:
    """Let the execution fail, and start the removal of two weeks later; return its name."""
    name = machine.fail(worked["execution"])["detail"]["name"]
    started = invoke({"pretag": {"command": "leftovers", "execution": name}})
    return str(started["execution"])


def test_the_removal_of_leftovers_takes_them(
    worked: dict[str, Any], machine: StateMachine, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(worked, s3, monkeypatch, S3ResultStore, "commit")
    assert len(archives_left(s3)) == 1
    assert machine.run(removal(worked, machine))["status"] == "removed"
    assert result_files(s3, "pretag-work/files/") == {}


def test_the_next_last_step_takes_them(
    worked: dict[str, Any], machine: StateMachine, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(worked, s3, monkeypatch, S3ResultStore, "commit")
    machine.fail(worked["execution"])
    (video,) = notify(worked["record"])["videos"]
    assert machine.run(video["execution"])["status"] == "done"
    check_visible({key: data for key, data in result_files(s3).items() if "pretag-" not in key})
    assert result_files(s3, "pretag-work/files/") == {}


def test_files_that_a_decision_may_name_stay(
    worked: dict[str, Any], machine: StateMachine, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another upload may have decided for them: the removal does not know its decision."""
    die(worked, s3, monkeypatch, RunFolder, "publish_files")
    for key in result_files(s3, "pretag-work/"):
        if key.endswith("/decision.json") or "/uploads/" in key:
            s3.delete_object(Bucket=RESULTS, Key=key)
    assert machine.run(removal(worked, machine))["status"] == "removed"
    assert len(archives_left(s3)) == 1
