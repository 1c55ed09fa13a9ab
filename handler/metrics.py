"""Print the run log as CloudWatch metrics, in embedded metric format on standard output.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
A video's name is metadata and never a dimension, because each value of a dimension is one more
metric to pay for. Metadata belongs to one EMF object, so each video has an object of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from handler.class_values import ClassValues
from handler.correlation import current_correlation
from pipeline.drift.drift import Drift, drift_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_lambda_powertools.metrics.base import SingleMetric

    from pipeline.outcome import Outcome
    from pipeline.runlog import RunLog

NAMESPACE = "pretag"

_class_values = ClassValues()
_STATUSES = {
    "rejected": "VideosRejected",
    "done": "VideosProcessed",
    "repeated": "VideosRepeated",
}
_COUNTS = {
    "frames_decoded": "FramesDecoded",
    "frames_corrupt": "FramesCorrupt",
    "frames_lost": "FramesLost",
    "frames_sampled": "FramesSampled",
    "frames_kept": "FramesKept",
    "detections": "Detections",
}


def emit_outcome(outcome: Outcome, labels: Sequence[str]) -> None:
    """Print the metrics of a video that was processed, rejected or repeated.

    Args:
        outcome: the outcome of the video.
        labels: labels of the deployed model; empty if the event named another model.
    """
    metrics = _metrics(outcome.video)
    for status, name in _STATUSES.items():
        metrics.add_metric(name, MetricUnit.Count, int(outcome.status == status))
    if outcome.reason is not None:
        metrics.add_metadata("reason", outcome.reason)
    if outcome.status == "done":
        _add_log(metrics, outcome.log)
    metrics.flush_metrics()
    for value, count in _class_values.counts(outcome.log.detections_by_class, labels).items():
        with single_metric(
            "DetectionsByClass", MetricUnit.Count, count, namespace=NAMESPACE
        ) as metric:
            metric.add_dimension("service", metrics.service or NAMESPACE)
            metric.add_dimension("class", value)
            _add_video(metric, outcome.video)


def emit_superseded(video: str) -> None:
    """Print the metric of a video that was superseded."""
    metrics = _metrics(video)
    metrics.add_metric("VideosSuperseded", MetricUnit.Count, 1)
    metrics.flush_metrics()


def emit_divided(video: str) -> None:
    """Print the metric of a video that was divided among many invocations."""
    metrics = _metrics(video)
    metrics.add_metric("VideosDivided", MetricUnit.Count, 1)
    metrics.flush_metrics()


def _metrics(video: str) -> Metrics:
    metrics = Metrics(namespace=NAMESPACE)
    _add_video(metrics, video)
    return metrics


def _add_video(metrics: Metrics | SingleMetric, video: str) -> None:
    """Add which video, and which upload of it, as metadata."""
    metrics.add_metadata("video", video)
    correlation_id = current_correlation()
    if correlation_id is not None:
        metrics.add_metadata("correlation_id", correlation_id)


def _add_log(metrics: Metrics, log: RunLog) -> None:
    counts = log.counts()
    for name, metric in _COUNTS.items():
        metrics.add_metric(metric, MetricUnit.Count, counts[name])
    for stage in log.stages.values():
        metrics.add_metric(f"{stage.name.title()}Seconds", MetricUnit.Seconds, stage.seconds)
    fetched_megabytes = log.stage("fetch").items_out / 1e6
    metrics.add_metric("MegabytesFetched", MetricUnit.Megabytes, fetched_megabytes)
    metrics.add_metric("TotalSeconds", MetricUnit.Seconds, log.total_seconds)
    metrics.add_metric("DecodeCoverage", MetricUnit.Percent, 100 * log.coverage.share)
    metrics.add_metric("SecondsLost", MetricUnit.Seconds, log.coverage.seconds_lost)
    metrics.add_metric("SecondsShort", MetricUnit.Seconds, log.coverage.seconds_short)
    metrics.add_metric("VideoSeconds", MetricUnit.Seconds, log.video_seconds)
    metrics.add_metric("RealTimeFactor", MetricUnit.NoUnit, log.real_time_factor)
    metrics.add_metric("PeakMemory", MetricUnit.Megabytes, log.peak_memory_megabytes)
    if log.shards is not None:
        metrics.add_metric("Shards", MetricUnit.Count, len(log.shards.seconds))
        metrics.add_metric("ShardSeconds", MetricUnit.Seconds, sum(log.shards.seconds))
        metrics.add_metric("SlowestShardSeconds", MetricUnit.Seconds, max(log.shards.seconds))
    if isinstance(log.drift, Drift):
        metrics.add_metric("DriftLevel", MetricUnit.NoUnit, log.drift.level)
        metrics.add_metric("RunsDrifted", MetricUnit.Count, int(log.drift.is_drifted))
    if log.drift is not None:
        metrics.add_metadata("drift", drift_json(log.drift))
    if log.dollars is not None:
        metrics.add_metadata("dollars", log.dollars)
