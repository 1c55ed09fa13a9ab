"""Write bench/RESULTS.md, which has a section for each benchmark, and format tables."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FILE = Path(__file__).parent / "RESULTS.md"


@dataclass(frozen=True)
class Target:
    """A measured ratio and its limit.

    Attributes:
        name: the ratio.
        value: the measured value.
        limit: the largest allowed value, or the smallest if `is_minimum`.
    """

    name: str
    value: float
    limit: float
    is_minimum: bool = False

    @property
    def row(self) -> tuple[str, ...]:
        """The cells of the target's row in a table."""
        is_met = self.value >= self.limit if self.is_minimum else self.value <= self.limit
        limit = f"at {'least' if self.is_minimum else 'most'} {self.limit:g}"
        return self.name, f"{self.value:.2f}", limit, verdict(is_met=is_met)


def verdict(*, is_met: bool) -> str:
    """Return the word for a target that is met or missed."""
    return "met" if is_met else "**missed**"


def run(measure: Callable[[], str], description: str) -> None:
    """Measure and print a section; write it into RESULTS.md with `--write`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md as well")
    arguments = parser.parse_args()
    section = measure()
    sys.stdout.write(f"{section}\n")
    if arguments.write:
        write_section(section)


def write_section(section: str) -> None:
    """Replace the section of the same title (`## Title`) in RESULTS.md, or append it."""
    title = section.partition("\n")[0]
    head, *sections = re.split(r"^(?=## )", FILE.read_text(), flags=re.MULTILINE)
    titles = [other.partition("\n")[0] for other in sections]
    if title in titles:
        sections[titles.index(title)] = section
    else:
        sections.append(section)
    FILE.write_text("\n".join(f"{part.rstrip()}\n" for part in (head, *sections)))


def date_and_processor() -> str:
    """Return today's date and the name of the processor."""
    info = Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    found = re.search(r"^model name\s*: (.+)$", info, re.MULTILINE)
    processor = found[1] if found else platform.machine()
    return f"{datetime.now(UTC):%Y-%m-%d}, {processor}"


def paragraph(text: str) -> str:
    """Return a paragraph in lines that are as long as those of all Markdown files here."""
    filled = textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)
    return f"{filled}\n\n"


def load_of_machine() -> str:
    """Return a sentence that says how busy the machine is now."""
    return f"Load of the machine at the start: {os.getloadavg()[0]:.1f}."


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table. The first column has names, the others have numbers."""
    line, rule = "| {} |\n", f"|---|{'---:|' * (len(titles) - 1)}\n"
    head, *body = (line.format(" | ".join(cells)) for cells in (titles, *rows))
    return "".join((head, rule, *body))
