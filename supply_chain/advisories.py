"""Ask OSV (https://osv.dev) for the known vulnerabilities of pinned packages, with pip-audit."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from supply_chain.locks import Pin
from supply_chain.problems import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Has several known vulnerabilities. A source that knows none of them cannot be believed: mirrors of
# PyPI answer with an empty list for each package, and pip-audit then says "none found".
KNOWN_BAD = Pin("jinja2", "2.10")
PIP_AUDIT = Path(sys.executable).with_name("pip-audit")


class SourceError(SupplyChainError):
    """The source of advisories does not answer, or not truthfully."""


@dataclass(frozen=True, order=True)
class Finding:
    """One known vulnerability of one pinned package."""

    package: str
    version: str
    id: str
    aliases: tuple[str, ...] = ()
    fixed_in: tuple[str, ...] = ()


def known_vulnerabilities(pins: Sequence[Pin], osv_url: str | None = None) -> list[Finding]:
    """Return the known vulnerabilities of the pins, sorted.

    Args:
        pins: what to look up.
        osv_url: another server that answers as OSV does; None: OSV itself.

    Raises:
        SourceError: the source does not answer, left packages out, or does not know `KNOWN_BAD`.
    """
    wanted = sorted({*pins, KNOWN_BAD})
    findings = [
        finding
        for group in groups(wanted)
        for finding in _findings(_run_pip_audit(group, osv_url), group)
    ]
    bad = {found for found in findings if Pin(found.package, found.version) == KNOWN_BAD}
    if not bad:
        raise SourceError(
            f"The source of advisories knows no vulnerability of {KNOWN_BAD.name} "
            f"{KNOWN_BAD.version}, which has several. So its answers mean nothing."
        )
    return sorted(set(findings) - (bad if KNOWN_BAD not in pins else set()))


def groups(pins: Sequence[Pin]) -> list[list[Pin]]:
    """Return the pins in groups in which no package is twice, because pip-audit refuses that."""
    found: list[dict[str, Pin]] = []
    for pin in pins:
        free = next((group for group in found if pin.name not in group), None)
        if free is None:
            found.append(free := {})
        free[pin.name] = pin
    return [list(group.values()) for group in found]


def _run_pip_audit(pins: Sequence[Pin], osv_url: str | None) -> str:
    """Return pip-audit's report as JSON.

    The requirements have no markers, because pip-audit leaves out what the Python that runs it
    would not install: with 3.11, it would never look at the packages of the image, which has 3.13.
    """
    with TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text("".join(f"{pin.name}=={pin.version}\n" for pin in pins))
        command = [str(PIP_AUDIT), "--no-deps", "--disable-pip", "--vulnerability-service", "osv"]
        command += ["--format", "json", "--desc", "off", "--progress-spinner", "off"]
        command += ["--cache-dir", f"{folder}/cache", "--requirement", str(requirements)]
        command += ["--osv-url", osv_url] if osv_url else []
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the tool of the project
    if not result.stdout.startswith("{"):
        cause = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise SourceError(f"The source of advisories (OSV) does not answer: {cause}")
    return result.stdout


def _findings(report: str, pins: Sequence[Pin]) -> list[Finding]:
    dependencies: list[dict[str, Any]] = json.loads(report)["dependencies"]
    answered = {Pin(each["name"], each["version"]) for each in dependencies if "version" in each}
    if missing := sorted(set(pins) - answered):
        names = ", ".join(f"{pin.name} {pin.version}" for pin in missing)
        raise SourceError(f"The source of advisories did not answer for: {names}.")
    return [
        Finding(
            package=each["name"],
            version=each["version"],
            id=found["id"],
            aliases=tuple(sorted(found["aliases"])),
            fixed_in=tuple(found["fix_versions"]),
        )
        for each in dependencies
        for found in each["vulns"]
    ]
