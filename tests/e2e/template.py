"""Read the project's CloudFormation template as data."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "template.yaml"
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"


class _Loader(yaml.SafeLoader):
    """A YAML loader that reads CloudFormation's tags: `!Ref x` becomes `{"Ref": "x"}`."""


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.ScalarNode)
    return {name: loader.construct_scalar(node)}


yaml.add_multi_constructor("!", _intrinsic, _Loader)


def read_template(file: Path = SOURCE) -> dict[str, Any]:
    """Return a template, with the intrinsic functions in their long form."""
    template: dict[str, Any] = yaml.load(file.read_text(), _Loader)  # noqa: S506 - a SafeLoader
    return template


def without_metric_math(template: dict[str, Any]) -> dict[str, Any]:
    """Return the template without the alarms that the emulator refuses: those of metric math."""
    resources = {
        name: resource
        for name, resource in template["Resources"].items()
        if "Metrics" not in resource.get("Properties", {})
    }
    return {**template, "Resources": resources}


def default_of(parameter: str) -> int:
    """Return the default of a numeric parameter."""
    return int(read_template()["Parameters"][parameter]["Default"])
