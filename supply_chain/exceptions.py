"""Reasoned exceptions: known vulnerabilities that do not concern pretag, each until a date."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from supply_chain.locks import REQUIREMENTS
from supply_chain.problems import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from supply_chain.advisories import Finding

EXCEPTIONS = REQUIREMENTS / "vulnerability-exceptions.toml"
# An exception is looked at again at least twice a year.
MAX_DAYS = 180
_KEYS = {"id": str, "package": str, "reason": str, "until": date}


@dataclass(frozen=True)
class VulnerabilityException:
    """One vulnerability of one package that is accepted for a while."""

    id: str
    package: str
    reason: str
    until: date

    def covers(self, finding: Finding) -> bool:
        """Return whether the exception is about this finding."""
        return self.package == finding.package and self.id in {finding.id, *finding.aliases}


def read_exceptions(path: Path = EXCEPTIONS) -> list[VulnerabilityException]:
    """Return the exceptions of a file.

    Raises:
        SupplyChainError: the file is not valid TOML, or an exception has other keys or types.
    """
    try:
        tables = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise SupplyChainError(f"{path.name} is not valid TOML: {error}.") from error
    entries = tables.pop("exception", [])
    if tables or not isinstance(entries, list):
        raise SupplyChainError(f"{path.name} may have only tables [[exception]].")
    return [_exception(entry, path) for entry in entries]


def _exception(entry: object, path: Path) -> VulnerabilityException:
    right = isinstance(entry, dict) and entry.keys() == _KEYS.keys()
    if isinstance(entry, dict) and right:
        types = {key: type(value) for key, value in entry.items()}
        if types == _KEYS and all(entry.values()):
            return VulnerabilityException(**entry)
    raise SupplyChainError(
        f"An exception in {path.name} needs exactly id, package and reason (texts that are not "
        f"empty) and until (a date such as 2027-01-31, without quotes). It is: {entry}"
    )


def problems(
    findings: Iterable[Finding], exceptions: Iterable[VulnerabilityException], today: date
) -> Iterator[str]:
    """Yield what must be done: findings without an exception, and exceptions that do not hold."""
    findings, exceptions = list(findings), list(exceptions)
    for found in findings:
        if not any(exception.covers(found) for exception in exceptions):
            names = ", ".join((found.id, *found.aliases))
            fix = ", ".join(found.fixed_in) or "no version yet"
            yield (
                f"{found.package} {found.version} has {names} (fixed in: {fix}). Update it with "
                f"`make lock`, or say in {EXCEPTIONS.name} why it does not concern pretag."
            )
    for exception in exceptions:
        name = f"The exception for {exception.id} of {exception.package}"
        if exception.until < today:
            yield f"{name} ended on {exception.until}. Update the package, or reason again."
        if exception.until > today + timedelta(days=MAX_DAYS):
            yield f"{name} lasts until {exception.until}. The longest is {MAX_DAYS} days from now."
        if not any(exception.covers(found) for found in findings):
            yield f"{name} is not needed any more. Remove it from {EXCEPTIONS.name}."
