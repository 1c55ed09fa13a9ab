"""What the deployment sets: the function's environment variables."""

import os
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipeline.errors import BrokenError

# What cameras, phones and editors write, and OpenCV's FFmpeg reads.
_SUFFIXES = (
    ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg",
    ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv",
)  # fmt: skip


def _suffixes(value: object) -> object:
    return (
        tuple(part.strip().lower() for part in value.split(","))
        if isinstance(value, str)
        else value
    )


class Environment(BaseModel):
    """The function's settings; the pipeline's own are in `pipeline.config`.

    Attributes:
        output_bucket: where results go.
        output_prefix: below which key prefix; may be empty.
        video_suffixes: objects whose keys end otherwise are passed over; in any case of letters.
        config_file: `s3://bucket/key` of a config file; None: none.
        memory_megabytes: the function's memory, set by Lambda; None elsewhere.
    """

    model_config = ConfigDict(frozen=True)

    output_bucket: str = Field(alias="OUTPUT_BUCKET", min_length=1)
    output_prefix: str = Field(default="pretag", alias="OUTPUT_PREFIX")
    video_suffixes: Annotated[tuple[str, ...], BeforeValidator(_suffixes)] = Field(
        default=_SUFFIXES, alias="VIDEO_SUFFIXES"
    )
    config_file: str | None = Field(default=None, alias="PRETAG_CONFIG", pattern="^s3://[^/]+/.+")
    memory_megabytes: int | None = Field(default=None, alias="AWS_LAMBDA_FUNCTION_MEMORY_SIZE")

    @property
    def output(self) -> str:
        """`s3://bucket/prefix` of all results, unless an event asks for another."""
        return f"s3://{self.output_bucket}/{self.output_prefix}"

    @classmethod
    def load(cls) -> "Environment":
        """Read the process's environment.

        Raises:
            BrokenError: names each variable that is missing or wrong.
        """
        try:
            # An empty variable is one that is not set: `sam local` passes them so.
            return cls.model_validate({name: text for name, text in os.environ.items() if text})
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
            )
            raise BrokenError(
                f"The function's environment is not right: {problems}. Set it in template.yaml."
            ) from error
