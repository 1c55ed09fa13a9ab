"""Five hundred mutants, decoded as in production. `bench/fuzz.py` decodes ten thousand."""

import sys
from pathlib import Path

import pytest

from tests.support import fuzzing, mutants


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("originals")
    mutants.write_originals(folder)
    return folder


@pytest.mark.parametrize(("decoder", "first"), [("pretag", 0), ("pretag", 250), ("pretag-pyav", 0)])
def test_a_mutant_is_decoded_or_rejected(originals: Path, decoder: str, first: int) -> None:
    command = fuzzing.child_command(originals, decoder)
    outcomes = fuzzing.decode_mutants(command, range(first, first + 250))
    assert [each for each in outcomes if each.end not in {"done", *fuzzing.REASONS}] == []
    assert sum(outcome.end == "done" for outcome in outcomes) >= 100


def test_a_crash_and_a_hang_are_reported_and_the_next_mutants_are_decoded() -> None:
    child = """
import os, signal, sys
for seed in range(int(sys.argv[1]), int(sys.argv[2])):
    if seed == 1:
        os.abort()
    if seed == 2:
        signal.pause()
    print(f'{{"seed": {seed}, "end": "done"}}', flush=True)
"""
    outcomes = fuzzing.decode_mutants([sys.executable, "-c", child], range(4), deadline=5)
    assert [outcome.end for outcome in outcomes] == ["done", "crashed with -6", "hung", "done"]
