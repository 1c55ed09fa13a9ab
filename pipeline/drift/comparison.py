"""Compare a run with a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.drift.baseline import class_counts
from pipeline.drift.drift import Difference, Drift, NotCompared
from pipeline.drift.limit import limit_of
from pipeline.drift.measures import (
    jensen_shannon_distance,
    population_stability_index,
    with_floor,
)
from pipeline.drift.sample import DETECTOR_FACTS, LEAST_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.drift.baseline import Baseline, Part
    from pipeline.drift.sample import Sample


def compare(sample: Sample, baseline: Baseline) -> Drift | NotCompared:
    """Return how much a run differs from the baseline, or why that cannot be said."""
    if sample.detector != baseline.detector:
        return NotCompared(
            f"The baseline is of another detector: {DETECTOR_FACTS} differ. Make a new one with "
            "`pretag baseline`."
        )
    if sample.objects < LEAST_OBJECTS:
        return NotCompared(
            f"The run has {sample.objects} objects, and a comparison needs {LEAST_OBJECTS}."
        )
    comparison = _Comparison(baseline, sample.objects)
    return Drift(
        sample.objects,
        comparison.difference(baseline.classes, class_counts(baseline.labels, sample)),
        comparison.difference(baseline.scores, sample.scores),
    )


@dataclass(frozen=True)
class _Comparison:
    baseline: Baseline
    objects: int

    def difference(self, part: Part, counts: Sequence[int]) -> Difference:
        expected = with_floor(np.array(part.shares))
        actual = with_floor(np.array(counts) / self.objects)
        return Difference(
            float(population_stability_index(expected, actual)),
            limit_of(
                part,
                results=self.baseline.results,
                objects_a_result=self.baseline.objects / self.baseline.results,
                objects=self.objects,
            ),
            jensen_shannon_distance(expected, actual),
        )
