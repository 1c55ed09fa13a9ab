"""The contact sheet of the HTML report: kept frames with their boxes, as data for the template."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.dataset.palette import COLOURS
from pipeline.dataset.report.words import clock
from pipeline.dataset.thumbnails import spread
from pipeline.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.dataset.dataset import Dataset
    from pipeline.dataset.thumbnails import Thumbnail
    from pipeline.frame import FrameRecord

MOST_FRAMES = 200
_MOST_AT_FIRST = 40
"""So many are shown before the reader asks for all of them."""

# 5 MB of page have room for 3 MB of images as base64, and for 200 frames with 60 boxes each.
_MOST_IMAGE_BYTES = 3_000_000
MOST_BOXES, _MOST_CLASSES, _MOST_SCORES = 60, 5, 6


@dataclass(frozen=True)
class ClassBoxes:
    """The boxes of one class in one frame.

    Attributes:
        class_id: its number in the model's order, from 0.
        colour: number of its colour in the palette.
        outline: the boxes as one SVG path, in pixels of the frame.
    """

    class_id: int
    colour: int
    outline: str


@dataclass(frozen=True)
class SheetFrame:
    """A frame of the contact sheet.

    Attributes:
        index: frame index.
        file_name: the image's name below `images/default`.
        width, height: size of the frame in displayed pixels.
        time: presentation time, for reading.
        image: the thumbnail as base64.
        boxes: the boxes that are drawn, by class.
        caption: numbers of objects by class.
        description: the same with scores, for the hover text and for screen readers.
        is_at_first: whether it is shown before the reader asks for all frames.
    """

    index: int
    file_name: str
    width: int
    height: int
    time: str
    image: str
    boxes: tuple[ClassBoxes, ...]
    caption: str
    description: str
    is_at_first: bool


def sheet_frames(dataset: Dataset) -> list[SheetFrame]:
    """Return the frames of the contact sheet: at most 200, evenly over time."""
    chosen = _that_fit(dataset)
    wanted = {each.index for each in chosen}
    kept = {frame.index: frame for frame in dataset.frames.kept() if frame.index in wanted}
    chosen = [each for each in chosen if each.index in kept]
    _, first = spread([each.pts_ms for each in chosen], _MOST_AT_FIRST)
    return [
        _sheet_frame(kept[each.index], each, dataset.labels, is_at_first=position in first)
        for position, each in enumerate(chosen)
    ]


def _that_fit(dataset: Dataset) -> list[Thumbnail]:
    """Return thumbnails that fit into the page; fewer than 200 if they are large."""
    most = MOST_FRAMES
    chosen = dataset.contact_sheet.chosen(most)
    while sum(4 * len(each.jpeg) // 3 for each in chosen) > _MOST_IMAGE_BYTES:
        most //= 2
        chosen = dataset.contact_sheet.chosen(most)
    return chosen


def _sheet_frame(
    frame: FrameRecord, thumbnail: Thumbnail, labels: tuple[str, ...], *, is_at_first: bool
) -> SheetFrame:
    time = clock(frame.pts_ms)
    scores: dict[str, list[str]] = {}
    for class_id, score in zip(
        frame.detections.class_ids.tolist(), frame.detections.scores.tolist(), strict=True
    ):
        scores.setdefault(shortened(labels[class_id]), []).append(f"{score:.2f}")
    scores = dict(sorted(scores.items(), key=lambda item: -len(item[1])))
    return SheetFrame(
        index=frame.index,
        file_name=frame.file_name,
        width=frame.width,
        height=frame.height,
        time=time,
        image=b64encode(thumbnail.jpeg).decode(),
        boxes=tuple(_class_boxes(frame)),
        caption=_listed([f"{len(each)} {label}" for label, each in scores.items()]),
        description=f"Frame {frame.index} at {time}: "
        + _listed([f"{label} {_first(each)}" for label, each in scores.items()], "; "),
        is_at_first=is_at_first,
    )


def _listed(parts: list[str], separator: str = ", ") -> str:
    more = len(parts) - _MOST_CLASSES
    if more > 0:
        parts = [*parts[:_MOST_CLASSES], f"{more} more classes"]
    return separator.join(parts) or "nothing found"


def _first(scores: list[str]) -> str:
    more = len(scores) - _MOST_SCORES
    return ", ".join([*scores[:_MOST_SCORES], *([f"and {more} more"] if more > 0 else [])])


def _class_boxes(frame: FrameRecord) -> Iterator[ClassBoxes]:
    """Yield the boxes with the highest scores, by class."""
    detections = frame.detections[:MOST_BOXES]
    outlines: dict[int, list[str]] = {}
    for class_id, box in zip(detections.class_ids.tolist(), detections.boxes.tolist(), strict=True):
        x1, y1, x2, y2 = map(round, box)
        outline = f"M{x1} {y1}H{x2}V{y2}H{x1}z"
        outlines.setdefault(class_id, []).append(outline)
    for class_id, parts in outlines.items():
        yield ClassBoxes(class_id, class_id % len(COLOURS), "".join(parts))
