"""What is exported: the images of one or more results, with their objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.dataset.exports.image_names import run_stem, unique_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.frame import Display


@dataclass(frozen=True, slots=True)
class ExportVideo:
    """One run of one video.

    Attributes:
        uri: path or `s3://bucket/key` of the video.
        run_id: id of the run.
        location: folder or S3 prefix of the result.
        pretag: version of pretag that made the result.
        frames: number of frames that the run found in the video, lost ones included.
        display: how its images were made of the stored pixels.
        is_archived: whether its images are in an archive, so that none has an address of its own.
    """

    uri: str
    run_id: str
    location: str
    pretag: str
    frames: int
    display: Display
    is_archived: bool = False

    @property
    def stem(self) -> str:
        """A name of this run that is unique over all videos, such as `street-f5f8366f`."""
        return run_stem(self.uri, self.run_id)


@dataclass(frozen=True, slots=True)
class ExportBox:
    """An object.

    Attributes:
        class_index: index of its class in `ExportSet.labels`, from 0.
        x, y, width, height: its box in displayed pixels, with 2 decimals.
        score: 0 to 1, with 4 decimals.
    """

    class_index: int
    x: float
    y: float
    width: float
    height: float
    score: float

    @property
    def right(self) -> float:
        """The right side, in displayed pixels."""
        return round(self.x + self.width, 2)

    @property
    def bottom(self) -> float:
        """The lower side, in displayed pixels."""
        return round(self.y + self.height, 2)

    @property
    def xywh(self) -> list[float]:
        """The box as COCO has it: x, y, width, height."""
        return [self.x, self.y, self.width, self.height]


@dataclass(frozen=True, slots=True)
class ExportImage:
    """A kept frame.

    Attributes:
        video: its run.
        file_name: its name in the result, such as `frame_000123.jpg`.
        frame_index: number of the frame in the video, from 0.
        pts_ms: presentation time in milliseconds after the first frame.
        width, height: size in displayed pixels.
        boxes: the objects in it.
    """

    video: ExportVideo
    file_name: str
    frame_index: int
    pts_ms: float
    width: int
    height: int
    boxes: tuple[ExportBox, ...]

    @property
    def name(self) -> str:
        """The file name in an export, which is unique over all videos."""
        return unique_name(self.video.stem, self.file_name)

    @property
    def stem(self) -> str:
        """The file name in an export without its suffix."""
        return self.name.rpartition(".")[0]

    @property
    def path(self) -> str:
        """The path in the result."""
        return f"images/default/{self.file_name}"


@dataclass(frozen=True, slots=True)
class ExportSet:
    """Images of one or more results, with one list of classes.

    Attributes:
        labels: names of the classes, in order.
        chosen: names of the classes that the configuration of a run chose; None: all.
        videos: the runs, in the order in which they were given.
        images: the kept frames, run by run, in the order of time.
        has_images: whether the results have the images themselves, and not only their boxes.
    """

    labels: tuple[str, ...]
    chosen: frozenset[str] | None
    videos: tuple[ExportVideo, ...]
    images: tuple[ExportImage, ...]
    has_images: bool = True

    @property
    def used(self) -> frozenset[str]:
        """Names of the classes of which there is an object."""
        indexes = {box.class_index for image in self.images for box in image.boxes}
        return frozenset(self.labels[index] for index in indexes)

    def images_of(self, video: ExportVideo) -> list[ExportImage]:
        """Return the kept frames of a run."""
        return [image for image in self.images if image.video.run_id == video.run_id]

    def with_labels(self, labels: Sequence[str]) -> ExportSet:
        """Return the same with another list of classes, which has all classes with an object."""
        indexes = {label: index for index, label in enumerate(labels)}
        return self._mapped(tuple(labels), lambda index: indexes[self.labels[index]])

    def _mapped(self, labels: tuple[str, ...], new_index: Callable[[int], int]) -> ExportSet:
        images = tuple(
            replace(
                image,
                boxes=tuple(
                    replace(box, class_index=new_index(box.class_index)) for box in image.boxes
                ),
            )
            for image in self.images
        )
        return replace(self, labels=labels, images=images)


def united(sets: Sequence[ExportSet]) -> ExportSet:
    """Return one set of several: with all images, and each class once.

    Classes are the same if their names are equal. They are in the order of the first set, with what
    the others have besides at the end.
    """
    labels = tuple(dict.fromkeys(label for each in sets for label in each.labels))
    mapped = [each.with_labels(labels) for each in sets]
    chosen = [each.labels if each.chosen is None else each.chosen for each in sets]
    return ExportSet(
        labels=labels,
        chosen=frozenset(label for names in chosen for label in names),
        videos=tuple(video for each in sets for video in each.videos),
        images=tuple(image for each in mapped for image in each.images),
        has_images=all(each.has_images for each in sets),
    )


def with_categories(exported: ExportSet, categories: str) -> ExportSet:
    """Return the set with all classes, those with an object, or those that were chosen.

    Args:
        exported: the set.
        categories: `all`, `used` or `chosen`. A class with an object always stays.
    """
    if categories == "all":
        return exported
    kept = exported.used
    if categories == "chosen":
        kept |= set(exported.labels) if exported.chosen is None else exported.chosen
    return exported.with_labels([label for label in exported.labels if label in kept])
