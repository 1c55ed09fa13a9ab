"""How damaged videos end: two thousand mutants, against what FFmpeg itself recovers of them."""  # noqa: INP001 - started by bench/run

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measuring import say
from bench.results import publish, table, when_and_where
from tests.support import fuzzing, mutants

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.support.fuzzing import Outcome

MUTANTS = 2000
# Fewer of FFmpeg's frames than this, and not a word of it, is a silent truncation.
LEAST_SHARE = 0.99
TITLES = ("", "done", "rejected", "crashed", "hung", "frames", "FFmpeg's", "said lost", "silent")

Pair = tuple["Outcome", "Outcome"]
"""How pretag and PyAV ended on one mutant."""


def measured() -> str:
    """Read mutants, and return how they ended."""
    seeds = range(MUTANTS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mutants.write_originals(folder)
        say(f"{MUTANTS} mutants")
        ours = fuzzing.decode_mutants(fuzzing.child_command(folder, "pretag"), seeds)
        theirs = fuzzing.decode_mutants(fuzzing.child_command(folder, "pyav"), seeds)
        kinds: dict[tuple[str, str], list[Pair]] = defaultdict(list)
        for pair in zip(ours, theirs, strict=True):
            mutant = mutants.make_mutant(folder, pair[0].seed)
            kinds[mutant.name, mutant.kind].append(pair)
    return report(kinds)


def report(kinds: dict[tuple[str, str], list[Pair]]) -> str:
    """Return the tables: by container and kind of damage, and of the reasons."""
    pairs = [pair for each in kinds.values() for pair in each]
    rows = [row(f"{name}, {kind}", kinds[name, kind]) for name, kind in sorted(kinds)]
    reasons = Counter(ours.end for ours, _ in pairs)
    return (
        f"## Damaged videos\n\n{when_and_where()}. {len(pairs)} mutants of "
        f"{mutants.FRAMES} frames each. FFmpeg's frames are PyAV's, "
        "which skips every packet that fails.\n\n"
        f"{table(TITLES, [*rows, row('**all**', pairs)])}\n"
        f"{table(('end', 'mutants'), ((end, str(n)) for end, n in reasons.most_common()))}"
    )


def row(name: str, pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return the figures of some mutants as cells."""
    ends = Counter(kind_of_end(ours.end) for ours, _ in pairs)
    figures = (
        *(ends[end] for end in TITLES[1:5]),
        sum(ours.frames for ours, _ in pairs),
        sum(theirs.frames for _, theirs in pairs),
        sum(ours.lost for ours, _ in pairs),
        sum(silent(pairs)),
    )
    return name, *map(str, figures)


def kind_of_end(end: str) -> str:
    """Return the column that an end is counted in."""
    first = end.partition(" ")[0]
    return first if first in TITLES else "rejected"


def silent(pairs: Iterable[Pair]) -> list[bool]:
    """Tell of each mutant whether frames are missing of which pretag says nothing."""
    return [
        ours.end == "done" and not ours.lost and ours.frames < LEAST_SHARE * theirs.frames
        for ours, theirs in pairs
    ]


if __name__ == "__main__":
    publish(measured, __doc__ or "")
