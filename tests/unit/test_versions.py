"""Versions of the function, the alias `live`, and what leads to it.

SAM publishes no version when a parameter changes, and this template is all parameters:
https://github.com/aws/serverless-application-model/issues/3820 (and #3622).
tests/audit/test_expanded_template.py checks the same in the template that SAM makes of this one.
"""

import copy
import re
from typing import Any

import pytest

from tests.support.cloudformation import RESOURCES, TEMPLATE, of_type, values_of
from tests.support.cloudformation_values import references
from tests.support.versions import OTHER, fingerprint, function_and_settings

FUNCTION: dict[str, Any] = RESOURCES["Function"]["Properties"]
SETTINGS: dict[str, Any] = RESOURCES["Settings"]["Properties"]
LIVE = {"Ref": "Live"}


def test_every_parameter_has_another_value_to_test_with() -> None:
    assert OTHER.keys() == TEMPLATE["Parameters"].keys()


@pytest.mark.parametrize("name", OTHER)
def test_a_parameter_changes_the_settings_exactly_if_it_changes_the_function(name: str) -> None:
    function, settings = function_and_settings(TEMPLATE)
    changed_function, changed_settings = function_and_settings(TEMPLATE, **{name: OTHER[name]})
    assert (changed_settings != settings) == (changed_function != function)


def test_most_parameters_change_the_function() -> None:
    before, _ = function_and_settings(TEMPLATE)
    changes = [n for n in OTHER if function_and_settings(TEMPLATE, **{n: OTHER[n]})[0] != before]
    assert len(changes) >= 13
    assert {"ImageUri", "MemoryMegabytes", "ConfigFile", "OutputPrefix"} <= set(changes)


@pytest.mark.parametrize("name", ["ImageUri", "TimeoutSeconds", "InputBucketName"])
def test_settings_without_a_parameter_of_the_function_are_noticed(name: str) -> None:
    template = copy.deepcopy(TEMPLATE)
    content = template["Resources"]["Settings"]["Properties"]["Content"]
    content["Fn::Sub"] = content["Fn::Sub"].replace(f"${{{name}}}", "")
    function, settings = function_and_settings(template)
    changed_function, changed_settings = function_and_settings(template, **{name: OTHER[name]})
    assert changed_function != function
    assert changed_settings == settings


def test_settings_name_all_resources_that_the_function_names() -> None:
    of_function = references(FUNCTION) & RESOURCES.keys() - {"Settings"}
    assert of_function == {"OutputBucket", "Role", "Logs"}
    assert of_function <= references(SETTINGS["Content"])


def test_settings_change_when_the_template_changes_the_function() -> None:
    (noted,) = re.findall(r"^template (\w+)$", SETTINGS["Content"]["Fn::Sub"], re.MULTILINE)
    now = fingerprint(FUNCTION)
    assert noted == now, f"Write `template {now}` into the content of Settings in template.yaml."


def test_new_settings_publish_a_new_version() -> None:
    """CloudFormation replaces a version whose description changes, and Lambda publishes only a
    function that has changed."""
    description = {"Fn::Sub": "settings ${Settings}"}
    assert RESOURCES["Settings"]["Type"] == "AWS::AppConfig::HostedConfigurationVersion"
    assert "LatestVersionNumber" not in SETTINGS
    assert RESOURCES["Version"]["Properties"] == {
        "FunctionName": {"Ref": "Function"},
        "Description": description,
    }
    assert FUNCTION["Description"] == description


def test_earlier_versions_are_kept() -> None:
    version = RESOURCES["Version"]
    assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("Retain", "Retain")


def ways_in(resources: dict[str, Any]) -> dict[str, Any]:
    """Return what each resource that sends events to the function names, by the resource's name."""
    found = {}
    for name, resource in resources.items():
        properties, kind = resource.get("Properties", {}), resource["Type"]
        if kind == "AWS::S3::Bucket":
            for target in values_of("LambdaConfigurations", properties):
                found[name] = target[0]["Function"]
        elif kind == "AWS::Events::Rule" and name != "LongVideoFailed":  # to the failure queue
            found[name] = properties["Targets"][0]["Arn"]
        elif kind in {"AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping"}:
            found[name] = properties["FunctionName"]
    return found


def test_every_way_in_leads_to_the_alias() -> None:
    assert ways_in(RESOURCES) == {
        "InputBucket": LIVE,
        "InputBucketMayInvoke": LIVE,
        "ObjectCreated": LIVE,
        "RuleMayInvoke": LIVE,
        "WriteIndex": LIVE,
        "ScheduleMayInvoke": LIVE,
        "Redrive": LIVE,
    }
    assert TEMPLATE["Outputs"]["LiveFunction"]["Value"] == LIVE


def test_retries_and_the_failure_destination_are_those_of_the_alias() -> None:
    (retries,) = of_type("AWS::Lambda::EventInvokeConfig").values()
    alias = RESOURCES["Live"]["Properties"]
    assert retries["Qualifier"] == alias["Name"] == "live"
    assert RESOURCES["Retries"]["DependsOn"] == "Live"


def test_nothing_else_sends_events_to_the_function() -> None:
    """All resources that name the function, with what they name it for."""
    naming = {name for name, each in RESOURCES.items() if "Function" in references(each)}
    watching = {name for name in naming if name.endswith("Alarm")} | {"Dashboard"}
    assert naming - watching == {
        "Version",
        "Live",
        "Retries",
        "TrafficShiftRole",  # moves the alias
        "CheckRole",  # invokes a version
        "LongVideosRole",  # invokes the version that an execution names
        "LeftoversRole",  # invokes the live version, two weeks after an execution failed
    }


def test_the_alias_moves_to_the_newest_version_as_code_deploy_says() -> None:
    live = RESOURCES["Live"]
    assert live["Properties"]["FunctionVersion"] == {"Fn::GetAtt": "Version.Version"}
    condition, policy, otherwise = live["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["Fn::If"]
    assert condition == "ShiftsTraffic"
    assert policy["BeforeAllowTrafficHook"] == {"Ref": "Check"}
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert TEMPLATE["Conditions"]["ShiftsTraffic"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "TrafficShift"}, "off"]}]
    }


def test_a_deployment_is_rolled_back_if_it_fails_or_an_alarm_of_the_new_version_is_raised() -> None:
    (group,) = of_type("AWS::CodeDeploy::DeploymentGroup").values()
    assert group["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": [
            "DEPLOYMENT_FAILURE",
            "DEPLOYMENT_STOP_ON_ALARM",
            "DEPLOYMENT_STOP_ON_REQUEST",
        ],
    }
    assert group["AlarmConfiguration"]["Enabled"] is True
    names = [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]]
    assert names == ["NewVersionErrorAlarm", "NewVersionDurationAlarm"]
    for name in names:
        (dimensions,) = values_of("Dimensions", RESOURCES[name])
        assert {each["Name"]: each["Value"] for each in dimensions} == {
            "FunctionName": {"Ref": "Function"},
            "Resource": {"Fn::Sub": "${Function}:live"},
            "ExecutedVersion": {"Fn::GetAtt": "Version.Version"},
        }


def test_all_of_code_deploy_is_behind_one_condition() -> None:
    conditional = {n for n, each in RESOURCES.items() if each.get("Condition") == "ShiftsTraffic"}
    assert conditional == {
        "TrafficShiftApplication",
        "TrafficShiftGroup",
        "TrafficShiftRole",
        "Check",
        "CheckRole",
        "CheckLogs",
        "NewVersionErrorAlarm",
        "NewVersionDurationAlarm",
    }
