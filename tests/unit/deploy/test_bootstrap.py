"""What deploy/bootstrap.yaml allows, and to whom."""

import json
import re
from typing import Any

import pytest

from tests.e2e.template import ROOT, read_template
from tests.support.cloudformation import RESOURCES as STACK
from tests.support.cloudformation import as_list, statements, values_of

BOOTSTRAP = read_template(ROOT / "deploy" / "bootstrap.yaml")
RESOURCES: dict[str, dict[str, Any]] = BOOTSTRAP["Resources"]
ROLES = {name: each for name, each in RESOURCES.items() if each["Type"] == "AWS::IAM::Role"}


def allowed(name: str) -> dict[str, dict[str, Any]]:
    """Return what a role or a policy allows, by the id of the statement."""
    properties = RESOURCES[name]["Properties"]
    found = statements(properties.get("Policies", properties.get("PolicyDocument")))
    return {each["Sid"]: each for each in found}


def actions(name: str) -> set[str]:
    """Return all actions that a role or a policy allows."""
    return {action for each in allowed(name).values() for action in as_list(each["Action"])}


def trust(name: str) -> dict[str, Any]:
    """Return the one statement that says who may take a role."""
    (statement,) = statements(ROLES[name]["Properties"]["AssumeRolePolicyDocument"])
    return statement


# -- Who may take the roles ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "environment"), [("ReleaseRole", "release"), ("DeployRole", "${Environment}")]
)
def test_a_role_is_taken_only_by_one_environment_of_one_repository(
    role: str, environment: str
) -> None:
    statement = trust(role)
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {
                "Fn::Sub": f"repo:${{Repository}}:environment:{environment}"
            },
        }
    }
    assert statement["Principal"] == {
        "Federated": {
            "Fn::If": ["MakesOidcProvider", {"Ref": "OidcProvider"}, {"Ref": "OidcProviderArn"}]
        }
    }


def test_there_is_one_role_for_releases_one_for_deployments_and_one_for_cloudformation() -> None:
    assert set(ROLES) == {"ReleaseRole", "DeployRole", "StackRole"}
    assert trust("StackRole")["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    for role in ROLES.values():
        assert "ManagedPolicyArns" not in role["Properties"] or role is ROLES["StackRole"]


# -- What they may do ------------------------------------------------------------------------------


def test_a_release_pushes_to_the_registry_of_releases_and_does_nothing_else() -> None:
    assert {name: each["Resource"] for name, each in allowed("ReleaseRole").items()} == {
        "LogIn": "*",
        "PushReleases": {"Fn::GetAtt": "ReleaseRegistry.Arn"},
    }
    assert "ecr:BatchDeleteImage" not in actions("ReleaseRole")
    assert {action.partition(":")[0] for action in actions("ReleaseRole")} == {"ecr"}


def test_a_deployment_changes_one_stack_with_the_role_of_that_stack() -> None:
    deploy = allowed("DeployRole")
    assert deploy["ChangeTheStack"]["Resource"]["Fn::Sub"].endswith("stack/pretag-${Environment}/*")
    assert deploy["GiveTheStackItsRole"]["Resource"] == {"Fn::GetAtt": "StackRole.Arn"}
    assert "cloudformation:DeleteStack" not in actions("DeployRole")
    assert {a for a in actions("DeployRole") if a.startswith("iam:")} == {"iam:PassRole"}
    assert not [a for a in actions("DeployRole") if "*" in a]
    everywhere = {sid for sid, each in deploy.items() if "*" in as_list(each["Resource"])}
    assert everywhere == {"LogIn"}


def test_each_environment_has_its_own_names_in_all_permissions() -> None:
    for name in ("DeployRole", "StackPolicy"):
        for sid, statement in allowed(name).items():
            for resource in as_list(statement["Resource"]):
                text = json.dumps(resource)
                shared: tuple[str, ...] = (
                    "repository/pretag",
                    "transform/",
                    "deploymentconfig",
                    "appconfig",
                    '"*"',
                )
                shared += ("log-group:*", "Artifacts", "StackRole")
                assert "-${Environment}" in text or any(s in text for s in shared), sid


def test_no_role_can_make_a_role_that_can_do_more_than_the_boundary() -> None:
    make = allowed("StackPolicy")["RolesWithinTheBoundary"]
    assert {"iam:CreateRole", "iam:PutRolePolicy"} <= set(make["Action"])
    assert make["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "Boundary"}}}
    elsewhere = {
        action
        for sid, each in allowed("StackPolicy").items()
        for action in as_list(each["Action"])
        if sid != "RolesWithinTheBoundary" and action.startswith("iam:")
    }
    reads = ("iam:Get", "iam:List")
    assert {action for action in elsewhere if not action.startswith(reads)} == {
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:PassRole",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
    }
    assert not {a for a in actions("Boundary") if a.startswith(("iam:", "sts:", "*"))}


def test_the_boundary_holds_all_that_the_roles_of_the_stack_need() -> None:
    roles = [each for each in STACK.values() if each["Type"] == "AWS::IAM::Role"]
    needed = {
        action
        for role in roles
        for each in statements(role["Properties"]["Policies"])
        for action in as_list(each["Action"])
    }
    assert needed == actions("Boundary")
    for role in roles:
        boundary = {
            "Fn::If": [
                "HasPermissionsBoundary",
                {"Ref": "PermissionsBoundary"},
                {"Ref": "AWS::NoValue"},
            ]
        }
        assert role["Properties"]["PermissionsBoundary"] == boundary


SERVICES = {
    "S3": "s3",
    "Serverless": "lambda",
    "Lambda": "lambda",
    "IAM": "iam",
    "Logs": "logs",
    "Events": "events",
    "SQS": "sqs",
    "SNS": "sns",
    "CloudWatch": "cloudwatch",
    "AppConfig": "appconfig",
    "CodeDeploy": "codedeploy",
}


def test_cloudformation_may_make_each_kind_of_resource_of_the_stack() -> None:
    kinds = {each["Type"].split("::")[1] for each in STACK.values()}
    assert kinds == SERVICES.keys()
    services = {action.partition(":")[0] for action in actions("StackPolicy")}
    assert services == {*SERVICES.values(), "ecr"}


# -- Registries and the bucket ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ReleaseRegistry", "DevelopmentRegistry"])
def test_no_tag_of_a_registry_can_be_moved_and_each_image_is_scanned(name: str) -> None:
    registry = RESOURCES[name]["Properties"]
    assert registry["ImageTagMutability"] == "IMMUTABLE"
    assert registry["ImageScanningConfiguration"] == {"ScanOnPush": True}


def test_images_of_releases_stay_because_kept_versions_need_them() -> None:
    registry = RESOURCES["ReleaseRegistry"]
    assert registry["DeletionPolicy"] == "Retain"
    (rule,) = json.loads(registry["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert rule["selection"]["tagStatus"] == "untagged"
    (rule,) = json.loads(
        RESOURCES["DevelopmentRegistry"]["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"]
    )["rules"]
    assert rule["selection"] == {
        "tagStatus": "any",
        "countType": "imageCountMoreThan",
        "countNumber": 50,
    }


def test_the_bucket_is_private_and_refuses_requests_without_tls() -> None:
    bucket = RESOURCES["Artifacts"]["Properties"]
    assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
    (deny,) = statements(RESOURCES["ArtifactsPolicy"])
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_names_of_the_documentation_are_those_of_the_outputs() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    for name, output in BOOTSTRAP["Outputs"].items():
        variables = re.findall(r"On GitHub: the variable (\w+)", str(output.get("Description")))
        assert all(f"`{variable}`" in text for variable in variables), name
    assert list(values_of("Export", BOOTSTRAP["Outputs"])) == []
