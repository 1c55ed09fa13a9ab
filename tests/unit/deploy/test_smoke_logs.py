"""How the test of a deployed stack finds the metrics of its uploads in the log."""

import json

import boto3
import pytest
from botocore.stub import Stubber

from deploy.smoke.deployed import Deployed

KEY = "incoming/pretag-smoke/0123abcd/pedestrians.mp4"
STARTED_MS = 1_700_000_000_000
MINUTES_15_MS = 900_000


def test_metrics_are_found_behind_an_empty_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudWatch answers with empty pages while it searches a large log."""
    client = boto3.client("logs", region_name="eu-central-1")
    monkeypatch.setattr(boto3, "client", lambda _service: client)
    deployed = Deployed({"InputBucket": "videos", "LogGroup": "/pretag/x"}, {}, STARTED_MS)
    metrics = {"video": f"s3://videos/{KEY}", "VideosProcessed": 1}
    other = {"video": "s3://videos/other.mp4", "VideosProcessed": 1}
    asked = {
        "logGroupName": "/pretag/x",
        "startTime": STARTED_MS - MINUTES_15_MS,
        "filterPattern": '"_aws" "0123abcd/pedestrians.mp4"',
    }
    found = [{"message": json.dumps(each)} for each in (other, metrics)]
    with Stubber(client) as stubber:
        stubber.add_response("filter_log_events", {"events": [], "nextToken": "next"}, asked)
        stubber.add_response("filter_log_events", {"events": found}, {**asked, "nextToken": "next"})
        assert deployed.metrics(KEY) == [metrics]
        stubber.assert_no_pending_responses()
