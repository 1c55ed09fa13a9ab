"""Who may take the roles of deploy/bootstrap.yaml."""

import re
from typing import Any

import pytest

from tests.e2e.template import ROOT, read_template
from tests.support.cloudformation import statements
from tests.support.cloudformation_values import Values

BOOTSTRAP = read_template(ROOT / "deploy" / "bootstrap.yaml")
RESOURCES: dict[str, dict[str, Any]] = BOOTSTRAP["Resources"]
ROLES = {name: each for name, each in RESOURCES.items() if each["Type"] == "AWS::IAM::Role"}


def trust(name: str) -> dict[str, Any]:
    """Return the one statement that says who may take a role."""
    (statement,) = statements(ROLES[name]["Properties"]["AssumeRolePolicyDocument"])
    return statement


@pytest.mark.parametrize(
    ("role", "environment"), [("ReleaseRole", "release"), ("DeployRole", "prod")]
)
@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        ({}, "repo:example/pretag"),
        ({"SubjectPrefix": "repo:example@12/pretag@34"}, "repo:example@12/pretag@34"),
    ],
)
def test_a_role_is_taken_only_by_one_environment_of_one_repository(
    role: str, environment: str, given: dict[str, str], prefix: str
) -> None:
    values = Values(
        BOOTSTRAP,
        {"Environment": "prod", "Repository": "example/pretag", "Registries": "yes", **given},
    )
    statement = values.of(trust(role))
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"{prefix}:environment:{environment}",
        }
    }
    assert statement["Principal"] == {"Federated": "<OidcProvider>"}


def made(**parameters: str) -> set[str]:
    """Return the resources that the template makes with some parameters."""
    values = Values(BOOTSTRAP, parameters)
    return {n for n, r in RESOURCES.items() if "Condition" not in r or values.holds(r["Condition"])}


def test_without_a_repository_nothing_trusts_github() -> None:
    trusting = {"OidcProvider", "ReleaseRole", "DeployRole"}
    assert not made(Registries="yes") & trusting
    assert made(Registries="yes", Repository="example/pretag") >= trusting
    assert "OidcProvider" not in made(Repository="example/pretag", OidcProviderArn="arn")
    assert {"ReleaseRegistry", "DevelopmentRegistry"} <= made(Registries="yes")


@pytest.mark.parametrize(
    ("prefix", "valid"),
    [
        ("repo:example@12/pretag@34", True),
        ("repository_id:34", True),
        ("repo:example/*", False),
        ("repo:example/pretag:", False),
        ("", True),
    ],
)
def test_a_subject_has_no_wildcard(prefix: str, valid: bool) -> None:  # noqa: FBT001 - a case
    pattern = BOOTSTRAP["Parameters"]["SubjectPrefix"]["AllowedPattern"]
    assert bool(re.search(pattern, prefix)) == valid


@pytest.mark.parametrize("name", ROLES)
def test_an_account_has_the_roles_of_each_region(name: str) -> None:
    """The names of roles are the account's, so that two regions would get the same ones."""
    assert ROLES[name]["Properties"]["RoleName"]["Fn::Sub"].endswith("-${AWS::Region}")


def test_there_is_one_role_for_releases_one_for_deployments_and_one_for_cloudformation() -> None:
    assert set(ROLES) == {"ReleaseRole", "DeployRole", "StackRole"}
    assert trust("StackRole")["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    for role in ROLES.values():
        assert "ManagedPolicyArns" not in role["Properties"] or role is ROLES["StackRole"]
