"""The limits, buckets, queues and alarms of template.yaml.

Lambda's limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import json
import re

import pytest

from tests.support.cloudformation import (
    DEFAULTS,
    RESOURCES,
    TEMPLATE,
    of_type,
    statements,
    values_of,
)

# New AWS accounts are limited to this memory until their quota is raised.
NEW_ACCOUNT_MEGABYTES = 3008


BUCKETS = of_type("AWS::S3::Bucket")
(FUNCTION,) = of_type("AWS::Serverless::Function").values()
VARIABLES = FUNCTION["Environment"]["Variables"]
EXPIRATIONS = {
    "ExpirationInDays",
    "ExpirationDate",
    "ExpiredObjectDeleteMarker",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionExpirationInDays",
}


def test_the_function_knows_its_output_bucket_its_event_bus_and_its_time_out() -> None:
    assert VARIABLES["OUTPUT_BUCKET"] == {"Ref": "OutputBucket"}
    assert VARIABLES["OUTPUT_PREFIX"] == {"Ref": "OutputPrefix"}
    assert VARIABLES["OUTPUT_BUCKET_OWNER"] == {"Ref": "AWS::AccountId"}
    assert VARIABLES["EVENT_BUS"] == {"Ref": "EventBus"}
    assert VARIABLES["TIMEOUT_SECONDS"] == {"Ref": "TimeoutSeconds"}
    assert DEFAULTS["EventBus"] == "default"


@pytest.mark.parametrize(
    ("name", "value", "is_allowed"),
    [
        ("OutputPrefix", DEFAULTS["OutputPrefix"], True),
        ("OutputPrefix", "datasets/pretag-work", True),
        ("OutputPrefix", "", False),
        ("OutputPrefix", "/datasets", False),
        ("OutputPrefix", "datasets/", False),
        ("OutputPrefix", "pretag-work", False),
        ("OutputPrefix", "pretag-work/runs", False),
        ("EventBus", DEFAULTS["EventBus"], True),
        ("EventBus", "", True),
        ("EventBus", "aws.partner/example.com/1_a-b", True),
        ("EventBus", "*", False),
        ("EventBus", "arn:aws:events:eu-central-1:123456789012:event-bus/default", False),
    ],
)
def test_parameters_accept_only_values_that_can_work(
    name: str, value: str, *, is_allowed: bool
) -> None:
    pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, value)) is is_allowed


def test_work_files_are_deleted_when_no_event_can_need_them_any_more() -> None:
    rules = BUCKETS["OutputBucket"]["LifecycleConfiguration"]["Rules"]
    (rule,) = [rule for rule in rules if rule.keys() & EXPIRATIONS]
    assert rule["Prefix"] == "pretag-work/"
    assert rule["Status"] == "Enabled"
    assert rule["ExpirationInDays"] == {"Ref": "WorkRetentionDays"}
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] >= 1
    queue_days = of_type("AWS::SQS::Queue")["FailureQueue"]["MessageRetentionPeriod"] / 86400
    parameter = TEMPLATE["Parameters"]["WorkRetentionDays"]
    assert queue_days < parameter["MinValue"] <= parameter["Default"]


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
