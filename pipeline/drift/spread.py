"""How much the distributions of videos differ among themselves, without any drift.

The objects of one video are alike: the same cars in frame after frame. So two videos of one camera
differ by far more than two random samples of objects would, and a limit that ignores this would
call each video a drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_SPREAD, SMALLEST_SPREAD = 0.95, 0.0001
_NORMAL_95 = 1.645


def spread_of(counts: NDArray[np.int64]) -> float:
    """Return how alike the objects of one video are: 0 if as random ones, 1 if all are the same.

    This is the intraclass correlation r of the Dirichlet-multinomial distribution, by the method of
    moments: the variance of a share p between videos of n objects is p (1 - p) (1/n + (1 - 1/n) r).
    J. Mosimann (1962), https://doi.org/10.1093/biomet/49.1-2.65; S. Brier (1980),
    https://doi.org/10.1093/biomet/67.3.591. Of the variance, the upper limit of its one-sided 95 %
    confidence interval is used. So a baseline of few videos says little, and raises no false alarm.

    Args:
        counts: objects in each category; int64 of shape (videos, categories), with at least two
            videos, and an object in each.
    """
    objects = counts.sum(axis=1)
    shares = counts / objects[:, None]
    mean = shares.mean(axis=0)
    total = float((mean * (1 - mean)).sum())
    if total == 0:
        return SMALLEST_SPREAD
    squares = float(((shares - mean) ** 2).sum())
    variance = squares / _low_chi_square(len(counts) - 1)
    chance = float((1 / objects).mean())
    spread = (variance / total - chance) / (1 - chance) if chance < 1 else LARGEST_SPREAD
    return float(np.clip(spread, SMALLEST_SPREAD, LARGEST_SPREAD))


def _low_chi_square(freedom: int) -> float:
    """Return the 5 % quantile of chi-square, within a tenth for 3 and more degrees of freedom.

    E. Wilson, M. Hilferty (1931), https://doi.org/10.1073/pnas.17.12.684.
    """
    part = 2 / (9 * freedom)
    return float(freedom * max(1 - part - _NORMAL_95 * part**0.5, 0.01) ** 3)
