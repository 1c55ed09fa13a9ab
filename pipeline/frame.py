"""What flows from the decoder to the dataset, growing as it goes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture: H x W x 3, uint8, BGR as OpenCV has it, in displayed (rotated) pixels."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture and its place in the source.

    Attributes:
        index: its ordinal among the source's decodable frames, from 0.
        pts_ms: presentation time in milliseconds after the first frame, exact to 0.001.
        segment: the segment of the grid point it was sampled for, from 0.
        image: the picture.
    """

    index: int
    pts_ms: float
    segment: int
    image: Image


@dataclass(frozen=True, slots=True)
class Detections:
    """Objects found in one picture; every model family ends here.

    Attributes:
        boxes: N x 4 float32, x1 y1 x2 y2 in displayed pixels, within the picture.
        scores: N float32, from 0 to 1, descending.
        class_ids: N int64, indexes into the model's labels.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class Twin:
    """The kept frame that a dropped one duplicates, and how far apart their hashes are.

    Attributes:
        index: the twin's frame index.
        distance: Hamming distance in bits.
        reason: what made them duplicates: `duplicate` (bits), `same_tones` or `fade`; it ends with
            `_across_segments` where the merge found it. A twin that the merge dropped later has
            a row and a twin of its own.
    """

    index: int
    distance: int
    reason: str
