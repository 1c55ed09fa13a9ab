"""The report of loads, as a section of RESULTS.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import results
from bench.load.driving import POLL_SECONDS
from bench.load.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.load.statistics import Summary

_TITLES = (
    "uploads a second", "uploads", "median, s", "p95, s", "p99, s", "all, s",
    "errors", "in failure queue", "throttles", "dollars an upload",
)  # fmt: skip


_EXPLAINED = (
    "From the moment when S3 has the clip to the moment when its manifest is seen, by nearest "
    f"rank; the bench looks each {POLL_SECONDS:g} s. *all*: from the first upload to the last "
    "manifest. The dollars are the estimates of the manifests."
)


def report(title: str, text: str, summaries: Iterable[Summary]) -> str:
    """Return a section with a row for each load."""
    head = results.paragraph(f"{results.date_and_processor()}. {text}")
    table = results.table(_TITLES, map(_row, summaries))
    return f"## {title}\n\n{head}{table}\n{results.paragraph(_EXPLAINED)}"


def _row(summary: Summary) -> tuple[str, ...]:
    found, served = summary.latencies, summary.served
    times = [f"{percentile(found, each):.1f}" if found else "-" for each in (50, 95, 99)]
    return (
        f"{summary.plan.per_second:g}",
        f"{summary.plan.uploads:,}",
        *times,
        f"{summary.seconds:.0f}",
        str(summary.errors),
        str(served.failures),
        "not counted" if served.throttles is None else str(served.throttles),
        f"${served.dollars / len(found):.6f}" if found else "-",
    )
