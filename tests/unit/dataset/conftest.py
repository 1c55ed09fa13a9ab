"""What the tests of the dataset's files share."""

import numpy as np
import pytest

from pipeline.dataset.dataset import Dataset
from pipeline.dataset.frame_table import FrameTable
from pipeline.frame import Detections, DuplicateMatch, FrameRecord


@pytest.fixture
def two_frames() -> Dataset:
    """Return a dataset of a kept frame with two cars, and a dropped duplicate of it."""
    cars = Detections(
        np.array([[0, 0, 10, 30], [0, 0, 20, 10]], dtype=np.float32),
        np.array([0.9, 0.5], dtype=np.float32),
        np.array([1, 1]),
    )
    return Dataset(
        video="clip.mp4",
        modified=None,
        labels=("person", "car"),
        hash_name="phash",
        frames=FrameTable.of(
            [
                FrameRecord(0, 0.0, 0, 64, 48, "aa", detections=cars),
                FrameRecord(10, 1001.001, 0, 64, 48, "ab", DuplicateMatch(0, 2, "duplicate")),
            ]
        ),
    )
