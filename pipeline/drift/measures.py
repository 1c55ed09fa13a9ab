"""Measures of how much two distributions differ.

Both take shares of the same categories, which add up to 1 and are greater than 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_SHARE = 0.001


def with_floor(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares of which none is less than 0.001, so that their logarithms and ratios exist.

    Args:
        shares: float64 of shape (..., categories).
    """
    raised = np.maximum(shares, SMALLEST_SHARE)
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def population_stability_index(
    expected: NDArray[np.float64], actual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the population stability index: sum of (a - e) * ln(a / e); 0 for equal shares.

    N. Siddiqi, Credit Risk Scorecards, Wiley 2006. It is the symmetric divergence of H. Jeffreys
    (1946), https://doi.org/10.1098/rspa.1946.0056.

    Args:
        expected: shares of the baseline, float64 of shape (..., categories).
        actual: shares of the run, of the same shape.

    Returns:
        float64 of shape (...).
    """
    return np.asarray(((actual - expected) * np.log(actual / expected)).sum(axis=-1))


def jensen_shannon_distance(expected: NDArray[np.float64], actual: NDArray[np.float64]) -> float:
    """Return the Jensen-Shannon distance, from 0 (equal) to 1 (nothing in common).

    It is the root of the divergence of J. Lin (1991), https://doi.org/10.1109/18.61115, with
    logarithms to base 2. The root is a metric: D. Endres, J. Schindelin (2003),
    https://doi.org/10.1109/TIT.2003.813506.

    Args:
        expected: shares of the baseline, float64 of shape (categories,).
        actual: shares of the run, of the same shape.
    """
    middle = (expected + actual) / 2
    divergence = (
        expected * np.log2(expected / middle) + actual * np.log2(actual / middle)
    ).sum() / 2
    return float(np.sqrt(max(divergence, 0.0)))
