"""The costs in the documentation are those of the code and of the template."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from docs import hostile_costs
from docs.hostile_costs import Attack, Function
from handler import metrics
from handler.class_values import LARGEST_NUMBER
from pipeline.drift.drift import Difference, Drift
from pipeline.outcome import Outcome
from pipeline.resources import prices
from pipeline.resources.prices import Rates, bill
from pipeline.runlog import RunLog, ShardTimes
from pipeline.storage import archive_writer
from pipeline.storage.s3 import bucket
from tests.support import emf
from tests.support.cloudformation import RESOURCES, of_type, values_of

PAGE = (Path(hostile_costs.__file__).parent / "reliability.md").read_text()
DEPLOYED = hostile_costs.function_of_template()


@pytest.mark.parametrize("table", [hostile_costs.attack_table, hostile_costs.bound_table])
def test_the_tables_are_those_of_the_template(table: object) -> None:
    assert callable(table)
    assert "\n".join(table(DEPLOYED)) in PAGE, "run: python -m docs.hostile_costs"


def test_the_text_names_the_defaults_and_the_most_that_one_upload_can_cost() -> None:
    text = " ".join(PAGE.split())
    assert f"`MemoryMegabytes` {DEPLOYED.megabytes}, `TimeoutSeconds` {DEPLOYED.seconds}" in text
    assert f"up to {DEPLOYED.attempts} attempts" in text
    assert f"for {DEPLOYED.queue_hours:.0f} hours" in text
    assert f"${hostile_costs.dollars_an_upload(DEPLOYED):.2f}" in text


def test_the_bill_of_a_function_that_works_all_the_time() -> None:
    """By hand: 2 GB for an hour are 7,200 GB-seconds; 3 requests a second are 10,800."""
    function = Function(megabytes=2048, seconds=900, attempts=3, queue_hours=6)
    attack = Attack("three writes a second", uploads=0, writes=3, reads=0)
    hour = hostile_costs.dollars_a_second(attack, function) * 3600
    assert hour == pytest.approx(0.12000024 + 0.054)


def test_each_upload_costs_the_owner_its_request_its_event_and_its_log() -> None:
    attack = Attack("a million uploads a second", uploads=1e6, writes=0, reads=0)
    assert attack.requests() == pytest.approx(5.0)
    assert attack.rest() == pytest.approx(0.20 + 1.00 + 1.50)


def test_an_archive_is_counted_in_the_parts_in_which_it_is_written_and_copied() -> None:
    assert archive_writer.BLOCK_BYTES == prices.PART_BYTES
    assert bucket.LARGEST_COPY_BYTES == prices.LARGEST_COPY_BYTES
    assert bucket.COPIED_PART_BYTES == prices.COPIED_PART_BYTES


@pytest.mark.parametrize(
    ("size_bytes", "writes"),
    [
        (1, 1 + 1),
        (16 * 2**20, 1 + 1),
        (16 * 2**20 + 1, 2 + 2 + 1),
        (1_000_000_000, 60 + 2 + 1),
        (1_000_000_001, 60 + 2 + 5 + 2),
    ],
)
def test_requests_that_write_and_copy_an_archive(size_bytes: int, writes: int) -> None:
    assert prices.archive_writes(size_bytes) == writes


def test_the_bill_has_the_requests_of_the_archive_in_the_place_of_those_of_images() -> None:
    rates = Rates(1024)
    loose = bill(rates, work_seconds=1, frames=3600, fetches=0)
    packed = bill(rates, work_seconds=1, frames=3600, fetches=0, archive_bytes=1_000_000_000)
    assert loose.writes == pytest.approx((2 * 3600 + 23) * 0.000005)
    assert packed.writes == pytest.approx((63 + 23) * 0.000005)
    assert (packed.compute, packed.reads, packed.calls) == (loose.compute, loose.reads, loose.calls)


def test_the_formula_of_a_video_has_the_prices_and_the_requests_of_the_code() -> None:
    docs = Path(hostile_costs.__file__).parent
    operations, template = (
        (docs / "operations.md").read_text(),
        (docs / "../template.yaml").read_text(),
    )
    formula = operations.split("## Costs", 1)[1].split("```")[1]
    for price in (
        prices.GIGABYTE_SECOND, prices.STORAGE_GIGABYTE_SECOND, prices.INVOCATION,
        prices.WRITE, prices.READ, prices.EVENT,
    ):  # fmt: skip
        assert f"{price:.10f}".rstrip("0") in formula
    assert f"({prices.WRITES_A_FRAME}k + {prices.WRITES_A_VIDEO})" in formula
    assert f"(n + {prices.READS_A_VIDEO})" in formula
    assert f"prices of {prices.REGION}, of {prices.AS_OF}" in operations
    assert f"{prices.WRITES_A_FRAME} * FILL(kept, 0) + {prices.WRITES_A_VIDEO} *" in template
    assert f"{prices.GIGABYTE_SECOND:.10f}".rstrip("0") in template


def emit_metrics(
    shards: ShardTimes | None = None, drift: Drift | None = None, *, divided: bool = False
) -> None:
    """Print the metrics of a run, and of a video that was superseded or divided."""
    log = replace(RunLog(), total_seconds=1, video_seconds=1, shards=shards, drift=drift)
    metrics.emit_outcome(Outcome("s3://a/b.mp4", "done", "s3://c", None, None, log), ())
    metrics.emit_superseded("s3://a/b.mp4")
    if divided:
        metrics.emit_divided("s3://a/b.mp4")


def alarms() -> Counter[str | None]:
    """Return the number of metrics in alarms, which are paid for, by condition of the alarm."""
    counts: Counter[str | None] = Counter()
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        # Of the two metrics in its `If`, a stack has one.
        watched = 1 if name == "ConcurrencyAlarm" else len(list(values_of("MetricName", alarm)))
        counts[RESOURCES[name].get("Condition")] += watched
    return counts


def test_the_costs_of_cloudwatch_are_those_of_the_metrics_and_alarms_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "pretag-test")
    page = (Path(hostile_costs.__file__).parent / "operations.md").read_text()

    def emitted() -> set[str]:
        blobs = emf.blobs(capsys.readouterr().out)
        return {name for blob in blobs for name, _ in emf.values(blob)}

    emit_metrics()
    always = emitted()
    emit_metrics(shards=ShardTimes((1.0,)), divided=True)
    divided = emitted() - always
    emit_metrics(drift=Drift(99, Difference(0.1, 0.2, 0.1), Difference(0.1, 0.2, 0.1)))
    drift = emitted() - always
    least, most = 0.3 * len(always), 0.3 * len(always | divided | drift)
    assert (
        f"| {len(always)}; {len(divided)} more with long videos; {len(drift)} more with a "
        f"baseline | {least:.2f} to {most:.2f} |"
    ) in page

    watched = alarms()
    long_videos, existing = watched["HasShards"], watched["WatchesInputBucket"]
    usual, fewest, all_alarms = watched[None] + long_videos, watched[None], watched.total()
    assert (
        f"| {usual}; {usual + existing} with a bucket that you already have; "
        f"{watched['ShiftsTraffic']} more unless `TrafficShift` is `off`; {long_videos} less "
        f"without long videos | {0.1 * fewest:.2f} to {0.1 * all_alarms:.2f} |"
    ) in page
    classes, dashboard = 0.3 * (LARGEST_NUMBER + 1), 3.0
    assert f"at most {classes:.2f} |" in page
    total = most + classes + 0.1 * all_alarms + dashboard
    assert f"So a stack costs ${least + 0.1 * fewest:.2f} to ${total:.2f}." in page
