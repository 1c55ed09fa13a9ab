"""What an export format is: data and one function, as a model family is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.dataset.exports.export_set import ExportImage, ExportSet


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may say about an export.

    Attributes:
        images_at: (Label Studio) URL below which the tool finds the images; None: in the export.
        frame_step: (CVAT's video tasks) the task's frame step: 1 is every frame.
    """

    images_at: str | None = None
    frame_step: int = 1


@dataclass(frozen=True, slots=True)
class Format:
    """An export format.

    Attributes:
        name: its name on the command line and in the configuration.
        tool: the tools that read it, for the help.
        categories: which classes it has unless others are asked for. Labelling tools make a button
            of each class, so they get those that are used. What trains gets all, because class ids
            must be the same in every export.
        image_path: returns the path of an image in the export; None: it has no images.
        files: yields the path and the content of each other file.
    """

    name: str
    tool: str
    categories: Literal["all", "used"]
    image_path: Callable[[ExportImage], str] | None
    files: Callable[[ExportSet, Options], Iterator[tuple[str, bytes]]]
