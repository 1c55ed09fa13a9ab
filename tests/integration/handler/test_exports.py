"""`output.exports` and the classes of the output in the Lambda function."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from zipfile import ZipFile

from pipeline.storage.s3 import bucket, run_folder
from tests.support import emf
from tests.support.lambda_function import KEY, RESULTS, notify, put_video, visible_files

if TYPE_CHECKING:
    import pytest
    from mypy_boto3_s3 import S3Client


def test_the_function_writes_each_export_as_one_archive_that_the_manifest_lists(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETAG_SAMPLING__END_SECONDS", "0.05")
    monkeypatch.setenv("PRETAG_OUTPUT__EXPORTS", "cvat,label-studio,csv")
    # The archive is copied as one of more than 1 GB is.
    monkeypatch.setattr(run_folder, "LARGEST_COPY_BYTES", 50_000)
    monkeypatch.setattr(bucket, "COPIED_PART_BYTES", 5 * 1024 * 1024)
    (video,) = notify(put_video(s3))["videos"]
    assert video["status"] == "done"
    folder = video["result"].removeprefix(f"s3://{RESULTS}/")
    files = visible_files(s3)
    listed = {each["path"] for each in json.loads(files[f"{folder}/manifest.json"])["files"]}
    assert {f"exports/{name}.zip" for name in ("cvat", "label-studio", "csv")} <= listed
    with ZipFile(io.BytesIO(files[f"{folder}/exports/cvat.zip"])) as archive:
        names = archive.namelist()
        images = [name for name in names if name.endswith(".jpg")]
        assert archive.read(images[0]) == files[f"{folder}/images/default/frame_000000.jpg"]
        assert len(images) == video["counts"]["frames_kept"]
        assert "cvat_labels.json" in names
    with ZipFile(io.BytesIO(files[f"{folder}/exports/label-studio.zip"])) as archive:
        tasks = json.loads(archive.read("tasks.json"))
    assert tasks[0]["data"]["image"] == f"{video['result']}/images/default/frame_000000.jpg"
    assert tasks[0]["data"]["video"].endswith(KEY)


def test_classes_have_their_new_names_in_the_dataset_and_in_metrics(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PRETAG_SAMPLING__END_SECONDS", "0.05")
    monkeypatch.setenv("PRETAG_OUTPUT__CLASS_NAMES", "{person: pedestrian, car: null}")
    monkeypatch.setenv("PRETAG_OUTPUT__CATEGORIES", "used")
    (video,) = notify(put_video(s3))["videos"]
    folder = video["result"].removeprefix(f"s3://{RESULTS}/")
    coco = json.loads(visible_files(s3)[f"{folder}/annotations/instances_default.json"])
    names = [each["name"] for each in coco["categories"]]
    assert names[0] == "pedestrian"
    assert "car" not in names
    assert video["counts"]["detections"] == len(coco["annotations"])
    values = {blob.get("class") for blob in emf.blobs(capfd.readouterr().out)}
    assert "001 pedestrian" in values
