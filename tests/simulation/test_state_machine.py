"""Any sequence of uploads, deliveries, deaths, faults and deletions. Hypothesis shortens a failure.

https://hypothesis.readthedocs.io/en/latest/stateful.html
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, precondition, rule

from tests.simulation.endings import check_endings
from tests.simulation.s3_model import Fault
from tests.simulation.scenarios import BAD, DEADLY, GOOD, LONG
from tests.simulation.world import LARGE, OTHER_VIDEOS, SMALL, VIDEOS, Plan, World

VERSIONS = st.sampled_from(["1", "2"])
CAPACITIES = st.sampled_from([SMALL, LARGE])


class Deliveries(RuleBasedStateMachine):
    """A world in which Hypothesis draws what happens next."""

    events = Bundle("events")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(Random(0))

    @rule(
        target=events,
        video=st.sampled_from([GOOD, BAD, LONG, DEADLY]),
        name=st.sampled_from(["first", "second"]),
        bucket=st.sampled_from([VIDEOS, VIDEOS, OTHER_VIDEOS]),
        is_versioned=st.booleans(),
    )
    def upload(
        self, video: dict[str, Any], name: str, bucket: str, *, is_versioned: bool
    ) -> dict[str, Any]:
        return self.world.upload({**video, "name": name}, bucket=bucket, is_versioned=is_versioned)

    @rule(event=events, version=VERSIONS, capacity=CAPACITIES)
    def deliver(self, event: dict[str, Any], version: str, capacity: Any) -> None:  # noqa: ANN401 - a capacity
        self.world.deliver(event, version=version, capacity=capacity)

    @rule(config=st.sampled_from([{}, {"name": "other"}]), capacity=CAPACITIES)
    def deliver_direct(self, config: dict[str, str], capacity: Any) -> None:  # noqa: ANN401 - a capacity
        event = {"video": f"s3://{VIDEOS}/cam/a.mp4", "config": config}
        self.world.deliver(event, capacity=capacity)

    @precondition(lambda self: not self.world.is_idle)
    @rule(number=st.integers(0, 5), requests=st.integers(1, 12))
    def act(self, number: int, requests: int) -> None:
        self.world.act(number, requests)

    @precondition(lambda self: not self.world.is_idle)
    @rule(number=st.integers(0, 5))
    def die(self, number: int) -> None:
        self.world.plan = Plan(kills=lambda _number: True)
        self.world.act(number, 2)
        self.world.plan = Plan()

    @precondition(lambda self: not self.world.is_idle)
    @rule(number=st.integers(0, 5), fault=st.sampled_from(Fault), times=st.integers(1, 3))
    def fail(self, number: int, fault: Fault, times: int) -> None:
        self.world.plan = Plan(fault=lambda _name, _number: fault)
        self.world.act(number, times + 1)
        self.world.plan = Plan()

    @rule()
    def delete(self) -> None:
        if "cam/a.mp4" in self.world.s3.buckets[VIDEOS]:
            self.world.s3.write(VIDEOS, "cam/a.mp4", None)

    def teardown(self) -> None:
        self.world.run()
        check_endings(self.world)
        self.world.redrive(LARGE)
        check_endings(self.world)


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
