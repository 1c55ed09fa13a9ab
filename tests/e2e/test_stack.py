"""The stack of template.yaml: an upload invokes the image, which writes the dataset."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from tests.e2e import template
from tests.e2e.emulator import KEY, Emulator, form_encoded
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_for
from tests.support import clips, emf
from tests.support.runs import FILES_WITH_TIMES

EXISTING_BUCKET = "existing-videos"


@pytest.fixture(scope="module")
def stack(image: str, aws: Emulator) -> Stack:
    return Stack.deploy(aws, image, "pretag-e2e")


def data_files(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path not in FILES_WITH_TIMES}


def read_coco(folder: Path, files: dict[str, bytes]) -> COCO:
    annotations = folder / "instances.json"
    annotations.write_bytes(files["annotations/instances_default.json"])
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(annotations))


def count_persons(coco: COCO) -> int:
    return len(coco.getAnnIds(catIds=coco.getCatIds(catNms=["person"])))


def without_date(files: dict[str, bytes]) -> dict[str, Any]:
    """Return the data files without the date of the upload."""
    coco = json.loads(files["annotations/instances_default.json"])
    del coco["info"]["date_created"]
    return {**data_files(files), "annotations/instances_default.json": coco}


def test_an_upload_writes_a_dataset(stack: Stack, tmp_path: Path) -> None:
    stack.put(KEY, clips.SAMPLE.read_bytes())
    files = stack.dataset(KEY)
    coco = read_coco(tmp_path, files)
    images = {f"images/default/{image['file_name']}" for image in coco.loadImgs(coco.getImgIds())}
    assert len(images) > 10
    assert images <= set(files)
    assert count_persons(coco) > 50


def test_the_index_page_of_a_stack_leads_to_its_results(stack: Stack) -> None:
    key = "index/clip.mp4"
    stack.put(key, clips.SAMPLE.read_bytes())
    stack.dataset(key)
    run = (stack.latest(key) or {})["run_id"]
    done = stack.invoke({"pretag": {"command": "index"}})
    assert done["damaged"] == []
    html = stack.aws.tree(stack.outputs["OutputBucket"], "pretag/index.html")[""].decode()
    assert f'href="./{key}/{run}/report.html"' in html


def test_an_event_that_is_sent_twice_changes_nothing(stack: Stack) -> None:
    key = "twice/event.mp4"
    stack.put(key, clips.SAMPLE.read_bytes())
    first = stack.dataset(key)
    run = (stack.latest(key) or {})["run_id"]
    (video,) = stack.invoke(stack.notification(key))["videos"]
    assert video["status"] == "repeated"
    assert video["result"].endswith(f"/{key}/{run}")
    assert stack.dataset(key) == first


def test_a_video_that_is_uploaded_twice_has_the_same_dataset(stack: Stack) -> None:
    key = "twice/put.mp4"
    stack.put(key, clips.SAMPLE.read_bytes())
    first, run = stack.dataset(key), (stack.latest(key) or {})["run_id"]
    stack.put(key, clips.SAMPLE.read_bytes())
    # Not by "finished": both runs can finish in the same second.
    wait_for(lambda: (stack.latest(key) or {})["run_id"] != run, "the second run")
    assert without_date(stack.dataset(key)) == without_date(first)


def test_a_key_with_special_characters_is_processed(stack: Stack, tmp_path: Path) -> None:
    key = "cam 1+2/höhe & 100%.MP4"
    stack.put(key, clips.SAMPLE.read_bytes())
    assert count_persons(read_coco(tmp_path, stack.dataset(key))) > 50


def test_a_text_file_named_mp4_is_rejected_and_counted(stack: Stack) -> None:
    key = "bad/notes.mp4"
    uri = f"s3://{stack.outputs['InputBucket']}/{key}"
    stack.put(key, b"not a video\n")
    ((path, data),) = wait_for(lambda: stack.results(key), "the rejection").items()
    assert path.endswith("/rejection.json")
    assert json.loads(data)["reason"] == "not_a_video"

    def rejections() -> list[dict[str, Any]]:
        blobs = [blob for blob in emf.blobs(stack.log()) if blob.get("VideosRejected") == [1]]
        return [blob for blob in blobs if blob["video"] == uri]

    (blob,) = wait_for(rejections, "the metric")
    service = frozenset({("service", "pretag-e2e")})
    assert emf.values(blob)["VideosRejected", service] == 1


def told(stack: Stack, key: str, data: bytes, detail_type: str) -> dict[str, Any]:
    """Put an object, and return the detail of the event that a rule delivers to a queue."""
    pattern = {
        "source": ["pretag"],
        "detail-type": [detail_type],
        "detail": {"key": [{"prefix": "told/"}]},
    }
    queue = stack.aws.queue_of_events(detail_type.replace(" ", "-"), pattern)
    stack.put(key, data)
    (event,) = wait_for(lambda: stack.aws.messages(queue), f"the event {detail_type}")
    detail: dict[str, Any] = event["detail"]
    bucket = stack.outputs["InputBucket"]
    version = stack.aws.client("s3").head_object(Bucket=bucket, Key=key)["VersionId"]
    assert (detail["bucket"], detail["key"], detail["version_id"]) == (bucket, key, version)
    result = f"s3://{stack.outputs['OutputBucket']}/pretag/{key}/{detail['run_id']}"
    assert detail["result"] == result
    return detail


def test_a_rule_delivers_the_event_of_a_result(stack: Stack) -> None:
    key = "told/höhe 1.mp4"
    detail = told(stack, key, clips.SAMPLE.read_bytes(), "Result Published")
    assert (detail["ending"], detail["reason"]) == ("done", None)
    manifest = json.loads(stack.results(key)[f"{detail['run_id']}/manifest.json"])
    assert detail["counts"] == manifest["counts"]


def test_a_rule_delivers_the_event_of_a_rejection(stack: Stack) -> None:
    key = "told/notes.mp4"
    detail = told(stack, key, b"not a video\n", "Video Rejected")
    assert (detail["ending"], detail["reason"]) == ("rejected", "not_a_video")
    assert f"{detail['run_id']}/rejection.json" in stack.results(key)


def test_an_object_with_another_suffix_is_skipped(stack: Stack) -> None:
    key = "bad/notes.txt"
    uri = f"s3://{stack.outputs['InputBucket']}/{key}"
    stack.put(key, b"notes\n")

    def is_skipped() -> bool:
        return any(outcome.get("skipped") == uri for outcome in stack.outcomes())

    wait_for(is_skipped, "the line in the log")
    assert stack.results(key) == {}
    assert stack.count_failures() == 0


def test_a_failed_event_is_kept_in_the_queue_and_a_redrive_processes_it(
    stack: Stack, image: str, aws: Emulator
) -> None:
    key = "cam 1+2/later.mp4"
    stack = Stack.deploy(
        aws, image, "pretag-e2e", ConfigFile="s3://models/missing.yaml", ModelBucketName="models"
    )
    with stack.failing_as_the_alias_does():
        stack.put(key, clips.SAMPLE.read_bytes())
        (failure,) = wait_for(stack.waiting_failures, "a message in the failure queue")
    assert failure["requestContext"]["condition"] == "RetriesExhausted"
    assert failure["requestContext"]["approximateInvokeCount"] == 3
    assert failure["responsePayload"]["errorType"] == "BrokenError"
    (record,) = failure["requestPayload"]["Records"]
    assert record["s3"]["object"]["key"] == form_encoded(key)
    assert record["s3"]["bucket"]["name"] == stack.outputs["InputBucket"]

    stack = Stack.deploy(aws, image, "pretag-e2e")
    assert stack.latest(key) is None
    stack.set_redrive(enabled=True)
    assert "frames.csv" in stack.dataset(key)
    wait_for(lambda: stack.count_failures() == 0, "an empty failure queue")
    stack.set_redrive(enabled=False)


def test_uploads_to_an_existing_bucket_are_processed_below_the_input_prefix(
    image: str, aws: Emulator
) -> None:
    aws.make_bucket(EXISTING_BUCKET)
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=EXISTING_BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    parameters = {"InputBucketName": EXISTING_BUCKET, "InputPrefix": "incoming/"}
    stack = Stack.deploy(aws, image, "pretag-watch", **parameters)
    assert stack.outputs["InputBucket"] == EXISTING_BUCKET
    buckets = {bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]}
    created = {name for name in buckets if name.lower().startswith("pretag-watch-")}
    assert created == {stack.outputs["OutputBucket"]}
    stack.put("elsewhere/a.mp4", clips.SAMPLE.read_bytes())
    key = "incoming/cam 1+2/höhe.mp4"
    stack.put(key, clips.SAMPLE.read_bytes())
    assert "frames.csv" in stack.dataset(key)
    outcomes = wait_for(stack.outcomes, "the line in the log")
    assert {outcome.get("video") for outcome in outcomes} == {f"s3://{EXISTING_BUCKET}/{key}"}


def test_the_deployed_function_has_the_settings_of_the_template(stack: Stack) -> None:
    client = stack.aws.client("lambda")
    name = stack.outputs["LiveFunction"]
    function = client.get_function_configuration(FunctionName=name)
    assert function["MemorySize"] == template.default_of("MemoryMegabytes")
    assert function["Timeout"] == template.default_of("TimeoutSeconds")
    assert function["PackageType"] == "Image"
    assert function["LoggingConfig"]["LogGroup"] == stack.outputs["LogGroup"]
    retries = client.get_function_event_invoke_config(FunctionName=name)
    assert retries["MaximumRetryAttempts"] == 2
