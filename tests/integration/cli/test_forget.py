"""`pretag forget`: what is removed, what stays, and what late events find."""

from __future__ import annotations

import io
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from handler import app
from pipeline.resources.capacity import Capacity
from pipeline.storage.s3 import versions
from pipeline.storage.s3.attempts import Attempt, work_id
from pipeline.storage.video_folder import second_folder
from tests.support import clips
from tests.support.fake_deployment import LIVE_FUNCTION, STACK, FakeDeployment, response
from tests.support.lambda_function import (
    KEY,
    RESULTS,
    VARIABLES,
    VIDEOS,
    create_bucket,
    emulated_s3,
    invoke,
    notify,
    put_video,
    result_files,
    visible_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from tests.support.command import Finished, Pretag

VIDEO = f"s3://{VIDEOS}/{KEY}"
PLACE = f"s3://{RESULTS}/datasets"
FOLDER = f"datasets/{KEY}"
WITH_VERSIONS: Any = {"Status": "Enabled"}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name, value in {**VARIABLES, "PRETAG_SAMPLING__EVERY_SECONDS": "20"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(app.logger, "service", VARIABLES["POWERTOOLS_SERVICE_NAME"])
    monkeypatch.setattr(versions, "_DELETED_AT_ONCE", 4)
    with emulated_s3() as client:
        yield client


def turn_on_versions(client: S3Client, *buckets: str) -> None:
    for bucket in buckets:
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=WITH_VERSIONS)


def all_versions(client: S3Client, prefix: str = "") -> list[str]:
    answer = client.list_object_versions(Bucket=RESULTS, Prefix=prefix)
    found = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
    return [entry["Key"] for entry in found]


def delete_video(client: S3Client) -> None:
    answer = client.list_object_versions(Bucket=VIDEOS, Prefix=KEY)
    for entry in [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]:
        version_id = entry["VersionId"]
        client.delete_object(Bucket=VIDEOS, Key=KEY, VersionId=version_id)


def put_twice(client: S3Client) -> list[dict[str, Any]]:
    """Process two versions of the video; return both records."""
    records = []
    for extra in (b"", b"\0"):
        record = put_video(client, data=sample() + extra)
        record["s3"]["object"]["versionId"] = client.head_object(Bucket=VIDEOS, Key=KEY).get(
            "VersionId"
        )
        notify(record)
        records.append(record)
    return records


def sample() -> bytes:
    return clips.SAMPLE.read_bytes()


def forget(pretag: Pretag, *options: str) -> Finished:
    return pretag("forget", VIDEO, "--results", PLACE, *options)


def test_all_runs_the_pointer_and_the_work_files_are_removed(pretag: Pretag, s3: S3Client) -> None:
    put_twice(s3)
    invoke({"video": VIDEO, "config": {"sampling": {"every_seconds": 25}}})
    other = "incoming/cam 1+2/höhe.mp4.mp4"
    notify(put_video(s3, other))
    before = result_files(s3, f"{FOLDER}/")
    assert len({key.split("/")[4] for key in before} - {"latest.json"}) == 3
    kept = {key: data for key, data in visible_files(s3).items() if key not in before}
    delete_video(s3)
    done = forget(pretag, "--yes")
    assert (done.code, done.err) == (0, "")
    removed = sum(len(data) for data in before.values())
    *lines, summary = done.out.splitlines()
    assert len(lines) == 3 + 1 + 3  # runs, latest.json, decisions of runs
    count, size = summary.removeprefix("Removed ").removesuffix(" bytes.").split(" objects, ")
    assert int(count) == len(before) + 3
    assert int(size.replace(",", "")) > removed
    assert visible_files(s3) == kept
    work = result_files(s3, "pretag-work/")
    assert not [data for data in work.values() if KEY.encode() + b'"' in data]
    endings = [json.loads(data)["ending"] for key, data in work.items() if "uploads/" in key]
    assert sorted(endings) == ["done", "superseded", "superseded"]


def test_a_dry_run_changes_nothing_and_names_all(pretag: Pretag, s3: S3Client) -> None:
    notify(put_video(s3))
    before = result_files(s3)
    delete_video(s3)
    planned = forget(pretag, "--dry-run")
    assert (planned.code, result_files(s3)) == (0, before)
    *lines, total = planned.out.splitlines()
    done = forget(pretag, "--yes")
    assert done.out.splitlines()[:-1] == lines
    assert total == done.out.splitlines()[-1].removeprefix("Removed ").removesuffix(".") + (
        " would be removed."
    )


@pytest.mark.parametrize("answer", ["", "n\n", "\n"])
def test_without_a_yes_nothing_is_removed(
    pretag: Pretag, s3: S3Client, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    notify(put_video(s3))
    before = result_files(s3)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    done = forget(pretag)
    assert done.code == 1
    assert done.out.endswith("Nothing was removed.\n")
    assert "for ever? [y/N]" in done.err
    assert result_files(s3) == before


def test_after_a_yes_everything_is_removed(
    pretag: Pretag, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(put_video(s3))
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert forget(pretag).code == 0
    assert not visible_files(s3)


def test_a_video_without_results(pretag: Pretag, s3: S3Client) -> None:
    done = forget(pretag)
    assert done == (0, "Removed 0 objects, 0 bytes.\n", "")
    assert not result_files(s3)


def test_results_of_another_bucket_with_the_same_key_stay(
    pretag: Pretag, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INPUT_BUCKETS", f"{VIDEOS},other")
    create_bucket(s3, "other")
    s3.put_object(Bucket="other", Key=KEY, Body=sample())
    record = put_video(s3)
    record["s3"]["bucket"]["name"] = "other"
    notify(record)
    of_other = visible_files(s3)
    notify(put_video(s3))
    assert len(visible_files(s3)) > len(of_other)
    delete_video(s3)
    assert forget(pretag, "--yes").code == 0
    assert visible_files(s3) == of_other
    assert notify(record)["videos"][0]["status"] == "repeated"
    done = pretag("forget", f"s3://other/{KEY}", "--results", PLACE, "--yes")
    assert done.code == 0
    assert not visible_files(s3)


def test_results_beside_those_of_another_video_of_the_name_are_removed(
    pretag: Pretag, s3: S3Client
) -> None:
    """As `pretag run` writes them. Their decisions have expired."""
    source = {"uri": VIDEO, "bucket": VIDEOS, "key": KEY, "etag": "1"}
    folder = f"{second_folder(FOLDER, source)}/0123456789abcdef"
    s3.put_object(Bucket=RESULTS, Key=f"{folder}/frames.csv", Body=b"frame_index")
    s3.put_object(
        Bucket=RESULTS, Key=f"{folder}/manifest.json", Body=json.dumps({"source": source})
    )
    done = forget(pretag, "--yes")
    assert (done.code, done.err) == (0, "")
    assert visible_files(s3) == {}


def test_a_rejection_is_removed(pretag: Pretag, s3: S3Client) -> None:
    notify(put_video(s3, data=b"no video"))
    delete_video(s3)
    assert forget(pretag, "--yes").code == 0
    assert not visible_files(s3)


def test_no_version_is_left_in_a_versioned_bucket(pretag: Pretag, s3: S3Client) -> None:
    turn_on_versions(s3, VIDEOS, RESULTS)
    records = put_twice(s3)
    first = json.loads(result_files(s3)[f"{FOLDER}/latest.json"])["run_id"]
    for key in result_files(s3, f"{FOLDER}/{first}/"):
        s3.delete_object(Bucket=RESULTS, Key=key)
    assert forget(pretag, "--yes").code == 0
    assert all_versions(s3, f"{FOLDER}/") == []
    assert all_versions(s3, "pretag-work/runs/") == []
    assert all_versions(s3, "pretag-work/files/") == []
    uploads = all_versions(s3, "pretag-work/uploads/")
    assert len(uploads) == len(set(uploads)) == len(records)


def test_a_late_event_computes_nothing_although_the_version_is_there(
    pretag: Pretag, s3: S3Client
) -> None:
    turn_on_versions(s3, VIDEOS)
    records = put_twice(s3)
    s3.delete_object(Bucket=VIDEOS, Key=KEY)
    done = forget(pretag, "--yes")
    assert "a version of it, is still there" in done.err
    assert done.code == 0
    work = result_files(s3)
    for record in records:
        assert notify(record)["videos"][0]["status"] == "superseded"
    assert result_files(s3) == work
    (video,) = notify(put_video(s3))["videos"]  # a new upload is a new video
    assert video["status"] == "done"


def test_a_run_that_still_works_is_told_and_stays(pretag: Pretag, s3: S3Client) -> None:
    put_twice(s3)
    latest = json.loads(result_files(s3)[f"{FOLDER}/latest.json"])["run_id"]
    run_folder = f"{FOLDER}/{latest}"
    of_run = result_files(s3, f"{run_folder}/")
    now = time.time()
    attempt = Attempt("a", "request", now, now + 600, Capacity(1024, 900), video=VIDEO)
    registration = f"pretag-work/runs/{work_id(run_folder)}/attempts/a.json"
    s3.put_object(Bucket=RESULTS, Key=registration, Body=attempt.data())
    delete_video(s3)
    done = forget(pretag, "--yes")
    assert done.code == 1
    assert "pretag: Attempts still work on 1 run of this video, at the latest until" in done.err
    assert visible_files(s3) == of_run
    s3.delete_object(Bucket=RESULTS, Key=registration)
    assert forget(pretag, "--yes").code == 0
    assert not visible_files(s3)


def test_files_of_a_dead_attempt_are_removed(pretag: Pretag, s3: S3Client) -> None:
    attempt = Attempt("a", "request", 1000, 1900, Capacity(1024, 900), video=VIDEO)
    other = Attempt("b", "request", 1000, 1900, Capacity(1024, 900), video=f"{VIDEO}.mp4")
    for run, each in (("0" * 32, attempt), ("1" * 32, other)):
        for key, data in (
            (f"pretag-work/runs/{run}/attempts/{each.id}.json", each.data()),
            (f"pretag-work/files/{run}/{each.id}/images/default/frame_000000.jpg", b"image"),
        ):
            s3.put_object(Bucket=RESULTS, Key=key, Body=data)
    done = forget(pretag, "--yes")
    assert done.code == 0
    assert sorted(result_files(s3)) == [
        f"pretag-work/files/{'1' * 32}/b/images/default/frame_000000.jpg",
        f"pretag-work/runs/{'1' * 32}/attempts/b.json",
    ]


def test_the_handler_writes_the_source_into_its_registration(
    s3: S3Client,
) -> None:
    written: list[bytes] = []

    def note(params: dict[str, Any], **_: object) -> None:
        if "/attempts/" in params["Key"]:
            written.append(params["Body"])

    s3.meta.events.register("provide-client-params.s3.PutObject", note)
    notify(put_video(s3))
    assert [Attempt.from_json(data).video for data in written] == [VIDEO]


def test_a_call_that_was_cut_off_is_taken_up_again(pretag: Pretag, s3: S3Client) -> None:
    turn_on_versions(s3, RESULTS)
    put_twice(s3)
    delete_video(s3)
    requests = 0

    def refuse(**_: object) -> Any:  # noqa: ANN401 - the type of botocore's hooks
        nonlocal requests
        requests += 1
        return None if requests % 2 else response(403, "")

    hook = "before-send.s3.DeleteObjects"
    s3.meta.events.register_first(hook, refuse)
    cut_off = 0
    while forget(pretag, "--yes").code == 1:
        cut_off += 1
    assert cut_off > 5
    s3.meta.events.unregister(hook, refuse)
    assert all_versions(s3, f"{FOLDER}/") == []
    assert all_versions(s3, "pretag-work/runs/") == []
    assert len(all_versions(s3)) == 2  # the decisions of both uploads


def test_what_says_nothing_of_its_video_stays_and_is_told(pretag: Pretag, s3: S3Client) -> None:
    keys = [f"{FOLDER}/0123456789abcdef/frames.csv", f"{FOLDER}/notes.txt", f"{FOLDER}/latest.json"]
    for key in keys:
        s3.put_object(Bucket=RESULTS, Key=key, Body=b"{")
    done = forget(pretag, "--yes")
    assert done.code == 1
    assert sorted(result_files(s3)) == sorted(keys)
    assert [line.split(" does not say")[0] for line in done.err.splitlines()] == [
        f"pretag: s3://{RESULTS}/{FOLDER}/0123456789abcdef/",
        f"pretag: s3://{RESULTS}/{FOLDER}/latest.json",
    ]


def test_a_promoted_pointer_without_a_source_is_removed(pretag: Pretag, s3: S3Client) -> None:
    notify(put_video(s3))
    latest = json.loads(result_files(s3)[f"{FOLDER}/latest.json"])
    s3.delete_object(Bucket=RESULTS, Key=f"{FOLDER}/latest.json")
    assert pretag("promote", f"s3://{RESULTS}/{FOLDER}/{latest['run_id']}").code == 0
    delete_video(s3)
    assert forget(pretag, "--yes").code == 0
    assert not visible_files(s3)


def test_a_stack_says_where_the_results_are(
    pretag: Pretag, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(put_video(s3))
    delete_video(s3)
    outputs = {"LiveFunction": LIVE_FUNCTION, "InputBucket": VIDEOS, "OutputBucket": RESULTS}
    FakeDeployment({"InputPrefix": "", "OutputPrefix": "datasets"}, outputs).connect(monkeypatch)
    assert pretag("forget", VIDEO, "--stack", STACK, "--yes").code == 0
    assert not visible_files(s3)
    done = pretag("forget", VIDEO, "--stack", "none", "--yes")
    assert done.code == 1
    assert done.err.startswith("pretag: AWS refuses DescribeStacks for the stack none (Validation")


@pytest.mark.parametrize(
    "arguments",
    [
        (VIDEO,),
        (VIDEO, "--results", PLACE, "--stack", STACK),
        (VIDEO, "--results", "results"),
        (f"s3://{VIDEOS}", "--results", PLACE),
        ("clip.mp4", "--results", PLACE),
    ],
)
def test_wrong_usage(pretag: Pretag, arguments: tuple[str, ...]) -> None:
    assert pretag("forget", *arguments).code == 2


def test_a_deleted_video_keeps_its_results(s3: S3Client) -> None:
    record = put_video(s3)
    notify(record)
    before = result_files(s3)
    delete_video(s3)
    removed = {**record, "eventName": "ObjectRemoved:Delete"}
    (skipped,) = notify(removed)["skipped"]
    assert skipped["reason"] == "ObjectRemoved:Delete creates no object"
    assert notify(record)["videos"][0]["status"] == "repeated"
    assert result_files(s3) == before
