"""Seeded interleavings of each scenario. `make soak` runs many more of them."""

import pytest

from tests.simulation.runs import simulate
from tests.simulation.scenarios import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_interleaving_breaks_a_result(name: str) -> None:
    for seed in range(60):
        simulate(SCENARIOS[name], seed)
