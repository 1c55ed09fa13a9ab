"""One delivery that dies before and after each of its requests, and each second death of a retry.

Dying after a request is dying before the next one. The last request is followed by a step `end`.
"""

from functools import partial
from random import Random

import pytest

from tests.simulation.endings import check_endings
from tests.simulation.runs import run_and_check
from tests.simulation.s3_model import Fault
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.world import LARGE, Plan, World

ONE_DELIVERY = ("one_upload", "no_sequencer_once", "rejected_once", "too_long_once", "direct_once")


def requests_of(name: str) -> range:
    """Return the numbers of the requests that a scenario makes when nothing goes wrong."""
    world = World(Random(0))
    SCENARIOS[name](world)
    first = world.requests + 1
    world.run()
    return range(first, world.requests + 1)


def fault_at(wrong: int, fault: Fault, _name: str, number: int) -> Fault | None:
    return fault if number == wrong else None


@pytest.mark.parametrize("name", ONE_DELIVERY)
@pytest.mark.parametrize("fault", Fault)
def test_each_fault_of_each_request(name: str, fault: Fault) -> None:
    for number in requests_of(name):
        plan = Plan(fault=partial(fault_at, number, fault))
        run_and_check(World(Random(0), plan), SCENARIOS[name])


@pytest.mark.parametrize("name", [*ONE_DELIVERY, "divided_once"])
def test_each_death(name: str) -> None:
    for number in requests_of(name):
        plan = Plan(kills={number}.__contains__)
        run_and_check(World(Random(0), plan), SCENARIOS[name])


@pytest.mark.parametrize("name", ["one_upload", "too_long_once"])
def test_each_second_death(name: str) -> None:
    requests = requests_of(name)
    for first in requests:
        for second in range(first + 1, first + len(requests) + 10):
            world = World(Random(0), Plan(kills={first, second}.__contains__))
            SCENARIOS[name](world)
            world.run()
            check_endings(world)
            world.redrive(LARGE)
            check_endings(world)
            assert not any(delivery.is_queued for delivery in world.deliveries)
