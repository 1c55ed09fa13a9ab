"""What memory a long video takes, against a short one of the same kind."""  # noqa: INP001 - used by bench.pipeline

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench import clips
from bench.measuring import in_child, peak_megabytes, say
from bench.results import Target, table
from bench.whole_job import counts

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 3
SHORT, LONG = 1, 60
MOST = 1.05
_COUNTS = ("frames_decoded", "frames_sampled", "frames_kept", "detections")


def measured() -> tuple[str, list[Target]]:
    """Return the table, and what was aimed at."""
    rows, peaks = [], {}
    for minutes in (SHORT, LONG):
        say(f"memory: {ROUNDS} videos of {minutes} min")
        clip = in_child(clips.of_minutes, minutes)
        runs = [in_child(_job, clip) for _ in range(ROUNDS)]
        peaks[minutes] = median(peak for _, peak in runs)
        found = (f"{runs[0][0][name]:,}" for name in _COUNTS)
        rows.append((f"{minutes} min", *found, f"{peaks[minutes]:.0f}"))
    titles = ("video", *(name.replace("_", " ") for name in _COUNTS), "peak, MB")
    what = f"memory: peak of a {LONG}-minute video / of a {SHORT}-minute one"
    return (
        f"### Memory\n\n{table(titles, rows)}",
        [Target(what, peaks[LONG] / peaks[SHORT], MOST)],
    )


def _job(clip: Path) -> tuple[dict[str, int], float]:
    return counts(clip), peak_megabytes()
