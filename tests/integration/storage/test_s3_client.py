"""The S3 client: errors of boto3 become errors of pretag."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from pipeline.errors import BrokenError, RetryableError, SupersededError
from pipeline.storage.s3.client import translate_s3_errors
from pipeline.storage.s3.sink import S3Sink


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("SlowDown", RetryableError),
        ("500", RetryableError),
        ("AccessDenied", BrokenError),
        ("412", SupersededError),
    ],
)
def test_an_error_of_s3_is_translated_by_its_code(code: str, error: type[Exception]) -> None:
    response: Any = {"Error": {"Code": code, "Message": "message"}}
    with pytest.raises(error, match=r"s3://b/k"), translate_s3_errors("s3://b/k"):
        raise ClientError(response, "GetObject")


def test_an_error_of_the_network_is_retryable() -> None:
    with (
        pytest.raises(RetryableError, match="could not be reached"),
        translate_s3_errors("s3://b/k"),
    ):
        raise EndpointConnectionError(endpoint_url="https://s3.example")


def test_missing_credentials_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    client = boto3.session.Session().client("s3", region_name="eu-central-1")
    with pytest.raises(BrokenError, match="No AWS credentials"):
        S3Sink(client, "b", "", "k.mp4", "run").put("x.json", b"")


def test_a_bucket_name_that_s3_does_not_accept_is_broken() -> None:
    client = boto3.session.Session().client("s3", region_name="eu-central-1")
    with pytest.raises(BrokenError, match="is not a name that S3 accepts"):
        S3Sink(client, "bad bucket!", "", "k.mp4", "run").put("x.json", b"")
