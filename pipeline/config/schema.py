"""The configuration: all keys with their defaults, limits and descriptions."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipeline.config.default_model import default_model
from pipeline.digest import sha256_of_json

ExportName = Literal[
    "cvat",
    "cvat-video",
    "label-studio",
    "fiftyone",
    "yolo",
    "voc",
    "roboflow",
    "coco-annotator",
    "huggingface",
    "csv",
]
_EXPORTS_WITHOUT_IMAGES = {"cvat-video", "csv"}
PickName = Literal["at_or_after", "on_show"]
SnapName = Literal["exact", "key", "reference"]
HashMethodName = Literal["phash", "dhash", "average_hash", "whash"]
# Longer than any recording, and small enough that microseconds are exact.
_YEAR_SECONDS = 366 * 24 * 3600


def _split_commas(value: object) -> object:
    """Split `person,car` into a list, because the environment and `--set` have only text."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


ClassName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f\x7f]+\z")]


class StrictModel(BaseModel):
    """A frozen model that refuses unknown keys, infinity and NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SamplingConfig(StrictModel):
    """Which frames are sampled."""

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
        description="Where sampling ends (exclusive), in seconds after the first frame; null: end.",
    )
    pick: PickName = Field(
        default="at_or_after",
        description="Which frame is the sample of a grid point: at_or_after, the first one from "
        "this time on; or on_show, the one that a viewer sees at this time, for screen recordings.",
    )
    snap: SnapName = Field(
        default="exact",
        description="Move samples to frames that cost less to decode: exact (do not), key (the "
        "nearest key frame), or reference (the nearest frame that others need).",
    )

    @model_validator(mode="after")
    def _end_after_start(self) -> Self:
        if self.end_seconds is not None and self.end_seconds <= self.start_seconds:
            raise ValueError(
                f"end_seconds ({self.end_seconds:g}) must be greater than "
                f"start_seconds ({self.start_seconds:g})"
            )
        return self


class DedupeConfig(StrictModel):
    """Which sampled frames are dropped as near-duplicates."""

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
    keep_small_changes: bool = Field(
        default=True,
        description="Keep a frame near others if something small has come, gone or moved in it.",
    )
    compare_with: int | None = Field(
        default=None,
        ge=1,
        description="Number of last kept frames that a frame is compared with; null: all.",
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


class SegmentConfig(StrictModel):
    """How a video is divided into segments, which can be processed apart from each other."""

    seconds: float = Field(
        default=600.0,
        ge=1,
        le=_YEAR_SECONDS,
        description="Length of a segment, in seconds. Deduplication starts again in each segment.",
    )


class DetectorConfig(StrictModel):
    """Which model detects objects, and how."""

    model: str = Field(
        default_factory=default_model,
        min_length=1,
        description="Name of a bundled model (`pretag model list`), path of an ONNX file or, in "
        "Lambda, s3://bucket/key.",
    )
    score_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Lowest score of a detection; null: the model card's, or 0.4.",
    )
    iou_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="NMS: of two boxes of one class with a larger IoU, only the one with the "
        "higher score is kept; null: the model card's, or 0.5.",
    )
    classes: Annotated[tuple[str, ...] | None, BeforeValidator(_split_commas)] = Field(
        default=None,
        min_length=1,
        description="Labels of the classes to detect; null: all classes of the model.",
    )
    tiles: int = Field(
        default=1,
        ge=1,
        le=8,
        description="For small objects: detect in n x n tiles of the image as well, at n x n times "
        "the cost; 1: only in the whole image.",
    )
    tile_overlap: float = Field(
        default=0.2,
        ge=0,
        le=0.5,
        description="Share of a tile's side that overlaps with the next tile.",
    )
    max_megabytes: float = Field(
        default=512.0, gt=0, description="Largest ONNX file to load, in megabytes."
    )
    providers: Annotated[tuple[str, ...], BeforeValidator(_split_commas)] = Field(
        default=("CPUExecutionProvider",),
        min_length=1,
        description="Execution providers of ONNX Runtime, the preferred one first.",
    )


class DecodingConfig(StrictModel):
    """How the video is decoded."""

    backend: Literal["auto", "opencv", "pyav"] = Field(
        default="auto",
        description="Library that decodes: pyav, opencv, or auto: PyAV if it is installed, else "
        "OpenCV, which reads fewer videos.",
    )
    square_pixels: bool = Field(
        default=True,
        description="Scale images to square pixels, as players do; false keeps the stored pixels.",
    )


class LimitsConfig(StrictModel):
    """Limits on one video. A video that exceeds one is rejected."""

    gigabytes: float = Field(
        default=100.0,
        gt=0,
        description="Largest file, in gigabytes (10^9 bytes); checked before it is read.",
    )
    megapixels: float = Field(
        default=36.0,
        gt=0,
        le=256,
        description="Largest image, in megapixels (width x height); 8K is 33.2.",
    )
    hours: float = Field(
        default=48.0, gt=0, le=_YEAR_SECONDS / 3600, description="Longest video, in hours."
    )
    streams: int = Field(
        default=128,
        ge=1,
        le=1000,
        description="Largest number of streams (video, sound, subtitles).",
    )
    codecs: Annotated[tuple[str, ...] | None, BeforeValidator(_split_commas)] = Field(
        default=None,
        min_length=1,
        description="FFmpeg's names of the decoders that may be used, such as h264,hevc; null: "
        "all.",
    )
    stalled_seconds: float = Field(
        default=60.0,
        ge=1,
        le=_YEAR_SECONDS,
        description="A video whose decoder makes no progress for this long is rejected.",
    )


class OutputConfig(StrictModel):
    """Which images are written, and how."""

    images: bool = Field(default=True, description="Write the kept frames as JPEG files.")
    archive: Literal["none", "zip", "tar"] = Field(
        default="none",
        description="Write the images into one archive, images.zip or images.tar, with a fraction "
        "of the requests to S3; none: each is a file of its own.",
    )
    jpeg_quality: int = Field(
        default=95, ge=1, le=100, description="JPEG quality of the kept frames."
    )
    class_names: dict[str, ClassName | None] = Field(
        default={},
        description="Other names for classes of the model, such as {car: vehicle, truck: vehicle}. "
        "Classes with one name are united; null drops a class with its objects.",
    )
    categories: Literal["all", "used", "chosen"] = Field(
        default="all",
        description="Classes in the COCO file: all of the model, used (there is an object), or "
        "chosen (those of detector.classes).",
    )
    exports: Annotated[tuple[ExportName, ...], BeforeValidator(_split_commas)] = Field(
        default=(),
        description="Forms in which the result is written too, as exports/<name>.zip, such as cvat "
        "or label-studio. `pretag export --help` lists them.",
    )

    @model_validator(mode="after")
    def _exports_have_images(self) -> Self:
        need_images = [name for name in self.exports if name not in _EXPORTS_WITHOUT_IMAGES]
        if need_images and not self.images:
            raise ValueError(f"the export {need_images[0]} has images: set images to true")
        if len(set(self.exports)) < len(self.exports):
            raise ValueError("exports has a name twice")
        return self

    @property
    def archive_form(self) -> Literal["zip", "tar"] | None:
        """The form of the archive of images; None if there is none."""
        return self.archive if self.images and self.archive != "none" else None


class DriftConfig(StrictModel):
    """What a run is compared with. No part of what computes the result."""

    baseline: str | None = Field(
        default=None,
        min_length=1,
        description="Baseline that runs are compared with (`pretag baseline`): a path or "
        "s3://bucket/key; null: none.",
    )


class Config(StrictModel):
    """The effective configuration of one run. The digest of what computes is part of the run id."""

    sampling: SamplingConfig = SamplingConfig()
    dedupe: DedupeConfig = DedupeConfig()
    segment: SegmentConfig = SegmentConfig()
    detector: DetectorConfig = Field(default_factory=DetectorConfig)
    decoding: DecodingConfig = DecodingConfig()
    limits: LimitsConfig = LimitsConfig()
    output: OutputConfig = OutputConfig()
    drift: DriftConfig = DriftConfig()

    def computing(self) -> dict[str, Any]:
        """Return the configuration that decides the result, as a JSON object: all but drift."""
        return self.model_dump(mode="json", exclude={"drift"})

    def digest(self) -> str:
        """Return the sha256 (hex) of what decides the result, as canonical JSON."""
        return sha256_of_json(self.computing())
