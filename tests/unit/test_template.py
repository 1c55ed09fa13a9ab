"""The permissions, limits, buckets, queues and alarms of template.yaml.

Lambda's limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.template import read_template

TEMPLATE = read_template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
DEFAULTS = {name: parameter.get("Default") for name, parameter in TEMPLATE["Parameters"].items()}
# New AWS accounts are limited to this memory until their quota is raised.
NEW_ACCOUNT_MEGABYTES = 3008


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


def role_statements() -> dict[str, dict[str, Any]]:
    policies = RESOURCES["Role"]["Properties"]["Policies"]
    return {statement["Sid"]: statement for statement in statements(policies)}


BUCKETS = of_type("AWS::S3::Bucket")
(FUNCTION,) = of_type("AWS::Serverless::Function").values()
VARIABLES = FUNCTION["Environment"]["Variables"]


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


def test_the_function_has_a_role_with_only_the_permissions_that_it_needs() -> None:
    assert FUNCTION["Role"] == {"Fn::GetAtt": "Role.Arn"}
    assert "Policies" not in FUNCTION
    role = RESOURCES["Role"]["Properties"]
    assert "ManagedPolicyArns" not in role
    assert [each["Principal"] for each in statements(role["AssumeRolePolicyDocument"])] == [
        {"Service": "lambda.amazonaws.com"}
    ]
    actions = {
        sid: set(as_list(statement["Action"])) for sid, statement in role_statements().items()
    }
    assert actions == {
        "ReadVideos": {"s3:GetObject", "s3:GetObjectVersion"},
        "TellMissingFromForbidden": {"s3:ListBucket"},
        "WriteResults": {"s3:PutObject"},
        "KeepAndRedriveFailures": {
            "sqs:SendMessage",
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
        },
        "WriteLogs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "ReadModelsAndConfig": {"s3:GetObject"},
        "TellMissingCardFromForbidden": {"s3:ListBucket"},
        "DecryptVideos": {"kms:Decrypt"},
        "Trace": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
    }


def test_the_function_may_write_only_below_the_output_prefix() -> None:
    resource = role_statements()["WriteResults"]["Resource"]
    assert resource == {"Fn::Sub": "${OutputBucket.Arn}/${OutputPrefix}/*"}
    assert VARIABLES["OUTPUT_BUCKET"] == {"Ref": "OutputBucket"}
    assert VARIABLES["OUTPUT_PREFIX"] == {"Ref": "OutputPrefix"}
    assert DEFAULTS["OutputPrefix"]


def test_the_function_may_read_videos_only_below_the_input_prefix() -> None:
    for resource in role_statements()["ReadVideos"]["Resource"]["Fn::If"][1:]:
        assert resource["Fn::Sub"].endswith("/${InputPrefix}*")


def test_results_never_trigger_the_function() -> None:
    assert BUCKETS["InputBucket"]["BucketName"]["Fn::Sub"].startswith("${AWS::StackName}-input-")
    assert "BucketName" not in BUCKETS["OutputBucket"]  # so it is never the input bucket
    assert "NotificationConfiguration" not in BUCKETS["OutputBucket"]


def test_failed_events_go_to_the_failure_queue() -> None:
    (retries,) = of_type("AWS::Lambda::EventInvokeConfig").values()
    assert retries["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": "FailureQueue.Arn"
    }
    assert 1 <= retries["MaximumRetryAttempts"] <= 2
    for rule in of_type("AWS::Events::Rule").values():
        assert all("DeadLetterConfig" in target for target in rule["Targets"])


def test_the_redrive_of_the_failure_queue_is_off_by_default() -> None:
    (redrive,) = of_type("AWS::Lambda::EventSourceMapping").values()
    assert redrive["EventSourceArn"] == {"Fn::GetAtt": "FailureQueue.Arn"}
    assert redrive["Enabled"] is False
    assert redrive["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_visibility_timeout_is_as_long_as_lambda_recommends() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""
    queue = of_type("AWS::SQS::Queue")["FailureQueue"]
    assert queue["VisibilityTimeout"] >= 6 * TEMPLATE["Parameters"]["TimeoutSeconds"]["MaxValue"]
    assert queue["VisibilityTimeout"] <= 12 * 3600
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize(
    ("name", "smallest", "largest"),
    [
        ("MemoryMegabytes", 128, 10_240),
        ("TimeoutSeconds", 1, 900),
        ("StorageMegabytes", 512, 10_240),
    ],
)
def test_parameters_are_within_the_limits_of_lambda(name: str, smallest: int, largest: int) -> None:
    parameter = TEMPLATE["Parameters"][name]
    assert smallest <= parameter["MinValue"] <= parameter["Default"]
    assert parameter["Default"] <= parameter["MaxValue"] <= largest


def test_the_defaults_can_be_deployed_in_a_new_account() -> None:
    assert DEFAULTS["MemoryMegabytes"] <= NEW_ACCOUNT_MEGABYTES
    assert DEFAULTS["ReservedConcurrency"] == -1
    assert FUNCTION["MemorySize"] == {"Ref": "MemoryMegabytes"}
    assert FUNCTION["Timeout"] == {"Ref": "TimeoutSeconds"}
    assert FUNCTION["EphemeralStorage"] == {"Size": {"Ref": "StorageMegabytes"}}
    assert None not in DEFAULTS.values()


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_encrypted_and_private_and_stay_when_the_stack_is_deleted(name: str) -> None:
    bucket = BUCKETS[name]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"}
    assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert RESOURCES[name]["DeletionPolicy"] == "Retain"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_deny_requests_without_tls(name: str) -> None:
    policies = of_type("AWS::S3::BucketPolicy").values()
    (policy,) = [policy for policy in policies if policy["Bucket"] == {"Ref": name}]
    (deny,) = [statement for statement in statements(policy) if statement["Effect"] == "Deny"]
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert (deny["Principal"], deny["Action"]) == ("*", "s3:*")
    arns = {json.dumps(resource) for resource in deny["Resource"]}
    assert arns == {f'{{"Fn::GetAtt": "{name}.Arn"}}', f'{{"Fn::Sub": "${{{name}.Arn}}/*"}}'}


def test_every_upload_is_notified_whatever_its_suffix() -> None:
    (lambdas,) = values_of("LambdaConfigurations", BUCKETS["InputBucket"])
    (notification,) = lambdas
    assert notification["Event"] == "s3:ObjectCreated:*"
    _, rules, otherwise = notification["Filter"]["Fn::If"]
    assert [rule["Name"] for rule in rules["S3Key"]["Rules"]] == ["prefix"]
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert list(values_of("suffix", of_type("AWS::Events::Rule"))) == []


@pytest.mark.parametrize("name", of_type("AWS::CloudWatch::Alarm"))
def test_alarms_notify_the_topic_and_name_their_documentation(name: str) -> None:
    alarm = RESOURCES[name]["Properties"]
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert "docs/operations.md" in alarm["AlarmDescription"]
    assert alarm["TreatMissingData"] == "notBreaching"


def test_every_kind_of_failure_has_an_alarm() -> None:
    alarms = of_type("AWS::CloudWatch::Alarm").values()
    assert {alarm["MetricName"] for alarm in alarms} == {
        "Errors",
        "Throttles",
        "ApproximateNumberOfMessagesVisible",
        "DestinationDeliveryFailures",
        "VideosRejected",
    }


def test_logs_are_deleted_after_some_time() -> None:
    assert FUNCTION["LoggingConfig"] == {"LogGroup": {"Ref": "Logs"}}
    assert RESOURCES["Logs"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert DEFAULTS["LogRetentionDays"] <= 365
