"""The load test: when uploads are sent, and what is made of their times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from bench.load import __main__ as command
from bench.load.deployed import StackUnderLoad
from bench.load.driving import POLL_SECONDS, drive
from bench.load.plan import Plan
from bench.load.report import report
from bench.load.statistics import Served, Summary, percentile
from deploy.smoke.deployed import Deployed
from tests.support.emulated_aws import emulated_aws

if TYPE_CHECKING:
    from bench.load.driving import Ending


@dataclass
class Machine:
    """A clock, and a target whose uploads end some time after they were sent."""

    work_seconds: dict[int, float]
    upload_seconds: float = 0.0
    rejected: frozenset[int] = frozenset()
    now: float = 100.0
    sent: dict[int, float] = field(default_factory=dict)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def upload(self, number: int) -> None:
        self.now += self.upload_seconds
        self.sent[number] = self.now

    def endings(self) -> dict[int, Ending]:
        return {
            number: "rejected" if number in self.rejected else "done"
            for number, sent in self.sent.items()
            if self.now - sent >= self.work_seconds[number]
        }


def load(machine: Machine, plan: Plan) -> Summary:
    uploads = drive(plan, machine, clock=machine.clock, sleep=machine.sleep)
    return Summary.of(plan, uploads, Served(failures=0, throttles=None, dollars=0.5))


def test_uploads_are_sent_at_the_rate_and_each_latency_is_measured() -> None:
    machine = Machine({number: 1.0 + number for number in range(5)})
    summary = load(machine, Plan(5, per_second=0.5, seconds=60))
    assert [sent - 100 for sent in machine.sent.values()] == pytest.approx(
        [0, 2, 4, 6, 8], abs=POLL_SECONDS
    )
    assert summary.latencies == pytest.approx([1, 2, 3, 4, 5], abs=POLL_SECONDS)
    assert (summary.errors, summary.missing) == (0, 0)
    assert summary.seconds == pytest.approx(13, abs=3 * POLL_SECONDS)


def test_a_rejection_and_an_upload_without_an_ending_are_errors_and_the_time_is_bounded() -> None:
    machine = Machine({0: 1, 1: 1, 2: 1e9}, rejected=frozenset({1}))
    summary = load(machine, Plan(3, per_second=10, seconds=20))
    assert (len(summary.latencies), summary.rejected, summary.missing) == (1, 1, 1)
    assert summary.errors == 2
    assert machine.now - 100 <= 20 + 2 * POLL_SECONDS


def test_a_target_that_is_slow_to_take_uploads_is_told_by_the_lateness() -> None:
    machine = Machine({0: 0, 1: 0}, upload_seconds=3)
    summary = load(machine, Plan(2, per_second=10, seconds=20))
    assert summary.latest_seconds == pytest.approx(5.9)
    assert summary.latencies == pytest.approx([3, 0], abs=POLL_SECONDS)  # seen after both were sent


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        ((0, 1, 60), "1 to 1000 uploads"),
        ((1001, 20, 60), "1 to 1000 uploads"),
        ((1, 0, 60), "at most 20 uploads a second"),
        ((1, 21, 60), "at most 20 uploads a second"),
        ((1, 1, 1801), "at most 1800 s"),
        ((61, 1, 60), "The last upload is due after 60 s"),
    ],
)
def test_count_rate_and_time_are_bounded(numbers: tuple[int, float, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Plan(*numbers)


def test_wrong_usage_ends_with_2_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--uploads", "0"], ["--stack", "pretag-dev", "--write"]):
        with pytest.raises(SystemExit) as ended:
            command.main(arguments)
        assert ended.value.code == 2
    err = capsys.readouterr().err
    assert "Send 1 to 1000 uploads, not 0." in err
    assert "--write is for the emulator" in err


@pytest.mark.parametrize(("percent", "expected"), [(50, 10), (95, 19), (99, 20), (100, 20), (5, 1)])
def test_percentiles_by_nearest_rank(percent: float, expected: float) -> None:
    assert percentile(list(range(20, 0, -1)), percent) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.1, 100), st.floats(0.1, 100))
def test_a_percentile_is_a_value_and_grows_with_the_percent(
    values: list[float], one: float, other: float
) -> None:
    low, high = (percentile(values, each) for each in sorted((one, other)))
    assert low in values
    assert low <= high
    assert sum(value <= low for value in values) >= min(one, other) / 100 * len(values)


def test_the_report_has_a_row_for_each_load() -> None:
    plan = Plan(4, per_second=2, seconds=60)
    summary = Summary(plan, (1.0, 2.0, 9.0), 1, 0, 0.0, 12.0, Served(2, 3, 0.0006))
    nothing = Summary(plan, (), 0, 4, 0.0, 0.0, Served(0, None, 0.0))
    text = report("Load", "Limits.", [summary, nothing])
    assert "| 2 | 4 | 2.0 | 9.0 | 9.0 | 12 | 1 | 2 | 3 | $0.000200 |" in text
    assert "| 2 | 4 | - | - | - | 0 | 4 | 0 | not counted | - |" in text
    assert all(len(line) <= 120 for line in text.splitlines() if not line.startswith("|"))


def test_endings_costs_and_failures_are_read_from_a_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with emulated_aws():
        s3, sqs = boto3.client("s3"), boto3.client("sqs")
        for bucket in ("videos", "results"):
            s3.create_bucket(Bucket=bucket)
        queue = sqs.create_queue(QueueName="failures")["QueueUrl"]
        outputs = {"InputBucket": "videos", "OutputBucket": "results", "FailureQueue": queue}
        parameters = {"InputPrefix": "incoming/", "OutputPrefix": "pretag"}
        target = StackUnderLoad(Deployed(outputs, parameters), counts_throttles=False)
        target.upload(0)
        target.upload(1)
        assert target.endings() == {}
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="videos")["Contents"]]
        assert [key.rpartition("/")[2] for key in keys] == ["0000.mp4", "0001.mp4"]
        folder = f"pretag/{keys[0]}/0123456789abcdef"
        put = {
            f"{folder}/manifest.json": b'{"figures": {"dollars": 0.25}}',
            f"{folder}/images/default/frame_000000.jpg": b"",
            f"pretag/{keys[1]}/0123456789abcdef/rejection.json": b"{}",
        }
        for key, body in put.items():
            s3.put_object(Bucket="results", Key=key, Body=body)
        sqs.send_message(QueueUrl=queue, MessageBody="{}")
        assert target.endings() == {0: "done", 1: "rejected"}
        assert target.served() == Served(failures=1, throttles=None, dollars=0.25)
        target.remove()
        assert "Contents" not in s3.list_objects_v2(Bucket="videos")
        assert "Contents" not in s3.list_objects_v2(Bucket="results")


def test_throttles_are_counted_when_cloudwatch_has_all_invocations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with emulated_aws():
        s3, cloudwatch = boto3.client("s3"), boto3.client("cloudwatch")
        for bucket in ("videos", "results"):
            s3.create_bucket(Bucket=bucket)
        queue = boto3.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
        outputs = {
            "InputBucket": "videos", "OutputBucket": "results", "FailureQueue": queue,
            "Function": "pretag",
        }  # fmt: skip
        deployed = Deployed(outputs, {"InputPrefix": "", "OutputPrefix": "pretag"})
        now, dimensions = 0.0, [{"Name": "FunctionName", "Value": "pretag"}]

        def sleep(seconds: float) -> None:
            nonlocal now
            now += seconds

        def has_metrics_at_last(seconds: float) -> None:
            if now == 0:
                values = {"Invocations": 2.0, "Throttles": 4.0}
                data = [
                    {"MetricName": name, "Value": value, "Dimensions": dimensions}
                    for name, value in values.items()
                ]
                cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=data)
            sleep(seconds)

        target = StackUnderLoad(deployed, counts_throttles=True, clock=lambda: now, sleep=sleep)
        target.upload(0)
        target.upload(1)
        assert target.served().throttles is None  # after some minutes without metrics
        now = 0.0
        target = StackUnderLoad(
            deployed, counts_throttles=True, clock=lambda: now, sleep=has_metrics_at_last
        )
        target.upload(0)
        target.upload(1)
        assert target.served().throttles == 4


def test_what_cannot_be_measured_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    with pytest.raises(SystemExit, match="Nothing was measured: "):
        command.main([])

    def unknown(name: str) -> Deployed:
        answer: Any = {"Error": {"Code": "ValidationError", "Message": f"no stack {name}"}}
        raise ClientError(answer, "DescribeStacks")

    monkeypatch.setattr(Deployed, "named", unknown)
    with pytest.raises(SystemExit, match=r"no stack pretag-x\. Check the name of the stack"):
        command.main(["--stack", "pretag-x"])
    monkeypatch.setattr(Deployed, "named", lambda _name: Deployed({}, {}))
    with pytest.raises(SystemExit, match="has no output or parameter"):
        command.main(["--stack", "pretag-x"])
