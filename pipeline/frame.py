"""The values that flow from the decoder to the dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Image = NDArray[np.uint8]
"""An image: H x W x 3 uint8 BGR, in displayed pixels: as a player shows it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A sampled frame as the decoder yields it.

    Attributes:
        index: frame index in the source: the frame's number among all decodable frames, from 0.
        pts_ms: presentation time in milliseconds after the first frame, exact to 0.001.
        segment: segment of the grid point for which the frame was sampled, from 0.
        image: the frame's image.
    """

    index: int
    pts_ms: float
    segment: int
    image: Image


@dataclass(frozen=True, slots=True)
class Display:
    """How the images of a dataset were made of the stored pixels.

    The stored image was scaled to square pixels, if the configuration asks for it, then mirrored,
    then turned. The size of the images tells the scale.

    Attributes:
        stored_width, stored_height: size of the stored images in pixels, by the header.
        sample_aspect_ratio: width to height of a stored pixel, such as `24:11`. `1:1` if it is
            unknown or implausible.
        mirrored: whether left and right were swapped.
        rotation: by how many degrees clockwise the images were turned: 0, 90, 180 or 270.
        ratio_changes_ms: presentation time from which on, or a few frames later, the video has
            another ratio. The images there are made with the first one. None: it has not.
    """

    stored_width: int = 0
    stored_height: int = 0
    sample_aspect_ratio: str = "1:1"
    mirrored: bool = False
    rotation: int = 0
    ratio_changes_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """The video track that was decoded.

    Attributes:
        number: its number among the video tracks of the file, from 1.
        count: number of video tracks of the file, covers included.
        ignored: what the other tracks are, such as `h264 640x360`; the first 16.
    """

    number: int = 1
    count: int = 1
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Detections:
    """Objects found in one image. The output of every model family.

    Attributes:
        boxes: N x 4 float32, x1 y1 x2 y2 in displayed pixels, within the image.
        scores: N float32, from 0 to 1, descending.
        class_ids: N int64, indexes into the model's labels.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Detections:
        """Return some of the objects, selected as rows of a numpy array."""
        return Detections(self.boxes[rows], self.scores[rows], self.class_ids[rows])

    @classmethod
    def concat(cls, parts: Sequence[Detections]) -> Self:
        """Return the objects of several detections, one after the other."""
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.class_ids for part in parts]),
        )


NO_DETECTIONS = Detections(
    np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64)
)


@dataclass(frozen=True, slots=True)
class DuplicateMatch:
    """Why a frame was dropped: the kept frame that it duplicates.

    Attributes:
        index: frame index of the kept frame. If the merge of segments dropped that frame later, it
            has a record and a match of its own.
        distance: Hamming distance of the two hashes, in bits.
        reason: `duplicate` (by hash), `same_colours` or `fade`; with the suffix `_across_segments`
            if the merge of segments found it.
    """

    index: int
    distance: int
    reason: str


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """What the dataset holds of a sampled frame, without its image.

    Attributes:
        index: frame index in the source, from 0.
        pts_ms: presentation time in milliseconds after the first frame.
        segment: segment in which it was sampled, from 0.
        width, height: size of the image in displayed pixels.
        hash: perceptual hash in hex, as imagehash writes it; None with `dedupe.method: none`.
        duplicate: the match for which the frame was dropped; None if it was kept.
        detections: objects found in it; empty for a dropped frame.
    """

    index: int
    pts_ms: float
    segment: int
    width: int
    height: int
    hash: str | None = None
    duplicate: DuplicateMatch | None = None
    detections: Detections = NO_DETECTIONS

    @property
    def is_kept(self) -> bool:
        """Whether the frame is in the dataset."""
        return self.duplicate is None

    @property
    def file_name(self) -> str:
        """File name of the image below `images/default`; the number is the frame index."""
        return f"frame_{self.index:06d}.jpg"

    @property
    def image_path(self) -> str:
        """Path of the image, relative to the run's folder."""
        return f"images/default/{self.file_name}"
