"""Videos that are too large to read, and what lifecycle rules and versions need of the results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.lambda_function import KEY, RESULTS, notify, put_video, visible_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client


@pytest.fixture
def video_requests(s3: S3Client) -> Iterator[list[str | None]]:
    """Return the ranges that were requested of the video."""
    ranges: list[str | None] = []

    def note(params: dict[str, str], **_other: object) -> None:
        if params["Key"] == KEY:
            ranges.append(params.get("Range"))

    s3.meta.events.register("provide-client-params.s3.GetObject", note)
    yield ranges
    s3.meta.events.unregister("provide-client-params.s3.GetObject", note)


def test_a_file_that_is_too_large_is_rejected_by_its_first_answer(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch, video_requests: list[str | None]
) -> None:
    # More than one block, so that any reading needs a second request.
    record = put_video(s3, data=b"\0" * 5_000_000)
    monkeypatch.setenv("PRETAG_LIMITS__GIGABYTES", "0.004")
    (video,) = notify(record)["videos"]
    assert (video["status"], video["reason"]) == ("rejected", "too_large")
    assert "is a file of 0.005 GB; the limit is 0.004." in video["message"]
    assert len(video_requests) == 1
    rejection = json.loads(visible_files(s3)[f"{video['result']}/rejection.json".split("/", 3)[3]])
    assert rejection["reason"] == "too_large"


def test_only_rejections_have_the_tag_of_the_lifecycle_rule(s3: S3Client) -> None:
    notify(put_video(s3), put_video(s3, "incoming/bad.mp4", b"no video\n"))
    tags = {
        key: s3.get_object_tagging(Bucket=RESULTS, Key=key)["TagSet"] for key in visible_files(s3)
    }
    assert len(tags) > 5
    tagged = {key: tag for key, tag in tags.items() if tag}
    assert [key.rpartition("/")[2] for key in tagged] == ["rejection.json"]
    assert list(tagged.values()) == [[{"Key": "pretag", "Value": "rejection"}]]


def test_a_bucket_with_versions_holds_the_same_results(s3: S3Client) -> None:
    s3.put_bucket_versioning(Bucket=RESULTS, VersioningConfiguration={"Status": "Enabled"})
    record = put_video(s3)
    (first,) = notify(record)["videos"]
    (again,) = notify(record)["videos"]
    assert (first["status"], again["status"]) == ("done", "repeated")
    # A person deletes the result: what is left is a delete marker, and the result comes again.
    files = visible_files(s3)
    for key in files:
        s3.delete_object(Bucket=RESULTS, Key=key)
    (third,) = notify(record)["videos"]
    assert (third["status"], third["result"]) == ("done", first["result"])
    assert set(visible_files(s3)) == set(files)
