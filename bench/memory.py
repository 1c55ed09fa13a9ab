"""Measure the memory of a long video, and that of a short one of the same kind."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench import clips
from bench.measuring import in_child, peak_megabytes, show_progress
from bench.results import Target, table
from bench.whole_job import counts

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 3
SHORT, LONG = 1, 60
LARGEST_RATIO = 1.05
_COUNTS = ("frames_decoded", "frames_sampled", "frames_kept", "detections")


def measure() -> tuple[str, list[Target]]:
    """Return the table and the targets."""
    rows, peaks = [], {}
    for minutes in (SHORT, LONG):
        show_progress(f"memory: {ROUNDS} videos of {minutes} min")
        clip = in_child(clips.of_minutes, minutes)
        runs = [in_child(_counts_and_peak, clip) for _ in range(ROUNDS)]
        peaks[minutes] = median(peak for _, peak in runs)
        cells = (f"{runs[0][0][name]:,}" for name in _COUNTS)
        rows.append((f"{minutes} min", *cells, f"{peaks[minutes]:.0f}"))
    titles = ("video", *(name.replace("_", " ") for name in _COUNTS), "peak, MB")
    name = f"memory: peak of a {LONG}-minute video / of a {SHORT}-minute one"
    return (
        f"### Memory\n\n{table(titles, rows)}",
        [Target(name, peaks[LONG] / peaks[SHORT], LARGEST_RATIO)],
    )


def _counts_and_peak(clip: Path) -> tuple[dict[str, int], float]:
    return counts(clip), peak_megabytes()
