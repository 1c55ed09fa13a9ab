"""The template as CloudFormation gets it: template.yaml, expanded by the real SAM translator.

What tests/unit/test_versions.py says of the source must hold here too, and SAM must add no version
and no alias of its own.
"""

import json
from collections import Counter
from typing import Any

import pytest

from tests.audit import tools
from tests.support.cloudformation import DEFAULTS, RESOURCES
from tests.support.cloudformation_values import references
from tests.support.versions import OTHER, function_and_settings

IMAGE = {"ImageUri": "registry/pretag@sha256:first"}


def expand(**parameters: object) -> dict[str, Any]:
    script = "tests/audit/expanded_template.py"
    given = json.dumps({**DEFAULTS, **IMAGE, **parameters})
    result = tools.run(script, given, tool="deploy")
    assert result.returncode == 0, result.stderr
    template: dict[str, Any] = json.loads(result.stdout)
    return template


@pytest.fixture(scope="module")
def expanded() -> dict[str, Any]:
    return expand()


def test_sam_adds_no_resource_and_changes_only_the_function(expanded: dict[str, Any]) -> None:
    assert expanded["Resources"].keys() == RESOURCES.keys()
    kinds = Counter(each["Type"] for each in expanded["Resources"].values())
    assert kinds["AWS::Lambda::Version"] == kinds["AWS::Lambda::Alias"] == 1
    changed = {n for n, each in expanded["Resources"].items() if each != RESOURCES[n]}
    assert changed <= {"Function", *(n for n in changed if "Metadata" in RESOURCES[n])}


def test_only_the_alias_and_what_watches_or_checks_name_the_function(
    expanded: dict[str, Any],
) -> None:
    naming = {n for n, each in expanded["Resources"].items() if "Function" in references(each)}
    watching = {name for name in naming if name.endswith("Alarm")} | {"Dashboard"}
    assert naming - watching == {
        "Version",
        "Live",
        "Retries",
        "TrafficShiftRole",
        "CheckRole",
        "LongVideosRole",
        "LeftoversRole",
    }


@pytest.mark.parametrize("name", ["ImageUri", "MemoryMegabytes", "ConfigFile", "LogRetentionDays"])
def test_a_changed_parameter_publishes_a_version_exactly_if_it_changes_the_function(
    name: str, expanded: dict[str, Any]
) -> None:
    """SAM gets the changed value too, as in AWS, and could make other resources of it."""
    changed = expand(**{name: OTHER[name]})
    assert changed["Resources"].keys() == expanded["Resources"].keys()
    before = function_and_settings(expanded, **IMAGE)
    after = function_and_settings(changed, **{**IMAGE, name: OTHER[name]})
    assert (after[0] != before[0]) == (after[1] != before[1]) == (name != "LogRetentionDays")


def test_every_parameter_that_changes_the_expanded_function_changes_its_settings(
    expanded: dict[str, Any],
) -> None:
    function, settings = function_and_settings(expanded, **IMAGE)
    for name, value in OTHER.items():
        changed_function, changed_settings = function_and_settings(
            expanded, **{**IMAGE, name: value}
        )
        assert (changed_function != function) == (changed_settings != settings), name
