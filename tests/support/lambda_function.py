"""Call the Lambda handler with objects in the S3 of moto, which is emulated inside the process."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from handler import app
from pipeline.storage.s3.attempts import WORK_PREFIX
from pipeline.storage.s3.client import s3_client
from tests.support import clips
from tests.support.emulated_aws import emulated_aws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_s3 import S3Client

REGION = "eu-central-1"
VIDEOS, RESULTS = "incoming", "results"
KEY = "incoming/cam 1+2/höhe.mp4"
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "OUTPUT_BUCKET": RESULTS,
    "OUTPUT_PREFIX": "datasets",
    "INPUT_BUCKETS": VIDEOS,
    "PRETAG_SAMPLING__EVERY_SECONDS": "5",
    "POWERTOOLS_SERVICE_NAME": "pretag-test",
}
"""The environment variables of the function."""
_sequence = count(1)


@dataclass
class Context:
    """The attributes of Lambda's context that Powertools reads."""

    function_name: str = "pretag"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:pretag"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left."""
        return 900_000


@contextmanager
def emulated_s3() -> Iterator[S3Client]:
    """Emulate S3 in the block, with a bucket for videos and one for results."""
    s3_client.cache_clear()
    with emulated_aws():
        client = s3_client()
        for name in (VIDEOS, RESULTS):
            create_bucket(client, name)
        yield client
    s3_client.cache_clear()


def create_bucket(client: S3Client, name: str) -> None:
    """Create a bucket in the region of the tests."""
    location: Any = {"LocationConstraint": REGION}
    client.create_bucket(Bucket=name, CreateBucketConfiguration=location)


def put_video(client: S3Client, key: str = KEY, data: bytes | None = None) -> dict[str, Any]:
    """Put an object into the bucket for videos, by default the sample; return S3's event record."""
    data = clips.SAMPLE.read_bytes() if data is None else data
    response = client.put_object(Bucket=VIDEOS, Key=key, Body=data)
    return {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": VIDEOS},
            "object": {
                "key": quote_plus(key),
                "size": len(data),
                "eTag": response["ETag"].strip('"'),
                "sequencer": f"{next(_sequence):016X}",
            },
        },
    }


def invoke(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the response of the handler, which can be sent as JSON."""
    response: dict[str, Any] = app.lambda_handler(dict(event), Context())
    json.dumps(response)
    return response


def notify(*records: dict[str, Any]) -> dict[str, Any]:
    """Return the response to an event of S3 with these records."""
    return invoke({"Records": list(records)})


def result_files(client: S3Client, prefix: str = "") -> dict[str, bytes]:
    """Return the content of all objects in the bucket for results, by key."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=RESULTS, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return {key: client.get_object(Bucket=RESULTS, Key=key)["Body"].read() for key in keys}


def visible_files(client: S3Client) -> dict[str, bytes]:
    """Return what readers see: the results without the objects below `pretag-work/`."""
    files = result_files(client)
    return {key: data for key, data in files.items() if not key.startswith(WORK_PREFIX)}


def work_left(client: S3Client) -> list[str]:
    """Return what is left below `pretag-work/` but the decisions."""
    keys = [key for key in result_files(client) if key.startswith(WORK_PREFIX)]
    return [key for key in keys if "/uploads/" not in key and not key.endswith("/decision.json")]
