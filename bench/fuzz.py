"""Decode ten thousand damaged videos (mutants), with pretag and with FFmpeg itself (PyAV).

The originals are clips of each kind, and the videos of a folder that a variable names.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measuring import show_progress
from bench.results import date_and_processor, run, table
from tests.support import fuzzing, mutants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.fuzzing import Outcome

MUTANTS = 10_000
# A folder of further originals, if it is set.
FOLDER_VARIABLE = "PRETAG_BENCH_VIDEOS"
# If pretag decodes a smaller share of FFmpeg's frames and reports none as lost, the loss is silent.
SMALLEST_SHARE = 0.99
TITLES = (
    "", "done", "rejected", "crashed", "hung", "frames", "FFmpeg's", "reported lost", "silent loss",
)  # fmt: skip

Pair = tuple["Outcome", "Outcome"]
"""The outcomes of one mutant with pretag and with PyAV."""


def measure() -> str:
    """Decode all mutants, and return the section."""
    seeds = range(MUTANTS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mutants.write_originals(folder)
        made = {path.name for path in folder.iterdir()}
        more = os.environ.get(FOLDER_VARIABLE)
        for path in Path(more).iterdir() if more else ():
            (folder / f"more_{path.name}").symlink_to(path.resolve())
        show_progress(f"{MUTANTS} mutants")
        ours = fuzzing.decode_mutants(fuzzing.child_command(folder, "pretag"), seeds)
        ffmpegs = fuzzing.decode_mutants(fuzzing.child_command(folder, "pyav"), seeds)
        pairs: dict[str, list[Pair]] = defaultdict(list)
        for pair in zip(ours, ffmpegs, strict=True):
            mutant = mutants.make_mutant(folder, pair[0].seed)
            original = mutant.name if mutant.name in made else FOLDER_VARIABLE
            pairs[f"{original}, {mutant.kind}"].append(pair)
    return report(pairs)


def report(pairs_by_kind: dict[str, list[Pair]]) -> str:
    """Return the tables: one by container and kind of damage, and one by end."""
    rows = [row(kind, pairs) for kind, pairs in sorted(pairs_by_kind.items())]
    all_pairs = [pair for pairs in pairs_by_kind.values() for pair in pairs]
    ends = Counter(ours.end for ours, _ in all_pairs)
    return (
        f"## Damaged videos\n\n{date_and_processor()}. {len(all_pairs)} mutants. FFmpeg's frames "
        "are decoded by PyAV, which skips packets that fail. The parent of the decoder ended "
        f"{sum(end.startswith('crashed') for end in ends.elements())} times, and "
        f"{sum(end not in {'done', *fuzzing.REASONS} for end in ends.elements())} mutants had no "
        "known ending.\n\n"
        f"{table(TITLES, [*rows, row('**all**', all_pairs)])}\n"
        f"{table(('end', 'mutants'), ((end, str(n)) for end, n in ends.most_common()))}"
    )


def row(title: str, pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return the row of some mutants."""
    columns = Counter(column_of(ours.end) for ours, _ in pairs)
    numbers = (
        *(columns[title] for title in TITLES[1:5]),
        sum(ours.frames for ours, _ in pairs),
        sum(ffmpegs.frames for _, ffmpegs in pairs),
        sum(ours.lost for ours, _ in pairs),
        sum(is_silent_loss(*pair) for pair in pairs),
    )
    return title, *map(str, numbers)


def column_of(end: str) -> str:
    """Return the title of the column in which an end is counted."""
    first_word = end.partition(" ")[0]
    return first_word if first_word in TITLES else "rejected"


def is_silent_loss(ours: Outcome, ffmpegs: Outcome) -> bool:
    """Tell whether frames are missing and pretag reports none as lost."""
    has_few_frames = ours.frames < SMALLEST_SHARE * ffmpegs.frames
    return ours.end == "done" and not ours.lost and has_few_frames


if __name__ == "__main__":
    run(measure, __doc__ or "")
