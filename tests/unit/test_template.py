"""What a security review would ask of template.yaml.

Lambda's limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.template import read

TEMPLATE = read()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
DEFAULTS = {name: each.get("Default") for name, each in TEMPLATE["Parameters"].items()}
# New accounts get no more until they ask for it.
NEW_ACCOUNT_MEGABYTES = 3008


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: each.get("Properties", {}) for name, each in RESOURCES.items() if each["Type"] == kind
    }


def every(value: object, key: str) -> Iterator[Any]:
    """Yield the value of a key, wherever it is in a tree."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from every(each, key)


def listed(value: Any) -> list[Any]:  # noqa: ANN401 - IAM takes a list or what would be its one item
    return value if isinstance(value, list) else [value]


def statements(value: object) -> list[dict[str, Any]]:
    """Return a tree's policy statements, those behind a condition included."""
    found = []
    for statement in (each for block in every(value, "Statement") for each in listed(block)):
        branches = statement.get("Fn::If", [None, statement])[1:]
        found += [branch for branch in branches if "Effect" in branch]
    return found


def role_statements() -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in statements(RESOURCES["Role"]["Properties"]["Policies"])}


BUCKETS = of_type("AWS::S3::Bucket")
(FUNCTION,) = of_type("AWS::Serverless::Function").values()
VARIABLES = FUNCTION["Environment"]["Variables"]


def test_nothing_is_allowed_by_a_wildcard() -> None:
    allowed = [each for each in statements(RESOURCES) if each["Effect"] == "Allow"]
    assert len(allowed) >= 9
    for statement in allowed:
        assert "NotAction" not in statement
        assert "NotResource" not in statement
        assert not [action for action in listed(statement["Action"]) if "*" in action]
        if "Resource" in statement and statement.get("Sid") != "Trace":
            assert "*" not in listed(statement["Resource"])
    invoked = [each["Action"] for each in of_type("AWS::Lambda::Permission").values()]
    assert set(invoked) == {"lambda:InvokeFunction"}


def test_the_role_is_the_functions_own_and_may_do_this_alone() -> None:
    assert FUNCTION["Role"] == {"Fn::GetAtt": "Role.Arn"}
    assert "Policies" not in FUNCTION
    role = RESOURCES["Role"]["Properties"]
    assert "ManagedPolicyArns" not in role
    assert [each["Principal"] for each in statements(role["AssumeRolePolicyDocument"])] == [
        {"Service": "lambda.amazonaws.com"}
    ]
    allowed = {sid: set(listed(each["Action"])) for sid, each in role_statements().items()}
    assert allowed == {
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


def test_it_writes_below_the_output_prefix_alone() -> None:
    resource = role_statements()["WriteResults"]["Resource"]
    assert resource == {"Fn::Sub": "${OutputBucket.Arn}/${OutputPrefix}/*"}
    assert VARIABLES["OUTPUT_BUCKET"] == {"Ref": "OutputBucket"}
    assert VARIABLES["OUTPUT_PREFIX"] == {"Ref": "OutputPrefix"}
    assert DEFAULTS["OutputPrefix"]


def test_it_reads_below_the_input_prefix_alone() -> None:
    for resource in role_statements()["ReadVideos"]["Resource"]["Fn::If"][1:]:
        assert resource["Fn::Sub"].endswith("/${InputPrefix}*")


def test_results_can_never_be_taken_for_videos() -> None:
    assert BUCKETS["InputBucket"]["BucketName"]["Fn::Sub"].startswith("${AWS::StackName}-input-")
    assert "BucketName" not in BUCKETS["OutputBucket"]  # one of its own, with any input bucket
    assert "NotificationConfiguration" not in BUCKETS["OutputBucket"]


def test_failures_go_to_a_queue_that_the_function_takes_them_back_from() -> None:
    (invokes,) = of_type("AWS::Lambda::EventInvokeConfig").values()
    assert invokes["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": "FailureQueue.Arn"
    }
    assert 1 <= invokes["MaximumRetryAttempts"] <= 2
    (redrive,) = of_type("AWS::Lambda::EventSourceMapping").values()
    assert redrive["EventSourceArn"] == {"Fn::GetAtt": "FailureQueue.Arn"}
    assert redrive["Enabled"] is False
    assert redrive["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    for rule in of_type("AWS::Events::Rule").values():
        assert all("DeadLetterConfig" in target for target in rule["Targets"])


def test_the_queue_waits_as_long_as_lambda_asks() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""
    queue = of_type("AWS::SQS::Queue")["FailureQueue"]
    assert queue["VisibilityTimeout"] >= 6 * TEMPLATE["Parameters"]["TimeoutSeconds"]["MaxValue"]
    assert queue["VisibilityTimeout"] <= 12 * 3600
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize(
    ("parameter", "least", "most"),
    [
        ("MemoryMegabytes", 128, 10_240),
        ("TimeoutSeconds", 1, 900),
        ("StorageMegabytes", 512, 10_240),
    ],
)
def test_the_functions_size_is_within_lambdas_limits(parameter: str, least: int, most: int) -> None:
    declared = TEMPLATE["Parameters"][parameter]
    assert least <= declared["MinValue"] <= declared["Default"] <= declared["MaxValue"] <= most


def test_the_defaults_deploy_in_a_new_account() -> None:
    assert DEFAULTS["MemoryMegabytes"] <= NEW_ACCOUNT_MEGABYTES
    assert DEFAULTS["ReservedConcurrency"] == -1
    assert FUNCTION["MemorySize"] == {"Ref": "MemoryMegabytes"}
    assert FUNCTION["Timeout"] == {"Ref": "TimeoutSeconds"}
    assert FUNCTION["EphemeralStorage"] == {"Size": {"Ref": "StorageMegabytes"}}
    assert None not in DEFAULTS.values()


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_encrypted_private_and_kept(name: str) -> None:
    bucket = BUCKETS[name]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"}
    blocks = bucket["PublicAccessBlockConfiguration"]
    assert [blocks[key] for key in sorted(blocks)] == [True] * 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert RESOURCES[name]["DeletionPolicy"] == "Retain"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_refuse_all_but_tls(name: str) -> None:
    (policy,) = [
        each
        for each in of_type("AWS::S3::BucketPolicy").values()
        if each["Bucket"] == {"Ref": name}
    ]
    (deny,) = [each for each in statements(policy) if each["Effect"] == "Deny"]
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert (deny["Principal"], deny["Action"]) == ("*", "s3:*")
    arns = {json.dumps(resource) for resource in deny["Resource"]}
    assert arns == {f'{{"Fn::GetAtt": "{name}.Arn"}}', f'{{"Fn::Sub": "${{{name}.Arn}}/*"}}'}


def test_all_uploads_are_notified_whatever_their_suffix() -> None:
    (lambdas,) = every(BUCKETS["InputBucket"], "LambdaConfigurations")
    (notification,) = lambdas
    assert notification["Event"] == "s3:ObjectCreated:*"
    _, rules, otherwise = notification["Filter"]["Fn::If"]
    assert [rule["Name"] for rule in rules["S3Key"]["Rules"]] == ["prefix"]
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert list(every(of_type("AWS::Events::Rule"), "suffix")) == []


@pytest.mark.parametrize("name", of_type("AWS::CloudWatch::Alarm"))
def test_alarms_tell_somebody_and_are_documented(name: str) -> None:
    alarm = RESOURCES[name]["Properties"]
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert "docs/operations.md" in alarm["AlarmDescription"]
    assert alarm["TreatMissingData"] == "notBreaching"


def test_what_may_go_wrong_has_an_alarm() -> None:
    watched = {each["MetricName"] for each in of_type("AWS::CloudWatch::Alarm").values()}
    assert watched == {
        "Errors",
        "Throttles",
        "ApproximateNumberOfMessagesVisible",
        "DestinationDeliveryFailures",
        "VideosRejected",
    }


def test_logs_do_not_stay_forever() -> None:
    assert FUNCTION["LoggingConfig"] == {"LogGroup": {"Ref": "Logs"}}
    assert RESOURCES["Logs"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert DEFAULTS["LogRetentionDays"] <= 365
