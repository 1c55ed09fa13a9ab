"""Read the Python packages of a virtual environment as a CycloneDX document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supply_chain.locks import canonical_name
from supply_chain.problems import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from supply_chain.licences import Component
    from supply_chain.locks import Pin

CYCLONEDX = Path(sys.executable).with_name("cyclonedx-py")


def describe_environment(environment: Path) -> dict[str, Any]:
    """Return the CycloneDX document of a virtual environment, made by cyclonedx-py. Not validated.

    Raises:
        SupplyChainError: it fails.
    """
    command = [str(CYCLONEDX), "environment", "--no-validate", "--output-reproducible"]
    command += [str(environment)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the tool of the project
    if result.returncode != 0:
        raise SupplyChainError(f"cyclonedx-py cannot read the packages: {result.stderr.strip()}")
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def pinned_components(components: Iterable[Component], pins: Sequence[Pin]) -> list[Component]:
    """Return the components that are pins, with the hashes of the files that pip accepts.

    CycloneDX's `hashes` are those of one file. pip does not note which of the files it installed,
    so they are references to the distribution instead.
    """
    hashes = {(pin.name, pin.version): pin.sha256 for pin in pins}
    return [
        {
            **component,
            "externalReferences": [
                *component.get("externalReferences", []),
                *(_reference(component, digest) for digest in hashes[key]),
            ],
        }
        for component in components
        if (key := (canonical_name(component["name"]), component["version"])) in hashes
    ]


def _reference(component: Component, digest: str) -> dict[str, Any]:
    return {
        "type": "distribution",
        "url": component["purl"],
        "comment": "one of the files that pip accepts",
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def bundled_components(folders: Iterable[Path]) -> list[Component]:
    """Return what wheels say they contain besides Python: the documents of PEP 770, flattened.

    The references are renamed, because two wheels may contain the same library.
    """
    return [
        {
            **{key: value for key, value in component.items() if key in _KEPT},
            "bom-ref": f"{path.parent.parent.name}/{path.name}/{number}",
        }
        for folder in folders
        for path in sorted(folder.glob("*.dist-info/sboms/*.json"))
        for number, component in enumerate(json.loads(path.read_text()).get("components", []))
    ]


_KEPT = {"type", "name", "version", "purl", "licenses", "description", "hashes"}
