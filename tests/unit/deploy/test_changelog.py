"""The text of a release, taken out of the changelog."""

import re

import pytest

from deploy import changelog
from deploy.changelog import ReleaseError, check_version, section
from pipeline import __version__

TEXT = """# Changelog

## Unreleased

### Added

- Not yet.

## 1.2.0 - 2026-11-30

### Changed

- **You must change** a name.

## 1.1.0 - 2026-10-01

- The first.
"""


def test_the_text_of_a_release_is_its_section_without_the_heading() -> None:
    assert section(TEXT, "1.2.0") == "### Changed\n\n- **You must change** a name.\n"
    assert section(TEXT, "1.1.0") == "- The first.\n"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (TEXT, "1.3.0"),
        (TEXT, "1.2"),
        (TEXT, "Unreleased"),
        (TEXT.replace("1.2.0 - 2026-11-30", "1.2.0"), "1.2.0"),
        (TEXT.replace("1.1.0", "1.2.0"), "1.2.0"),
    ],
)
def test_a_version_without_one_dated_heading_is_refused_with_the_headings(
    text: str, version: str
) -> None:
    with pytest.raises(ReleaseError, match="must have one heading"):
        section(text, version)


def test_an_empty_section_is_refused() -> None:
    with pytest.raises(ReleaseError, match="is empty"):
        section("## 1.0.0 - 2026-11-30\n\n## 0.9.0 - 2026-01-01\n\n- x\n", "1.0.0")


def test_the_real_changelog_has_sections_that_are_found() -> None:
    text = changelog.CHANGELOG.read_text()
    released = text.replace("## Unreleased", f"## {__version__} - 2026-11-30", 1)
    assert re.match(r"### \w+\n", section(released, __version__))


def test_a_release_has_the_version_of_the_package() -> None:
    check_version("1.2.0", "1.2.0")
    with pytest.raises(ReleaseError, match=r"pipeline/__init__\.py says 1\.1\.0"):
        check_version("1.2.0", "1.1.0")


def test_a_release_that_cannot_be_made_ends_with_a_sentence_and_a_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert changelog.main(["99.0.0"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("The release is 99.0.0, and")
