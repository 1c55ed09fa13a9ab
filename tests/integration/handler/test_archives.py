"""`output.archive` in the Lambda function: parts, faults on the way, and the requests."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING
from zipfile import ZipFile

import moto.s3.models
import pytest
from botocore.exceptions import ClientError

from pipeline.errors import BrokenError
from pipeline.resources import prices
from pipeline.storage import archive_writer
from pipeline.storage.s3 import bucket, run_folder
from tests.support.lambda_function import RESULTS, notify, put_video, result_files, visible_files
from tests.support.visible_results import check_visible

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

PART = 100_000
FREE = {"DeleteObjects", "GetObject", "HeadObject", "AbortMultipartUpload"}


@pytest.fixture
def unchecked_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read without checksums: of a copy of an object in parts, moto gives a wrong one."""
    monkeypatch.setenv("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")


@pytest.fixture
def s3(unchecked_reads: None, s3: S3Client) -> S3Client:  # noqa: ARG001 - the variable is first
    """Return the client of the function."""
    return s3


@pytest.fixture(autouse=True)
def small_parts(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - it is there first
    """Write archives in parts of about the size of an image."""
    monkeypatch.setenv("PRETAG_OUTPUT__ARCHIVE", "zip")
    monkeypatch.setenv("PRETAG_SAMPLING__EVERY_SECONDS", "0.2")
    monkeypatch.setenv("PRETAG_SAMPLING__END_SECONDS", "0.9")
    monkeypatch.setenv("PRETAG_DEDUPE__METHOD", "none")
    monkeypatch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1)
    monkeypatch.setattr(archive_writer, "BLOCK_BYTES", PART)


def uploads(client: S3Client) -> int:
    """Return the number of uploads that were begun and not ended."""
    return len(client.list_multipart_uploads(Bucket=RESULTS).get("Uploads", []))


def archive_in(files: dict[str, bytes]) -> bytes:
    (data,) = (data for key, data in files.items() if key.endswith("/images.zip"))
    return data


@pytest.mark.parametrize("largest_copy", [1_000_000_000, 400_000])
def test_images_come_into_one_archive_in_parts(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch, largest_copy: int
) -> None:
    monkeypatch.setattr(run_folder, "LARGEST_COPY_BYTES", largest_copy)
    monkeypatch.setattr(bucket, "COPIED_PART_BYTES", PART)
    written: Counter[str] = Counter()

    def count(model: OperationModel, **_: object) -> None:
        written[model.name] += model.name not in FREE

    s3.meta.events.register("before-call.s3", count)
    record = put_video(s3)
    written.clear()
    (video,) = notify(record)["videos"]
    assert (video["status"], video["counts"]["frames_kept"]) == ("done", 5)
    requests = written.total()
    files = visible_files(s3)
    check_visible(files)
    assert not any(key.endswith(".jpg") for key in files)
    data = archive_in(files)
    with ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"images/default/frame_{n:06}.jpg" for n in range(0, 10, 2)]
    assert uploads(s3) == 0
    monkeypatch.setattr(prices, "PART_BYTES", PART)
    monkeypatch.setattr(prices, "LARGEST_COPY_BYTES", largest_copy)
    monkeypatch.setattr(prices, "COPIED_PART_BYTES", PART)
    most = prices.WRITES_A_VIDEO + prices.archive_writes(len(data))
    # A part ends with an image, so there may be fewer.
    assert most - len(data) // PART <= requests <= most


@pytest.mark.parametrize("failing", ["upload_part", "complete_multipart_upload"])
def test_a_fault_on_the_way_leaves_nothing(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    request, calls = getattr(s3, failing), Counter[str]()

    def refuse(**arguments: object) -> object:
        calls[failing] += 1
        if failing == "upload_part" and calls[failing] == 1:
            return request(**arguments)
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "No."}}, failing)

    monkeypatch.setattr(s3, failing, refuse)
    with pytest.raises(BrokenError, match=r"pretag-work/.*images\.zip"):
        notify(put_video(s3))
    assert result_files(s3) == {}
    assert uploads(s3) == 0


def test_a_video_that_is_rejected_on_the_way_leaves_its_rejection_alone(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETAG_LIMITS__HOURS", "0.0001")
    monkeypatch.delenv("PRETAG_SAMPLING__END_SECONDS")
    (video,) = notify(put_video(s3))["videos"]
    assert video["status"] == "rejected"
    (key,) = visible_files(s3)
    assert key.endswith("/rejection.json")
    assert uploads(s3) == 0


def test_label_studio_gets_no_addresses_of_images_that_are_in_an_archive(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETAG_OUTPUT__EXPORTS", "label-studio")
    notify(put_video(s3))
    files = visible_files(s3)
    (export,) = (data for key, data in files.items() if key.endswith("label-studio.zip"))
    with ZipFile(io.BytesIO(export)) as archive, ZipFile(io.BytesIO(archive_in(files))) as images:
        tasks = json.loads(archive.read("tasks.json"))
        for task, name in zip(tasks, images.namelist(), strict=True):
            place, _, path = task["data"]["image"].partition("?d=")
            assert place == "/data/local-files/"
            assert archive.read(path) == images.read(name)
