"""Two hundred damaged videos, each read in a child process; `bench/fuzz.py` reads two thousand."""

import sys
from pathlib import Path

import pytest

from tests.support import corruption, fuzzing

REASONS = {
    "no_decodable_frame",
    "no_video_stream",
    "not_a_video",
    "too_large",
    "too_long",
    "too_many_streams",
    "truncated",
    "empty",
}


@pytest.mark.parametrize("first", [0, 100])
def test_damage_ends_as_done_or_rejected(tmp_path: Path, first: int) -> None:
    corruption.write_originals(tmp_path)
    command = fuzzing.reading(tmp_path, "pretag")
    outcomes = fuzzing.outcomes(command, range(first, first + 100))
    assert [outcome for outcome in outcomes if outcome.end not in {"done", *REASONS}] == []
    assert sum(outcome.end == "done" for outcome in outcomes) >= 80


def test_a_crash_and_a_hang_are_seen_and_passed() -> None:
    child = """
import os, sys, time
for seed in range(int(sys.argv[1]), int(sys.argv[2])):
    if seed == 1:
        os.abort()
    if seed == 2:
        time.sleep(60)
    print(f'{{"seed": {seed}, "end": "done"}}', flush=True)
"""
    outcomes = fuzzing.outcomes([sys.executable, "-c", child], range(4), deadline=2)
    assert [outcome.end for outcome in outcomes] == ["done", "crashed with -6", "hung", "done"]
