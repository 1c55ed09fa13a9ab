"""The list of contents, with the real cyclonedx-py, of the environment of the tests.

It has all packages of the image. tests/e2e/test_sbom.py describes the image.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from supply_chain.locks import IMAGE_LOCK, read_pins
from tests.audit import tools

PINS = {pin.name: pin for pin in read_pins([IMAGE_LOCK])}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    script = str(Path(__file__).with_name("described_environment.py"))
    result = tools.run(script, str(tools.ROOT / ".venv"))
    assert result.returncode == 0, result.stderr
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


def test_each_package_of_the_image_is_listed_with_the_hashes_that_pip_accepts(
    described: dict[str, Any],
) -> None:
    """The script has validated the document against CycloneDX's schema."""
    listed = {component["purl"].split("@")[0]: component for component in described["pinned"]}
    assert set(listed) == {f"pkg:pypi/{name}" for name in PINS}
    opencv = listed["pkg:pypi/opencv-python-headless"]
    digests = [
        entry["content"]
        for reference in opencv["externalReferences"]
        for entry in reference.get("hashes", [])
    ]
    assert sorted(digests) == sorted(PINS["opencv-python-headless"].sha256)


def test_what_wheels_bundle_is_listed_too(described: dict[str, Any]) -> None:
    names = {component["name"] for component in described["contents"]["components"]}
    assert {"openssl-libs", "libwebp"} <= names  # in OpenCV's and in Pillow's wheel


def test_all_licences_of_the_image_are_allowed_and_no_statement_is_out_of_date(
    described: dict[str, Any],
) -> None:
    assert described["problems"] == []
