"""Compare the known vulnerabilities of all pinned packages with the reasoned exceptions.

Exit codes: 0 nothing to do, 1 something to do, 3 the source of advisories cannot be asked.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from supply_chain.advisories import SourceError, known_vulnerabilities
from supply_chain.exceptions import problems, read_exceptions
from supply_chain.locks import all_locks, read_pins
from supply_chain.problems import SupplyChainError, report

UNREACHABLE = 3


def main(arguments: list[str] | None = None) -> int:
    """Print what must be done, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m supply_chain.vulnerabilities")
    parser.add_argument("--osv-url", help="another server that answers as OSV does")
    options = parser.parse_args(arguments)
    try:
        exceptions = read_exceptions()
        pins = read_pins(all_locks())
        findings = known_vulnerabilities(pins, options.osv_url)
    except SourceError as error:
        sys.stderr.write(f"NOT SCANNED for known vulnerabilities. {error}\n")
        return UNREACHABLE
    except SupplyChainError as error:
        return report([str(error)], "")
    return report(
        problems(findings, exceptions, datetime.now(UTC).date()),
        f"{len(pins)} pinned packages have no known vulnerability, besides "
        f"{len(exceptions)} with a reasoned exception.",
    )


if __name__ == "__main__":
    sys.exit(main())
