"""The whole stack from template.yaml: a put fires the real image, and a dataset comes out."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from tests.e2e import template
from tests.e2e.cloud import KEY, Cloud
from tests.e2e.stack import Stack, as_notified
from tests.e2e.waiting import until
from tests.support import clips, emf

WATCHED = "somebodys-videos"
# Its timings differ from run to run, and with them the report's; the manifest lists both.
TIMED = {"logs.csv", "report.md", "manifest.json"}


@pytest.fixture(scope="module")
def stack(built: Path, aws: Cloud) -> Stack:
    return Stack.deploy(aws, built, "pretag-e2e")


def data_files(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path not in TIMED}


def read_coco(folder: Path, files: dict[str, bytes]) -> COCO:
    annotations = folder / "instances.json"
    annotations.write_bytes(files["annotations/instances_default.json"])
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(annotations))


def people(coco: COCO) -> int:
    return len(coco.getAnnIds(catIds=coco.getCatIds(catNms=["person"])))


def without_date(files: dict[str, bytes]) -> dict[str, Any]:
    """Drop what tells two uploads of one video apart: when each was made."""
    coco = json.loads(files["annotations/instances_default.json"])
    del coco["info"]["date_created"]
    return {**data_files(files), "annotations/instances_default.json": coco}


def test_a_put_ends_in_a_dataset(stack: Stack, tmp_path: Path) -> None:
    stack.put(KEY, clips.SAMPLE.read_bytes())
    files = stack.dataset(KEY)
    coco = read_coco(tmp_path, files)
    images = {f"images/default/{each['file_name']}" for each in coco.loadImgs(coco.getImgIds())}
    assert len(images) > 10
    assert images <= set(files)
    assert people(coco) > 50


def test_an_event_that_comes_twice_ends_in_the_same_bytes(stack: Stack) -> None:
    key = "twice/event.mp4"
    stack.put(key, clips.SAMPLE.read_bytes())
    first = stack.dataset(key)
    run = (stack.latest(key) or {})["run_id"]
    answer = stack.invoke(stack.notification(key))
    assert answer["videos"][0]["result"].endswith(f"/{key}/{run}")
    assert data_files(stack.dataset(key)) == data_files(first)


def test_a_video_that_is_put_twice_ends_in_the_same_dataset(stack: Stack) -> None:
    key = "twice/put.mp4"
    stack.put(key, clips.SAMPLE.read_bytes())
    first, finished = stack.dataset(key), (stack.latest(key) or {})["finished"]
    stack.put(key, clips.SAMPLE.read_bytes())
    until(lambda: (stack.latest(key) or {})["finished"] != finished or None, "the second run")
    assert without_date(stack.dataset(key)) == without_date(first)


def test_keys_of_any_letters_are_found_again(stack: Stack, tmp_path: Path) -> None:
    key = "cam 1+2/höhe & 100%.MP4"
    stack.put(key, clips.SAMPLE.read_bytes())
    assert people(read_coco(tmp_path, stack.dataset(key))) > 50


def test_a_text_file_named_mp4_is_rejected_and_counted(stack: Stack) -> None:
    key = "bad/notes.mp4"
    stack.put(key, b"not a video\n")
    ((path, data),) = until(lambda: stack.results(key) or None, "the rejection").items()
    assert path.endswith("/rejection.json")
    assert json.loads(data)["reason"] == "not_a_video"

    def rejected() -> list[dict[str, Any]] | None:
        found = [blob for blob in emf.blobs(stack.log()) if blob.get("VideosRejected") == [1]]
        return found or None

    (blob,) = until(rejected, "the metric")
    assert blob["video"] == f"s3://{stack.outputs['InputBucket']}/{key}"
    service = frozenset({("service", "pretag-e2e")})
    assert emf.values(blob)["VideosRejected", service] == 1


def test_what_is_no_video_is_passed_over(stack: Stack) -> None:
    key = "bad/notes.txt"
    uri = f"s3://{stack.outputs['InputBucket']}/{key}"
    stack.put(key, b"notes\n")

    def skipped() -> bool | None:
        return any(outcome.get("skipped") == uri for outcome in stack.outcomes()) or None

    until(skipped, "the log's line")
    assert stack.results(key) == {}
    assert stack.count_failures() == 0


def test_a_failure_keeps_the_event_and_a_redrive_mends_it(stack: Stack) -> None:
    key = "cam 1+2/later.mp4"
    before = stack.set_variables(OUTPUT_BUCKET="not-there")
    stack.put(key, clips.SAMPLE.read_bytes())
    (failure,) = until(lambda: stack.waiting_failures() or None, "the failure queue")
    assert failure["requestContext"]["condition"] == "RetriesExhausted"
    assert failure["requestContext"]["approximateInvokeCount"] == 3
    assert failure["responsePayload"]["errorType"] == "BrokenError"
    (record,) = failure["requestPayload"]["Records"]
    assert record["s3"]["object"]["key"] == as_notified(key)
    assert record["s3"]["bucket"]["name"] == stack.outputs["InputBucket"]

    stack.set_variables(**before)
    assert stack.latest(key) is None
    stack.redrive(enabled=True)
    assert "frames.csv" in stack.dataset(key)
    until(lambda: stack.count_failures() == 0 or None, "an empty failure queue")
    stack.redrive(enabled=False)


def test_a_bucket_that_is_there_already_is_watched(built: Path, aws: Cloud) -> None:
    aws.make_bucket(WATCHED)
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=WATCHED, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    parameters = {"InputBucketName": WATCHED, "InputPrefix": "incoming/"}
    stack = Stack.deploy(aws, built, "pretag-watch", **parameters)
    assert stack.outputs["InputBucket"] == WATCHED
    buckets = {each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]}
    made = {name for name in buckets if name.lower().startswith("pretag-watch-")}
    assert made == {stack.outputs["OutputBucket"]}
    stack.put("elsewhere/a.mp4", clips.SAMPLE.read_bytes())
    key = "incoming/cam 1+2/höhe.mp4"
    stack.put(key, clips.SAMPLE.read_bytes())
    assert "frames.csv" in stack.dataset(key)
    uris = {outcome.get("video") for outcome in stack.outcomes()}
    assert uris == {f"s3://{WATCHED}/{key}"}


def test_the_deployed_function_is_what_the_template_says(stack: Stack) -> None:
    client = stack.aws.client("lambda")
    name = stack.outputs["Function"]
    function = client.get_function_configuration(FunctionName=name)
    assert function["MemorySize"] == template.default("MemoryMegabytes")
    assert function["Timeout"] == template.default("TimeoutSeconds")
    assert function["PackageType"] == "Image"
    invokes = client.get_function_event_invoke_config(FunctionName=name, Qualifier="$LATEST")
    assert invokes["MaximumRetryAttempts"] == 2
