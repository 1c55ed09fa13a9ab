"""Turn the errors of boto3 into errors of pretag.

Which error an answer of S3 becomes depends on what was asked. A video that is gone while it is read
was replaced or deleted: its upload ends as superseded. An object that is missing while a result is
written says nothing about the video.

The codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from pipeline.errors import BrokenError, RetryableError, SupersededError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.errors import PretagError

Access = Literal["read", "write"]
"""`read`: the object is an input, so it can be superseded. `write`: all work on results."""

_GONE = {"404", "NoSuchKey", "NoSuchVersion", "412", "PreconditionFailed"}

_RETRYABLE = {
    # S3 or KMS is overloaded or restarts. DeleteObjects gives these codes without a status.
    *("InternalError", "ServiceUnavailable", "SlowDown", "Throttling", "ThrottlingException"),
    *("KMS.ThrottlingException", "KMS.KeyUnavailableException", "TooManyRequestsException"),
    *("RequestLimitExceeded", "BandwidthLimitExceeded"),
    # Another request changes the same object or bucket.
    *("ConditionalRequestConflict", "OperationAborted", "409"),
    # The request was slow, cut off or altered on its way.
    *("RequestTimeout", "IncompleteBody", "BadDigest", "InvalidDigest"),
    *("XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"),
    # The request was signed long before it was sent, as when Lambda freezes the process in between.
    # Each try is signed anew.
    *("RequestTimeTooSkewed", "RequestExpired"),
    # Credentials ran out. Those of Lambda are replaced before the next invocation.
    *("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"),
    # The name of a new bucket is not yet known everywhere.
    *("TemporaryRedirect", "307"),
}
_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS, _SERVER_ERROR = 408, 429, 500

_PERMISSIONS = (
    "Allow it in the policies of the role, the bucket and its KMS key. S3 also refuses a bucket "
    "whose owner is not the account that is expected: check the bucket's name and its owner. "
    "Without s3:ListBucket, it answers so for an object that does not exist, too."
)
_CREDENTIALS = "Correct the credentials, or give the function a role."
# DisabledException, NotFoundException, KMSInvalidStateException (its deletion is due) and so on.
_KMS_KEY = "Enable or restore the KMS key, or encrypt with another symmetric one."
_TOO_LARGE = "S3 takes at most 5 GB in one request. Use a smaller file."
_TOO_LONG = "A key has at most 1,024 bytes of UTF-8. Shorten the video's key or the output prefix."
_REGION = "The bucket is in another region. Set AWS_DEFAULT_REGION to it, or use a bucket here."
_CODE = "Look the code up in the list of S3's error codes, repair the cause and redrive the event."

_REMEDIES = {
    "403": _PERMISSIONS,
    "AccessDenied": _PERMISSIONS,
    "AllAccessDisabled": _PERMISSIONS,
    "AccountProblem": "Ask AWS Support what is wrong with the account.",
    "InvalidAccessKeyId": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "NoSuchBucket": "Check the bucket's name, or create the bucket.",
    "InvalidObjectState": "The object is archived. Restore it, then redrive the event.",
    "MethodNotAllowed": "Check that the bucket's name is that of an S3 bucket of general purpose.",
    "KMS.AccessDeniedException": _PERMISSIONS,
    "EntityTooLarge": _TOO_LARGE,
    "KeyTooLongError": _TOO_LONG,
    "KeyTooLong": _TOO_LONG,
    "InvalidRequest": "The bucket's settings do not allow this request: check encryption, object "
    "lock, archived objects, and objects of more than 5 GB.",
    "PermanentRedirect": _REGION,
    "301": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
}


@contextmanager
def translate_s3_errors(uri: str, access: Access) -> Iterator[None]:
    """Turn the errors of boto3 in the block into errors of pretag.

    Args:
        uri: the object, for messages.
        access: what the request is for.

    Raises:
        SupersededError: an object that was read does not exist, or was replaced.
        BrokenError: S3 refuses the request, or the request is not valid.
        RetryableError: S3 or the network failed. Trying again may help.
    """
    try:
        yield
    except ClientError as error:
        raise _of_answer(error, uri, access) from error
    except ParamValidationError as error:
        raise BrokenError(f"{uri} is not a name that S3 accepts: {error}") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise BrokenError(
            f"No AWS credentials were found to reach {uri}. Configure them, or give the function "
            "a role."
        ) from error
    except (BotoCoreError, HTTPError, ConnectionError, TimeoutError) as error:
        raise RetryableError(
            f"S3 could not be reached for {uri}: {_text(error)}. It is tried again."
        ) from error
    except ResponseParserError as error:
        raise RetryableError(
            f"The answer of S3 for {uri} cannot be read: {_text(error)}. It is tried again."
        ) from error


def error_code(error: ClientError) -> str:
    """Return S3's code of an error; the status for answers without a body, as to HeadObject."""
    return error.response["Error"].get("Code", "")


def _text(error: Exception) -> str:
    """Return the message of an error of the SDK as a part of a sentence."""
    return str(error).rstrip(".")


def _of_answer(error: ClientError, uri: str, access: Access) -> PretagError:
    code = error_code(error)
    if access == "read" and (code in _GONE or _is_of_delete_marker(error)):
        return SupersededError(f"{uri} was replaced or deleted before it was read.")
    answer = f"({code}: {error.response['Error'].get('Message', '')})"
    # A write without a condition has no reason to be answered so: something else is wrong.
    if code in _GONE or code in _RETRYABLE or _is_retryable_status(_status(error)):
        return RetryableError(
            f"S3 failed in {error.operation_name} on {uri} {answer}. It is tried again."
        )
    remedy = _REMEDIES.get(code, _KMS_KEY if code.startswith("KMS.") else _CODE)
    return BrokenError(f"S3 refuses {error.operation_name} on {uri} {answer}. {remedy}")


def _is_of_delete_marker(error: ClientError) -> bool:
    """Tell whether the version is a mark that S3 left when the object was deleted.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
    """
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return headers.get("x-amz-delete-marker") == "true"


def _status(error: ClientError) -> int:
    """Return the HTTP status; 0 if it is unknown."""
    code = error_code(error)
    known = int(code) if code.isdecimal() else 0
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", known)


def _is_retryable_status(status: int) -> bool:
    return status in {_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS} or status >= _SERVER_ERROR
