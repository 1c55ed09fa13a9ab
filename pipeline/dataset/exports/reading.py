"""Make an export set of a result: of a finished one, or of the files of a run that just ends."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.dataset.classes import final_labels
from pipeline.dataset.coco import COCO_FILE
from pipeline.dataset.exports.export_set import ExportBox, ExportImage, ExportSet, ExportVideo
from pipeline.errors import InputFileError
from pipeline.frame import Display

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.storage.listed_files import ListedFiles
    from pipeline.storage.verification import ResultReader

_CONFIG_FILE, _FRAMES_FILE = "config.json", "frames.csv"


class _StrictModel(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class _Coverage(_StrictModel):
    frames_found: int = Field(ge=0)
    frames_lost: int = Field(ge=0)


class _Display(_StrictModel):
    stored_width: int = Field(ge=1)
    stored_height: int = Field(ge=1)
    mirrored: bool
    rotation: int


class _Info(_StrictModel):
    coverage: _Coverage
    display: _Display


class _Category(_StrictModel):
    id: int
    name: str


class _Image(_StrictModel):
    id: int
    file_name: Annotated[str, Field(pattern=r"\A[^/\\]+[.]jpg\z")]
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    frame_index: int = Field(ge=0)
    pts_ms: float


class _Annotation(_StrictModel):
    image_id: int
    category_id: int
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)]
    score: float = Field(ge=0, le=1)


class _CocoFile(_StrictModel):
    info: _Info
    categories: list[_Category]
    images: list[_Image]
    annotations: list[_Annotation]


class _Detector(_StrictModel):
    classes: list[str] | None


class _Output(_StrictModel):
    class_names: dict[str, str | None] = {}


class _Config(_StrictModel):
    detector: _Detector
    output: _Output


class _ConfigFile(_StrictModel):
    config: _Config


_Content = TypeVar("_Content", bound=BaseModel)


def read_export_set(files: ListedFiles) -> ExportSet:
    """Return the export set of a finished result.

    Raises:
        InputFileError: a file of it is not as pretag writes it.
        PretagError: it cannot be read: what a folder or S3 raises.
    """
    reader, manifest = files.reader, files.manifest
    config = _parse(_ConfigFile, _read(reader, _CONFIG_FILE), reader.location, _CONFIG_FILE).config
    exported = parse_export_set(
        _read(reader, COCO_FILE),
        uri=manifest.source.uri,
        run_id=manifest.run_id,
        location=reader.location,
        pretag=manifest.pretag,
        classes=config.detector.classes,
        class_names=config.output.class_names,
        is_archived=bool(files.archives),
    )
    missing = [image.path for image in exported.images if image.path not in files]
    if 0 < len(missing) < len(exported.images):
        raise InputFileError(
            f"{reader.location} has no {missing[0]}, which its COCO file names. Process the video "
            "again."
        )
    return replace(exported, has_images=not missing)


def read_sampled_frames(files: ListedFiles) -> list[int]:
    """Return the indexes of all sampled frames of a finished result, in order.

    Raises:
        InputFileError: frames.csv is not as pretag wrote it.
        PretagError: it cannot be read.
    """
    text = files.read(_FRAMES_FILE).decode(errors="replace")
    try:
        return sorted({int(row["frame_index"]) for row in csv.DictReader(StringIO(text))})
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputFileError(
            f"{files.reader.location}/{_FRAMES_FILE} is wrong: a row has no frame_index. Process "
            "the video again."
        ) from error


def parse_export_set(  # noqa: PLR0913 - what a COCO file does not say of its run
    data: bytes,
    *,
    uri: str,
    run_id: str,
    location: str,
    pretag: str,
    classes: Sequence[str] | None,
    class_names: Mapping[str, str | None],
    is_archived: bool,
) -> ExportSet:
    """Return the export set of a run's COCO file, as if the images were there.

    Args:
        data: the COCO file.
        uri: path or `s3://bucket/key` of the video.
        run_id: id of the run.
        location: folder or S3 prefix of the result.
        pretag: version of pretag that made it.
        classes: `detector.classes` of the run; None: all.
        class_names: `output.class_names` of the run.
        is_archived: whether the images are in an archive.

    Raises:
        InputFileError: the file is not as pretag writes it.
    """
    coco = _parse(_CocoFile, data, location, COCO_FILE)
    video = ExportVideo(
        uri=uri,
        run_id=run_id,
        location=location,
        pretag=pretag,
        frames=coco.info.coverage.frames_found + coco.info.coverage.frames_lost,
        display=Display(**coco.info.display.model_dump()),
        is_archived=is_archived,
    )
    indexes = {category.id: index for index, category in enumerate(coco.categories)}
    boxes: dict[int, list[ExportBox]] = {image.id: [] for image in coco.images}
    for each in coco.annotations:
        if each.image_id not in boxes or each.category_id not in indexes:
            raise InputFileError(
                f"{location}/{COCO_FILE} is wrong: an object has the image {each.image_id} and the "
                f"category {each.category_id}, and one of them is not there. Process the video "
                "again."
            )
        x, y, width, height = each.bbox
        box = ExportBox(indexes[each.category_id], x, y, width, height, each.score)
        boxes[each.image_id].append(box)
    images = tuple(
        ExportImage(
            video=video,
            file_name=image.file_name,
            frame_index=image.frame_index,
            pts_ms=image.pts_ms,
            width=image.width,
            height=image.height,
            boxes=tuple(boxes[image.id]),
        )
        for image in coco.images
    )
    chosen = None if classes is None else frozenset(final_labels(classes, class_names))
    labels = tuple(category.name for category in coco.categories)
    return ExportSet(labels, chosen, (video,), images)


def _read(reader: ResultReader, path: str) -> bytes:
    with reader.open(path) as stream:
        return stream.read()


def _parse(model: type[_Content], data: bytes, location: str, path: str) -> _Content:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, detail["loc"]))
        raise InputFileError(
            f"{location}/{path} is wrong: {place}: {detail['msg']}. Process the video again."
        ) from error
