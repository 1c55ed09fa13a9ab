"""What template.yaml allows the function, and nothing else."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cloudformation import (
    RESOURCES,
    TEMPLATE,
    as_list,
    of_type,
    statements,
    values_of,
)

(FUNCTION,) = of_type("AWS::Serverless::Function").values()


def test_no_permission_has_a_wildcard() -> None:
    allowed = [statement for statement in statements(RESOURCES) if statement["Effect"] == "Allow"]
    assert len(allowed) >= 9
    for statement in allowed:
        assert "NotAction" not in statement
        assert "NotResource" not in statement
        assert not [action for action in as_list(statement["Action"]) if "*" in action]
        if "Resource" in statement and statement.get("Sid") != "Trace":
            assert "*" not in as_list(statement["Resource"])
    permissions = of_type("AWS::Lambda::Permission").values()
    assert {permission["Action"] for permission in permissions} == {"lambda:InvokeFunction"}


def grants(role: dict[str, Any]) -> list[tuple[str, set[str], set[str], str]]:
    """Return the id, the actions, the resources and the condition of each statement, sorted."""
    return sorted(
        (
            statement["Sid"],
            set(as_list(statement["Action"])),
            set(arns(statement["Resource"])),
            json.dumps(statement.get("Condition")),
        )
        for statement in statements(role["Policies"])
    )


def arns(tree: object) -> Iterator[str]:
    """Yield the ARNs of a `Resource`, also those in both branches of a condition."""
    if isinstance(tree, dict):
        ((name, value),) = tree.items()
        tree = value[1:] if name == "Fn::If" else value
    if isinstance(tree, str):
        yield tree
    if isinstance(tree, list):
        for branch in tree:
            yield from arns(branch)


ACCOUNT = "${AWS::Region}:${AWS::AccountId}"
INPUT = "arn:${AWS::Partition}:s3:::${AWS::StackName}-input-${AWS::AccountId}-${AWS::Region}"
WATCHED = "arn:${AWS::Partition}:s3:::${InputBucketName}"
MODELS = "arn:${AWS::Partition}:s3:::${ModelBucketName}"
STATES = f"arn:${{AWS::Partition}}:states:{ACCOUNT}"
LONG_VIDEOS = "${AWS::StackName}-long-videos"
THROUGH_S3 = json.dumps(
    {"StringEquals": {"kms:ViaService": {"Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"}}}
)
GRANTS = sorted(
    (*grant, THROUGH_S3 if "kms:Decrypt" in grant[1] else "null")
    for grant in [
        (
            "ReadVideos",
            {"s3:GetObject", "s3:GetObjectVersion"},
            {f"{INPUT}/${{InputPrefix}}*", f"{WATCHED}/${{InputPrefix}}*"},
        ),
        ("TellMissingFromForbidden", {"s3:ListBucket"}, {INPUT, WATCHED}),
        (
            "ReadAndWriteResults",
            {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"},
            {"${OutputBucket.Arn}/${OutputPrefix}/*", "${OutputBucket.Arn}/pretag-work/*"},
        ),
        (
            "TagRejections",
            {"s3:PutObjectTagging"},
            {"${OutputBucket.Arn}/${OutputPrefix}/*"},
        ),
        ("ListResults", {"s3:ListBucket"}, {"OutputBucket.Arn"}),
        (
            "SendNotifications",
            {"events:PutEvents"},
            {f"arn:${{AWS::Partition}}:events:{ACCOUNT}:event-bus/${{EventBus}}"},
        ),
        (
            "KeepAndRedriveFailures",
            {
                "sqs:SendMessage",
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
            },
            {"FailureQueue.Arn"},
        ),
        (
            "WriteLogs",
            {"logs:CreateLogStream", "logs:PutLogEvents"},
            {f"arn:${{AWS::Partition}}:logs:{ACCOUNT}:log-group:/pretag/${{AWS::StackName}}:*"},
        ),
        ("StartLongVideos", {"states:StartExecution"}, {f"{STATES}:stateMachine:{LONG_VIDEOS}"}),
        (
            "SeeWhetherTheyWork",
            {"states:DescribeExecution"},
            {f"{STATES}:execution:{LONG_VIDEOS}:*"},
        ),
        ("ReadModelsAndConfig", {"s3:GetObject"}, {f"{MODELS}/${{ModelPrefix}}*"}),
        ("TellMissingCardFromForbidden", {"s3:ListBucket"}, {MODELS}),
        ("DecryptVideos", {"kms:Decrypt"}, {"InputKmsKeyArn"}),
        ("DecryptModels", {"kms:Decrypt"}, {"ModelKmsKeyArn"}),
        (
            "EncryptAndDecryptResults",
            {"kms:Decrypt", "kms:GenerateDataKey"},
            {"OutputKmsKeyArn"},
        ),
        ("Trace", {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, {"*"}),
    ]
)
ROLE: dict[str, Any] = RESOURCES["Role"]["Properties"]


def test_the_function_has_a_role_with_only_the_permissions_that_it_needs() -> None:
    assert FUNCTION["Role"] == {"Fn::GetAtt": "Role.Arn"}
    assert "Policies" not in FUNCTION
    assert "ManagedPolicyArns" not in ROLE
    assert [each["Principal"] for each in statements(ROLE["AssumeRolePolicyDocument"])] == [
        {"Service": "lambda.amazonaws.com"}
    ]
    assert grants(ROLE) == GRANTS


@pytest.mark.parametrize("sid", [sid for sid, *_ in GRANTS])
@pytest.mark.parametrize("change", ["removed", "twice", "another action", "another resource"])
def test_a_changed_permission_is_noticed(change: str, sid: str) -> None:
    role = copy.deepcopy(ROLE)
    (block,) = values_of("Statement", role["Policies"])
    (index,) = [i for i, entry in enumerate(block) if sid in values_of("Sid", [entry])]
    entry = block[index]
    statement = entry["Fn::If"][1] if "Fn::If" in entry else entry
    if change == "removed":
        del block[index]
    elif change == "twice":
        block.append({**statement, "Action": "s3:DeleteObjectVersion"})
    elif change == "another action":
        statement["Action"] = [*as_list(statement["Action"]), "s3:PutObjectAcl"]
    else:
        statement["Resource"] = [statement["Resource"], {"Fn::Sub": "${OutputBucket.Arn}/*"}]
    assert grants(role) != GRANTS


@pytest.mark.parametrize("sid", ["DecryptVideos", "DecryptModels", "EncryptAndDecryptResults"])
def test_a_key_may_be_used_only_through_s3(sid: str) -> None:
    role = copy.deepcopy(ROLE)
    (statement,) = [each for each in statements(role["Policies"]) if each["Sid"] == sid]
    del statement["Condition"]
    assert grants(role) != GRANTS


def test_the_optional_permissions_depend_on_their_parameters() -> None:
    conditions = {
        entry["Fn::If"][1]["Sid"]: entry["Fn::If"][0]
        for block in values_of("Statement", ROLE["Policies"])
        for entry in block
        if "Fn::If" in entry
    }
    assert conditions == {
        "SendNotifications": "HasEventBus",
        "StartLongVideos": "HasShards",
        "SeeWhetherTheyWork": "HasShards",
        "ReadModelsAndConfig": "HasModelBucket",
        "TellMissingCardFromForbidden": "HasModelBucket",
        "DecryptVideos": "HasInputKey",
        "DecryptModels": "HasModelKey",
        "EncryptAndDecryptResults": "HasOutputKey",
        "Trace": "HasTracing",
    }
    is_empty = {"Fn::Equals": [{"Ref": "EventBus"}, ""]}
    assert TEMPLATE["Conditions"]["HasEventBus"] == {"Fn::Not": [is_empty]}


# -- The check of a new version, and CodeDeploy ---------------------------------------------------

DEPLOY = f"arn:${{AWS::Partition}}:codedeploy:{ACCOUNT}"
CHECKED = "${OutputPrefix}/${InputPrefix}pretag-check/*"
OTHER_GRANTS = {
    "LongVideosRole": [
        ("InvokeVersions", {"lambda:InvokeFunction"}, {"${Function.Arn}:*"}, "null"),
        (
            "StartShards",
            {"states:StartExecution"},
            {f"{STATES}:stateMachine:{LONG_VIDEOS}"},
            "null",
        ),
        (
            "WatchShards",
            {"states:DescribeExecution", "states:StopExecution"},
            {f"{STATES}:execution:{LONG_VIDEOS}{end}:*" for end in ("", "/Shards")},
            "null",
        ),
    ],
    "LeftoversRole": [("InvokeLive", {"lambda:InvokeFunction"}, {"${Function.Arn}:live"}, "null")],
    "LeftoversRuleRole": [
        (
            "StartLeftovers",
            {"states:StartExecution"},
            {f"{STATES}:stateMachine:${{AWS::StackName}}-long-video-leftovers"},
            "null",
        )
    ],
    "CheckRole": [
        ("DecryptTheKnownResult", {"kms:Decrypt"}, {"ModelKmsKeyArn"}, THROUGH_S3),
        ("DecryptTheResult", {"kms:Decrypt"}, {"OutputKmsKeyArn"}, THROUGH_S3),
        ("EncryptTheClip", {"kms:GenerateDataKey"}, {"InputKmsKeyArn"}, THROUGH_S3),
        ("InvokeTheNewVersion", {"lambda:InvokeFunction"}, {"${Function.Arn}:*"}, "null"),
        (
            "ListTheResult",
            {"s3:ListBucket"},
            {"OutputBucket.Arn"},
            json.dumps({"StringLike": {"s3:prefix": {"Fn::Sub": CHECKED}}}),
        ),
        (
            "PutAndRemoveTheClip",
            {"s3:PutObject", "s3:DeleteObject"},
            {f"{bucket}/${{InputPrefix}}pretag-check/*" for bucket in (INPUT, WATCHED)},
            "null",
        ),
        (
            "ReadAndRemoveTheResult",
            {"s3:GetObject", "s3:DeleteObject"},
            {f"${{OutputBucket.Arn}}/{CHECKED}"},
            "null",
        ),
        ("ReadTheKnownResult", {"s3:GetObject"}, {f"{MODELS}/${{ModelPrefix}}*"}, "null"),
        (
            "TellTheOutcome",
            {"codedeploy:PutLifecycleEventHookExecutionStatus"},
            {f"{DEPLOY}:deploymentgroup:${{TrafficShiftApplication}}/*"},
            "null",
        ),
        (
            "WriteLogs",
            {"logs:CreateLogStream", "logs:PutLogEvents"},
            {
                f"arn:${{AWS::Partition}}:logs:{ACCOUNT}:log-group:/pretag/${{AWS::StackName}}/check:*"
            },
            "null",
        ),
    ],
    "TrafficShiftRole": [
        (
            "MoveTheAlias",
            {"lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"},
            {"Function.Arn", "${Function.Arn}:*"},
            "null",
        ),
        ("StartTheCheck", {"lambda:InvokeFunction"}, {"Check.Arn"}, "null"),
        (
            "WatchAlarms",
            {"cloudwatch:DescribeAlarms"},
            {f"arn:${{AWS::Partition}}:cloudwatch:{ACCOUNT}:alarm:*"},
            "null",
        ),
    ],
}


@pytest.mark.parametrize("name", OTHER_GRANTS)
def test_the_roles_of_a_deployment_have_only_the_permissions_that_they_need(name: str) -> None:
    role = RESOURCES[name]["Properties"]
    assert "ManagedPolicyArns" not in role
    assert grants(role) == OTHER_GRANTS[name]


def test_there_are_no_other_roles() -> None:
    assert set(of_type("AWS::IAM::Role")) == {"Role", *OTHER_GRANTS}
