"""Run seeded interleavings of all scenarios for a time: `make soak`."""

from __future__ import annotations

import argparse
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import count

from tests.simulation.runs import simulate
from tests.simulation.scenarios import SCENARIOS
from tests.support.visible_results import Violation

_PROCESSES = 2


def main() -> None:
    """Run, and print how many interleavings were run; exit with 1 if one breaks a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the first")
    arguments = parser.parse_args()
    seeds = [arguments.seed + process * 10**9 for process in range(_PROCESSES)]
    with ProcessPoolExecutor(_PROCESSES) as pool:
        results = list(pool.map(soak, seeds, [60 * arguments.minutes] * _PROCESSES))
    total = sum(runs for runs, _ in results)
    violations = [violation for _, found in results for violation in found]
    print(f"{total} interleavings from seed {arguments.seed} in {arguments.minutes:g} minutes")  # noqa: T201 - a report
    if violations:
        sys.exit("\n".join(violations))


def soak(seed: int, seconds: float) -> tuple[int, list[str]]:
    """Run until the time is over or a violation is found; return the number of runs, and it."""
    end = time.monotonic() + seconds
    runs = 0
    for number in count(seed):
        for scenario in SCENARIOS.values():
            try:
                simulate(scenario, number)
            except Violation as violation:
                return runs, [str(violation)]
            runs += 1
        if time.monotonic() > end:
            return runs, []
    raise AssertionError


if __name__ == "__main__":
    main()
