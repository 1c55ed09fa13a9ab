"""What the roles of the stack can do at most, whatever a template gives them."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.e2e.template import ROOT, read_template
from tests.support.cloudformation import RESOURCES, TEMPLATE, as_list, statements
from tests.support.cloudformation_values import Values

BOOTSTRAP = read_template(ROOT / "deploy" / "bootstrap.yaml")
BOUNDARY = BOOTSTRAP["Resources"]["Boundary"]["Properties"]["PolicyDocument"]
ROLES = [name for name, each in RESOURCES.items() if each["Type"] == "AWS::IAM::Role"]
KEY = "arn:aws:kms:eu-central-1:210987654321:key/{}"
EXISTING = {"InputBucketName": "videos", "ModelBucketName": "models"}
KEYS = {f"{use}KmsKeyArn": KEY.format(use) for use in ("Input", "Model", "Output")}
SHARED = {
    "events:PutEvents",
    "cloudwatch:DescribeAlarms",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
}

Permission = tuple[str, str]
"""An action and a resource."""


def permissions(policies: object) -> Iterator[Permission]:
    """Yield what policies allow."""
    for each in statements(policies):
        for action in as_list(each["Action"]):
            yield from ((action, resource) for resource in as_list(each["Resource"]))


def needed(environment: str, **parameters: str) -> set[Permission]:
    """Return what the roles of an environment's stack are given."""
    stack = f"pretag-{environment}"
    values = Values(TEMPLATE, {"AWS::StackName": stack, **parameters})
    arns = {"Function": "lambda:r:a:function:", "Check": "lambda:r:a:function:"}
    arns |= {"OutputBucket": "s3:::", "FailureQueue": "sqs:r:a:"}

    def named(resource: str) -> str:
        for name, start in arns.items():
            made = name.lower() if start == "s3:::" else name
            resource = resource.replace(f"<{name}.Arn>", f"arn:aws:{start}{stack}-{made}-1A2B")
        return re.sub(r"<(\w+)>", rf"{stack}-\1-1A2B", in_one_account(resource))

    policies = [values.properties(role)["Policies"] for role in ROLES]
    return {(action, named(resource)) for action, resource in permissions(policies)}


def in_one_account(resource: str) -> str:
    for name, value in (("Partition", "aws"), ("Region", "r"), ("AccountId", "a")):
        resource = resource.replace(f"<AWS::{name}>", value)
    return resource


def at_most(environment: str, **parameters: Any) -> list[Permission]:  # noqa: ANN401 - or a list
    """Return what the boundary of an environment allows."""
    values = Values(BOOTSTRAP, {"Environment": environment, **parameters})
    found = permissions(values.of(BOUNDARY))
    return [(action, in_one_account(resource)) for action, resource in found]


def within(permission: Permission, boundary: list[Permission]) -> bool:
    action, resource = permission
    return any(action == a and fnmatchcase(resource, pattern) for a, pattern in boundary)


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_boundary_holds_what_the_roles_of_the_stack_need(environment: str) -> None:
    boundary = at_most(environment)
    assert [each for each in needed(environment, Tracing="on") if not within(each, boundary)] == []


def test_it_holds_the_buckets_and_keys_that_exist_already_if_they_are_given() -> None:
    uses = needed("dev", KnownResult="s3://models/known.json", **EXISTING, **KEYS)
    boundary = at_most("dev", KmsKeyArns=list(KEYS.values()), **EXISTING)
    assert [each for each in uses if not within(each, boundary)] == []
    beyond = {r for a, r in uses if not within((a, r), at_most("dev"))}
    assert {r.split(":")[2] for r in beyond} == {"s3", "kms"}


@pytest.mark.parametrize("other", ["staging", "prod"])
def test_a_role_of_dev_reaches_nothing_of_another_environment_in_the_account(other: str) -> None:
    boundary = at_most("dev", KmsKeyArns=list(KEYS.values()), **EXISTING)
    reached = {each for each in needed(other) if within(each, boundary)}
    assert {action for action, _ in reached} <= SHARED


def test_it_holds_nothing_more_than_the_roles_of_the_stack_need() -> None:
    policies = [RESOURCES[role]["Properties"]["Policies"] for role in ROLES]
    uses = {action for each in statements(policies) for action in as_list(each["Action"])}
    assert {action for e in statements(BOUNDARY) for action in as_list(e["Action"])} == uses
    assert {action for action, resource in at_most("dev") if resource == "*"} <= SHARED


@pytest.mark.parametrize("role", ROLES)
def test_each_role_of_the_stack_has_the_boundary(role: str) -> None:
    (condition, boundary, nothing) = RESOURCES[role]["Properties"]["PermissionsBoundary"]["Fn::If"]
    assert (condition, boundary) == ("HasPermissionsBoundary", {"Ref": "PermissionsBoundary"})
    assert nothing == {"Ref": "AWS::NoValue"}
