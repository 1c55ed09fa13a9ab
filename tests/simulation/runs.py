"""Run a scenario with a seed, and check all that must hold."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.simulation.endings import check_endings, check_given_up
from tests.simulation.s3_model import Fault
from tests.simulation.world import LARGE, RESULTS, Plan, World
from tests.support.visible_results import Violation

if TYPE_CHECKING:
    from tests.simulation.scenarios import Scenario

FAULTS = list(Fault)
_GIVES_UP = 0.5


def random_plan(random: Random) -> Plan:
    """Return a plan with rates of faults and kills that are drawn; both can be 0."""
    fault_rate = random.choice((0.0, 0.02, 0.1, 0.3))
    kill_rate = random.choice((0.0, 0.005, 0.02, 0.06))
    return Plan(
        fault=lambda _name, _number: (
            random.choice(FAULTS) if random.random() < fault_rate else None
        ),
        kills=lambda _number: random.random() < kill_rate,
    )


def simulate(scenario: Scenario, seed: int) -> World:
    """Run a scenario; then redrive what failed, on a larger function; then repeat all events.

    Raises:
        Violation: something did not hold. The message names the scenario and the seed.
    """
    random = Random(seed)
    world = World(random, random_plan(random))
    try:
        run_and_check(world, scenario)
    except Violation as violation:
        raise Violation(f"{scenario.__name__}, seed {seed}: {violation}") from None
    return world


def run_and_check(world: World, scenario: Scenario) -> None:
    """Run a scenario in a world, and check all that must hold."""
    scenario(world)
    world.run()
    check_endings(world)
    if world.leftovers and world.random.random() < _GIVES_UP:
        world.give_up()
        check_given_up(world)
    # An event that comes while leftovers are removed may fail three times, and is redriven again.
    for _ in range(1 + len(world.leftovers)):
        world.redrive(LARGE)
        check_endings(world)
    if any(delivery.is_queued for delivery in world.deliveries):
        raise Violation("An event failed although nothing went wrong.")
    _repeat(world)
    changes, notifications = world.changes, len(world.notifications)
    _repeat(world)
    if (changes, notifications) != (world.changes, len(world.notifications)):
        raise Violation("An event that was repeated before wrote an object.")


def _repeat(world: World) -> None:
    """Deliver each upload's event again, on another version of pretag: no result may change.

    Once, `latest.json` may move, to a result that a direct event made in place of a rejection.
    """
    before = _results(world)
    deliveries = [delivery for delivery in world.deliveries if not delivery.is_direct]
    for delivery in deliveries:
        world.deliver(delivery.event, capacity=delivery.capacity, version="3")
    world.run()
    if before != _results(world):
        raise Violation("A repeated event changed a result.")
    check_endings(world)


def _results(world: World) -> dict[str, bytes]:
    visible = world.s3.visible(RESULTS, "out/")
    return {key: data for key, data in visible.items() if not key.endswith("/latest.json")}
