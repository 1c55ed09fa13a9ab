"""Read the names that images of frames have in a run, and after a tool exported them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.evaluation.coco_models import Image

# The name that pretag gives to a frame, after an upload id (Label Studio) and a name of the video,
# and before the number of a twin (CVAT).
_FRAME = re.compile(
    r"(?:[0-9a-f]{8}-)?(?P<before>.*?)frame_(?P<index>[0-9]{6,})(?:_(?P<twin>[0-9]+))?"
)


@dataclass(frozen=True, slots=True)
class NamedFrame:
    """An image whose name is that of a frame.

    Attributes:
        image: the image.
        place: its folders and the text before `frame_`, each of which may name the video.
        index: its frame index.
        twin: number behind the index; 0 without one.
    """

    image: Image
    place: tuple[str, ...]
    index: int
    twin: int


def frame_name(file_name: str) -> str:
    """Return the frame's own name, without what tools put before and behind it.

    Returns:
        A name such as `frame_000010`; empty if the image has another name.
    """
    match = _FRAME.fullmatch(_parts(file_name)[-1])
    return "" if match is None else f"frame_{match['index']}"


def named_frames(images: Iterable[Image]) -> list[NamedFrame]:
    """Return the images whose names are those of frames, in order."""
    return [frame for image in images if (frame := _frame(image)) is not None]


def _parts(file_name: str) -> tuple[str, ...]:
    """Return the folders of a name and its last part, which has no suffix."""
    path = PurePosixPath(file_name.replace("\\", "/"))
    return (*path.parts[:-1], path.stem)


def _frame(image: Image) -> NamedFrame | None:
    *folders, stem = _parts(image.file_name)
    match = _FRAME.fullmatch(stem)
    if match is None:
        return None
    place = (*folders, match["before"].rstrip("-_ "))
    return NamedFrame(image, place, int(match["index"]), int(match["twin"] or 0))
