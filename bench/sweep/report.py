"""The report of a sweep, as a section of RESULTS.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import results
from bench.sweep.sizes import choice, cpus_of, pareto

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.sweep.measure import Swept

_TITLES = ("MB", "CPUs", "s, warm", "first adds, s", "compute, an hour of video", "best")


_EXPLAINED = (
    "*best*: no other size is as fast and as cheap. *first adds*: by how much the first invocation "
    "was longer; for the first clip that is the cold start. Dollars are those of compute alone, "
    "for an hour of such video."
)
_CHOSEN = "The size with the smallest product of seconds and dollars over all clips is **{:,} MB**."


def report(title: str, text: str, swept: Sequence[Swept]) -> str:
    """Return a section with a table for each clip, and the choice over all."""
    chosen = choice([each.points for each in swept])
    tables = "\n".join(_table(each) for each in swept)
    said = "No size did all clips." if chosen is None else _CHOSEN.format(chosen)
    head = results.paragraph(f"{results.date_and_processor()}. {text}")
    return f"## {title}\n\n{head}{tables}\n{results.paragraph(f'{_EXPLAINED} {said}')}"


def _table(swept: Swept) -> str:
    return f"### {swept.clip.name}\n\n{results.table(_TITLES, _rows(swept))}"


def _rows(swept: Swept) -> Iterator[tuple[str, ...]]:
    best = pareto(swept.points)
    for each in swept.points:
        yield (
            f"{each.megabytes:,}",
            f"{cpus_of(each.megabytes):.2f}",
            f"{each.seconds:.2f}",
            f"{swept.first_seconds[each.megabytes] - each.seconds:.2f}",
            f"${each.dollars_an_hour:.4f}",
            "yes" if each in best else "",
        )
    for size, why in sorted(swept.failures.items()):
        yield f"{size:,}", f"{cpus_of(size):.2f}", f"failed: {why}", "", "", ""
