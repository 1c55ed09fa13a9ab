"""Read the requirements files, which pin all packages with hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from supply_chain.problems import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "requirements"
IMAGE_LOCK = REQUIREMENTS / "lambda.txt"

_PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;]+)( ; [^\\]+)? \\")
_HASH = re.compile(r" {4}--hash=sha256:(?P<digest>[0-9a-f]{64})( \\)?")


@dataclass(frozen=True, order=True)
class Pin:
    """One version of one package."""

    name: str
    version: str
    sha256: tuple[str, ...] = field(default=(), compare=False)
    """Hex digests of the files that pip may install."""


def canonical_name(name: str) -> str:
    """Return the name of a package as the requirements files write it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(paths: Iterable[Path]) -> list[Pin]:
    """Return all pins of requirements files, sorted, each once.

    A package with other versions for other Pythons has a pin for each of them. So what is found
    does not depend on the Python that runs this.

    Raises:
        SupplyChainError: a line is neither a pin nor a hash.
    """
    digests: dict[Pin, list[str]] = {}
    for path in paths:
        pin: Pin | None = None
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if found := _PIN.fullmatch(line):
                pin = Pin(found["name"], found["version"])
                digests.setdefault(pin, [])
            elif (found := _HASH.fullmatch(line)) and pin is not None:
                digests[pin].append(found["digest"])
            else:
                raise SupplyChainError(
                    f"{path.name}, line {number}, is neither `name==version` nor a hash: {line!r}. "
                    "Write the file again with `make lock`."
                )
    return sorted(Pin(pin.name, pin.version, tuple(found)) for pin, found in digests.items())


def all_locks() -> list[Path]:
    """Return the paths of all requirements files."""
    return sorted(REQUIREMENTS.glob("*.txt"))
