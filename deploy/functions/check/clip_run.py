"""Run the sample clip through one version of the function, from its upload to its COCO file."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = "pretag-check/"
"""Where the clip is put, below the input prefix. It has no suffix, so its S3 event is skipped."""

_COCO = "annotations/instances_default.json"


class CheckError(Exception):
    """The version must not get events. The message says what is wrong."""


@dataclass(frozen=True)
class Places:
    """Where a deployment reads videos and writes results; prefixes as in template.yaml.

    Attributes:
        input_bucket: the bucket of videos.
        input_prefix: empty, or with a slash at the end.
        output_bucket: the bucket of results.
        output_prefix: without a slash at the end.
    """

    input_bucket: str
    input_prefix: str
    output_bucket: str
    output_prefix: str


def coco_of(clip: bytes, version: str, places: Places, s3: Any, functions: Any) -> Any:  # noqa: ANN401 - boto3's clients, JSON
    """Return the COCO file that a version makes of a clip. Clip and result are removed again.

    Args:
        clip: the bytes of the video.
        version: ARN of a version of the function.
        places: where it reads and writes.
        s3: boto3's client of S3.
        functions: boto3's client of Lambda. Its read time-out is how long the version may take,
            and it must not try again.

    Raises:
        CheckError: the version fails, does not answer in time, or has no complete result.
    """
    key = f"{places.input_prefix}{FOLDER}{uuid.uuid4().hex}"
    try:
        s3.put_object(Bucket=places.input_bucket, Key=key, Body=clip)
        try:
            video = _processed(version, f"s3://{places.input_bucket}/{key}", functions)
            return _read_coco(video, key, places, s3)
        finally:
            s3.delete_object(Bucket=places.input_bucket, Key=key)
            _remove_below(f"{places.output_prefix}/{key}/", places.output_bucket, s3)
    except (BotoCoreError, ClientError) as error:
        raise CheckError(f"A request of the check failed: {error}") from error


def _processed(version: str, uri: str, functions: Any) -> Mapping[str, Any]:  # noqa: ANN401 - boto3's client
    try:
        answer = functions.invoke(FunctionName=version, Payload=json.dumps({"video": uri}).encode())
        body = json.loads(answer["Payload"].read())
    except ReadTimeoutError as error:
        raise CheckError(
            "It is too slow: it did not answer in the time that the check gives."
        ) from error
    if "FunctionError" in answer or "errorMessage" in body:
        raise CheckError(f"It raises {body.get('errorType')}: {body.get('errorMessage')}")
    videos = body.get("videos", [])
    if [video.get("status") for video in videos] != ["done"]:
        raise CheckError(f"It does not process the clip. It answers: {json.dumps(body)[:1000]}")
    video: Mapping[str, Any] = videos[0]
    return video


def _read_coco(video: Mapping[str, Any], key: str, places: Places, s3: Any) -> Any:  # noqa: ANN401 - boto3's client, JSON
    prefix = f"{places.output_prefix}/{key}/"
    expected = f"s3://{places.output_bucket}/{prefix}"
    if not video["result"].startswith(expected):
        raise CheckError(f"Its result is {video['result']}, and must be below {expected}.")
    run = f"{prefix}{video['result'].removeprefix(expected)}"
    written = set(_keys_below(prefix, places.output_bucket, s3))
    missing = {f"{run}/manifest.json", f"{run}/{_COCO}"} - written
    if missing:
        raise CheckError(f"It answers that the clip is done, but there is no {sorted(missing)}.")
    return json.loads(
        s3.get_object(Bucket=places.output_bucket, Key=f"{run}/{_COCO}")["Body"].read()
    )


def _keys_below(prefix: str, bucket: str, s3: Any) -> list[str]:  # noqa: ANN401 - boto3's client
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def _remove_below(prefix: str, bucket: str, s3: Any) -> None:  # noqa: ANN401 - boto3's client
    for key in _keys_below(prefix, bucket, s3):
        s3.delete_object(Bucket=bucket, Key=key)
