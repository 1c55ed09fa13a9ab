"""Events of all kinds, and the jobs in them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.events import Job, Skip, is_batch, jobs_in, jobs_in_text, messages_in
from pipeline.errors import BrokenError

EVENTS = Path(__file__).parents[3] / "events"
SEQUENCER = "0067A1B2C3D4E5F601"
PEDESTRIANS = Job("pretag-videos", "incoming/pedestrians.mp4", sequencer=SEQUENCER)


def sample_event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def put_event(key: str, **details: str) -> dict[str, Any]:
    event = sample_event("s3-put")
    (record,) = event["Records"]
    record["s3"]["object"] = {"key": key, **details}
    return event


SAMPLE_EVENTS: dict[str, list[Job | Skip]] = {
    "s3-put": [PEDESTRIANS],
    "s3-put-several": [
        PEDESTRIANS,
        Job("pretag-videos", "incoming/cam 1+2/höhe.MP4", sequencer=SEQUENCER),
        Job("pretag-videos", "incoming/notes.txt", sequencer=SEQUENCER),
    ],
    "s3-test": [Skip("s3:TestEvent", "S3 sends it when a notification is configured")],
    "s3-delete": [Skip(PEDESTRIANS.uri, "ObjectRemoved:Delete creates no object")],
    "sns": [PEDESTRIANS],
    "sqs": [PEDESTRIANS, Job("pretag-videos", "incoming/missing.mp4", sequencer=SEQUENCER)],
    "eventbridge": [PEDESTRIANS],
    "redrive": [PEDESTRIANS],
    "direct": [
        Job(
            "pretag-videos",
            "incoming/pedestrians.mp4",
            config={"sampling": {"every_seconds": 2}, "detector": {"classes": ["person"]}},
            output="s3://pretag-results/trial",
            named=True,
        )
    ],
}


@pytest.mark.parametrize("name", SAMPLE_EVENTS)
def test_each_sample_event_contains_its_jobs(name: str) -> None:
    assert list(jobs_in(sample_event(name))) == SAMPLE_EVENTS[name]


def test_every_sample_event_is_tested() -> None:
    names = {path.stem for path in EVENTS.glob("*.json")}
    assert names - {"bad"} == set(SAMPLE_EVENTS)


def test_the_bad_sample_event_is_an_error() -> None:
    with pytest.raises(BrokenError):
        list(jobs_in(sample_event("bad")))


def test_only_events_from_queues_are_batches() -> None:
    batches = {name for name in SAMPLE_EVENTS if is_batch(sample_event(name))}
    assert batches == {"sqs", "redrive"}


def test_each_message_of_a_batch_has_its_id() -> None:
    assert [message_id for message_id, _ in messages_in(sample_event("sqs"))] == [
        "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000002",
    ]


def test_a_job_has_the_version_the_etag_and_the_sequencer_of_the_event() -> None:
    assert list(jobs_in(put_event("a.mp4", versionId="v1", eTag="abc", sequencer="0A"))) == [
        Job("pretag-videos", "a.mp4", version_id="v1", etag="abc", sequencer="0A")
    ]


any_key = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(any_key)
def test_keys_of_notifications_are_form_decoded(key: str) -> None:
    assert list(jobs_in(put_event(quote_plus(key)))) == [Job("pretag-videos", key)]


@given(any_key)
def test_keys_of_event_bridge_are_not_decoded(key: str) -> None:
    event = sample_event("eventbridge")
    event["detail"]["object"]["key"] = key
    assert list(jobs_in(event)) == [Job("pretag-videos", key, sequencer=SEQUENCER)]


def test_other_events_of_event_bridge_are_skipped() -> None:
    event = {**sample_event("eventbridge"), "detail-type": "Object Tags Added"}
    assert list(jobs_in(event)) == [Skip(PEDESTRIANS.uri, "Object Tags Added creates no object")]


def test_a_message_of_a_topic_in_a_message_of_a_queue_is_unwrapped() -> None:
    (record,) = sample_event("sns")["Records"]
    assert list(jobs_in_text(json.dumps(record["Sns"]))) == [PEDESTRIANS]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (None, "The event is of type NoneType"),
        ({}, r"an unknown form .its keys: none."),
        ({"hello": 1}, r"its keys: hello"),
        ({"Records": [{"eventSource": "aws:kinesis"}]}, "a record from aws:kinesis"),
        ({"video": "https://x/y.mp4"}, "wrong keys or values: video"),
        ({"video": "s3://bucket"}, "wrong keys or values: video"),
        ({"video": 7}, "wrong keys or values: video"),
        ({"video": "s3://b/k", "confg": {}}, "wrong keys or values: confg"),
        ({"video": "s3://b/k", "config": "x"}, "wrong keys or values: config"),
        ({"video": "s3://b/k", "output": "results"}, "wrong keys or values: output"),
        ({"requestPayload": {"a": 1}}, "its keys: a"),
    ],
)
def test_an_unknown_event_is_an_error_that_names_its_fault(
    event: dict[str, Any], message: str
) -> None:
    with pytest.raises(BrokenError, match=message):
        list(jobs_in(event))


@pytest.mark.parametrize(
    ("text", "message"), [("hello", "is not JSON"), ("[1]", "event is of type list")]
)
def test_a_message_without_an_event_is_an_error(text: str, message: str) -> None:
    with pytest.raises(BrokenError, match=message):
        list(jobs_in_text(text))
