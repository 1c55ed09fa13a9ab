"""The requests that docs/operations.md and docs/reliability.md count, by S3's classes of price."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from docs import hostile_costs
from tests.support.lambda_function import notify, put_video

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

PRICES = {
    "PutObject": "write",
    "CopyObject": "write",
    "ListObjectsV2": "write",
    "GetObject": "read",
    "HeadObject": "read",
    "DeleteObjects": "free",
}


@pytest.fixture
def requests(s3: S3Client) -> Counter[str]:
    """Count the requests of the function, which uses the client of the fixture."""
    counted: Counter[str] = Counter()

    def count(model: OperationModel, **_: object) -> None:
        counted[PRICES[model.name]] += 1

    s3.meta.events.register("before-call.s3", count)
    return counted


def test_a_file_that_is_no_video_costs_as_many_requests_as_the_documentation_says(
    s3: S3Client, requests: Counter[str]
) -> None:
    record = put_video(s3, "text.mp4", b"no video")
    requests.clear()
    (video,) = notify(record)["videos"]
    assert video["status"] == "rejected"
    assert requests["write"] == hostile_costs.REJECTION_WRITES
    assert requests["read"] == hostile_costs.REJECTION_READS


def test_a_result_costs_two_writes_for_each_frame_and_23(
    s3: S3Client, requests: Counter[str]
) -> None:
    record = put_video(s3)
    requests.clear()
    (video,) = notify(record)["videos"]
    kept = video["counts"]["frames_kept"]
    assert kept > 1
    assert requests["write"] == hostile_costs.WRITES_FOR_A_FRAME * kept + 23
