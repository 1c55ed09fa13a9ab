"""Pydantic models of the parts of a COCO file that a comparison of boxes needs.

Ids may be whole numbers or texts. The other parts (`info`, `licenses`, `segmentation`,
attributes) are not checked: they may be missing or have any content.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, PlainValidator

# Larger than any image, and small enough that areas and their sums stay finite.
_MAX_COORDINATE = 1e9


def _check_id(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        # pydantic turns a ValueError into a validation error.
        raise ValueError("an id must be a whole number or a text")  # noqa: TRY004
    return value


Id = Annotated[int | str, PlainValidator(_check_id)]
Coordinate = Annotated[float, Field(ge=-_MAX_COORDINATE, le=_MAX_COORDINATE)]
Length = Annotated[float, Field(ge=0, le=_MAX_COORDINATE)]
Bbox = tuple[Coordinate, Coordinate, Length, Length]
_Item = TypeVar("_Item")
_FailFastList = Annotated[list[_Item], FailFast()]


class _StrictModel(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class Image(_StrictModel):
    """An image. Its size is in pixels; None if the file does not have it."""

    id: Id
    file_name: str = ""
    width: float | None = None
    height: float | None = None


class Category(_StrictModel):
    """A class of objects."""

    id: Id
    name: str


class _LabelledObject(_StrictModel):
    image_id: Id
    category_id: Id
    bbox: Bbox


class Annotation(_LabelledObject):
    """An object of the ground truth. Its box is x, y, w, h in pixels."""

    area: Annotated[float, Field(ge=0, le=_MAX_COORDINATE**2)] | None = None
    iscrowd: Annotated[bool, Field(strict=False)] = False
    score: ClassVar[float] = 1.0


class Prediction(_LabelledObject):
    """An object that a model detected.

    As in pycocotools, its area is the area of its box, and it is not a crowd region.
    """

    area: ClassVar[None] = None
    iscrowd: ClassVar[bool] = False
    score: float


class Instances(_StrictModel):
    """A COCO object detection file, as labelling tools export it."""

    images: _FailFastList[Image]
    categories: _FailFastList[Category]
    annotations: _FailFastList[Annotation]


class RunInstances(_StrictModel):
    """The COCO file that a run writes: each object has a score."""

    images: _FailFastList[Image]
    categories: _FailFastList[Category]
    annotations: _FailFastList[Prediction]


Results = _FailFastList[Prediction]
