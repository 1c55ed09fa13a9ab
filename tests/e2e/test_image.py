"""The image in a container with Lambda's restrictions."""

import hashlib
import io
import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from pipeline.storage.archive_writer import BLOCK_BYTES
from tests.e2e import docker, image_contents
from tests.e2e.emulator import KEY, RESULTS, VIDEOS, Emulator
from tests.e2e.lambda_container import RESTRICTIONS, StartContainer
from tests.support import clips, emf, family_exports, hostile_models
from tests.support.visible_results import check_visible, run_folders

# Enough for the sample clip, too little for a frame of 8K.
SMALL_MEGABYTES = 320
REQUEST_ID = "00000000-0000-4000-8000-000000000001"


def direct_event(key: str, **options: object) -> dict[str, object]:
    return {"video": f"s3://{VIDEOS}/{key}", **options}


def put_video(aws: Emulator, key: str, data: bytes) -> None:
    aws.client("s3").put_object(Bucket=VIDEOS, Key=key, Body=data)


def metrics(logs: str, name: str) -> list[float]:
    values = [emf.values(blob) for blob in emf.blobs(logs)]
    return [value for each in values for (metric, _), value in each.items() if metric == name]


def assert_complete(tree: dict[str, bytes], counts: dict[str, int]) -> None:
    """Check that a result has exactly the files of its manifest, with their digests."""
    run = json.loads(tree["latest.json"])["run_id"]
    manifest = json.loads(tree[f"{run}/manifest.json"])
    assert manifest["counts"] == counts
    listed = {f"{run}/{file['path']}": file["sha256"] for file in manifest["files"]}
    assert set(tree) == {"latest.json", f"{run}/manifest.json", *listed}
    assert {path: hashlib.sha256(tree[path]).hexdigest() for path in listed} == listed
    images = [path for path in listed if path.endswith(".jpg")]
    assert len(images) == counts["frames_kept"] > 10


def test_a_cold_and_a_warm_invocation_write_datasets_and_a_repeated_one_writes_nothing(
    start: StartContainer, aws: Emulator
) -> None:
    container = start()
    keys = ["image/cold.mp4", "image/warm.mp4"]
    events = [aws.upload(key, clips.SAMPLE.read_bytes()) for key in keys]
    for key, event in zip(keys, events, strict=True):
        status, body = container.invoke(event)
        assert status == 200
        summary = json.loads(body)
        assert summary["skipped"] == []
        (video,) = summary["videos"]
        assert (video["video"], video["status"]) == (f"s3://{VIDEOS}/{key}", "done")
        assert video["counts"]["frames_decoded"] == 300
        assert_complete(aws.tree(RESULTS, f"pretag/{key}/"), video["counts"])
    before = aws.tree(RESULTS)
    _, body = container.invoke(events[0])
    assert json.loads(body)["videos"][0]["status"] == "repeated"
    assert aws.tree(RESULTS) == before
    logs = container.logs()
    assert logs.count('"message":"Model loaded"') == 1
    assert metrics(logs, "VideosProcessed") == [1, 1, 0]
    assert metrics(logs, "VideosRepeated") == [0, 0, 1]
    assert metrics(logs, "VideosRejected") == [0, 0, 0]
    assert metrics(logs, "FramesDecoded") == [300, 300]


def test_images_in_one_archive_have_the_bytes_of_loose_ones(
    start: StartContainer, aws: Emulator
) -> None:
    """Some 60 MB: an upload in parts."""
    sampled = {
        "PRETAG_SAMPLING__EVERY_SECONDS": "0.2",
        "PRETAG_DEDUPE__METHOD": "none",
        "PRETAG_OUTPUT__JPEG_QUALITY": "100",
    }
    trees, counts = {}, []
    for archive in ("none", "zip", "tar"):
        container = start(
            OUTPUT_PREFIX=f"archive-{archive}", PRETAG_OUTPUT__ARCHIVE=archive, **sampled
        )
        status, body = container.invoke(direct_event(KEY))
        (video,) = json.loads(body)["videos"]
        assert (status, video["status"]) == (200, "done"), container.logs()
        counts.append(video["counts"])
        trees[archive] = aws.tree(RESULTS, f"{video['result'].partition(f'{RESULTS}/')[2]}/")
        check_visible({f"run/{path}": data for path, data in trees[archive].items()})
    loose = {path: data for path, data in trees["none"].items() if path.endswith(".jpg")}
    assert len(loose) == counts[0]["frames_kept"] == 150
    assert counts[0] == counts[1] == counts[2]
    packed = trees["zip"]["images.zip"]
    assert len(packed) > 2 * BLOCK_BYTES
    with ZipFile(io.BytesIO(packed)) as zipped:
        assert {name: zipped.read(name) for name in zipped.namelist()} == loose
    with tarfile.open(fileobj=io.BytesIO(trees["tar"]["images.tar"]), mode="r:") as tar:
        found = {name: tar.extractfile(name) for name in tar.getnames()}
        assert {name: file.read() for name, file in found.items() if file is not None} == loose
    for name in ("annotations/instances_default.json", "predictions.json", "frames.csv"):
        assert trees["zip"][name] == trees["tar"][name] == trees["none"][name]
    uploads = aws.client("s3").list_multipart_uploads(Bucket=RESULTS)
    assert uploads.get("Uploads", []) == []


def test_a_text_file_named_mp4_is_rejected(start: StartContainer, aws: Emulator) -> None:
    put_video(aws, "rejected/text.mp4", b"not a video\n")
    container = start()
    status, body = container.invoke(direct_event("rejected/text.mp4"))
    (video,) = json.loads(body)["videos"]
    assert (status, video["status"], video["reason"]) == (200, "rejected", "not_a_video")
    ((path, data),) = aws.tree(RESULTS, "pretag/rejected/text.mp4/").items()
    assert path.endswith("/rejection.json")
    assert json.loads(data)["reason"] == "not_a_video"
    assert metrics(container.logs(), "VideosRejected") == [1]


def test_the_error_for_a_misspelt_config_key_suggests_the_right_one(start: StartContainer) -> None:
    event = direct_event(KEY, config={"detector": {"modle": "x.onnx"}})
    status, body = start().invoke(event)
    error = json.loads(body)
    assert (status, error["errorType"]) == (200, "ConfigError")
    assert "did you mean 'detector.model'" in error["errorMessage"]


def test_each_model_in_s3_is_fetched_once(
    start: StartContainer, aws: Emulator, tmp_path: Path
) -> None:
    """The model files and their cards go through /tmp, the only writable folder."""
    for name, write in (("yolov5", family_exports.yolov5), ("rtdetr", family_exports.rtdetr)):
        write(tmp_path / f"{name}.onnx")
    for file in tmp_path.iterdir():
        aws.client("s3").upload_file(str(file), VIDEOS, f"models/{file.name}")
    container = start(MODEL_BUCKET=VIDEOS, MODEL_PREFIX="models/")
    for name in ("yolov5", "rtdetr", "yolov5"):
        detector = {"model": f"s3://{VIDEOS}/models/{name}.onnx"}
        output = f"s3://{RESULTS}/{name}"
        event = direct_event(KEY, config={"detector": detector}, output=output)
        status, body = container.invoke(event)
        assert (status, json.loads(body).get("errorMessage")) == (200, None)
        tree = aws.tree(RESULTS, f"{name}/{KEY}/")
        (run,) = run_folders(tree)
        assert json.loads(tree[f"{run}/config.json"])["model"]["family"] == name
        coco = json.loads(tree[f"{run}/annotations/instances_default.json"])
        assert len(coco["annotations"]) > 100
    assert container.logs().count('"message":"Model loaded"') == 2


def test_a_model_that_takes_all_memory_is_an_error_and_the_function_goes_on(
    start: StartContainer, aws: Emulator, tmp_path: Path
) -> None:
    """The model is tried in a process of its own, confined as in the image."""
    file = hostile_models.write_large_output(tmp_path / "large.onnx")
    aws.client("s3").upload_file(str(file), VIDEOS, f"models/{file.name}")
    container = start(MODEL_BUCKET=VIDEOS, MODEL_PREFIX="models/")
    model = f"s3://{VIDEOS}/models/large.onnx"
    _, body = container.invoke(direct_event(KEY, config={"detector": {"model": model}}))
    error = json.loads(body)
    assert error["errorType"] == "BrokenError"
    assert "to load it and to run it once takes more than" in error["errorMessage"]
    _, body = container.invoke(direct_event(KEY, output=f"s3://{RESULTS}/after-large"))
    assert json.loads(body)["videos"][0]["status"] == "done"
    assert "The kernel refused restrictions" not in container.logs()


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    return clips.write_clip(path, [clips.texture(1)] * 6000).read_bytes()


def test_a_video_that_does_not_fit_the_time_out_is_rejected_before_it(
    start: StartContainer, aws: Emulator, long_clip: bytes
) -> None:
    put_video(aws, "long.mp4", long_clip)
    config = {"dedupe": {"method": "none"}}
    event = direct_event("long.mp4", config=config, output=f"s3://{RESULTS}/timeout")
    _, body = start(timeout=20, PRETAG_SAMPLING__EVERY_SECONDS="0.001").invoke(event)
    (video,) = json.loads(body)["videos"]
    assert (video["status"], video["reason"]) == ("rejected", "too_long_for_function")
    assert "the function has 20 seconds" in video["message"]
    ((path, data),) = aws.tree(RESULTS, "timeout/").items()
    assert path.endswith("/rejection.json")
    assert json.loads(data)["capacity"]["timeout_seconds"] == 20


@pytest.fixture(scope="module")
def huge_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    frame = clips.texture(1, 7680, 4320)
    path = tmp_path_factory.mktemp("clips") / "8k.mp4"
    return clips.write_clip(path, [frame] * 2, options={"preset": "ultrafast"}).read_bytes()


def test_a_video_that_needs_too_much_memory_ends_the_decoder_and_not_the_function(
    start: StartContainer, aws: Emulator, huge_clip: bytes
) -> None:
    """The function believes that it has the default memory, so it does not expect the end."""
    container = start(limit_megabytes=SMALL_MEGABYTES)
    _, body = container.invoke(aws.upload("huge/8k.mp4", huge_clip), REQUEST_ID)
    (video,) = json.loads(body)["videos"]
    assert (video["status"], video["reason"]) == ("rejected", "too_much_memory"), body
    ((path, _),) = aws.tree(RESULTS, "pretag/huge/").items()
    assert path.endswith("/rejection.json")
    _, body = container.invoke(aws.upload("huge/small.mp4", clips.SAMPLE.read_bytes()))
    assert json.loads(body)["videos"][0]["status"] == "done"
    assert container.logs().count('"message":"Model loaded"') == 1


@pytest.fixture(scope="module")
def contents(image: str) -> dict[str, Any]:
    script = Path(image_contents.__file__).read_text()
    python = ("--entrypoint", "python3", image, "-c", script)
    facts: dict[str, Any] = json.loads(docker.docker("run", "--rm", *RESTRICTIONS, *python))
    return facts


def test_the_command_runs_in_the_image(image: str, tmp_path: Path) -> None:
    shutil.copyfile(clips.SAMPLE, tmp_path / "clip.mp4")
    user = ("--user", f"{os.getuid()}:{os.getgid()}")
    docker.docker(
        "run", "--rm", *user, "--volume", f"{tmp_path}:/data", image,
        "pretag", "run", "/data/clip.mp4", "--out", "/data/out",
    )  # fmt: skip
    (coco,) = tmp_path.glob("out/clip.mp4/*/annotations/instances_default.json")
    known = json.loads(clips.SAMPLE.with_suffix(".json").read_text())
    assert json.loads(coco.read_text())["annotations"] == known["annotations"]


def test_a_user_without_rights_can_read_all_files_of_the_image(contents: dict[str, Any]) -> None:
    assert contents["user"] == 993
    assert contents["unreadable"] == []


def test_the_image_has_the_packages_that_are_imported_and_no_others(
    contents: dict[str, Any],
) -> None:
    used = {"handler", "pipeline", "models", "cv2", "av", "onnxruntime", "click", "rich"}
    assert used <= set(contents["packages"])
    unused = {"scipy", "pytest", "pycocotools"}
    assert not unused & set(contents["packages"])


def test_all_sources_are_compiled_with_unchecked_hashes(contents: dict[str, Any]) -> None:
    """With unchecked hashes, the dates of the files do not matter (PEP 552)."""
    assert len(contents["compiled"]) > 30
    assert contents["not_compiled"] == []
    assert contents["may_be_stale"] == []


def test_telemetry_of_onnx_runtime_is_switched_off(contents: dict[str, Any]) -> None:
    assert contents["telemetry"] == "1"
