"""Synthetic runs: videos whose class shares and scores vary around given ones."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pipeline.drift.baseline import Baseline
from pipeline.drift.sample import Sample, detector_facts

LABELS = ("person", "car", "bicycle", "dog", "bus", "cat")
SHARES = (0.5, 0.25, 0.12, 0.08, 0.04, 0.01)
SCORES = (0.2, 0.25, 0.2, 0.15, 0.12, 0.08)
SETTINGS = {
    "model": {"sha256": "5" * 64, "score_threshold": 0.4, "iou_threshold": 0.5},
    "config": {
        "detector": {"classes": None, "tiles": 1, "tile_overlap": 0.2},
        "output": {"class_names": {}},
    },
}
DETECTOR = detector_facts(SETTINGS)


def sample(
    random: np.random.Generator,
    objects: int,
    likeness: float,
    shares: Sequence[float] = SHARES,
    scores: Sequence[float] = SCORES,
) -> Sample:
    """Return a run without drift from `shares` and `scores`.

    Args:
        random: seeded random numbers.
        objects: number of objects.
        likeness: the higher, the more alike are the videos (concentration of the Dirichlet).
        shares: expected shares of `LABELS`.
        scores: expected shares of the scores from 0.4 to 1.
    """
    drawn = [
        random.multinomial(objects, random.dirichlet(np.maximum(expected, 1e-6) * likeness))
        for expected in (shares, scores)
    ]
    classes = Counter(dict(zip(LABELS, drawn[0].tolist(), strict=True)))
    return Sample(DETECTOR, classes, (0, 0, 0, 0, *drawn[1].tolist()))


def baseline(random: np.random.Generator, likeness: float, results: int = 20) -> Baseline:
    """Return a baseline of videos with 60 to 600 objects."""
    sizes = random.integers(60, 600, results).tolist()
    return Baseline.of([sample(random, size, likeness) for size in sizes])
