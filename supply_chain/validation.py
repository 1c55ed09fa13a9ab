"""Validate a CycloneDX document against the schema of its version. Runs in .tools/scan."""

import json
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from supply_chain.problems import SupplyChainError


def validate(document: dict[str, Any]) -> None:
    """Check a document.

    Raises:
        SupplyChainError: it does not follow the schema.
    """
    version = SchemaVersion.from_version(document["specVersion"])
    error = JsonStrictValidator(version).validate_str(json.dumps(document))
    if error is not None:
        raise SupplyChainError(f"The list of contents does not follow CycloneDX's schema: {error}")
