"""The resources, parameters and policy statements of template.yaml."""

from collections.abc import Iterator
from typing import Any

from tests.e2e.template import read_template

TEMPLATE = read_template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
DEFAULTS = {name: parameter.get("Default") for name, parameter in TEMPLATE["Parameters"].items()}


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type, by the resource's name."""
    return {
        name: resource.get("Properties", {})
        for name, resource in RESOURCES.items()
        if resource["Type"] == kind
    }


def values_of(key: str, tree: object) -> Iterator[Any]:
    """Yield the values of a key, at any depth of a tree."""
    if isinstance(tree, dict):
        if key in tree:
            yield tree[key]
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from values_of(key, branch)


def as_list(value: Any) -> list[Any]:  # noqa: ANN401 - IAM takes a value or a list of values
    return value if isinstance(value, list) else [value]


def statements(tree: object) -> list[dict[str, Any]]:
    """Return the policy statements of a tree, also those in both branches of a condition."""
    found = []
    for block in values_of("Statement", tree):
        for statement in as_list(block):
            branches = statement.get("Fn::If", [None, statement])[1:]
            found += [branch for branch in branches if "Effect" in branch]
    return found
