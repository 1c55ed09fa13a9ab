"""What the deployment sets: the function's environment variables."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pipeline.errors import BrokenError

# What cameras, phones and editors write, and OpenCV's FFmpeg reads.
_SUFFIXES = ".3gp,.avi,.flv,.m2ts,.m4v,.mkv,.mov,.mp4,.mpeg,.mpg,.mts,.mxf,.ogv,.ts,.vob,.webm,.wmv"


@dataclass(frozen=True)
class Environment:
    """The function's settings; the pipeline's own are in `pipeline.config`.

    Attributes:
        output: `s3://bucket/prefix` of all results, unless an event asks for another.
        video_suffixes: lower-case; objects whose keys end otherwise are passed over.
        config_file: `s3://bucket/key` of a config file; None: none.
        memory_megabytes: the function's memory, set by Lambda; None elsewhere.
    """

    output: str
    video_suffixes: tuple[str, ...]
    config_file: str | None
    memory_megabytes: int | None

    @classmethod
    def load(cls) -> Environment:
        """Read the process's environment.

        Raises:
            BrokenError: names the variable that is missing or wrong.
        """
        bucket = _variable("OUTPUT_BUCKET")
        if bucket is None:
            raise BrokenError("OUTPUT_BUCKET is not set: name the bucket for results there.")
        config_file = _variable("PRETAG_CONFIG")
        if config_file is not None and not config_file.startswith("s3://"):
            raise BrokenError(f"PRETAG_CONFIG is {config_file!r}: it must be s3://bucket/key.")
        suffixes = _variable("VIDEO_SUFFIXES") or _SUFFIXES
        memory = _variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        return cls(
            output=f"s3://{bucket}/{_variable('OUTPUT_PREFIX') or 'pretag'}",
            video_suffixes=tuple(part.strip().lower() for part in suffixes.split(",")),
            config_file=config_file,
            memory_megabytes=int(memory) if memory else None,
        )


def _variable(name: str) -> str | None:
    """Return a variable; an empty one is one that is not set: `sam local` passes them so."""
    return os.environ.get(name) or None
