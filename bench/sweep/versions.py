"""A deployed function in several sizes: a version and an alias for each, as long as a sweep lasts.

The way of https://github.com/alexcasalboni/aws-lambda-power-tuning. Tested with an emulator; it was
never run on AWS.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from bench.sweep.measure import SweepError, check_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_BILLED = re.compile(r"Billed Duration: ([0-9.]+) ms")
_ALIAS = "pretag-sweep-{}"


class Versions:
    """A version of a deployed function for each size."""

    def __init__(self, client: Any, function: str) -> None:  # noqa: ANN401 - boto3's types are not installed
        """Take a Lambda client, which must not try again, and the name of the function."""
        self._client = client
        self._function = function

    def invoke(self, megabytes: int, event: Mapping[str, Any]) -> float:
        """Process an event with the version of a size, and return the seconds that are billed.

        Raises:
            SweepError: the function failed, or its log has no report.
        """
        answer = self._client.invoke(
            FunctionName=self._function,
            Qualifier=_ALIAS.format(megabytes),
            LogType="Tail",
            Payload=json.dumps(event).encode(),
        )
        check_answer(answer["Payload"].read().decode())
        return billed_seconds(base64.b64decode(answer["LogResult"]).decode(errors="replace"))


def billed_seconds(log: str) -> float:
    """Return the seconds that are billed, from the end of an invocation's log.

    Raises:
        SweepError: the log does not say.
    """
    found = _BILLED.search(log)
    if found is None:
        raise SweepError("the log of the invocation has no line REPORT with a Billed Duration")
    return float(found[1]) / 1000


@contextmanager
def versions_of(client: Any, function: str, sizes: Sequence[int]) -> Iterator[Versions]:  # noqa: ANN401
    """Publish a version with an alias for each size.

    All are removed after the block, and $LATEST then has its memory and its description again. No
    alias of the stack is touched, so events go on to the version that gets them.

    Args:
        client: a Lambda client that does not try again, with a read time-out above the function's.
        function: name of the function.
        sizes: in megabytes.
    """
    with ExitStack() as stack:
        before = client.get_function_configuration(FunctionName=function)
        stack.callback(
            _configure, client, function, before["MemorySize"], before.get("Description", "")
        )
        sweep = uuid.uuid4().hex
        for size in sizes:
            # Lambda publishes only what has changed: without a description of its own, it could
            # answer with the version that gets the events, which must not be removed.
            _configure(client, function, size, f"sweep {sweep}, {size} MB")
            number = client.publish_version(FunctionName=function)["Version"]
            stack.callback(client.delete_function, FunctionName=function, Qualifier=number)
            client.get_waiter("published_version_active").wait(
                FunctionName=function, Qualifier=number
            )
            alias = _ALIAS.format(size)
            client.create_alias(FunctionName=function, Name=alias, FunctionVersion=number)
            stack.callback(client.delete_alias, FunctionName=function, Name=alias)
        yield Versions(client, function)


def _configure(client: Any, function: str, megabytes: int, description: str) -> None:  # noqa: ANN401
    client.update_function_configuration(
        FunctionName=function, MemorySize=megabytes, Description=description
    )
    client.get_waiter("function_updated_v2").wait(FunctionName=function)
