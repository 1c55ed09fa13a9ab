"""The limits, buckets, queues and alarms of template.yaml.

Lambda's limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import copy
import json
import re
from typing import Any

import pytest

from pipeline.storage.s3.run_folder import REJECTION_TAGS
from tests.e2e.template import ROOT
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


def test_events_may_name_the_bucket_that_the_function_may_read_and_no_other() -> None:
    made = BUCKETS["InputBucket"]["BucketName"]
    assert VARIABLES["INPUT_BUCKETS"] == {
        "Fn::If": ["MakesInputBucket", made, {"Ref": "InputBucketName"}]
    }


def test_the_function_knows_its_buckets_its_event_bus_and_its_time_out() -> None:
    assert VARIABLES["OUTPUT_BUCKET"] == {"Ref": "OutputBucket"}
    assert VARIABLES["OUTPUT_PREFIX"] == {"Ref": "OutputPrefix"}
    assert VARIABLES["OUTPUT_BUCKET_OWNER"] == {"Ref": "AWS::AccountId"}
    assert VARIABLES["MODEL_BUCKET"] == {"Ref": "ModelBucketName"}
    assert VARIABLES["MODEL_PREFIX"] == {"Ref": "ModelPrefix"}
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
        ("OutputPrefix", "datasets/*", False),
        *[
            (name, value, is_allowed)
            for name in ("InputPrefix", "ModelPrefix")
            for value, is_allowed in {
                "": True,
                "in/": True,
                "cameras/höhe 1/": True,
                "in": False,
                "/": False,
                "/in/": False,
                "in*/": False,
                "in?/": False,
                "${aws:username}/": False,
            }.items()
        ],
        ("IndexSchedule", DEFAULTS["IndexSchedule"], True),
        ("IndexSchedule", "rate(1 hour)", True),
        ("IndexSchedule", "cron(0 6 ? * MON-FRI *)", True),
        ("IndexSchedule", "every hour", False),
        ("IndexSchedule", "rate()", False),
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
    (rule,) = values_with_id("work-files", BUCKETS["OutputBucket"])
    assert rule["Prefix"] == "pretag-work/"
    assert rule["ExpirationInDays"] == {"Ref": "WorkRetentionDays"}
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] >= 1
    queue_days = of_type("AWS::SQS::Queue")["FailureQueue"]["MessageRetentionPeriod"] / 86400
    parameter = TEMPLATE["Parameters"]["WorkRetentionDays"]
    assert queue_days < parameter["MinValue"] <= parameter["Default"]


def values_with_id(name: str, bucket: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lifecycle rules with an id, also those in a condition."""
    return [rule for rule, _ in lifecycle_rules(bucket) if rule["Id"] == name]


def lifecycle_rules(bucket: dict[str, Any]) -> list[tuple[dict[str, Any], str | None]]:
    """Return the lifecycle rules of a bucket, each with its condition."""
    rules = bucket["LifecycleConfiguration"]["Rules"]
    return [
        (rule["Fn::If"][1], rule["Fn::If"][0]) if "Fn::If" in rule else (rule, None)
        for rule in rules
    ]


def expirations(bucket: dict[str, Any]) -> list[tuple[object, ...]]:
    """Return what each rule deletes: its prefix, its tags, its condition and its days."""
    return [
        (
            json.dumps(rule.get("Prefix")),
            [(tag["Key"], tag["Value"]) for tag in rule.get("TagFilters", [])],
            condition,
            {name: rule[name] for name in sorted(rule.keys() & EXPIRATIONS)},
        )
        for rule, condition in lifecycle_rules(bucket)
        if rule.keys() & EXPIRATIONS and rule["Status"] == "Enabled"
    ]


RESULT_FOLDER = '{"Fn::Sub": "${OutputPrefix}/"}'
OUTPUT_EXPIRATIONS = [
    (
        '"pretag-work/"',
        [],
        None,
        {
            "ExpirationInDays": {"Ref": "WorkRetentionDays"},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        },
    ),
    (
        RESULT_FOLDER,
        [],
        None,
        {"NoncurrentVersionExpiration": {"NoncurrentDays": {"Ref": "ReplacedRetentionDays"}}},
    ),
    ("null", [], None, {"ExpiredObjectDeleteMarker": True}),
    (RESULT_FOLDER, [], "ResultsExpire", {"ExpirationInDays": {"Ref": "ResultRetentionDays"}}),
    (
        RESULT_FOLDER,
        list(REJECTION_TAGS.items()),
        "RejectionsExpire",
        {"ExpirationInDays": {"Ref": "RejectionRetentionDays"}},
    ),
]


def test_results_and_rejections_are_kept_for_as_long_as_their_parameters_say() -> None:
    assert expirations(BUCKETS["OutputBucket"]) == OUTPUT_EXPIRATIONS
    for name, condition in {
        "ResultRetentionDays": "ResultsExpire",
        "RejectionRetentionDays": "RejectionsExpire",
    }.items():
        assert DEFAULTS[name] == 0
        is_zero = {"Fn::Equals": [{"Ref": name}, 0]}
        assert TEMPLATE["Conditions"][condition] == {"Fn::Not": [is_zero]}


@pytest.mark.parametrize("index", range(len(OUTPUT_EXPIRATIONS)))
@pytest.mark.parametrize("change", ["removed", "disabled", "everywhere", "sooner", "always"])
def test_a_changed_lifecycle_rule_is_noticed(change: str, index: int) -> None:
    bucket = copy.deepcopy(BUCKETS["OutputBucket"])
    rules = bucket["LifecycleConfiguration"]["Rules"]
    index += 1  # the first one deletes nothing that was uploaded
    rule, condition = lifecycle_rules(bucket)[index]
    if change == "removed":
        del rules[index]
    elif change == "disabled":
        rule["Status"] = "Disabled"
    elif change == "everywhere":
        rule["Prefix"] = "in"
    elif change == "sooner":
        rule["ExpirationInDays"] = 1
    else:
        rules[index] = rule if condition else {"Fn::If": ["HasEventBus", rule, None]}
    assert expirations(bucket) != OUTPUT_EXPIRATIONS


def test_replaced_objects_of_the_output_bucket_can_be_restored() -> None:
    assert BUCKETS["OutputBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}


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
    queue = {"Fn::GetAtt": "FailureQueue.Arn"}
    for rule in of_type("AWS::Events::Rule").values():
        # What a schedule could not deliver, it sends again the next time.
        for target in [] if "ScheduleExpression" in rule else rule["Targets"]:
            assert target.get("DeadLetterConfig", target)["Arn"] == queue


def test_an_execution_that_fails_in_any_way_goes_to_the_failure_queue() -> None:
    rule = of_type("AWS::Events::Rule")["LongVideoFailed"]
    assert rule["EventPattern"]["detail"] == {
        "stateMachineArn": [{"Ref": "LongVideos"}],
        "status": ["FAILED", "TIMED_OUT", "ABORTED"],
    }
    targets = [target["Arn"] for target in rule["Targets"]]
    assert targets == [{"Fn::GetAtt": "FailureQueue.Arn"}, {"Ref": "LongVideoLeftovers"}]
    allowed = values_of("Condition", of_type("AWS::SQS::QueuePolicy"))
    source = {"Fn::GetAtt": "LongVideoFailed.Arn"}
    assert {"ArnEquals": {"aws:SourceArn": source}} in list(allowed)


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
    assert {name for name, default in DEFAULTS.items() if default is None} == {"ImageUri"}


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_encrypted_and_private_and_stay_when_the_stack_is_deleted(name: str) -> None:
    bucket = BUCKETS[name]
    rules = list(values_of("ServerSideEncryptionByDefault", bucket["BucketEncryption"]))
    assert {rule["SSEAlgorithm"] for rule in rules} <= {"AES256", "aws:kms"}
    assert rules
    assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert RESOURCES[name]["DeletionPolicy"] == "Retain"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_a_key_for_the_results_is_used_if_there_is_one() -> None:
    (rule,) = BUCKETS["OutputBucket"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    condition, with_key, without = rule["Fn::If"]
    assert condition == "HasOutputKey"
    assert with_key == {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": {"Ref": "OutputKmsKeyArn"},
        },
    }
    assert without["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}


def denies_without_tls(resource: dict[str, Any], action: str) -> bool:
    """Tell whether a policy always denies everybody an action without TLS on its one resource."""
    (target,) = resource["Properties"].get("Queues") or resource["Properties"]["Topics"]
    arn = target if action.startswith("sns") else {"Fn::GetAtt": f"{target['Ref']}.Arn"}
    expected = {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": arn,
        "Condition": TLS_ONLY,
    }
    return (
        "Condition" not in resource
        and expected in resource["Properties"]["PolicyDocument"]["Statement"]
    )


TLS_POLICIES = {"FailureQueuePolicy": "sqs:*", "AlarmTopicPolicy": "sns:Publish"}


@pytest.mark.parametrize(("name", "action"), TLS_POLICIES.items())
def test_the_queue_and_the_topic_deny_requests_without_tls(name: str, action: str) -> None:
    assert denies_without_tls(RESOURCES[name], action)
    assert len(of_type(RESOURCES[name]["Type"])) == 1  # a second one would replace it


@pytest.mark.parametrize(("name", "action"), TLS_POLICIES.items())
@pytest.mark.parametrize("change", ["Effect", "Principal", "Action", "Resource", "Condition", ""])
def test_a_changed_tls_policy_is_noticed(change: str, name: str, action: str) -> None:
    resource = copy.deepcopy(RESOURCES[name])
    if change:
        resource["Properties"]["PolicyDocument"]["Statement"][0][change] = "other"
    else:
        resource["Condition"] = "WatchesInputBucket"
    assert not denies_without_tls(resource, action)


def test_only_alarms_of_the_account_may_publish_to_the_topic() -> None:
    allowed = [
        each for each in statements(RESOURCES["AlarmTopicPolicy"]) if each["Effect"] == "Allow"
    ]
    (statement,) = allowed
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Action"] == "sns:Publish"
    assert statement["Condition"]["StringEquals"] == {
        "aws:SourceAccount": {"Ref": "AWS::AccountId"}
    }


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_deny_requests_without_tls(name: str) -> None:
    policies = of_type("AWS::S3::BucketPolicy").values()
    (policy,) = [policy for policy in policies if policy["Bucket"] == {"Ref": name}]
    (deny,) = [statement for statement in statements(policy) if statement["Effect"] == "Deny"]
    assert deny["Condition"] == TLS_ONLY
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


def test_logs_are_deleted_after_some_time() -> None:
    assert FUNCTION["LoggingConfig"] == {"LogGroup": {"Ref": "Logs"}}
    assert RESOURCES["Logs"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert DEFAULTS["LogRetentionDays"] <= 365


def test_the_documentation_has_the_days_of_each_retention() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    parameters = {name for name in DEFAULTS if name.endswith("RetentionDays")}
    rows = dict(re.findall(r"^\| [^|]+ \| `(\w+RetentionDays)` \| (\d+)", text, re.MULTILINE))
    assert rows == {name: str(DEFAULTS[name]) for name in parameters}
    assert len(parameters) == 5
