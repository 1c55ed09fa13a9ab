"""What can be configured: one frozen model, whose defaults and explanations are the reference."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipeline.digest import sha256_of_json

HashMethodName = Literal["phash", "dhash", "average_hash", "whash"]
# Longer than any recording; keeps the grid's microseconds whole.
_YEAR_SECONDS = 366 * 24 * 3600


def _split_commas(value: object) -> object:
    """Let `person,car` stand for a list: the environment and `--set` have only text."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Sampling(_Section):
    """Which moments of the video become frames."""

    every_seconds: float = Field(
        default=1.0,
        ge=0.001,
        le=_YEAR_SECONDS,
        description="Seconds between two samples, in presentation time.",
    )
    start_seconds: float = Field(
        default=0.0,
        ge=0,
        le=_YEAR_SECONDS,
        description="Where sampling starts, in seconds after the first frame.",
    )
    end_seconds: float | None = Field(
        default=None,
        gt=0,
        le=_YEAR_SECONDS,
        description="Where sampling ends (exclusive), in seconds; null: at the end.",
    )

    @model_validator(mode="after")
    def _end_after_start(self) -> Self:
        if self.end_seconds is not None and self.end_seconds <= self.start_seconds:
            raise ValueError(
                f"end_seconds ({self.end_seconds:g}) must be greater than "
                f"start_seconds ({self.start_seconds:g})"
            )
        return self


class Dedupe(_Section):
    """Which frames are too alike to label twice."""

    method: Literal["phash", "dhash", "average_hash", "whash", "none"] = Field(
        default="phash",
        description="Perceptual hash: phash, dhash, average_hash or whash; none keeps all frames.",
    )
    hash_size: int = Field(
        default=8, ge=2, le=32, description="Side of the hash in bits: 8 makes a hash of 64 bits."
    )
    max_distance: int = Field(
        default=4,
        ge=0,
        description="Largest Hamming distance, in bits, at which frames are duplicates.",
    )
    compare_with: int | None = Field(
        default=None,
        ge=1,
        description="How many of the last kept frames a frame is compared with; null: all.",
    )

    @model_validator(mode="after")
    def _hash_fits(self) -> Self:
        if self.max_distance >= self.hash_size**2:
            raise ValueError(
                f"max_distance ({self.max_distance}) must be less than the hash's "
                f"{self.hash_size**2} bits, or every frame is a duplicate"
            )
        if self.method == "whash" and self.hash_size & (self.hash_size - 1):
            raise ValueError(f"hash_size ({self.hash_size}) must be a power of two for whash")
        return self


class Segment(_Section):
    """The unit of work: a long video is many short ones."""

    seconds: float = Field(
        default=600.0,
        ge=1,
        le=_YEAR_SECONDS,
        description="Length of a segment; deduplication starts afresh in each.",
    )


class Detector(_Section):
    """What finds the objects."""

    model: str = Field(
        default="ssdlite_mobilenet_v2_coco",
        min_length=1,
        description="A model at hand by name (`pretag model list`), the path of an ONNX file, or, "
        "in Lambda, s3://bucket/key.",
    )
    score_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Detections that score less are left out; null: the model card's, or 0.4.",
    )
    iou_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Of two boxes of one class that overlap more, the better one stays; null: the "
        "model card's, or 0.5.",
    )
    classes: Annotated[tuple[str, ...] | None, BeforeValidator(_split_commas)] = Field(
        default=None,
        min_length=1,
        description="Only these classes, by label; null: all of the model's.",
    )
    tiles: int = Field(
        default=1,
        ge=1,
        le=8,
        description="For small objects: look at n x n tiles of the picture too, at n x n times the "
        "cost; 1: only at the whole.",
    )
    tile_overlap: float = Field(
        default=0.2,
        ge=0,
        le=0.5,
        description="Share of a tile's side that it has in common with its neighbour.",
    )
    max_megabytes: float = Field(
        default=512.0, gt=0, description="Largest ONNX file to load, in megabytes."
    )
    providers: Annotated[tuple[str, ...], BeforeValidator(_split_commas)] = Field(
        default=("CPUExecutionProvider",),
        min_length=1,
        description="What runs the model, the preferred first, by ONNX Runtime's names.",
    )


class Limits(_Section):
    """What a video may ask for; one that asks for more is rejected."""

    megapixels: float = Field(
        default=36.0,
        gt=0,
        le=256,
        description="Largest picture, width x height in millions; 8K is 33.2.",
    )
    hours: float = Field(
        default=48.0, gt=0, le=_YEAR_SECONDS / 3600, description="Longest video, in hours."
    )
    streams: int = Field(
        default=128, ge=1, le=1000, description="Most streams: pictures, sound and subtitles."
    )
    stalled_seconds: float = Field(
        default=60.0,
        ge=1,
        le=_YEAR_SECONDS,
        description="A decoder that yields nothing new for so long is given up.",
    )


class Output(_Section):
    """What is written."""

    images: bool = Field(default=True, description="Write the kept frames as JPEG files.")
    jpeg_quality: int = Field(
        default=95, ge=1, le=100, description="JPEG quality of the kept frames."
    )


class Config(_Section):
    """The effective configuration of one run.

    Frozen: a run has one configuration from beginning to end. Its digest is part of the run id.
    """

    sampling: Sampling = Sampling()
    dedupe: Dedupe = Dedupe()
    segment: Segment = Segment()
    detector: Detector = Detector()
    limits: Limits = Limits()
    output: Output = Output()

    def digest(self) -> str:
        """Return the sha256 (hex) of the configuration as canonical JSON."""
        return sha256_of_json(self.model_dump(mode="json"))
