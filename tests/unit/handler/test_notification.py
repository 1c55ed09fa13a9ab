"""The event that tells EventBridge of a result or a rejection."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from moto.events.models import EventPattern

from handler.notification import Notification, events_client, send_notification
from pipeline.errors import BrokenError, RetryableError
from pipeline.runlog import RunLog
from tests.support.emulated_aws import emulated_aws

RESULT = Notification(
    bucket="videos",
    key="incoming/cam 1+2/höhe.mp4",
    version_id="3sL4kqtJlcpXroDTDmJ",
    run_id="0123456789abcdef",
    result="s3://results/pretag/incoming/cam 1+2/höhe.mp4/0123456789abcdef",
    ending="done",
    reason=None,
    counts={"frames_kept": 23, "detections": 112},
)
REJECTION = replace(RESULT, version_id=None, ending="rejected", reason="not_a_video")
OPERATIONS = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()

Entry = dict[str, str]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Entry]]:
    """Emulate EventBridge. Return the entries of the requests that the client sends to it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    events_client.cache_clear()
    entries: list[Entry] = []

    def note(params: Mapping[str, Any], **_rest: object) -> None:
        entries.extend(params["Entries"])

    with emulated_aws():
        client = events_client()
        client.meta.events.register("provide-client-params.events.PutEvents", note)
        client.create_event_bus(Name="videos")
        yield entries
    events_client.cache_clear()


def delivered(entry: Entry) -> dict[str, Any]:
    """Return the parts of an event that patterns match, as EventBridge delivers it."""
    return {
        "source": entry["Source"],
        "detail-type": entry["DetailType"],
        "detail": json.loads(entry["Detail"]),
    }


def code_blocks(language: str) -> list[str]:
    section = OPERATIONS.partition("## Do something when a result is published\n")[2]
    return re.findall(rf"```{language}\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)


def pattern_of_the_template() -> str:
    (block,) = code_blocks("yaml")
    text = re.sub(r"!(Ref|GetAtt) ", "", block)
    return json.dumps(
        yaml.safe_load(text)["Resources"]["ResultPublished"]["Properties"]["EventPattern"]
    )


def pattern_of_the_command() -> str:
    (block,) = code_blocks("sh")
    (pattern,) = re.findall(r"--event-pattern '(.*?)'", block, re.DOTALL)
    return str(pattern)


@pytest.mark.parametrize(
    ("notification", "detail_type"),
    [(RESULT, "Result Published"), (REJECTION, "Video Rejected")],
    ids=["done", "rejected"],
)
def test_one_event_has_all_fields_as_its_detail(
    notification: Notification, detail_type: str, sent: list[Entry]
) -> None:
    send_notification("videos", notification)
    (entry,) = sent
    assert (entry["EventBusName"], entry["Source"]) == ("videos", "pretag")
    assert entry["DetailType"] == detail_type
    assert json.loads(entry["Detail"]) == asdict(notification)


def test_the_example_of_the_docs_has_the_fields_of_an_event(sent: list[Entry]) -> None:
    send_notification("default", replace(RESULT, counts=RunLog().counts()))
    (example,) = map(json.loads, code_blocks("json"))
    event = delivered(sent[0])
    assert (example["source"], example["detail-type"]) == (event["source"], event["detail-type"])
    assert list(example["detail"]) == list(event["detail"])
    assert list(example["detail"]["counts"]) == list(event["detail"]["counts"])


def test_the_rules_of_the_docs_match_the_events_that_they_are_for(sent: list[Entry]) -> None:
    for notification in (RESULT, REJECTION, replace(RESULT, key="elsewhere/a.mp4")):
        send_notification("default", notification)
    events: list[Any] = [delivered(entry) for entry in sent]
    results = EventPattern.load(pattern_of_the_template())
    assert [results.matches_event(event) for event in events] == [True, False, False]
    rejections = EventPattern.load(pattern_of_the_command())
    assert [rejections.matches_event(event) for event in events] == [False, True, False]


def test_an_event_of_the_longest_key_is_far_below_the_limit_of_eventbridge(
    sent: list[Entry],
) -> None:
    # JSON writes this character with six bytes.
    key = "\x01" * 1024
    counts = dict.fromkeys(RunLog().counts(), 2**63)
    longest = replace(RESULT, key=key, result=f"s3://{'b' * 63}/{key}{key}/run", counts=counts)
    send_notification("default", longest)
    (entry,) = sent
    assert sum(len(value.encode()) for value in entry.values()) < 256 * 1024 / 10
    assert json.loads(entry["Detail"])["key"] == key


def test_a_bus_that_eventbridge_does_not_find_is_broken_and_named(sent: list[Entry]) -> None:
    with pytest.raises(BrokenError, match=r"bus missing .*ResourceNotFound.*the bus exists"):
        send_notification("missing", RESULT)
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ThrottlingException", 400, RetryableError),
        ("SlowDown", 429, RetryableError),
        ("InternalException", 500, RetryableError),
        ("ServiceUnavailable", 503, RetryableError),
        ("AccessDeniedException", 400, BrokenError),
        ("ValidationException", 400, BrokenError),
        ("UnknownCode", 403, BrokenError),
    ],
)
@pytest.mark.usefixtures("sent")
def test_an_error_of_the_request_is_retryable_only_if_eventbridge_is_at_fault(
    code: str, status: int, error: type[Exception]
) -> None:
    with Stubber(events_client()) as stub:
        stub.add_client_error("put_events", code, "Why.", status)
        with pytest.raises(
            error, match=rf"bus videos \({code}: Why\.\)\. (It is tried again|Check)"
        ):
            send_notification("videos", RESULT)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", RetryableError),
        ("InternalFailure", RetryableError),
        ("AccessDeniedException", BrokenError),
        ("NotAuthorizedForSourceException", BrokenError),
    ],
)
@pytest.mark.usefixtures("sent")
def test_an_entry_that_failed_in_a_request_that_did_not_is_an_error(
    code: str, error: type[Exception]
) -> None:
    entry = {"ErrorCode": code, "ErrorMessage": "Why."}
    with Stubber(events_client()) as stub:
        stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": [entry]})
        with pytest.raises(error, match=rf"bus videos \({code}: Why\.\)"):
            send_notification("videos", RESULT)


@pytest.mark.usefixtures("sent")
def test_a_network_failure_is_retryable() -> None:
    def fail(**_arguments: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://events.invalid")

    events_client().meta.events.register("before-call.events.PutEvents", fail)
    with pytest.raises(RetryableError, match=r"could not be reached for the bus videos"):
        send_notification("videos", RESULT)


def test_a_process_without_a_region_is_broken(
    sent: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it may have read another file
    events_client.cache_clear()
    with pytest.raises(BrokenError, match="Configure AWS credentials and a region"):
        send_notification("videos", RESULT)
    assert sent == []
