"""The image under the Runtime Interface Emulator, as hard as Lambda runs it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import docker, inside, template
from tests.e2e.cloud import KEY, RESULTS, VIDEOS, Cloud
from tests.e2e.function import HARD, StartFunction
from tests.support import clips, emf, family_exports

# Enough for the sample clip, too little for a frame of 8K.
SMALL_MEGABYTES = 320


def video_event(key: str, **more: object) -> dict[str, object]:
    return {"video": f"s3://{VIDEOS}/{key}", **more}


def put_video(aws: Cloud, key: str, data: bytes) -> None:
    aws.client("s3").put_object(Bucket=VIDEOS, Key=key, Body=data)


def metrics(logs: str, name: str) -> list[float]:
    found = [emf.values(blob) for blob in emf.blobs(logs)]
    return [value for each in found for (metric, _), value in each.items() if metric == name]


def assert_whole(tree: dict[str, bytes], counts: dict[str, int]) -> None:
    run = json.loads(tree["latest.json"])["run_id"]
    manifest = json.loads(tree[f"{run}/manifest.json"])
    assert manifest["counts"] == counts
    listed = {f"{run}/{each['path']}": each["sha256"] for each in manifest["files"]}
    assert set(tree) == {"latest.json", f"{run}/manifest.json", *listed}
    assert {path: hashlib.sha256(tree[path]).hexdigest() for path in listed} == listed
    images = [path for path in listed if path.endswith(".jpg")]
    assert len(images) == counts["frames_kept"] > 10


def test_a_cold_and_a_warm_call_end_in_the_dataset(start: StartFunction, aws: Cloud) -> None:
    event = json.loads((template.ROOT / "events" / "s3-put.json").read_text())
    function = start()
    answers = [function.invoke(event) for _ in range(2)]
    for status, body in answers:
        assert status == 200
        summary = json.loads(body)
        assert summary["skipped"] == []
        (video,) = summary["videos"]
        assert (video["video"], video["status"]) == (f"s3://{VIDEOS}/{KEY}", "done")
        assert video["counts"]["frames_decoded"] == 300
        assert_whole(aws.tree(RESULTS, f"pretag/{KEY}/"), video["counts"])
    logs = function.logs()
    assert logs.count('"message":"Model loaded"') == 1
    assert metrics(logs, "VideosProcessed") == [1, 1]
    assert metrics(logs, "VideosRejected") == [0, 0]
    assert metrics(logs, "FramesDecoded") == [300, 300]


def test_a_text_file_named_mp4_is_rejected(start: StartFunction, aws: Cloud) -> None:
    put_video(aws, "rejected/text.mp4", b"not a video\n")
    function = start()
    status, body = function.invoke(video_event("rejected/text.mp4"))
    (video,) = json.loads(body)["videos"]
    assert (status, video["status"], video["reason"]) == (200, "rejected", "not_a_video")
    ((path, data),) = aws.tree(RESULTS, "pretag/rejected/text.mp4/").items()
    assert path.endswith("/rejection.json")
    assert json.loads(data)["reason"] == "not_a_video"
    assert metrics(function.logs(), "VideosRejected") == [1]


def test_a_wrong_config_key_is_an_error_that_helps(start: StartFunction) -> None:
    event = video_event(KEY, config={"detector": {"modle": "x.onnx"}})
    status, body = start().invoke(event)
    error = json.loads(body)
    assert (status, error["errorType"]) == (200, "ConfigError")
    assert "did you mean 'detector.model'" in error["errorMessage"]


def test_models_in_s3_are_fetched_once_each(
    start: StartFunction, aws: Cloud, tmp_path: Path
) -> None:
    """Through /tmp, the only folder that can be written, with cards of another detector's kind."""
    for name, head in (("yolov5", family_exports.yolov5), ("rtdetr", family_exports.rtdetr)):
        head(tmp_path / f"{name}.onnx")
    for file in tmp_path.iterdir():
        aws.client("s3").upload_file(str(file), VIDEOS, f"models/{file.name}")
    function = start()
    for name in ("yolov5", "rtdetr", "yolov5"):
        detector = {"model": f"s3://{VIDEOS}/models/{name}.onnx"}
        output = f"s3://{RESULTS}/{name}"
        event = video_event(KEY, config={"detector": detector}, output=output)
        status, body = function.invoke(event)
        assert (status, json.loads(body).get("errorMessage")) == (200, None)
        tree = aws.tree(RESULTS, f"{name}/{KEY}/")
        run = json.loads(tree["latest.json"])["run_id"]
        assert json.loads(tree[f"{run}/config.json"])["model"]["family"] == name
        coco = json.loads(tree[f"{run}/annotations/instances_default.json"])
        assert len(coco["annotations"]) > 100
    assert function.logs().count('"message":"Model loaded"') == 2


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    return clips.write_clip(path, [clips.texture(1)] * 6000).read_bytes()


def test_work_that_outlasts_the_timeout_is_ended(
    start: StartFunction, aws: Cloud, long_clip: bytes
) -> None:
    put_video(aws, "long.mp4", long_clip)
    function = start(timeout=8)
    every_frame = {"sampling": {"every_seconds": 0.001}, "dedupe": {"method": "none"}}
    event = video_event("long.mp4", config=every_frame, output=f"s3://{RESULTS}/late")
    assert function.invoke(event) == (200, "Task timed out after 8.00 seconds")
    assert '"message":"Model loaded"' in function.logs()
    assert not [path for path in aws.tree(RESULTS, "late/") if path.endswith(".json")]


@pytest.fixture(scope="module")
def huge_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    frame = clips.texture(1, 7680, 4320)
    path = tmp_path_factory.mktemp("clips") / "8k.mp4"
    return clips.write_clip(path, [frame] * 2, options={"preset": "ultrafast"}).read_bytes()


def test_a_function_out_of_memory_is_killed_and_the_next_call_works(
    start: StartFunction, aws: Cloud, huge_clip: bytes
) -> None:
    put_video(aws, "huge/8k.mp4", huge_clip)
    function = start(megabytes=SMALL_MEGABYTES)
    status, body = function.invoke(video_event("huge/8k.mp4"))
    assert status == 502, body
    error = json.loads(body)
    assert error["errorType"] == "Runtime.ExitError"
    assert "signal: killed" in error["errorMessage"]
    assert aws.tree(RESULTS, "pretag/huge/") == {}
    _, body = function.invoke(video_event(KEY))
    assert json.loads(body)["videos"][0]["status"] == "done"


@pytest.fixture(scope="module")
def contents(image: str) -> dict[str, Any]:
    script = Path(inside.__file__).read_text()
    python = ("--entrypoint", "python3", image, "-c", script)
    found: dict[str, Any] = json.loads(docker.docker("run", "--rm", *HARD, *python))
    return found


def test_the_image_can_be_read_by_a_user_without_rights(contents: dict[str, Any]) -> None:
    assert contents["user"] == 993
    assert contents["unreadable"] == []


def test_the_image_holds_what_is_imported_and_no_more(contents: dict[str, Any]) -> None:
    assert {"handler", "pipeline", "models", "cv2", "onnxruntime"} <= set(contents["packages"])
    unused = {"scipy", "av", "pytest", "click", "rich", "pycocotools"}
    assert not unused & set(contents["packages"])


def test_all_sources_are_compiled_for_good(contents: dict[str, Any]) -> None:
    """PEP 552: a flag of 1 is an unchecked hash, which no file's date can make stale."""
    assert len(contents["compiled"]) > 30
    assert contents["not_compiled"] == []
    assert contents["may_be_stale"] == []


def test_onnx_runtime_sends_no_telemetry(contents: dict[str, Any]) -> None:
    assert contents["telemetry"] == "1"
