"""The metrics that the handler prints for a video."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support import emf
from tests.support.clips import SAMPLE
from tests.support.lambda_function import (
    KEY,
    RESULTS,
    VARIABLES,
    VIDEOS,
    invoke,
    notify,
    put_video,
    result_files,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SERVICE = frozenset({("service", VARIABLES["POWERTOOLS_SERVICE_NAME"])})


def test_the_metrics_of_a_video_are_its_counts_and_times(
    s3: S3Client, capsys: pytest.CaptureFixture[str]
) -> None:
    (video,) = notify(put_video(s3))["videos"]
    counts = video["counts"]
    blobs = emf.blobs(capsys.readouterr().out)
    assert {blob["video"] for blob in blobs} == {f"s3://{VIDEOS}/{KEY}"}
    metrics = {name: value for blob in blobs for name, value in emf.values(blob).items()}
    for name, expected in {
        "VideosProcessed": 1,
        "VideosRejected": 0,
        "FramesDecoded": 300,
        "FramesCorrupt": 0,
        "FramesLost": 0,
        "SecondsLost": 0,
        "SecondsShort": 0,
        "DecodeCoverage": 100,
        "FramesSampled": 6,
        "FramesKept": counts["frames_kept"],
        "Detections": counts["detections"],
        "MegabytesFetched": SAMPLE.stat().st_size / 1e6,
    }.items():
        assert metrics[name, SERVICE] == expected
    for stage in ("Fetch", "Decode", "Dedupe", "Detect", "Encode", "Write", "Total"):
        assert metrics[f"{stage}Seconds", SERVICE] > 0
    assert metrics["VideoSeconds", SERVICE] == 29.9
    total_seconds = metrics["TotalSeconds", SERVICE]
    assert metrics["RealTimeFactor", SERVICE] == pytest.approx(total_seconds / 29.9)
    assert metrics["PeakMemory", SERVICE] > 50
    assert {name for _, dimensions in metrics for name, _ in dimensions} == {"service", "class"}


def test_the_metrics_by_class_are_the_counts_of_the_dataset(
    s3: S3Client, capsys: pytest.CaptureFixture[str]
) -> None:
    (video,) = notify(put_video(s3))["videos"]
    blobs = emf.blobs(capsys.readouterr().out)
    metrics = {name: value for blob in blobs for name, value in emf.values(blob).items()}
    path = f"{video['result']}/annotations/instances_default.json"
    coco = json.loads(result_files(s3)[path.removeprefix(f"s3://{RESULTS}/")])
    persons = sum(entry["category_id"] == 1 for entry in coco["annotations"])
    assert metrics["DetectionsByClass", SERVICE | {("class", "001 person")}] == persons > 10
    by_class = [value for (name, _), value in metrics.items() if name == "DetectionsByClass"]
    assert sum(by_class) == len(coco["annotations"]) == video["counts"]["detections"]


def test_an_event_that_names_a_model_adds_no_class(
    s3: S3Client, capsys: pytest.CaptureFixture[str]
) -> None:
    put_video(s3)
    config = {"detector": {"model": "ssdlite_mobilenet_v2_coco"}}
    (video,) = invoke({"video": f"s3://{VIDEOS}/{KEY}", "config": config})["videos"]
    assert video["counts"]["detections"] > 10
    blobs = emf.blobs(capsys.readouterr().out)
    assert {blob["class"] for blob in blobs if "class" in blob} == {"other"}
