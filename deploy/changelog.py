"""Take the section of one version out of CHANGELOG.md: the text of its release on GitHub.

Exit codes: 0 printed, 1 the tag, the version of the package and the changelog do not agree.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from pipeline import __version__

ROOT = Path(__file__).parents[1]
CHANGELOG = ROOT / "CHANGELOG.md"
_HEADING = re.compile(r"^## (?P<version>\S+)(?: - (?P<date>\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)


class ReleaseError(Exception):
    """A release cannot be made. The message says what, why and what to do."""


def section(changelog: str, version: str) -> str:
    """Return the text below the heading of a version, without the heading.

    Args:
        changelog: text in the form of Keep a Changelog.
        version: such as `1.2.3`.

    Raises:
        ReleaseError: there is no such heading, it has no date, or there is nothing below it.
    """
    headings = list(_HEADING.finditer(changelog))
    found = [each for each in headings if each["version"] == version]
    if len(found) != 1 or found[0]["date"] is None:
        raise ReleaseError(
            f"CHANGELOG.md must have one heading `## {version} - YYYY-MM-DD`. It has: "
            f"{', '.join(each[0] for each in headings)}. Rename the section Unreleased."
        )
    following = [each.start() for each in headings if each.start() > found[0].start()]
    end = min(following, default=len(changelog))
    text = changelog[found[0].end() : end].strip()
    if not text:
        raise ReleaseError(f"The section {version} of CHANGELOG.md is empty. Say what changed.")
    return text + "\n"


def check_version(version: str, of_package: str = __version__) -> None:
    """Check that a release has the version of the package, which is part of all run ids.

    Raises:
        ReleaseError: it has not.
    """
    if version != of_package:
        raise ReleaseError(
            f"The release is {version}, and pipeline/__init__.py says {of_package}. Set "
            "__version__, commit, and tag that commit."
        )


def main(arguments: list[str] | None = None) -> int:
    """Print the text of a release, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.changelog")
    parser.add_argument("version", help="such as 1.2.3, without a v")
    version = parser.parse_args(arguments).version
    try:
        check_version(version)
        sys.stdout.write(section(CHANGELOG.read_text(), version))
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
