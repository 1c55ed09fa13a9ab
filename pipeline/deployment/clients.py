"""Clients of CloudFormation and Lambda, and what their errors mean."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from pipeline.errors import BrokenError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.errors import PretagError

# The pauses are random, and grow up to 20 s: about a minute in all.
# https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html
_TRIES = 10
_CONFIG = Config(
    connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": _TRIES}
)
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500


class LambdaClient(Protocol):
    """What pretag uses of boto3's client of Lambda."""

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        """Return the settings of a function."""

    def invoke(
        self,
        *,
        FunctionName: str,  # noqa: N803
        InvocationType: str,  # noqa: N803
        Payload: bytes,  # noqa: N803
    ) -> dict[str, Any]:
        """Send an event to a function."""


class CloudFormationClient(Protocol):
    """What pretag uses of boto3's client of CloudFormation."""

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        """Return parameters and outputs of a stack."""


@cache
def lambda_client() -> LambdaClient:
    """Return the Lambda client of the process. It tries up to 10 times, also when throttled."""
    with translated_errors("Lambda"):
        client: LambdaClient = boto3.client("lambda", config=_CONFIG)
    return client


@cache
def cloudformation_client() -> CloudFormationClient:
    """Return the CloudFormation client of the process. It tries up to 10 times."""
    with translated_errors("CloudFormation"):
        client: CloudFormationClient = boto3.client("cloudformation", config=_CONFIG)
    return client


@contextmanager
def translated_errors(what: str) -> Iterator[None]:
    """Turn the errors of boto3 in the block into errors of pretag.

    Args:
        what: what was asked for, such as `Lambda` or `the stack pretag-prod`, for messages.

    Raises:
        BrokenError: AWS refuses the request, or there are no credentials or no region.
        RetryableError: AWS throttled all tries, failed, or could not be reached.
    """
    try:
        yield
    except ClientError as error:
        raise _of_answer(what, error) from error
    except (NoCredentialsError, NoRegionError) as error:
        raise BrokenError(
            f"{what} cannot be reached: {error} Configure AWS credentials and a region."
        ) from error
    except BotoCoreError as error:
        raise RetryableError(f"{what} could not be reached: {error}. Try again later.") from error


def _of_answer(what: str, error: ClientError) -> PretagError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    answer = f"{error.operation_name} for {what} ({code}: {message})"
    if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR or "Throttl" in code:
        return RetryableError(f"AWS failed {_TRIES} times in {answer}. Try again later.")
    return BrokenError(
        f"AWS refuses {answer}. Check the name, the region and the permissions of your credentials."
    )
