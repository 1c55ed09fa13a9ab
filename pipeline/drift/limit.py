"""The limit of the population stability index, beyond which a run counts as drifted.

The usual limits of 0.1 and 0.25 are rules of thumb for thousands of independent samples. Here the
limit is simulated for the number of objects of the run, and the number and spread of the baseline's
videos.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pipeline.drift.measures import population_stability_index, with_floor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.drift.baseline import Part

FALSE_RATE = 0.002
"""The largest share of runs without drift that counts as drifted: 2 in 1,000."""

_PARTS = 2
_DRAWS = 10_000


@lru_cache(maxsize=64)
def limit_of(part: Part, *, results: int, objects_a_result: float, objects: int) -> float:
    """Return the largest index that a run without drift has, but for one in 1,000.

    Classes and scores are compared, each with half of `FALSE_RATE`. 10,000 times, a baseline and a
    run are drawn, with the baseline's shares and spread. The seed is fixed: the same run has the
    same limit.

    Args:
        part: shares and spread of the baseline.
        results: number of results that it was made of.
        objects_a_result: mean number of objects in one of them.
        objects: number of objects in the run.
    """
    random = np.random.default_rng(0)
    shares, spread = with_floor(np.array(part.shares)), part.spread
    of_a_result = 1 / objects_a_result + (1 - 1 / objects_a_result) * spread
    baselines = with_floor(_dirichlet(random, shares * max(results / of_a_result - 1, 1)))
    videos = _dirichlet(random, shares * (1 - spread) / spread)
    runs = with_floor(random.multinomial(objects, videos) / objects)
    indexes = population_stability_index(baselines, runs)
    return float(np.quantile(indexes, 1 - FALSE_RATE / _PARTS))


def _dirichlet(random: np.random.Generator, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return draws, float64 of shape (draws, categories). The sums are exact for `multinomial`."""
    drawn = random.dirichlet(weights, _DRAWS)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))
