"""The measures, against values by hand and against other definitions of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.drift.measures import (
    SMALLEST_SHARE,
    jensen_shannon_distance,
    population_stability_index,
    with_floor,
)

SHARES = st.lists(st.integers(0, 1000), min_size=3, max_size=3).filter(any).map(
    lambda counts: with_floor(np.array(counts) / sum(counts))
)  # fmt: skip


def test_the_stability_index_is_that_by_hand() -> None:
    index = population_stability_index(np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.4, 0.2]))
    assert index == pytest.approx(-0.1 * np.log(0.8) + 0.1 * np.log(4 / 3))
    assert index == pytest.approx(0.051083, abs=1e-6)


def test_the_distance_of_distributions_without_a_common_category_is_one() -> None:
    tiny = 1e-12
    distance = jensen_shannon_distance(np.array([1 - tiny, tiny]), np.array([tiny, 1 - tiny]))
    assert distance == pytest.approx(1, abs=1e-6)


def entropy(shares: np.ndarray) -> float:
    return float(-(shares * np.log2(shares)).sum())


@settings(max_examples=30)
@given(SHARES, SHARES)
def test_the_distance_is_the_root_of_the_entropy_that_mixing_adds(
    one: np.ndarray, other: np.ndarray
) -> None:
    added = entropy((one + other) / 2) - (entropy(one) + entropy(other)) / 2
    assert jensen_shannon_distance(one, other) ** 2 == pytest.approx(added, abs=1e-9)


@settings(max_examples=30)
@given(SHARES, SHARES)
def test_both_are_symmetric_and_zero_for_equal_distributions_alone(
    one: np.ndarray, other: np.ndarray
) -> None:
    for measure in (population_stability_index, jensen_shannon_distance):
        assert measure(one, other) == pytest.approx(float(measure(other, one)))
        assert measure(one, one) == pytest.approx(0, abs=1e-9)
    if np.abs(one - other).max() > 0.01:
        assert population_stability_index(one, other) > 0
        assert 0 < jensen_shannon_distance(one, other) <= 1


@settings(max_examples=30)
@given(SHARES)
def test_shares_with_a_floor_add_up_to_one(shares: np.ndarray) -> None:
    assert shares.sum() == pytest.approx(1)
    assert shares.min() >= SMALLEST_SHARE / (1 + 3 * SMALLEST_SHARE)
