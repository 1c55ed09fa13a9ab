"""Read the project's CloudFormation template as data."""

import json
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "template.yaml"


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


def write_for_emulator(folder: Path) -> Path:
    """Write the template without the alarms that the emulator refuses; return the file.

    Those of metric math are left out, also where something names them. The code of the check and
    the definition of the state machine are named by their absolute paths, because the file lies
    elsewhere.
    """
    template = read_template()
    refused = {
        name
        for name, resource in template["Resources"].items()
        if "Metrics" in resource.get("Properties", {})
    }
    resources = {n: each for n, each in template["Resources"].items() if n not in refused}
    group = resources["TrafficShiftGroup"]["Properties"]["AlarmConfiguration"]
    group["Alarms"] = [each for each in group["Alarms"] if each["Name"]["Ref"] not in refused]
    for name, key in (
        ("Check", "Code"),
        ("LongVideos", "DefinitionS3Location"),
        ("LongVideoLeftovers", "DefinitionS3Location"),
    ):
        properties = resources[name]["Properties"]
        properties[key] = str(ROOT / properties[key])
    path = folder / "template.json"
    path.write_text(json.dumps({**template, "Resources": resources}))
    return path


def default_of(parameter: str) -> int:
    """Return the default of a numeric parameter."""
    return int(read_template()["Parameters"][parameter]["Default"])
