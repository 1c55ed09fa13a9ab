"""The errors of these tools, and how they report what a person must do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class SupplyChainError(Exception):
    """Something cannot be read or asked. The message says what, why and what to do."""


def report(problems: Iterable[str], none: str) -> int:
    """Print the problems to stderr, or `none` to stdout. Return the exit code: 1 or 0."""
    found = list(problems)
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    if not found:
        sys.stdout.write(f"{none}\n")
    return int(bool(found))
