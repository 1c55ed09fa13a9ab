"""The alarms and the dashboard of template.yaml."""

import copy
import json
import re
from typing import Any

import pytest

from tests.e2e.template import ROOT
from tests.support.cloudformation import DEFAULTS, RESOURCES, TEMPLATE, of_type, values_of
from tests.support.state_machine import LEFTOVERS

ALARMS = of_type("AWS::CloudWatch::Alarm")
WATCHED = {
    "ErrorAlarm": {"Errors"},
    "NewVersionErrorAlarm": {"Errors"},
    "NewVersionDurationAlarm": {"Duration"},
    "ThrottleAlarm": {"Throttles"},
    "ConcurrencyAlarm": {"ConcurrentExecutions", "ResourceCount"},
    "DurationAlarm": {"Duration"},
    "FailureQueueAlarm": {"ApproximateNumberOfMessagesVisible"},
    "OldFailureAlarm": {"ApproximateAgeOfOldestMessage"},
    "UndeliveredAlarm": {
        "FailedInvocations",
        "InvocationsSentToDlq",
        "InvocationsFailedToBeSentToDlq",
    },
    "LostEventAlarm": {"DestinationDeliveryFailures"},
    "LongVideoAlarm": {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"},
    "LostLongVideoAlarm": {"FailedInvocations"},
    "LeftoversAlarm": {"ExecutionsFailed"},
    "RejectionAlarm": {"VideosRejected"},
    "SupersededAlarm": {"VideosSuperseded"},
    "DriftAlarm": {"RunsDrifted"},
}


def test_every_kind_of_failure_has_an_alarm() -> None:
    assert {name: set(values_of("MetricName", alarm)) for name, alarm in ALARMS.items()} == WATCHED
    conditions = {name: RESOURCES[name].get("Condition") for name in ALARMS}
    assert {name: condition for name, condition in conditions.items() if condition} == {
        "UndeliveredAlarm": "WatchesInputBucket",
        "NewVersionErrorAlarm": "ShiftsTraffic",
        "NewVersionDurationAlarm": "ShiftsTraffic",
        "LongVideoAlarm": "HasShards",
        "LostLongVideoAlarm": "HasShards",
        "LeftoversAlarm": "HasShards",
    }


def test_failed_executions_of_each_state_machine_raise_an_alarm() -> None:
    watched = {
        dimension["Value"]["Ref"]
        for alarm in ALARMS.values()
        for dimensions in values_of("Dimensions", alarm)
        for dimension in dimensions
        if dimension["Name"] == "StateMachineArn"
    }
    assert watched == set(of_type("AWS::StepFunctions::StateMachine"))
    assert "TimeoutSeconds" not in LEFTOVERS  # else an execution can end as TIMED_OUT too


@pytest.mark.parametrize("name", ALARMS)
def test_alarms_notify_the_topic_and_name_a_row_of_the_documentation(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    (row,) = re.findall(r'See docs/operations.md, "(.+)"\.$', alarm["AlarmDescription"])
    assert f"| {row} |" in (ROOT / "docs" / "operations.md").read_text()


def faults(alarm: dict[str, Any]) -> list[str]:
    """Return what is wrong with the metric math of an alarm."""
    branches = alarm["Metrics"]
    branches = branches["Fn::If"][1:] if "Fn::If" in branches else [branches]
    found = []
    for queries in branches:
        returned = [query for query in queries if query.get("ReturnData", True)]
        if len(returned) != 1 or "Expression" not in returned[0]:
            found.append("not one expression decides")
        ids = {query["Id"] for query in queries if "MetricStat" in query}
        expressions = [query["Expression"] for query in queries if "Expression" in query]
        for expression in expressions:
            text = expression["Fn::Sub"] if isinstance(expression, dict) else expression
            names = set(re.findall(r"\b[a-z][a-z_]*\b", re.sub(r"\$\{[^}]*\}", "1", text)))
            if names != ids:
                found.append(f"{text} uses {names}, and there are {ids}")
    return found


@pytest.mark.parametrize("name", [name for name, alarm in ALARMS.items() if "Metrics" in alarm])
def test_metric_math_uses_all_of_its_metrics_and_a_fault_in_it_is_noticed(name: str) -> None:
    alarm = ALARMS[name]
    assert not faults(alarm)
    for key in ("Id", "Expression", "ReturnData"):
        changed = copy.deepcopy(alarm)
        queries = changed["Metrics"]
        queries = queries["Fn::If"][1] if "Fn::If" in queries else queries
        queries[0][key] = False if key == "ReturnData" else "other"
        if key == "Id":
            queries[1][key] = "other"
        assert faults(changed), key


def test_the_alarms_are_near_the_limits() -> None:
    for name in ("DurationAlarm", "NewVersionDurationAlarm"):
        (expression,) = values_of("Expression", ALARMS[name])
        assert expression == {"Fn::Sub": "100 * milliseconds / (1000 * ${TimeoutSeconds})"}
    own, of_account = values_of("Expression", ALARMS["ConcurrencyAlarm"])
    assert own == {"Fn::Sub": "100 * used / ${ReservedConcurrency}"}
    assert of_account == "100 * used / SERVICE_QUOTA(used)"
    assert ALARMS["ConcurrencyAlarm"]["Metrics"]["Fn::If"][0] == "HasReservedConcurrency"
    for name in ("DurationAlarm", "NewVersionDurationAlarm", "ConcurrencyAlarm"):
        assert ALARMS[name]["Threshold"] == 90
        assert set(values_of("Stat", ALARMS[name])) == {"Maximum"}
    kept_seconds = of_type("AWS::SQS::Queue")["FailureQueue"]["MessageRetentionPeriod"]
    assert ALARMS["OldFailureAlarm"]["Threshold"] <= kept_seconds / 2
    for name in ("RejectionsPerHour", "SupersededPerHour", "DriftsPerDay"):
        assert DEFAULTS[name] >= TEMPLATE["Parameters"][name]["MinValue"] >= 1


def dashboard(**parameters: str) -> dict[str, Any]:
    """Return the dashboard with all of its names replaced."""
    text, extra = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    condition, arm, x86 = extra["GigabyteSecond"]["Fn::If"]
    assert (condition, TEMPLATE["Conditions"][condition]) == (
        "IsArm",
        {"Fn::Equals": [{"Ref": "Architecture"}, "arm64"]},
    )
    assert float(arm) == pytest.approx(0.8 * float(x86), rel=1e-4)
    values: dict[str, str] = {
        **{name: str(value) for name, value in DEFAULTS.items()},
        "GigabyteSecond": x86,
    }
    values |= parameters
    body: dict[str, Any] = json.loads(
        re.sub(r"\$\{([^}]+)\}", lambda match: values.get(str(match[1]), str(match[1])), text)
    )
    return body


def test_the_dashboard_is_json_and_its_widgets_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in dashboard()["widgets"]:
        x, y, width, height = (widget[name] for name in ("x", "y", "width", "height"))
        assert x + width <= 24
        cells = {(x + i, y + j) for i in range(width) for j in range(height)}
        assert not cells & taken
        taken |= cells


def test_the_dashboard_shows_the_trend_of_drift_and_where_a_run_has_drifted() -> None:
    (widget,) = [
        each["properties"]
        for each in dashboard()["widgets"]
        if "Drift" in each["properties"]["title"]
    ]
    level, largest, drifted = widget["metrics"]
    assert level[:3] == ["pretag", "DriftLevel", "service"]
    assert [each[-1]["stat"] for each in (level, largest, drifted)] == ["p50", "Maximum", "Sum"]
    assert drifted[1] == ALARMS["DriftAlarm"]["MetricName"] == "RunsDrifted"
    assert widget["annotations"]["horizontal"] == [{"value": 1}]


def test_the_estimated_cost_is_that_of_the_documentation() -> None:
    (widget,) = [
        widget["properties"]
        for widget in dashboard(StorageMegabytes="2560")["widgets"]
        if "dollars" in widget["properties"]["title"]
    ]
    assert (widget["period"], widget["stat"]) == (3600, "Sum")
    expressions = {
        metric[0]["id"]: metric[0]["expression"].replace("FILL(", "fill(")
        for metric in widget["metrics"]
        if isinstance(metric[0], dict)
    }
    measured = {
        "milliseconds": 2_000_000.0,
        "calls": 1000,
        "kept": 23_000,
        "done": 1000,
        "fill": lambda value, _otherwise: value,
    }
    cost = {name: eval(text, {}, measured) for name, text in expressions.items()}  # noqa: S307 - our own
    seconds = 2000
    assert cost["compute"] == pytest.approx(
        seconds * 3008 / 1024 * 0.0000166667
        + seconds * (2560 - 512) / 1024 * 0.0000000309
        + 1000 * 0.0000002
    )
    assert cost["objects"] == pytest.approx(1000 * (2 * 23 + 23) * 0.000005)
