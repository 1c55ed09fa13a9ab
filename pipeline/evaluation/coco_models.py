"""What a comparison of boxes needs of a COCO file.

Ids may be whole numbers or texts. What has no use here (`info`, `licenses`, `segmentation`,
attributes) may be there, missing or of any shape.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, PlainValidator

# Far beyond any picture, and small enough that areas, and sums of them, stay finite.
_FAR = 1e9


def _whole_or_text(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("an id must be a whole number or a text")  # noqa: TRY004 - pydantic's way
    return value


Id = Annotated[int | str, PlainValidator(_whole_or_text)]
Coordinate = Annotated[float, Field(ge=-_FAR, le=_FAR)]
Length = Annotated[float, Field(ge=0, le=_FAR)]
Bbox = tuple[Coordinate, Coordinate, Length, Length]
_Row = TypeVar("_Row")
_Rows = Annotated[list[_Row], FailFast()]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class Image(_Part):
    """An image; sizes in pixels, if the tool tells them."""

    id: Id
    file_name: str = ""
    width: float | None = None
    height: float | None = None


class Category(_Part):
    """A class of objects."""

    id: Id
    name: str


class _Object(_Part):
    image_id: Id
    category_id: Id
    bbox: Bbox


class Annotation(_Object):
    """An object of a truth; its box is x, y, w, h in pixels."""

    area: Annotated[float, Field(ge=0, le=_FAR**2)] | None = None
    iscrowd: Annotated[bool, Field(strict=False)] = False
    score: ClassVar[float] = 1.0


class Prediction(_Object):
    """An object that a model found; as in pycocotools, its area is its box's and it is no crowd."""

    area: ClassVar[None] = None
    iscrowd: ClassVar[bool] = False
    score: float


class Instances(_Part):
    """A COCO object detection file, as labelling tools export it."""

    images: _Rows[Image]
    categories: _Rows[Category]
    annotations: _Rows[Annotation]


class RunInstances(_Part):
    """A run's own COCO file: each of its objects has a score."""

    images: _Rows[Image]
    categories: _Rows[Category]
    annotations: _Rows[Prediction]


Results = _Rows[Prediction]
