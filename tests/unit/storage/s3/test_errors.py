"""Errors of S3 become errors of pretag, by their code and by what was asked."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import SSLError

from pipeline.errors import BrokenError, PretagError, RetryableError, SupersededError
from pipeline.storage.s3.errors import Access, translate_s3_errors


def answer(
    code: str, status: int | None = None, headers: dict[str, str] | None = None
) -> ClientError:
    """Return an error as boto3 raises it."""
    metadata = {} if status is None else {"HTTPStatusCode": status, "HTTPHeaders": headers or {}}
    response: Any = {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": metadata}
    return ClientError(response, "GetObject")


def translated(error: Exception, access: Access) -> PretagError:
    """Return the error of pretag that an error of boto3 becomes."""
    with (
        pytest.raises(PretagError, match=r"s3://b/k") as raised,
        translate_s3_errors("s3://b/k", access),
    ):
        raise error
    return raised.value


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("NoSuchKey", 404),
        ("NoSuchVersion", 404),
        ("404", 404),
        ("PreconditionFailed", 412),
        ("412", 412),
    ],
)
def test_a_missing_or_replaced_object_is_superseded_only_when_it_is_read(
    code: str, status: int
) -> None:
    assert type(translated(answer(code, status), "read")) is SupersededError
    assert type(translated(answer(code, status), "write")) is RetryableError


def test_a_version_that_marks_a_deletion_is_superseded() -> None:
    marker = {"x-amz-delete-marker": "true", "allow": "DELETE"}
    of_marker = answer("MethodNotAllowed", 405, marker)
    assert type(translated(of_marker, "read")) is SupersededError
    assert type(translated(of_marker, "write")) is BrokenError
    assert type(translated(answer("MethodNotAllowed", 405), "read")) is BrokenError


@pytest.mark.parametrize(
    ("code", "status", "remedy"),
    [
        ("AccessDenied", 403, "whose owner is not the account that is expected"),
        ("403", 403, "policies of the role, the bucket and its KMS key"),
        ("AllAccessDisabled", 403, "policies"),
        ("InvalidAccessKeyId", 403, "credentials"),
        ("SignatureDoesNotMatch", 403, "credentials"),
        ("InvalidToken", 400, "credentials"),
        ("NoSuchBucket", 404, "Check the bucket's name, or create the bucket"),
        ("InvalidObjectState", 403, "archived. Restore it, then redrive"),
        ("MethodNotAllowed", 405, "bucket's name"),
        ("KMS.DisabledException", 400, "Enable or restore the KMS key"),
        ("KMS.NotFoundException", 400, "Enable or restore the KMS key"),
        ("KMS.KMSInvalidStateException", 400, "Enable or restore the KMS key"),
        ("KMS.NeverHeardOf", 400, "Enable or restore the KMS key"),
        ("KMS.AccessDeniedException", 403, "policies of the role, the bucket and its KMS key"),
        ("EntityTooLarge", 400, "at most 5 GB"),
        ("KeyTooLongError", 400, "Shorten the video's key or the output prefix"),
        ("InvalidRequest", 400, "bucket's settings"),
        ("PermanentRedirect", 301, "another region"),
        ("AuthorizationHeaderMalformed", 400, "another region"),
        ("NeverHeardOf", 400, "redrive the event"),
        ("NeverHeardOf", 404, "redrive the event"),
        ("NeverHeardOf", 409, "redrive the event"),
        ("NeverHeardOf", 418, "redrive the event"),
        ("400", 400, "redrive the event"),
    ],
)
@pytest.mark.parametrize("access", ["read", "write"])
def test_an_answer_that_a_person_must_act_on_is_broken_and_names_the_remedy(
    code: str, status: int, remedy: str, access: Access
) -> None:
    error = translated(answer(code, status), access)
    assert type(error) is BrokenError
    assert str(error).startswith(f"S3 refuses GetObject on s3://b/k ({code}: why). ")
    assert remedy in str(error)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InternalError", 500),
        ("InternalError", None),  # of one key, as DeleteObjects gives it
        ("SlowDown", 503),
        ("SlowDown", None),
        ("ServiceUnavailable", 503),
        ("503", None),
        ("Unheard", 500),
        ("Unheard", 599),
        ("RequestTimeout", 400),
        ("408", 408),
        ("429", 429),
        ("TooManyRequests", 429),
        ("ThrottlingException", 400),
        ("KMS.ThrottlingException", 400),
        ("KMS.KeyUnavailableException", 400),
        ("RequestTimeTooSkewed", 403),
        ("ExpiredToken", 400),
        ("TokenRefreshRequired", 400),
        ("BadDigest", 400),
        ("IncompleteBody", 400),
        ("ConditionalRequestConflict", 409),
        ("OperationAborted", 409),
        ("409", 409),
        ("TemporaryRedirect", 307),
    ],
)
@pytest.mark.parametrize("access", ["read", "write"])
def test_an_answer_that_may_be_another_one_next_time_is_retryable(
    code: str, status: int | None, access: Access
) -> None:
    error = translated(answer(code, status), access)
    assert type(error) is RetryableError
    assert f"({code}: why)" in str(error)


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://s3.example"),
        ConnectTimeoutError(endpoint_url="https://s3.example"),
        ReadTimeoutError(endpoint_url="https://s3.example"),
        ResponseStreamingError(error="reset"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        ResponseParserError("invalid XML received"),
        SSLError("record layer failure"),
        ConnectionResetError("reset"),
    ],
)
@pytest.mark.parametrize("access", ["read", "write"])
def test_an_error_of_the_network_is_retryable(error: Exception, access: Access) -> None:
    assert type(translated(error, access)) is RetryableError


def test_an_error_without_code_and_status_is_broken() -> None:
    nothing: Any = {"Error": {}}
    assert type(translated(ClientError(nothing, "PutObject"), "write")) is BrokenError


def test_missing_credentials_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    client = boto3.session.Session().client("s3", region_name="eu-central-1")
    with (
        pytest.raises(BrokenError, match="No AWS credentials"),
        translate_s3_errors("s3://b/k", "write"),
    ):
        client.put_object(Bucket="bucket", Key="k", Body=b"")


def test_a_bucket_name_that_s3_does_not_accept_is_broken() -> None:
    client = boto3.session.Session().client("s3", region_name="eu-central-1")
    with (
        pytest.raises(BrokenError, match="is not a name that S3 accepts"),
        translate_s3_errors("s3://bad bucket!/k", "write"),
    ):
        client.put_object(Bucket="bad bucket!", Key="k", Body=b"")
