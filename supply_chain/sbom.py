"""Write what an image contains as CycloneDX: Python packages, what they bundle, Linux packages.

Exit codes: 0 written, 1 not written, or a licence is not allowed.
"""

from __future__ import annotations

import argparse
import json
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pipeline import __version__
from supply_chain import image as images
from supply_chain.licences import licence_problems, read_policy
from supply_chain.locks import IMAGE_LOCK, read_pins
from supply_chain.problems import SupplyChainError, report
from supply_chain.python_packages import (
    bundled_components,
    describe_environment,
    pinned_components,
)
from supply_chain.system_packages import LIST_PACKAGES, system_components
from supply_chain.validation import validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supply_chain.licences import Component

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"


def python_components(environment: Path) -> tuple[list[Component], list[Component]]:
    """Return the packages of a virtual environment: those that are pinned, and the others.

    Raises:
        SupplyChainError: a pinned package is missing.
    """
    found = describe_environment(environment)["components"]
    pins = read_pins([IMAGE_LOCK])
    pinned = pinned_components(found, pins)
    names = {component["bom-ref"] for component in pinned}
    if missing := {pin.name for pin in pins} - {_name(component) for component in pinned}:
        raise SupplyChainError(
            f"The image does not have the pinned versions of: {', '.join(sorted(missing))}. "
            "Build it again with `make image`."
        )
    return pinned, [component for component in found if component["bom-ref"] not in names]


def _name(component: Component) -> str:
    return str(component["purl"]).removeprefix("pkg:pypi/").split("@")[0]


def document(name: str, identity: str, components: Sequence[Component]) -> dict[str, Any]:
    """Return a CycloneDX document without a clock: the same image gives the same bytes."""
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "bom-ref": "image",
                "name": name,
                "version": __version__,
                "hashes": [{"alg": "SHA-256", "content": identity.removeprefix("sha256:")}],
            }
        },
        "components": sorted(components, key=lambda component: str(component["bom-ref"])),
    }


def describe_image(image: str, folder: Path) -> tuple[dict[str, Any], list[Component]]:
    """Return the document of an image, and the components that are pinned."""
    system = system_components(images.output_of(image, "/bin/sh", "-c", LIST_PACKAGES))
    copies = []
    for number, source in enumerate(images.package_folders(image)):
        copies.append(folder / str(number))
        images.copy_metadata(image, source, copies[-1])
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "image.pth").write_text("".join(f"{copy}\n" for copy in copies))
    pinned, others = python_components(environment)
    components = [*pinned, *others, *bundled_components(copies), *system]
    return document("pretag", images.image_id(image), components), pinned


def main() -> int:
    """Write the document, check the licences, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m supply_chain.sbom")
    parser.add_argument("image", help="an image of the local Docker engine")
    parser.add_argument("out", type=Path, help="the file to write")
    options = parser.parse_args()
    try:
        with TemporaryDirectory() as folder:
            contents, pinned = describe_image(options.image, Path(folder))
        validate(contents)
    except SupplyChainError as error:
        return report([str(error)], "")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(contents, indent=2) + "\n")
    return report(
        licence_problems(pinned, read_policy()),
        f"{options.out}: {len(contents['components'])} components. All licences are allowed.",
    )


if __name__ == "__main__":
    sys.exit(main())
