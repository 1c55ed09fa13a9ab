"""bench/RESULTS.md: a section a bench, each rewritten by its own command; and what all print."""  # noqa: INP001 - benches are started by name

from __future__ import annotations

import argparse
import platform
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FILE = Path(__file__).parent / "RESULTS.md"


@dataclass(frozen=True)
class Target:
    """A measured ratio, and the limit that it must keep to."""

    what: str
    value: float
    limit: float
    is_least: bool = False

    @property
    def row(self) -> tuple[str, ...]:
        """Return the target as cells of a table."""
        met = self.value >= self.limit if self.is_least else self.value <= self.limit
        bound = f"at {'least' if self.is_least else 'most'} {self.limit:g}"
        return self.what, f"{self.value:.2f}", bound, "met" if met else "**missed**"


def write(section: str) -> None:
    """Put a section, which starts with `## Title`, over the one of that title, or at the end."""
    title = section.partition("\n")[0]
    head, *others = re.split(r"^(?=## )", FILE.read_text(), flags=re.MULTILINE)
    titles = [other.partition("\n")[0] for other in others]
    if title in titles:
        others[titles.index(title)] = section
    else:
        others.append(section)
    FILE.write_text("\n".join(f"{part.rstrip()}\n" for part in (head, *others)))


def publish(measured: Callable[[], str], what: str) -> None:
    """Measure, print the section, and write it if the command line asks to."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md as well")
    arguments = parser.parse_args()
    section = measured()
    sys.stdout.write(f"{section}\n")
    if arguments.write:
        write(section)


def when_and_where() -> str:
    """Return today's date and the processor's name."""
    known = Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    found = re.search(r"^model name\s*: (.+)$", known, re.MULTILINE)
    processor = found[1] if found else platform.machine()
    return f"{datetime.now(UTC):%Y-%m-%d}, {processor}"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table of a name and figures."""
    line, rule = "| {} |\n", f"|---|{'---:|' * (len(titles) - 1)}\n"
    head, *body = (line.format(" | ".join(cells)) for cells in (titles, *rows))
    return "".join((head, rule, *body))
