"""What deploy/bootstrap.yaml allows, and to whom."""

import json
import re
from typing import Any

import pytest

from tests.e2e.template import ROOT, read_template
from tests.support.cloudformation import RESOURCES as STACK
from tests.support.cloudformation import as_list, statements, values_of
from tests.support.cloudformation_values import Values

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


# -- What the roles may do ------------------------------------------------------------------------


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
                    "event-source-mapping",
                    "alarm:*",
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


def test_what_has_no_name_yet_is_not_limited_by_one() -> None:
    """AWS checks these actions against all resources, also where a request names one."""
    policy = allowed("StackPolicy")
    (application,) = [e for e in policy.values() if "appconfig:CreateApplication" in e["Action"]]
    assert application["Resource"] == "*"
    (alarms,) = [e for e in policy.values() if "cloudwatch:DescribeAlarms" in e["Action"]]
    assert alarms["Resource"]["Fn::Sub"].endswith(":alarm:*")
    (mapping,) = [e for e in policy.values() if "lambda:TagResource" in e["Action"]]
    assert "Condition" not in mapping  # it would never hold: tags know no function


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
    "StepFunctions": "states",
}


def test_cloudformation_may_make_each_kind_of_resource_of_the_stack() -> None:
    kinds = {each["Type"].split("::")[1] for each in STACK.values()}
    assert kinds == SERVICES.keys()
    services = {action.partition(":")[0] for action in actions("StackPolicy")}
    assert services == {*SERVICES.values(), "ecr"}


# -- Registries and the bucket ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ReleaseRegistry", "DevelopmentRegistry"])
def test_no_tag_of_a_registry_can_be_moved_and_each_image_is_scanned(name: str) -> None:
    repository = RESOURCES[name]["Properties"]
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}


def test_images_of_releases_stay_because_kept_versions_need_them() -> None:
    release = RESOURCES["ReleaseRegistry"]["Properties"]
    (rule,) = json.loads(release["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert rule["selection"]["tagStatus"] == "untagged"
    development = RESOURCES["DevelopmentRegistry"]["Properties"]
    (rule,) = json.loads(development["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert rule["selection"] == {
        "tagStatus": "any",
        "countType": "imageCountMoreThan",
        "countNumber": 50,
    }


@pytest.mark.parametrize("name", ["ReleaseRegistry", "DevelopmentRegistry", "Artifacts"])
def test_what_deployments_need_is_not_deleted_with_the_stack(name: str) -> None:
    resource = RESOURCES[name]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert "EmptyOnDelete" not in resource["Properties"]


def test_the_code_that_a_stack_goes_back_to_does_not_expire() -> None:
    (rule,) = RESOURCES["Artifacts"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert not {"ExpirationInDays", "ExpirationDate"} & rule.keys()
    assert (
        "cloudformation:ContinueUpdateRollback" in allowed("DeployRole")["ChangeTheStack"]["Action"]
    )


def test_an_image_comes_from_the_registry_of_one_account() -> None:
    for account, expected in (("", "<AWS::AccountId>"), ("210987654321", "210987654321")):
        values = Values(BOOTSTRAP, {"RegistryAccount": account})
        for role, sid in (("DeployRole", "ReadReleases"), ("StackPolicy", "PullTheImage")):
            for arn in as_list(values.of(allowed(role)[sid]["Resource"])):
                assert f":{expected}:repository/" in arn


@pytest.mark.parametrize(
    ("environment", "may"), [("dev", True), ("staging", False), ("prod", False)]
)
def test_only_the_development_stack_pulls_what_people_pushed(
    environment: str, *, may: bool
) -> None:
    resources = allowed("StackPolicy")["PullTheImage"]["Resource"]
    arns = Values(BOOTSTRAP, {"Environment": environment}).of(resources)
    names = {arn.rpartition("/")[2] for arn in arns}
    assert names == ({"pretag", "pretag-development"} if may else {"pretag"})


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
