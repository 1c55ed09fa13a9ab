"""Read the environment variables that the deployment sets."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from handler.result_keys import check_prefix
from pipeline.config.video_suffixes import video_suffixes
from pipeline.errors import BrokenError


@dataclass(frozen=True)
class LongVideoSettings:
    """How long videos are divided. None of this changes a result, so it is no part of a run id.

    Attributes:
        state_machine: ARN of the state machine that works on the shards.
        function: name and version of this function, `name:7`. Shards are worked on by the version
            that planned them, so that a deployment in between mixes nothing.
        after_seconds: a video that would take longer than this is divided, and any that does not
            fit the time of the invocation.
        concurrency: how many shards of one video are worked on at once.
    """

    state_machine: str
    function: str
    after_seconds: int
    concurrency: int


@dataclass(frozen=True)
class Environment:
    """Settings of the function. The settings of the pipeline are in `pipeline.config`.

    Attributes:
        output: `s3://bucket/prefix` for results, unless an event names another prefix.
        input_buckets: the buckets whose videos an event may name.
        models: `s3://bucket/prefix/` below which an event may name models; None: it may not.
        output_owner: the AWS account, 12 digits, that must own the bucket of `output`; None: any.
        event_bus: name of the EventBridge bus that is told of results; None: no events are sent.
        video_suffixes: lower-case suffixes. Objects with other suffixes are skipped.
        config_file: `s3://bucket/key` of a config file; None: no file.
        memory_megabytes: memory of the function, set by Lambda; None elsewhere.
        timeout_seconds: time-out of the function; None if it is not set.
        long_videos: how long videos are divided; None: they are not.
    """

    output: str
    input_buckets: tuple[str, ...]
    models: str | None
    output_owner: str | None
    event_bus: str | None
    video_suffixes: tuple[str, ...]
    config_file: str | None
    memory_megabytes: int | None
    timeout_seconds: int | None
    long_videos: LongVideoSettings | None = None

    @classmethod
    def load(cls) -> Environment:
        """Return the settings from the environment of the process.

        Raises:
            BrokenError: a variable is missing or wrong; the message names it.
        """
        bucket = _required("OUTPUT_BUCKET", "the bucket for results")
        inputs = _required("INPUT_BUCKETS", "the buckets of the videos, separated by commas")
        prefix = _variable("OUTPUT_PREFIX") or "pretag"
        check_prefix(prefix, "The variable OUTPUT_PREFIX")
        config_file = _variable("PRETAG_CONFIG")
        if config_file is not None and not config_file.startswith("s3://"):
            raise BrokenError(
                f"The variable PRETAG_CONFIG is {config_file!r}; it must be s3://bucket/key."
            )
        owner = _variable("OUTPUT_BUCKET_OWNER")
        if owner is not None and not re.fullmatch("[0-9]{12}", owner):
            raise BrokenError(
                f"The variable OUTPUT_BUCKET_OWNER is {owner!r}; it must be an AWS account of 12 "
                "digits, or empty."
            )
        memory = _variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        timeout = _variable("TIMEOUT_SECONDS")
        if timeout is not None and not timeout.isdecimal():
            raise BrokenError(
                f"The variable TIMEOUT_SECONDS is {timeout!r}; it must be the time-out of the "
                "function in whole seconds, or empty."
            )
        return cls(
            output=f"s3://{bucket}/{prefix}",
            input_buckets=tuple(part.strip() for part in inputs.split(",")),
            models=_models(),
            output_owner=owner,
            event_bus=_variable("EVENT_BUS"),
            video_suffixes=video_suffixes(_variable("VIDEO_SUFFIXES")),
            config_file=config_file,
            memory_megabytes=int(memory) if memory else None,
            timeout_seconds=int(timeout) if timeout else None,
            long_videos=_long_videos(),
        )


def _long_videos() -> LongVideoSettings | None:
    state_machine, function = _variable("LONG_VIDEOS"), _variable("AWS_LAMBDA_FUNCTION_NAME")
    if state_machine is None or function is None:
        return None
    version = _variable("AWS_LAMBDA_FUNCTION_VERSION") or "$LATEST"
    return LongVideoSettings(
        state_machine=state_machine,
        function=f"{function}:{version}",
        after_seconds=_whole_number("SHARD_AFTER_SECONDS", 900),
        concurrency=_whole_number("SHARD_CONCURRENCY", 60),
    )


def _whole_number(name: str, default: int) -> int:
    value = _variable(name) or str(default)
    if not value.isdecimal():
        raise BrokenError(f"The variable {name} is {value!r}; it must be a whole number.")
    return int(value)


def _models() -> str | None:
    """Return where the models are, with a slash at the end: the prefix is a whole folder."""
    bucket = _variable("MODEL_BUCKET")
    folder = (_variable("MODEL_PREFIX") or "").strip("/")
    if bucket is None:
        return None
    return f"s3://{bucket}/{folder}/" if folder else f"s3://{bucket}/"


def _required(name: str, what: str) -> str:
    value = _variable(name)
    if value is None:
        raise BrokenError(f"The variable {name} is not set. Set it to {what}.")
    return value


def _variable(name: str) -> str | None:
    """Return a variable; None if it is not set or empty, because `sam local` passes empty ones."""
    return os.environ.get(name) or None
